"""One object as a picture: every modality that it has, and none that it lacks."""

import numpy as np
import pytest

from asterism.catalogs.groups import groups
from asterism.catalogs.objects import find_object, object_values
from asterism.errors import BadInputError
from asterism.explore.portrait import describe_object, portrait
from asterism.simulate.sky import simulate


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    out = tmp_path_factory.mktemp("sky") / "c"
    return simulate(4, out, survey="sdss-spectro", seed=1, modalities=("photometry", "image", "spectrum"), workers=1)


@pytest.fixture
def values(catalog):
    return object_values(find_object(catalog, "sim-sdss-spectro-1-000000002"))


def axes_of(figure):
    return [axes for panel in figure.subfigs for axes in panel.axes]


def test_what_is_drawn(catalog, values, tmp_path):
    figure = portrait(values, catalog.groups)
    titles = [axes.get_title() + axes.get_title(loc="left") for axes in axes_of(figure)]
    assert {"sdss, in colour", *(f"sdss {band}" for band in "ugriz")} <= set(titles)
    assert any(title.startswith("sdss spectrum") for title in titles)
    labels = [axes.get_ylabel() for axes in axes_of(figure)]
    assert "flux density (µJy)" in labels
    assert "10⁻¹⁷ erg/s/cm²/Å" in labels
    figure.savefig(tmp_path / "a.png")


def test_lines_fall_where_the_redshift_puts_them(catalog, values):
    values |= {"class": "GALAXY", "redshift": 0.2}
    spectrum = next(
        axes for axes in axes_of(portrait(values, catalog.groups)) if "spectrum" in axes.get_title(loc="left")
    )
    marks = {text.get_text(): text.get_position()[0] for text in spectrum.texts}
    assert marks["Hβ"] == pytest.approx(1.2 * 4862.68)
    assert values["redshift"] == 0.2
    without = {**values, "redshift": None}
    spectrum = next(
        axes for axes in axes_of(portrait(without, catalog.groups)) if "spectrum" in axes.get_title(loc="left")
    )
    assert not spectrum.texts


def test_absent_modalities_are_left_out(catalog, values):
    bare = {**values, "image_sdss_flux": None, "image_sdss_ivar": None, "spectrum_sdss_flux": None}
    assert len(axes_of(portrait(bare, catalog.groups))) == 1
    unseen = {**bare, "photometry_sdss_ivar": np.zeros(5)}
    with pytest.raises(BadInputError, match="nothing can be drawn"):
        portrait(unseen, catalog.groups)


def test_one_line_says_what_it_is(values):
    told = describe_object({**values, "class": "QSO", "subclass": None, "redshift": 2.5, "label_warning": 4, "p_qso": 0.91,
                            "class_predicted": "QSO"})  # fmt: skip
    assert "QSO" in told
    assert "z = 2.5" in told
    assert "in doubt (4)" in told
    assert "predicted QSO (0.91)" in told
    assert "class not known" in describe_object({"object_id": "a", "class": None})


def test_strips():
    import pyarrow as pa

    from asterism.catalogs.spectral_schema import spectrum2d_fields

    fields = spectrum2d_fields("lamost", 40, arms=("blue",))
    wavelength = np.broadcast_to(np.linspace(4000.0, 5600.0, 40), (15, 40))
    values = {
        "object_id": "a", "spectrum2d_lamost_blue": np.random.default_rng(0).normal(size=(15, 40)),
        "spectrum2d_lamost_blue_ivar": np.ones((15, 40)), "spectrum2d_lamost_blue_wavelength": wavelength,
    }  # fmt: skip
    (axes,) = axes_of(portrait(values, groups(pa.schema(fields))))
    ticks = {label.get_text(): place for label, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    assert ticks["4500"] == pytest.approx(500 / 1600 * 39)
