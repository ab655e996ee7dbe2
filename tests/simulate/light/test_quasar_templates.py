"""Quasars of the libraries."""

import numpy as np
import pytest

from asterism.simulate.light.libraries import choose_libraries
from asterism.simulate.light.quasar_templates import read_quasar_templates
from asterism.simulate.light.sampling import pixel_edges
from asterism.simulate.objects.population import Population


def quasars(redshift, slope=-0.46):
    made = Population.empty(len(redshift))
    made.kind[:] = "QSO"
    made.redshift[:], made.slope[:], made.line_strength[:], made.igm[:], made.dust[:] = redshift, slope, 1.0, 1.0, 0.03
    return made


def read(directory, name):
    return read_quasar_templates(choose_libraries(directory, {"quasars": name})["quasars"])


@pytest.mark.parametrize("name", ["desisim", "eigen", "redrock"])
def test_every_redshift_has_a_spectrum_and_a_range_with_lines_at_rest(templates_directory, name):
    library = read(templates_directory, name)
    made = quasars(np.array([0.4, 1.0, 1.7, 2.5, 3.8]))
    wavelength = np.arange(3700.0, 9100.0, 2.0)
    edges = pixel_edges(wavelength) / (1 + made.redshift[:, None])
    flux, low, high = library.spectra(made, edges)
    assert np.isfinite(flux).all()
    assert (low >= 1225).all()
    assert (high > 1.3 * low).all()
    for row, line in ((1, 2799), (3, 1909)):
        near = np.abs(wavelength / (1 + made.redshift[row]) - line) < 15
        beside = np.abs(wavelength / (1 + made.redshift[row]) - line - 100) < 15
        assert flux[row, near].mean() > 1.1 * flux[row, beside].mean()


def test_rows_are_of_the_objects_redshift_and_slope(templates_directory):
    library = read(templates_directory, "desisim")
    slopes = np.array([-1.6, -0.5, 0.4])
    made = quasars(np.full(3, 1.5), slopes)
    ids = library.ids(made)
    assert len(set(ids)) == 3
    assert all(name.startswith("qso-SDSS-") for name in ids)
    assert library.ids(quasars(np.array([3.4])))[0].startswith("qso-BOSS-")
    wavelength = np.arange(4000.0, 8500.0, 2.0)
    flux, _, _ = library.spectra(made, pixel_edges(wavelength) / np.full((3, 1), 2.5))
    blueness = flux[:, :200].mean(axis=1) / flux[:, -200:].mean(axis=1)
    assert (np.diff(blueness) > 0).all()


def test_a_mixture_is_not_used_where_it_was_not_fitted(templates_directory):
    _, low, high = read(templates_directory, "desisim").spectra(
        quasars(np.array([1.0, 3.0])), np.ones((2, 3)).cumsum(1)
    )
    assert (low * 2)[0] == pytest.approx(3800, rel=0.1)
    assert (high * 2)[0] == pytest.approx(9200, rel=0.1)
    assert low[1] == 1225
    assert (high * 4)[1] == pytest.approx(10300, rel=0.1)


def test_redrock_has_a_set_for_each_range_of_redshift(templates_directory):
    assert read(templates_directory, "redrock").ids(quasars(np.array([1.0, 2.0]))).tolist() == [
        "qso-LOZ-v1.1",
        "qso-HIZ-v1.1",
    ]
