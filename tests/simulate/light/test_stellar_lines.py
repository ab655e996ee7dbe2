"""The tables of stellar lines and bands hold what their users expect."""

import numpy as np

from asterism.simulate.light.stellar_lines import (
    BALMER_WIDTHS,
    HELIUM_LINES,
    IONISATION,
    MOLECULAR_BANDS,
    SOLAR_LINES,
    SWAN_BANDS,
)


def test_every_ion_has_triples_in_the_optical_and_its_potentials():
    for ion, text in SOLAR_LINES.items():
        element, stage = ion.split()
        assert element in IONISATION
        assert stage in ("I", "II")
        rows = np.array(text.split(), dtype=float).reshape(-1, 3)
        assert ((rows[:, 0] > 3400) & (rows[:, 0] < 9500)).all()
        assert (rows[:, 1] >= 20).all()
        assert ((rows[:, 2] >= 0) & (rows[:, 2] < IONISATION[element][int(stage == "II")])).all()
        assert (np.diff(rows[:, 0]) > 0).all()


def test_tables_are_in_order_and_in_range():
    assert (np.diff([teff for teff, _ in BALMER_WIDTHS]) > 0).all()
    assert max(BALMER_WIDTHS, key=lambda row: row[1])[0] in (8500.0, 9200.0)
    assert all(3500 < wavelength < 7500 and width > 0 for wavelength, width in HELIUM_LINES)
    for _, head, length, depth, start, full in MOLECULAR_BANDS:
        assert 3500 < head < 10500
        assert length != 0
        assert depth > 0
        assert start > full
    assert {5165.2, 4737.1} <= {head for head, _, _ in SWAN_BANDS}
