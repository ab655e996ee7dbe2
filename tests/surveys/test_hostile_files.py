"""Whatever is done to a file's bytes, a door gives rows, complaints of one sentence each, and no NaN with weight."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterism.surveys.doors import Part, read_block
from asterism.surveys.formats.lamost_spectra import write_spectrum
from asterism.surveys.lamost import LamostDoor


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    cards = {
        "OBSID": 1, "LMJD": 58575, "MJD": 58574, "PLANID": "P", "SPID": 1, "FIBERID": 7, "RA": 10.0, "DEC": 5.0,
        "CLASS": "STAR", "SUBCLASS": "G2", "Z": 0.0,
    }  # fmt: skip
    flux = np.random.default_rng(0).normal(10, 1, 3909).astype(np.float32)
    path = write_spectrum(
        tmp_path_factory.mktemp("sound"), flux, np.ones(3909, np.float32), np.zeros(3909, np.int32), cards
    )
    return path.read_bytes()


@settings(max_examples=150, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_of_any_kind(body, tmp_path, data):
    changed = bytearray(body[: data.draw(st.one_of(st.just(len(body)), st.integers(0, len(body))))])
    # Headers are where a byte says most.
    places = st.one_of(st.integers(0, 8640), st.integers(0, len(body)))
    for place, values in data.draw(st.lists(st.tuples(places, st.binary(min_size=1, max_size=80)), max_size=6)):
        changed[place : place + len(values)] = values
    path = Path(tmp_path, "mutant.fits")
    path.write_bytes(bytes(changed))
    door = LamostDoor()
    fields = door.plan([path]).fields
    table, rows, names, lines = read_block(door, [Part(path, size=len(changed))], fields)
    assert len(table) == len(rows) == len(names)
    assert len(table) + len(lines) >= 1
    for _, name, reason in lines:
        assert name == "mutant.fits"
        assert reason
        assert "\n" not in reason
    for row in table.to_pylist():
        if "spectrum_lamost_flux" in row:
            flux, ivar = (np.array(row[f"spectrum_lamost_{q}"], float) for q in ("flux", "ivar"))
            assert np.isfinite(ivar).all()
            assert (ivar >= 0).all()
            assert np.isfinite(flux[ivar > 0]).all()
