import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from asterism.errors import OutputError
from asterism.papers.row_records import keep_row, read_record, read_scored, row_is_there, train_once


def test_a_row_is_there_once_its_record_is(tmp_path):
    folder = tmp_path / "row"
    assert not row_is_there(folder, {"a": 1}, tmp_path)
    assert read_record(folder) is None
    keep_row(folder, pa.table({"object_id": ["x"]}), {"settings": {"a": 1}, "n": 1})
    assert row_is_there(folder, {"a": 1}, tmp_path)
    assert read_record(folder)["n"] == 1
    assert read_scored(folder)["object_id"].to_pylist() == ["x"]


@pytest.mark.parametrize("now", [{"a": 2}, {"a": 1, "b": 0}, {}])
def test_other_settings_are_refused(tmp_path, now):
    keep_row(tmp_path / "row", pa.table({"object_id": ["x"]}), {"settings": {"a": 1}})
    with pytest.raises(OutputError, match=r"other settings \((a|b)\)"):
        row_is_there(tmp_path / "row", now, tmp_path)


def test_a_training_is_made_once(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return {"epochs": 3}

    first = train_once(tmp_path / "fit", {"a": 1}, make, {"STAR": 2})
    assert train_once(tmp_path / "fit", {"a": 1}, make, {"STAR": 2}) == first
    assert len(calls) == 1
    assert first["epochs"] == 3
    assert first["objects"] == {"STAR": 2}
    assert first["seconds"] >= 0
    with pytest.raises(OutputError, match="trained with other settings"):
        train_once(tmp_path / "fit", {"a": 2}, make, {"STAR": 2})


def test_what_another_is_training_is_waited_for(tmp_path):
    begun, made = threading.Event(), []

    def slow():
        begun.set()
        time.sleep(0.3)
        made.append(1)
        return {"epochs": 3}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(train_once, tmp_path / "fit", {"seed": 0}, slow, {"train": 5})
        assert begun.wait(10)
        second = pool.submit(train_once, tmp_path / "fit", {"seed": 0}, slow, {"train": 5})
        assert first.result()["epochs"] == second.result()["epochs"] == 3
    assert made == [1]
