"""Cameras: their published numbers agree with one another, and their names lead to filters and bands."""

import numpy as np
import pytest

from asterism.catalogs.bands import band_info
from asterism.errors import ConfigurationError
from asterism.surveys.stamps.cameras import CAMERAS, SDSS, camera_named, camera_of_survey


@pytest.mark.parametrize("name", CAMERAS)
def test_sky_gain_and_seeing_lead_to_the_published_depth(name):
    camera = camera_named(name)
    published = np.array([channel.depth_5sigma for channel in camera.channels])
    assert np.abs(camera.expected_depth - published).max() < 0.35
    assert abs((camera.expected_depth - published).mean()) < 0.3


def test_sdss_depths_agree_within_a_sixth_of_a_magnitude():
    published = np.array([band_info("sdss", band).depth_5sigma for band in SDSS.bands])
    assert np.abs(SDSS.expected_depth - published).max() < 0.17


@pytest.mark.parametrize("name", CAMERAS)
def test_filters_and_constants_exist(name):
    import speclite.filters

    camera = camera_named(name)
    for channel, info in zip(camera.channels, camera.infos, strict=True):
        response = speclite.filters.load_filter(channel.response)
        assert response.effective_wavelength.value == pytest.approx(info.wavelength, rel=0.03)
    assert (np.diff([info.wavelength for info in camera.infos]) > 0).all()
    assert (camera.extinction_coefficient > 0).all()
    assert all(size % 2 == 0 for size in camera.stamps)
    assert all((size - camera.measured) % 2 == 0 for size in camera.stamps)
    assert camera.source


def test_surveys_are_seen_by_their_camera():
    assert [camera_of_survey(name).name for name in ("sdss-spectro", "desi-main", "lamost", "lsst")] == [
        "sdss", "legacy-south", "sdss", "lsst",
    ]  # fmt: skip
    assert camera_of_survey("sdss-compact").pixel_scale == 0.396
    assert camera_of_survey("desi-main").stamps[0] == 152
    assert camera_of_survey("desi-main").pixel_scale == 0.262


def test_an_unknown_camera_names_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'legacy-south'"):
        camera_named("legacy-sout")


def test_sdss_is_its_own_zero_point_and_the_others_ab():
    assert SDSS.zero_point == "sdss"
    assert SDSS.ab_offset.tolist() == [-0.04, 0, 0, 0, 0.02]
    assert all((camera.ab_offset == 0).all() for camera in CAMERAS.values() if camera.zero_point == "ab")
