import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.explore.explanation_pictures import draw_explanations
from asterism.explore.explanations import Explanation

RNG = np.random.default_rng(0)


def explanation(role, values, layer="input", method="grad-cam", arm=None, features=()):
    return Explanation(0, "a", role, arm, layer, method, "QSO", np.asarray(values, float), features)


def test_all_that_is_explained_is_drawn(pictured, pictured_groups, strip_maps, tmp_path):
    told = [
        *strip_maps,
        explanation("image", RNG.normal(size=(16, 16)), "image"),
        explanation("spectrum", np.where(np.arange(391) > 300, np.nan, 1.0) * RNG.normal(size=391), "blue", arm="blue"),
        explanation(
            "photometry", [0.5, -0.2, np.nan], method="integrated gradients", features=("u_mag", "g_mag", "u-g")
        ),
    ]
    groups_of = {role: pictured_groups.get(role) for role in ("photometry", "image", "spectrum", "spectrum2d")}
    figure = draw_explanations(told, pictured, groups_of, first_pixel={"blue": 1000, "red": 1500})
    figure.savefig(tmp_path / "a.png")
    texts = [t.get_text() for ax in figure.get_axes() for t in [*ax.get_yticklabels(), ax.title]]
    assert "u-g (not observed)" in texts
    bars = next(ax for ax in figure.get_axes() if ax.patches and "added" in ax.get_xlabel())
    assert [round(p.get_width(), 2) for p in bars.patches] == [0.5, -0.2, 0.0]


def test_attention_and_gradients_of_a_stamp_are_drawn_by_their_own_scales(pictured, pictured_groups):
    for method, low in (("attention", 0.0), ("integrated gradients", -1.0)):
        one = explanation("image", np.linspace(0, 1, 256).reshape(16, 16), "input", method)
        figure = draw_explanations([one], pictured, {"image": pictured_groups["image"]})
        image = figure.get_axes()[1].get_images()[0]
        assert image.get_clim() == (low, 1.0)


def test_nothing_to_draw_is_one_sentence(pictured, pictured_groups):
    with pytest.raises(BadInputError, match="nothing of object a is explained"):
        draw_explanations([], pictured, {"image": pictured_groups["image"]})
