"""Places of stamps on the sky."""

import numpy as np
import pytest

from asterism.simulate.imaging.pointing import stamp_centres, stamp_wcs


@pytest.mark.parametrize(("scale", "size"), [(0.396, 32), (0.262, 152)])
def test_the_object_stands_where_its_offset_says(scale, size):
    rng = np.random.default_rng(0)
    n = 20
    ra, dec = rng.uniform(0, 360, n), rng.uniform(-60, 60, n)
    offset, rotation = rng.uniform(-0.5, 0.5, (n, 2)), rng.normal(0, 30, n)
    centre_ra, centre_dec = stamp_centres(ra, dec, offset, rotation, scale)
    assert ((centre_ra >= 0) & (centre_ra < 360)).all()
    for row in range(n):
        wcs = stamp_wcs(centre_ra[row], centre_dec[row], rotation[row], scale, size)
        x, y = wcs.all_world2pix(ra[row], dec[row], 0)
        assert [x, y] == pytest.approx((offset[row] + 0.5 * (size - 1)).tolist(), abs=1e-3)


def test_north_is_up_and_east_to_the_left():
    wcs = stamp_wcs(150.0, 20.0, 0.0, 0.396, 32)
    x, y = wcs.all_world2pix([150.0, 150.001], [20.001, 20.0], 0)
    assert y[0] > 15.5
    assert x[1] < 15.5
    turned = stamp_wcs(150.0, 20.0, 90.0, 0.396, 32)
    assert turned.all_world2pix(150.001, 20.0, 0)[1] > 15.5


def test_the_scale_is_the_cameras():
    from astropy.wcs.utils import proj_plane_pixel_scales

    assert np.allclose(proj_plane_pixel_scales(stamp_wcs(10.0, 5.0, 33.0, 0.262, 152)) * 3600, 0.262)
