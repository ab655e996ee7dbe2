"""Ingest that is killed at any moment, again and again, ends with the same data files, byte for byte."""

import subprocess
import sys
import time

import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.lamost_spectra import write_spectrum
from asterism.surveys.lamost import LamostDoor

KILLS = 20
# Blocks of three files, so that there are many moments between them.
SCRIPT = """
import sys
from asterism.surveys import doors
from asterism.surveys.lamost import LamostDoor
doors._BLOCK_PARTS = 3
print("ready", flush=True)
doors.ingest_files(LamostDoor(), [sys.argv[1]], sys.argv[2], workers=1)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for k in range(120):
        flux = rng.normal(10, 1, 3909).astype(np.float32)
        cards = {
            "OBSID": k, "LMJD": 58575, "MJD": 58574, "PLANID": "KILL", "SPID": 1, "FIBERID": k + 1, "RA": 10.0 + 0.1 * k,
            "DEC": 5.0, "CLASS": "STAR", "SUBCLASS": "G2", "Z": 0.0,
        }  # fmt: skip
        write_spectrum(folder, flux, np.ones(3909, np.float32), np.zeros(3909, np.int32), cards)
    (folder / "broken.fits").write_bytes(b"SIMPLE  = broken")
    return folder


def data_files(path):
    return {file.relative_to(path): file.read_bytes() for file in sorted((path / "dataset").rglob("*.parquet"))}


def test_killed_at_random_twenty_times(files, tmp_path):
    start = time.monotonic()
    whole = ingest_files(LamostDoor(), [files], tmp_path / "whole", workers=1)
    seconds = time.monotonic() - start
    rng = np.random.default_rng(1)
    out = tmp_path / "c"
    killed = 0
    for _ in range(KILLS):
        command = [sys.executable, "-c", SCRIPT, str(files), str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout.readline() == "ready\n"
            # Each run goes on where the last one stopped, so the time that is left shrinks: short waits mostly.
            time.sleep(float(rng.uniform(0.0, 1.0)) ** 2 * 0.6 * seconds)
            running.kill()
            killed += running.wait() == -9
        # Whole or absent, never in between.
        assert not out.exists() or len(open_catalog(out)) == len(whole)
    assert killed >= KILLS // 4
    subprocess.run([sys.executable, "-c", SCRIPT, str(files), str(out)], check=True, stdout=subprocess.DEVNULL)
    assert data_files(out) == data_files(whole.path)
    assert open_catalog(out).fingerprint == whole.fingerprint
    assert open_catalog(out).quarantine().to_pylist() == whole.quarantine().to_pylist()
