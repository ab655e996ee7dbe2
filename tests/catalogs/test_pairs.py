"""Pairs through LSDB: all of them, over the edges of partitions, and with stars that move."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky

from asterism.catalogs.hats_layout import spatial_index
from asterism.catalogs.pairs import FASTEST, Places, find_pairs

ARCSEC = 1 / 3600


def places(ra, dec, pm_ra=np.nan, pm_dec=np.nan, mjd=np.nan):
    ra = np.atleast_1d(np.asarray(ra, float)) % 360
    return Places(ra, *(np.broadcast_to(np.asarray(x, float), ra.shape).copy() for x in (dec, pm_ra, pm_dec, mjd)))


def straddling(number=200, seed=2):
    """Pairs 0.4 arcsec apart whose two places lie in different HEALPix pixels of a low order."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, 20 * number), np.degrees(np.arcsin(rng.uniform(-0.99, 0.99, 20 * number)))
    order = rng.integers(0, 6, len(ra))
    shift = 2 * (29 - order)

    def pixel(up):
        return spatial_index(ra, np.minimum(dec + up, 89.9)) >> shift

    # Walk north along the meridian until the pixel changes, and halve the step to the edge.
    low, high = np.zeros(len(ra)), 40.0 / 2.0**order
    crossing = (pixel(high) != pixel(low)) & (dec + high < 89.0)
    start = pixel(low)
    for _ in range(40):
        middle = (low + high) / 2
        same = pixel(middle) == start
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    at = np.flatnonzero(crossing)[:number]
    assert len(at) == number
    ra, dec = ra[at], (dec + low)[at]
    return places(ra, dec - 0.2 * ARCSEC), places(ra, dec + 0.2 * ARCSEC)


def test_pairs_over_the_edges_of_partitions_are_found():
    left, right = straddling()
    found = find_pairs(left, right, 1.0)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) >= {(k, k) for k in range(200)}
    own = found.left == found.right
    assert found.separation[own] == pytest.approx(0.4, abs=1e-6)


def test_a_single_pair_over_an_edge():
    left, right = straddling(2)
    for k in range(2):
        one, other = (
            Places(*(getattr(side, n)[k : k + 1] for n in ("ra", "dec", "pm_ra", "pm_dec", "mjd")))
            for side in (left, right)
        )
        assert find_pairs(one, other, 1.0).separation == pytest.approx([0.4], abs=1e-6)


def test_they_are_those_that_astropy_finds():
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    left = places(ra, dec)
    right = places(
        ra + rng.normal(0, 2, 3000) * ARCSEC / np.cos(np.radians(dec)),
        np.clip(dec + rng.normal(0, 2, 3000) * ARCSEC, -90, 90),
    )
    found = find_pairs(left, right, 3.0)
    sky = [SkyCoord(p.ra * u.deg, p.dec * u.deg) for p in (left, right)]
    one, other, apart, _ = search_around_sky(*sky, 3.0 * u.arcsec)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == set(
        zip(one.tolist(), other.tolist(), strict=True)
    )
    assert np.sort(found.separation) == pytest.approx(np.sort(apart.arcsec), abs=1e-5)
    assert (np.diff(found.left) >= 0).all()


def test_stars_are_moved_to_the_date_of_the_other_row():
    # 5 arcsec/yr eastwards, seen 20 years later: 100 arcsec
    star = places(150.0, 30.0, 5000.0, 0.0, 51544.0)
    later = places(150.0 + 100 * ARCSEC / np.cos(np.radians(30.0)), 30.0, mjd=51544.0 + 20 * 365.25)
    assert find_pairs(star, later, 1.0).separation == pytest.approx([0.0], abs=0.02)
    assert find_pairs(later, star, 1.0).separation == pytest.approx([0.0], abs=0.02)
    assert len(find_pairs(star, places(150.0, 30.0, mjd=51544.0 + 20 * 365.25), 1.0).left) == 0
    assert len(find_pairs(star, places(150.0, 30.0), 1.0).left) == 1  # nobody knows when
    both = places(later.ra, later.dec, 5000.0, 0.0, later.mjd)
    assert find_pairs(star, both, 1.0).separation == pytest.approx([0.0], abs=0.02)
    wild = places(150.0, 30.0, FASTEST * 1000, 0.0, 51544.0)
    assert len(find_pairs(wild, places(150.0, 30.0, mjd=58000.0), 1.0).left) == 1


def test_dates_differ_from_row_to_row():
    years = np.arange(8.0)
    at = 10.0 + years * ARCSEC / np.cos(np.radians(10.0))
    seen = places(at, 10.0, mjd=51544.0 + 365.25 * years)
    found = find_pairs(places(10.0, 10.0, 1000.0, 0.0, 51544.0), seen, 0.5)
    assert found.right.tolist() == sorted(range(8), key=lambda k: found.separation[found.right.tolist().index(k)])
    assert len(found.right) == 8
    assert found.separation == pytest.approx(0.0, abs=0.01)


def test_nothing_is_no_pair():
    assert len(find_pairs(places([], 0.0), places(1.0, 1.0), 1.0).left) == 0
    assert len(find_pairs(places(5.0, 1.0), places(1.0, 1.0), 1.0).left) == 0
