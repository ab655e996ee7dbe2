"""Groups: modalities found in the names of columns."""

from __future__ import annotations

import pyarrow as pa

from asterism.catalogs.groups import groups
from asterism.catalogs.schema import identity_fields, image_fields, photometry_fields


def test_groups_of_several_surveys_stand_side_by_side() -> None:
    schema = pa.schema(
        identity_fields(True)
        + photometry_fields("sdss", "ugriz", dereddened=True, zero_point="sdss")
        + photometry_fields("wise", ["W1", "W2"], dereddened=False, zero_point="ab")
        + image_fields("legacy", "grz", (16, 20), 0.262, ivar_per_band=True, zero_point="ab")
    )
    found = groups(schema)
    assert list(found) == ["photometry_sdss", "photometry_wise", "image_legacy"]
    sdss, wise, legacy = found.values()
    assert (sdss.kind, sdss.survey, sdss.bands, sdss.shape) == ("photometry", "sdss", tuple("ugriz"), (5,))
    assert (sdss.dereddened, wise.dereddened, legacy.dereddened) == (True, False, None)
    assert (sdss.zero_point, wise.zero_point) == ("sdss", "ab")
    assert wise.bands == ("W1", "W2")
    assert legacy.shape == (3, 16, 20)
    assert legacy.pixel_scale == 0.262
    assert sdss.pixel_scale is None
    assert legacy.columns == ("image_legacy_flux", "image_legacy_ivar", "image_legacy_psf_fwhm")


def test_spectra_and_foreign_columns() -> None:
    schema = pa.schema(
        [
            ("spectrum2d_lamost_blue_ivar", pa.float32()),
            ("spectrum_desi_flux", pa.float32()),
            ("photometry", pa.float32()),
            ("truth_photometry_sdss_flux", pa.float32()),
        ]
    )
    found = groups(schema)
    assert {name: list(group.quantities) for name, group in found.items()} == {
        "spectrum2d_lamost": ["blue_ivar"],
        "spectrum_desi": ["flux"],
    }
    assert found["spectrum_desi"].bands == ()
    assert found["spectrum_desi"].shape == ()
    assert found["spectrum_desi"].meta("unit") is None
