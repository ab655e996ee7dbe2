import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.bands import asinh_to_nanomaggy, band_info, nanomaggy_to_asinh
from asterism.errors import BadInputError
from asterism.models.inputs import PhotometryInputs
from asterism.models.photometry import PhotometryFeatures, asinh_magnitude, published_softening

BANDS = tuple("ugriz")
B = [band_info("sdss", band).softening for band in BANDS]


def features(*quantities, survey="sdss", bands=BANDS, **more):
    return PhotometryFeatures(
        PhotometryInputs(
            group=f"photometry_{survey}", survey=survey, bands=bands, quantities=("flux", *quantities), **more
        )
    )


def observed(flux, ivar=25.0, **more):
    flux = torch.as_tensor(flux, dtype=torch.float32)
    ivar = torch.as_tensor(ivar, dtype=torch.float32).expand_as(flux).clone()
    return {"flux": flux, "ivar": ivar, "present": torch.ones(len(flux), dtype=torch.bool), **more}


@settings(deadline=None)
@given(st.floats(-1e3, 1e5), st.sampled_from(BANDS))
def test_asinh_magnitudes_agree_with_the_catalogs(flux, band):
    ours = asinh_magnitude(torch.tensor(flux), torch.tensor(published_softening("sdss", band)))
    assert float(ours) == pytest.approx(float(nanomaggy_to_asinh(flux, band_info("sdss", band).softening)), abs=2e-4)


def test_magnitudes_of_a_table_come_back_with_adjacent_colours():
    magnitudes = np.array([[22.1, 20.4, 19.2, 18.8, 18.5], [25.9, 22.0, 20.3, 19.2, 18.7]])
    flux, _ = asinh_to_nanomaggy(magnitudes, None, np.array(B))
    values, mask = features()(observed(flux))
    assert mask.all()
    np.testing.assert_allclose(values[:, :5], magnitudes, atol=2e-4)
    np.testing.assert_allclose(values[:, 5:], magnitudes[:, :-1] - magnitudes[:, 1:], atol=4e-4)
    assert features().names == ("u_mag", "g_mag", "r_mag", "i_mag", "z_mag", "u-g", "g-r", "r-i", "i-z")


def test_extinction_is_taken_out_once_and_only_where_it_is_known():
    extinction = torch.tensor([[0.5, 0.4, 0.3, 0.2, 0.1], [torch.nan] * 5])
    photometry = observed(torch.ones(2, 5), extinction=extinction)
    plain = features()(photometry)[0]
    corrected, mask = features("extinction")(photometry)
    torch.testing.assert_close(corrected[0, :5], plain[0, :5] - extinction[0])
    torch.testing.assert_close(corrected[1, :5], plain[1, :5])
    assert corrected[0, 9] == pytest.approx(0.3)
    assert mask[:, 9].tolist() == [True, False]
    already = features("extinction", dereddened=True)(photometry)[0]
    torch.testing.assert_close(already[:, :5], plain[:, :5])


def test_a_band_that_was_not_observed_takes_its_colours_with_it():
    photometry = observed(torch.ones(1, 5), torch.tensor([1.0, 1, 0, 1, 1]))
    photometry["flux"][0, 2] = torch.nan
    values, mask = features()(photometry)
    assert mask[0].tolist() == [True, True, False, True, True, True, False, False, True]
    assert values[0, [2, 6, 7]].tolist() == [0, 0, 0]
    assert torch.isfinite(values).all()


def test_a_flux_below_zero_is_a_measurement():
    values, mask = features()(observed(torch.full((1, 5), -0.3)))
    assert mask.all()
    assert values[0, 2] > 24.8


def test_radii_are_in_units_of_the_psf_where_it_is_known():
    photometry = observed(
        torch.ones(2, 5), radius=torch.tensor([[2.6] * 5, [1e-9] * 5]), psf_fwhm=torch.full((2, 5), 1.3)
    )
    relative, _ = features("radius", "psf_fwhm")(photometry)
    assert features("radius", "psf_fwhm").names[9:11] == ("psf_fwhm_u", "psf_fwhm_g")
    np.testing.assert_allclose(relative[:, 14], [math.log10(2.03), math.log10(0.03)], rtol=1e-5)
    absolute, _ = features("radius")(photometry)
    np.testing.assert_allclose(absolute[:, 9], [math.log10(2.63), math.log10(0.03)], rtol=1e-5)


def test_the_magnitude_error_is_a_feature_when_asked_for():
    flux, sigma = asinh_to_nanomaggy(np.full((1, 5), 21.0), np.full((1, 5), 0.05), np.array(B))
    values, mask = features("ivar")(observed(flux, torch.tensor(sigma**-2.0)))
    assert mask.all()
    np.testing.assert_allclose(values[0, 9:], np.log10(0.05), atol=1e-4)


def test_an_absent_group_has_no_features():
    photometry = observed(torch.ones(2, 5), psf_probability=torch.tensor([1.0, torch.nan]))
    photometry["present"][0] = False
    values, mask = features("psf_probability")(photometry)
    assert not mask[0].any()
    assert mask[1, :9].all()
    assert not mask[1, 9]
    assert (values[0] == 0).all()


def test_without_a_published_softening_the_depth_of_the_data_serves():
    trained = features(survey="newsky", bands=("a", "b"))
    batches = [{"photometry": observed(torch.rand(20, 2) * 50, torch.tensor([4.0, 100.0]))} for _ in range(3)]
    trained.fit(batches)
    np.testing.assert_allclose(trained.softening, [0.5, 0.1], rtol=1e-6)
    assert torch.isfinite(trained.standardised(batches[0]["photometry"])[0]).all()


def test_standardised_features_are_centred():
    generator = torch.Generator().manual_seed(0)
    photometry = observed(10 ** torch.rand(500, 5, generator=generator))
    trained = features().fit([{"photometry": photometry}])
    z, _ = trained.standardised(photometry)
    assert z.median(0).values.abs().max() < 0.02
    assert z.abs().max() < 3


def test_rows_without_any_flux_and_columns_that_lack_are_refused():
    with pytest.raises(BadInputError, match="no training row has an observed flux in photometry_sdss"):
        features().fit([{"photometry": observed(torch.ones(3, 5), 0.0)}])
    with pytest.raises(BadInputError, match="reads photometry_sdss_radius"):
        features("radius")(observed(torch.ones(1, 5)))
