import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from asterism.errors import ConfigurationError
from asterism.surveys.tables.photometry import PhotometryDoor, reject_corrupt
from asterism.surveys.tables.table_map import PhotometryColumns

B = {"g": 0.9e-10, "r": 1.2e-10}


def columns(**more):
    base = {"bands": ["g", "r"], "magnitude": "m_{band}", "system": "asinh", "dereddened": False}
    base |= more
    return PhotometryColumns(**{key: value for key, value in base.items() if value is not None})


def through(door_columns, cells, reddening=None, survey="sdss"):
    door = PhotometryDoor.open(door_columns, survey, reddening is not None)
    told = []
    n = len(next(iter(cells.values())))
    cells = {name: np.asarray(values, float) for name, values in cells.items()}
    arrays = door.arrays(cells, reddening, np.arange(1, n + 1), lambda row, why: told.append((row, why)))
    assert all(a.dtype == np.float32 for a in arrays.values())
    return door, arrays, told


def by_contract(m, b):
    """The formula of CONTRACT.md in nanomaggies, in long double and without our code."""
    m, b = np.longdouble(m), np.longdouble(b)
    ln10 = np.log(np.longdouble(10))
    return 1e9 * 2 * b * np.sinh(-m * ln10 / np.longdouble(2.5) - np.log(b))


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(
        np.float64, (6, 2), elements=st.one_of(st.floats(10, 27), st.just(np.nan), st.just(-9999.0), st.just(99.0))
    )
)
def test_every_flux_is_measured_or_not_observed(mags):
    door, arrays, told = through(columns(), {"m_g": mags[:, 0], "m_r": mags[:, 1]})
    flux, ivar = arrays["flux"], arrays["ivar"]
    assert ((ivar > 0) == np.isfinite(flux)).all()
    assert (np.isnan(flux) == (ivar == 0)).all()
    blank = np.isnan(mags) | (mags < 0) | (mags > 90)
    assert not (ivar[blank] > 0).any()
    safe = np.where(blank, 20.0, mags)
    expected = np.stack([by_contract(safe[:, k], b) for k, b in enumerate(B.values())], axis=1).astype(float)
    np.testing.assert_allclose(flux[ivar > 0], expected[ivar > 0], rtol=1e-6)
    # What is neither blank nor observed was corrupt, and is told.
    assert len(told) == (~blank & (ivar == 0)).sum()
    assert [f.name for f in door.fields("t")] == ["photometry_sdss_flux", "photometry_sdss_ivar"]


def test_errors_become_inverse_variances():
    _, arrays, told = through(
        columns(error="e_{band}"),
        {"m_g": [20.0, 25.5, 20.0], "m_r": [20.0, 20.0, 20.0], "e_g": [0.1, 0.4, 0.0], "e_r": [0.05, np.nan, -9999]},
    )
    x = by_contract(20.0, B["g"]) / 1e9 / (2 * B["g"])
    sigma = 0.1 * np.log(10) / 2.5 * 2 * B["g"] * np.sqrt(1 + float(x) ** 2) * 1e9
    assert arrays["ivar"][0, 0] == pytest.approx(sigma**-2, rel=1e-6)
    assert arrays["flux"][1, 0] < 0
    assert arrays["ivar"][1, 0] > 0
    assert (arrays["ivar"][1:, 1] == 0).all()
    assert [row for row, why in told if "no usable error" in why] == [2, 3, 3]


def test_the_depth_stands_in_for_absent_errors():
    door, arrays, _ = through(columns(), {"m_g": [20.0], "m_r": [20.0]})
    np.testing.assert_allclose(
        arrays["ivar"][0], [(10 ** (-0.4 * (d - 22.5)) / 5) ** -2 for d in (23.13, 22.70)], rtol=1e-6
    )
    assert all(f.metadata[b"ivar_source"] == b"depth" for f in door.fields("t"))


def test_corrupt_is_told_and_a_non_detection_is_not():
    _, arrays, told = through(columns(), {"m_g": [30.6, 25.3], "m_r": [20.0, 26.0]})
    assert np.isnan(arrays["flux"][0, 0])
    assert arrays["ivar"][0].tolist()[0] == 0
    assert arrays["flux"][1, 0] < 0 < arrays["ivar"][1, 0]
    assert len([t for t in told if t[0] == 1]) == 1
    assert "m_g is corrupt" in told[0][1]


