"""Blocks made side by side come all, once, whatever the number of processes."""

import math
import subprocess
import sys
import time
from pathlib import Path

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


def waits_for(place, name, other):
    """Done once `other` is, where there is one."""
    assert other is None or within(60, (place / other).exists)
    (place / name).touch()
    return name


def test_blocks_of_a_kind_go_to_one_process(tmp_path):
    # The second process is busy until both of the first kind are done: only then is the other of the second kind taken.
    named = ["a0", "b0", "b1", "a1"]
    jobs = {k: (tmp_path, name, "a1" if name == "b0" else None) for k, name in enumerate(named)}
    found = [name for _, name in make_blocks(waits_for, jobs, 2, ahead=1, kin=lambda k: named[k][0])]
    assert sorted(found) == sorted(named)
    assert found.index("a1") < found.index("b1")


def test_a_process_without_blocks_of_its_own_helps_with_others(tmp_path):
    jobs = {0: (tmp_path, "first", "second"), 1: (tmp_path, "second", None)}
    assert dict(make_blocks(waits_for, jobs, 2, ahead=1, kin=lambda k: "one kind")) == {0: "first", 1: "second"}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_processes_end_with_the_one_that_is_killed(tmp_path):
    (tmp_path / "waits.py").write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from asterism.catalogs.blocks import make_blocks\n"
        "def wait(place):\n"
        "    Path(place, str(os.getpid())).touch()\n"
        "    time.sleep(120)\n"
        "if __name__ == '__main__':\n"
        "    list(make_blocks(wait, {0: (sys.argv[1],), 1: (sys.argv[1],)}, 2))\n"
    )
    place = tmp_path / "pids"
    place.mkdir()
    parent = subprocess.Popen([sys.executable, str(tmp_path / "waits.py"), str(place)])
    assert within(60, lambda: len(list(place.iterdir())) == 2)
    parent.kill()
    parent.wait()
    assert within(60, lambda: not any(runs(int(path.name)) for path in place.iterdir()))


def within(seconds, there):
    end = time.monotonic() + seconds
    while not there() and time.monotonic() < end:
        time.sleep(0.05)
    return there()


def runs(pid):
    """Whether a process is there and is more than an entry that nobody has asked after yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers():
    check_workers(None)
    assert available_cores() >= 1
    with pytest.raises(ConfigurationError, match="1 or more"):
        check_workers(0)
