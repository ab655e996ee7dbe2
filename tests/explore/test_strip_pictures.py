import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.groups import groups
from asterism.catalogs.spectral_schema import spectrum2d_fields
from asterism.errors import ConfigurationError
from asterism.explore.explanations import Explanation
from asterism.explore.strip_pictures import ArmView, arm_views, draw_arms, positive

RNG = np.random.default_rng(0)


def test_a_map_is_drawn_as_its_relu():
    told = positive(np.array([-1.0, 0.0, 2.0, np.nan]))
    np.testing.assert_array_equal(told, [0, 0, 1, np.nan])
    np.testing.assert_array_equal(positive(np.array([-1.0, 2.0]), 4.0), [0, 0.5])
    np.testing.assert_array_equal(positive(-np.ones(2)), [0, 0])


def test_arms_have_pixels_below_wavelengths_above_and_attention_before_and_after(pictured, pictured_groups, strip_maps):
    views = arm_views(strip_maps, pictured, pictured_groups["spectrum2d"], {"blue": 1000, "red": 0})
    assert [list(view.maps) for view in views] == [["map before attention", "map after attention"]] * 2
    figure = draw_arms([views])
    axes = figure.get_axes()
    assert len(axes) == 6
    blue = [ax for ax in axes if "blue arm" in ax.get_xlabel()]
    assert blue[0].get_xlim() == (1019.5, 1179.5)
    above = axes[0].child_axes[0]
    ticks = {t.get_text(): x for t, x in zip(above.get_xticklabels(), above.get_xticks(), strict=True)}
    assert ticks["5000"] == pytest.approx(1100)
    assert "wavelength" in above.get_xlabel()
    # He II and C IV of a quasar at 2 are inside the blue window.
    assert {"C IV", "He II"} <= {t.get_text() for t in axes[0].texts}
    # One scale for both arms: the red one's 0.1 is faint where the blue one reaches 3.
    shown = [ax.get_images()[0].get_array().max() for ax in axes]
    assert [round(float(v), 2) for v in (shown[2], shown[4])] == [1.0, 1.0]
    assert shown[3] < 0.1
    assert shown[5] == 0
    assert any("nothing here" in t.get_text() for t in axes[5].texts)


def test_where_more_is_stored_than_is_read_maps_lie_over_what_is_read(pictured, pictured_groups):
    part = (slice(2, 13), slice(20, 180))
    group = pictured_groups["spectrum2d"].cut({name: part for name in ("blue", "blue_ivar")})
    one = Explanation(0, "a", "spectrum2d", "blue", "blue", "grad-cam", "QSO", RNG.normal(size=(11, 160)))
    (view,) = arm_views([one], pictured, group, {"blue": 1020})
    np.testing.assert_array_equal(view.strip, pictured["spectrum2d_lamost_blue"][part])
    axes = draw_arms([[view]]).get_axes()
    assert axes[0].get_xlim() == (1019.5, 1179.5)
    above = axes[0].child_axes[0]
    ticks = {t.get_text(): x for t, x in zip(above.get_xticklabels(), above.get_xticks(), strict=True)}
    assert ticks["5000"] == pytest.approx(1100)  # pixel 100 of what is stored from 1000 on


def test_a_strip_is_shown_without_the_sky_where_the_model_takes_it_off(pictured):
    group = next(iter(groups(pa.schema(spectrum2d_fields("lamost", 200, sky=True))).values()))
    one = Explanation(0, "a", "spectrum2d", "blue", "blue", "hirescam", "QSO", RNG.normal(size=(15, 200)))
    values = {**pictured, "spectrum2d_lamost_blue_sky": np.full((15, 200), 90.0)}
    (view,) = arm_views([one], values, group, {})
    np.testing.assert_allclose(view.strip, pictured["spectrum2d_lamost_blue"] - 90)
    (axes, _) = draw_arms([[view]]).get_axes()
    assert "without sky" in axes.get_ylabel()
    (kept,) = arm_views([one], values, group.only(("blue", "blue_ivar")), {})
    assert kept.label == "strip"
    np.testing.assert_array_equal(kept.strip, pictured["spectrum2d_lamost_blue"])


def test_no_arm_to_draw_is_one_sentence():
    with pytest.raises(ConfigurationError, match="no arm of a 2D spectrum to draw"):
        draw_arms([])


def test_a_strip_without_wavelengths_or_maps_is_drawn_bare():
    figure = draw_arms([[ArmView("a", "blue", RNG.normal(size=(15, 50)), None, {})]])
    (axes,) = figure.get_axes()
    assert not axes.child_axes
