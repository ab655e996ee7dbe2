"""Lines stand in vacuum, and where the redshift puts them."""

import pytest

from asterism.explore.spectral_lines import SPECTRAL_LINES, lines_of
from asterism.surveys.formats.wavelength import air_to_vacuum


@pytest.mark.parametrize(("name", "air"), [("Hα", 6562.80), ("Hβ", 4861.33), ("[O III]", 5006.84), ("[N II]", 6583.45)])
def test_wavelengths_are_in_vacuum(name, air):
    vacuum = float(air_to_vacuum(air))
    assert any(line == name and abs(place - vacuum) < 0.3 for line, place in SPECTRAL_LINES["GALAXY"])


def test_lines_move_with_redshift():
    assert dict(lines_of("QSO", 2.0))["C IV"] == pytest.approx(3 * 1549.48)
    assert [place for _, place in lines_of(None, 0.5)] == sorted(1.5 * place for _, place in SPECTRAL_LINES["GALAXY"])


@pytest.mark.parametrize("redshift", [None, float("nan")])
def test_without_a_redshift_nothing_is_marked(redshift):
    assert lines_of("STAR", redshift) == []
