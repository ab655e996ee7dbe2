"""Air and vacuum."""

import numpy as np
import pytest

from asterism.surveys.formats.wavelength import air_to_vacuum, vacuum_to_air


@pytest.mark.parametrize(
    ("air", "vacuum"),
    [
        (5577.34, 5578.89),  # [O I] of the night sky
        (6562.80, 6564.61),  # H alpha
        (4861.333, 4862.691),  # H beta
        (5006.84, 5008.24),  # [O III]
        (3933.663, 3934.777),  # Ca II K
        (8542.09, 8544.44),  # Ca II
    ],
)
def test_known_lines_are_where_they_are(air, vacuum):
    assert air_to_vacuum(air) == pytest.approx(vacuum, abs=0.006)
    assert vacuum_to_air(vacuum) == pytest.approx(air, abs=0.006)


def test_one_undoes_the_other():
    air = np.linspace(2001.0, 25000.0, 5000)
    np.testing.assert_allclose(vacuum_to_air(air_to_vacuum(air)), air, atol=1e-6)


def test_ultraviolet_wavelengths_stay():
    assert air_to_vacuum(1548.2) == 1548.2
    assert vacuum_to_air(1548.2) == 1548.2
    assert (np.diff(air_to_vacuum(np.arange(1990.0, 2010.0, 0.1))) > 0).all()
