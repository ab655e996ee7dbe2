"""Blocks made side by side come all, once, whatever the number of processes."""

import math

import pytest

from asterism.catalogs.blocks import available_cores, check_workers, make_blocks
from asterism.errors import ConfigurationError


@pytest.mark.parametrize("workers", [1, 2])
def test_all_blocks_come_once(workers):
    jobs = {block: (block,) for block in (3, 1, 7, 4)}
    assert dict(make_blocks(math.factorial, jobs, workers)) == {3: 6, 1: 1, 7: 5040, 4: 24}


def test_no_jobs_no_blocks():
    assert list(make_blocks(math.factorial, {}, 2)) == []


def test_errors_of_a_block_reach_the_caller():
    with pytest.raises(ValueError, match="not defined"):
        list(make_blocks(math.factorial, {0: (1,), 1: (-1,)}, 2))


def test_workers():
    check_workers(None)
    assert available_cores() >= 1
    with pytest.raises(ConfigurationError, match="1 or more"):
        check_workers(0)
