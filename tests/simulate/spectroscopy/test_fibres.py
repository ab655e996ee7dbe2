"""Light through a fibre, against GalSim's own drawing of the same object."""

import galsim
import numpy as np
import pytest

from asterism.simulate.constants import constant
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import SURVEYS
from asterism.simulate.spectroscopy.fibres import fibre_fraction, point_fraction, seeing_at


@pytest.fixture(scope="module")
def objects():
    rng = np.random.default_rng(4)
    return draw(rng, np.array(["GALAXY"] * 5 + ["STAR", "QSO"]), SURVEYS["sdss-spectro"])


def drawn_fraction(objects, row, diameter, fwhm, offset):
    psf = galsim.Gaussian(sigma=1.0, flux=1.0) + galsim.Gaussian(sigma=2.5, flux=0.1 * 2.5**2)
    psf = (psf / psf.flux).dilate(fwhm / psf.calculateFWHM(scale=0.02))
    seen = psf
    if objects.kind[row] == "GALAXY":
        radius, share = float(objects.half_light_radius[row]), float(objects.bulge_fraction[row])
        disc, bulge = float(objects.disc_axis_ratio[row]), float(objects.bulge_axis_ratio[row])
        angle = float(objects.position_angle[row]) * galsim.degrees
        size = radius if disc == bulge else constant("bulge_size") * radius
        parts = galsim.DeVaucouleurs(half_light_radius=size * bulge**0.5, flux=share).shear(q=bulge, beta=angle)
        parts += galsim.Exponential(half_light_radius=radius * disc**0.5, flux=1 - share).shear(q=disc, beta=angle)
        seen = galsim.Convolve(parts, psf)
    scale = diameter / 40
    place = (-offset / scale).tolist()
    image = seen.drawImage(nx=45, ny=45, scale=scale, method="no_pixel", offset=place).array
    y, x = np.mgrid[-22:23, -22:23] * scale
    return image[np.hypot(x, y) < diameter / 2].sum()


@pytest.mark.parametrize(("diameter", "fwhm"), [(3.0, 1.5), (1.5, 1.1)])
def test_it_is_the_flux_in_a_circle_on_the_image(objects, diameter, fwhm):
    offset = 0.3 * np.random.default_rng(1).standard_normal((len(objects), 2))
    found = fibre_fraction(objects, diameter, np.full((len(objects), 1), fwhm), offset)[:, 0]
    drawn = [drawn_fraction(objects, row, diameter, fwhm, offset[row]) for row in range(len(objects))]
    assert found == pytest.approx(np.array(drawn), rel=0.025)


def test_a_centred_point_has_the_closed_form(objects):
    stars = objects.take(np.flatnonzero(objects.kind != "GALAXY"))
    fwhm = np.array([[1.0, 1.5, 3.0]] * len(stars))
    found = fibre_fraction(stars, 2.0, fwhm, np.zeros((len(stars), 2)))
    assert found == pytest.approx(point_fraction(2.0, fwhm), rel=1e-4)


def test_a_host_spreads_a_nucleus(objects):
    galaxy = objects.take(np.array([0, 0, 0]))
    galaxy.kind[1:] = "QSO"
    galaxy.host_fraction = np.array([np.nan, 0.4, np.nan])
    whole, nucleus, point = fibre_fraction(galaxy, 2.0, np.full((3, 1), 1.4), np.zeros((3, 2)))[:, 0]
    assert nucleus == pytest.approx(0.4 * whole + 0.6 * point)
    assert whole < point


def test_jitter_is_the_mean_over_places(objects):
    star = objects.take(np.full(4000, int(np.flatnonzero(objects.kind == "STAR")[0])))
    offset = 0.4 * np.random.default_rng(2).standard_normal((4000, 2))
    found = fibre_fraction(star, 2.0, np.full((4000, 1), 1.4), offset).mean()
    assert found == pytest.approx(point_fraction(2.0, np.array(1.4), 0.4), rel=0.005)


def test_a_fibre_off_centre_and_worse_seeing_lose_light(objects):
    fwhm, zero = np.full((len(objects), 1), 1.3), np.zeros((len(objects), 2))
    best = fibre_fraction(objects, 2.0, fwhm, zero)
    assert (fibre_fraction(objects, 2.0, fwhm, zero + 0.5) < best).all()
    assert (fibre_fraction(objects, 2.0, 1.5 * fwhm, zero) < best).all()
    assert (fibre_fraction(objects, 3.0, fwhm, zero) > best).all()


def test_seeing_is_better_in_the_red():
    assert seeing_at([3800.0, 6166.0, 9500.0], np.array([1.5]))[0] == pytest.approx([1.652, 1.5, 1.376], abs=1e-3)
