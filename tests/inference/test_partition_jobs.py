import pytest

from asterism.errors import ConfigurationError
from asterism.inference.partition_jobs import check_workers, over_partitions


class Counting:
    """Stands for a model that was loaded from nowhere."""

    directory = None
    fingerprint = "abc"


def work(model, catalog, partition, argument):
    return len(catalog.read_partition(partition, ["object_id"])) * argument


def test_each_partition_is_worked_on_once_and_named(tiny_sky):
    found = list(over_partitions(work, Counting(), tiny_sky, tiny_sky.partitions[1:], 10))
    assert [partition for partition, _ in found] == tiny_sky.partitions[1:]
    assert [rows for _, rows in found] == [10 * p.rows for p in tiny_sky.partitions[1:]]


def test_workers_and_scheduler_must_fit_each_other_and_the_model():
    check_workers(Counting(), 1, None)
    with pytest.raises(ConfigurationError, match="at least 1"):
        check_workers(Counting(), 0, None)
    with pytest.raises(ConfigurationError, match="give one of them"):
        check_workers(Counting(), 2, "tcp://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="save it first"):
        check_workers(Counting(), 2, None)