def test_dereddening_is_undone_by_the_tables_extinction_or_the_map():
    cells = {"m_g": [20.0, 20.0], "m_r": [19.0, 19.0], "a_g": [0.33, np.nan], "a_r": [0.23, np.nan]}
    door, arrays, told = through(columns(dereddened=True, extinction="a_{band}"), cells)
    assert door.fields("t")[0].metadata[b"dereddened"] == b"false"
    assert arrays["flux"][0, 0] == pytest.approx(float(by_contract(20.33, B["g"])), rel=1e-6)
    assert (arrays["ivar"][1] == 0).all()
    assert told == [(2, "the extinction is unknown here, so dereddened values can't be made observed ones")]
    door, arrays, told = through(columns(dereddened=True), cells, reddening=np.array([0.1, 0.0]))
    assert arrays["flux"][0, 1] == pytest.approx(float(by_contract(19.2285, B["r"])), rel=1e-6)
    np.testing.assert_allclose(arrays["extinction"][0], [0.3303, 0.2285], rtol=1e-6)
    # A table that was dereddened by other coefficients is undone by those; the model dereddens by ours.
    door, arrays, told = through(columns(dereddened=True, dereddening=[3.793, 2.751]), cells, np.array([0.1, 0.0]))
    assert arrays["flux"][0, 1] == pytest.approx(float(by_contract(19.2751, B["r"])), rel=1e-6)
    np.testing.assert_allclose(arrays["extinction"][0], [0.3303, 0.2285], rtol=1e-6)
    door, arrays, told = through(columns(dereddened=True), cells)
    assert door.fields("t")[0].metadata[b"dereddened"] == b"true"
    assert arrays["flux"][0, 0] == pytest.approx(float(by_contract(20.0, B["g"])), rel=1e-6)


def test_fluxes_with_inverse_variances_or_errors():
    flux = columns(magnitude=None, system=None, flux="f_{band}", ivar="i_{band}")
    cells = {"f_g": [3.0, 1.0], "f_r": [-0.1, np.nan], "i_g": [4.0, 0.0], "i_r": [25.0, 1.0]}
    door, arrays, told = through(flux, cells)
    np.testing.assert_allclose(arrays["ivar"], [[4.0, 25.0], [0.0, 0.0]])
    assert arrays["flux"][0].tolist() == pytest.approx([3.0, -0.1])
    assert not told
    assert door.zero_point == "ab"
    dered = columns(
        magnitude=None, system=None, flux="f_{band}", ivar="i_{band}", extinction="a_{band}", dereddened=True
    )
    _, arrays, _ = through(dered, cells | {"a_g": [2.5, 2.5], "a_r": [0.0, 0.0]})
    assert arrays["flux"][0, 0] == pytest.approx(0.3)
    assert arrays["ivar"][0, 0] == pytest.approx(400.0)


def test_ab_magnitudes_with_offsets_from_vega():
    door, arrays, _ = through(
        PhotometryColumns(bands=["W1"], magnitude="w1", error="e", system="ab", offsets=[2.699], dereddened=False),
        {"w1": [22.5 - 2.699], "e": [0.1]},
        survey="wise",
    )
    assert arrays["flux"][0, 0] == pytest.approx(1.0)
    assert arrays["ivar"][0, 0] == pytest.approx((0.1 * np.log(10) / 2.5) ** -2)
    assert door.zero_point == "ab"


def test_the_other_quantities():
    made = columns(
        psf_magnitude="p_{band}", psf_fwhm="w_{band}", radius="r_{band}", psf_probability="pp", dereddened=True
    )
    cells = {"m_g": [20.0, -9999], "m_r": [19.0, 19.0], "p_g": [20.5, -9999.3], "p_r": [19.0, 19.0]}
    cells |= {"w_g": [1.3, -1], "w_r": [1.2, 1.2], "r_g": [1e-9, 0], "r_r": [2.0, np.nan], "pp": [0.5, 7.0]}
    _, arrays, told = through(made, cells)
    np.testing.assert_allclose(arrays["psf_minus_model"], [[0.5, 0.0], [np.nan, 0.0]], atol=1e-6)
    np.testing.assert_allclose(arrays["psf_fwhm"], np.float32([[1.3, 1.2], [np.nan, 1.2]]))
    np.testing.assert_allclose(arrays["radius"], np.float32([[1e-9, 2.0], [0, np.nan]]))
    np.testing.assert_allclose(arrays["psf_probability"], [0.5, np.nan])
    assert told == [(2, "pp is 7, not a probability: left out")]


@pytest.mark.parametrize(
    ("made", "survey", "dust", "sentence"),
    [
        (columns(), "legacy", False, "asinh magnitudes need a published softening"),
        (columns(system="ab"), "legacy", False, "without errors a published depth"),
        (
            columns(error="e_{band}", system="ab", bands=["g", "Y"]),
            "legacy",
            True,
            "'Y' of survey 'legacy': --dust needs",
        ),
    ],
)
def test_constants_that_nobody_published(made, survey, dust, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        PhotometryDoor.open(made, survey, dust)


def test_no_overflow_passes_the_door():
    told = []
    flux, ivar = reject_corrupt(
        np.array([[1e39, 1.0, np.inf]]),
        np.array([[1.0, 1e-30, 1.0]]),
        ["a", "b", "c"],
        np.array([1]),
        lambda *a: told.append(a),
    )
    assert np.isnan(flux).all()
    assert (ivar == 0).all()
    assert len(told) == 3
