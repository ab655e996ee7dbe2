"""Columns become tensors' values: absence is explicit, and nothing is NaN where a number is meant."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.groups import Group, groups
from asterism.catalogs.modalities import PRESENT, layouts, ready_arrays
from asterism.catalogs.schema import image_fields, make_field, photometry_fields
from asterism.errors import BadInputError

NAN = float("nan")


def one(schema):
    return next(iter(groups(pa.schema(schema)).values()))


def test_the_four_states_of_photometry():
    quantities = ("flux", "ivar", "extinction", "psf_probability", "flags")
    fields = photometry_fields("wise", ("W1", "W2"), quantities, dereddened=False, zero_point="ab")
    values = {
        "flux": [[3, 4], [-0.1, NAN], None],
        "ivar": [[1, 2], [5, 0], None],
        "extinction": [[0.1, NAN], [0.2, 0.3], None],
        "psf_probability": [0.5, None, None],
        "flags": [1, 2, None],
    }
    table = pa.table(
        [pa.array(v, f.type) for f, v in zip(fields, values.values(), strict=True)], schema=pa.schema(fields)
    )
    ready = ready_arrays(table, one(fields))
    assert set(ready) == {"flux", "ivar", "extinction", "psf_probability", PRESENT}
    np.testing.assert_allclose(ready["flux"], [[3, 4], [-0.1, 0], [0, 0]])
    np.testing.assert_allclose(ready["ivar"], [[1, 2], [5, 0], [0, 0]])
    np.testing.assert_allclose(ready["extinction"], [[0.1, NAN], [0.2, 0.3], [NAN, NAN]])
    np.testing.assert_allclose(ready["psf_probability"], [0.5, NAN, NAN])
    np.testing.assert_array_equal(ready[PRESENT], [True, True, False])
    assert all(a.dtype == np.float32 for n, a in ready.items() if n != PRESENT)


@pytest.mark.parametrize("per_band", [False, True])
def test_images(per_band):
    fields = image_fields("legacy", "gr", (2, 3), 0.262, ivar_per_band=per_band, zero_point="ab")
    group = one(fields)
    flux = np.arange(24, dtype=np.float32).reshape(2, 12)
    ivar = np.ones((2, 2 if per_band else 12), np.float32)
    flux[0, 6:], ivar[0, ivar.shape[1] // 2 :] = np.nan, 0
    arrays = [pa.array(v.tolist(), f.type) for f, v in zip(fields, (flux, ivar, np.ones((2, 2))), strict=True)]
    ready = ready_arrays(pa.table(arrays, schema=pa.schema(fields)), group)
    assert ready["flux"].shape == (2, 2, 2, 3)
    assert ready["ivar"].shape == ((2, 2, 1, 1) if per_band else (2, 2, 2, 3))
    assert ready["flux"][1, 0, 1, 2] == 17
    assert ready["flux"][0, 1].tolist() == [[0] * 3] * 2
    assert (ready["ivar"][0, 1] == 0).all()
    assert (ready["ivar"][0, 0] == 1).all()


def test_a_bad_pixel_never_passes_as_observed():
    fields = image_fields("legacy", "gr", 2, 0.262, ivar_per_band=True, psf_fwhm=False, zero_point="ab")
    arrays = [pa.array([[1, 2, 3, NAN, 5, 6, 7, 8]], fields[0].type), pa.array([[1, 1]], fields[1].type)]
    ready = ready_arrays(pa.table(arrays, schema=pa.schema(fields)), one(fields))
    assert ready["ivar"].ravel().tolist() == [0, 1]
    assert ready["flux"].ravel().tolist() == [0, 0, 0, 0, 5, 6, 7, 8]


def test_half_precision_stays():
    field = make_field("image_x_flux", pa.list_(pa.float16(), 2), bands="g", shape="1,1,2")
    weight = make_field("image_x_ivar", pa.list_(pa.float32(), 2), bands="g", shape="1,1,2")
    group = one([field, weight])
    assert layouts(group)["flux"].dtype == np.float16
    values = pa.FixedSizeListArray.from_arrays(pa.array(np.array([1, 2], np.float16)), 2)
    table = pa.table([values, pa.array([[1, 1]], weight.type)], schema=pa.schema([field, weight]))
    assert ready_arrays(table, group)["flux"].dtype == np.float16


def test_both_arms_of_a_2d_spectrum():
    fields = [
        make_field(f"spectrum2d_x_{q}", pa.list_(pa.float32(), 4), shape="2,2")
        for q in ("blue", "blue_ivar", "red", "red_ivar")
    ]
    rows = [[1, 2, 3, NAN], [1, 1, 1, 0]]
    table = pa.table(
        [pa.array([r, None], f.type) for f, r in zip(fields, rows * 2, strict=True)], schema=pa.schema(fields)
    )
    ready = ready_arrays(table, one(fields))
    assert ready["blue"].tolist() == [[[1, 2], [3, 0]], [[0, 0], [0, 0]]]
    assert ready[PRESENT].tolist() == [True, False]


def test_what_does_not_fit_is_refused():
    fields = photometry_fields("wise", ("W1", "W2"), dereddened=False, zero_point="ab")
    group = one(fields)
    good = pa.array([[1, 1]], fields[0].type)
    with pytest.raises(BadInputError, match="did you mean 'photometry_wise_fluxx'"):
        ready_arrays(pa.table({"photometry_wise_fluxx": good, "photometry_wise_ivar": good}), group)
    three = pa.array([[1, 1, 1]], pa.list_(pa.float32(), 3))
    with pytest.raises(BadInputError, match="3 values per row where 2"):
        ready_arrays(pa.table({"photometry_wise_flux": three, "photometry_wise_ivar": good}), group)
    wrong = make_field("image_x_flux", pa.list_(pa.float32(), 5), bands="g", shape="1,2,2")
    with pytest.raises(BadInputError, match="its shape is 1,2,2"):
        layouts(Group("image_x", "image", "x", {"flux": wrong}))
    loose = make_field("image_x_flux", pa.list_(pa.float32()), bands="g")
    with pytest.raises(BadInputError, match="no fixed length"):
        layouts(Group("image_x", "image", "x", {"flux": loose}))
    flux = make_field("spectrum2d_x_blue", pa.list_(pa.float32(), 4), shape="2,2")
    ivar = make_field("spectrum2d_x_blue_ivar", pa.list_(pa.float32(), 3), shape="3")
    table = pa.table([pa.array([[1] * 4], flux.type), pa.array([[1] * 3], ivar.type)], schema=pa.schema([flux, ivar]))
    with pytest.raises(BadInputError, match="does not fit its flux"):
        ready_arrays(table, one([flux, ivar]))
