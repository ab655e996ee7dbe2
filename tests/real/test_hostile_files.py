"""A sample of the damaged files of `benchmarks/hostile_files.py`, by its own command; 2,000 a survey are run by hand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = (ROOT / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not beside the project")


def test_damaged_files_are_read_put_aside_or_refused(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "hostile_files.py", "run", "--data", DATA, "--work", tmp_path]
    done = subprocess.run([*map(str, command), "--count", "25", "--seed", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^(\w+): (\d+) read, (\d+) quarantined, (\d+) refused, (\d+) failure", done.stdout, re.MULTILINE
    )
    assert {name for name, *_ in found} == {"sdss", "lamost", "desi", "legacy", "mmu", "images"}
    for _, read, quarantined, refused, failures in found:
        assert int(read) + int(quarantined) + int(refused) == 25
        assert failures == "0"
        # Both sound and damaged files are among them: a test in which all of one kind come out the same shows nothing.
        assert int(read) > 0 < int(quarantined)
