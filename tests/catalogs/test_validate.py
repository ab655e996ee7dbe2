"""The laws of columns: names, the four states, positions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import image_fields, photometry_fields
from asterism.catalogs.validate import bad_positions, check_names, validate
from asterism.errors import BadInputError

FIELDS = photometry_fields("sdss", "gr", dereddened=False, zero_point="sdss")


def photometry(flux: list[list[float] | None], ivar: list[list[float] | None]) -> pa.Table:
    return pa.table([pa.array(flux, FIELDS[0].type), pa.array(ivar, FIELDS[1].type)], schema=pa.schema(FIELDS))


def test_the_four_states_are_lawful(make_rows: Callable[..., pa.Table]) -> None:
    validate(make_rows())
    measured, faint, blind, absent = [5.0, 4.0], [-0.1, 0.0], [np.nan, 4.0], None
    validate(photometry([measured, faint, blind, absent], [[1, 1], [1, 1], [0, 1], None]))
    validate(photometry([], []))
    validate(photometry([None, None], [None, None]))


@pytest.mark.parametrize(
    ("flux", "ivar", "message"),
    [
        ([np.nan, 1.0], [1.0, 1.0], "finite where ivar > 0"),
        ([1.0, None], [1.0, 1.0], "finite where ivar > 0"),
        ([np.inf, 1.0], [1.0, 1.0], "finite where ivar > 0"),
        ([3.0, 1.0], [0.0, 1.0], "NaN where ivar is 0"),
        ([3.0, 1.0], [-1.0, 1.0], "negative or not finite"),
        ([3.0, 1.0], [np.inf, 1.0], "negative or not finite"),
        ([3.0, 1.0], [np.nan, 1.0], "negative or not finite"),
        ([3.0, 1.0], None, "without the other"),
    ],
)
def test_unlawful_values_name_column_and_row(flux, ivar, message: str) -> None:
    good: list[float] = [1.0, 2.0]
    with pytest.raises(BadInputError, match=rf"photometry_sdss_(flux|ivar).*of a\.csv.*{message}.*row 2"):
        validate(photometry([good, None, flux], [good, None, ivar]), "a.csv")


def test_one_inverse_variance_per_band_serves_its_pixels() -> None:
    fields = image_fields("legacy", "gr", 2, 0.262, ivar_per_band=True, psf_fwhm=False, zero_point="ab")
    schema = pa.schema(fields)
    nan = np.nan

    def image(flux: list[float], ivar: list[float]) -> pa.Table:
        return pa.table([pa.array([flux], fields[0].type), pa.array([ivar], fields[1].type)], schema=schema)

    validate(image([1, 2, 3, 4, nan, nan, nan, nan], [1.0, 0.0]))
    with pytest.raises(BadInputError, match="image_legacy_flux"):
        validate(image([1, 2, 3, nan, nan, nan, nan, nan], [1.0, 0.0]))
    with pytest.raises(BadInputError, match="image_legacy_flux"):
        validate(image([1, 2, 3, 4, nan, nan, nan, 5], [1.0, 0.0]))


def test_positions_out_of_the_sky() -> None:
    table = pa.table(
        {"ra": [0.0, 359.9, 360.0, -1.0, 10.0, None, 10.0, np.nan], "dec": [90.0, -90, 0, 0, 91, 0, None, 0]}
    )
    assert bad_positions(table).tolist() == [False, False, True, True, True, True, True, True]


def test_known_names_pass() -> None:
    check_names(
        ["object_id", "pm_ra", "truth_mass_2", "template_id", "image_legacy_flux", "spectrum2d_lamost_red_ivar"]
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["object_idd"], "did you mean 'object_id'"),
        (["photometry_sdss_fluxes"], "did you mean 'photometry_sdss_flux'"),
        (["ra", "dec", "ra"], "there twice"),
        (["whatever"], "unknown column"),
    ],
)
def test_unknown_names_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        check_names(names, "table.csv")
    assert "table.csv" in str(caught.value)
