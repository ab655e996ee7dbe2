from dataclasses import replace

import numpy as np
import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.explore.class_activation import (
    GRAD_CAM,
    HIRES_CAM,
    class_activation,
    need_captum,
    on_input,
    to_pixels,
)
from asterism.explore.explained_scores import choose_target

pytest.importorskip("captum")
SMALL = {"size": "light", "blue_window": (1000, 1100), "red_window": (1495, 1595)}
WINDOWS = {"size": "light"}


def test_the_map_is_the_mean_gradient_times_what_the_layer_found(bright_model, bright_batch):
    target = choose_target(bright_model, bright_batch, "QSO")
    maps = class_activation(bright_model, bright_batch, target)
    # The score is the mean of the red arm's counts: each cell's gradient is one by the number of cells.
    wanted = np.maximum(bright_batch["spectrum2d"]["red"].double().numpy() - 10, 0) / maps["red"][0].size
    np.testing.assert_allclose(maps["red"], wanted, rtol=1e-5)
    np.testing.assert_array_equal(maps["blue"], 0)


@pytest.fixture(scope="module")
def macnet(make_model, make_batch):
    roles = ("image", "spectrum2d")
    model = make_model("macnet", roles, **SMALL)
    return model, make_batch(9, roles=roles, model=model)


def test_objects_without_an_arm_have_no_map_of_it_and_the_others_are_as_before(macnet):
    model, batch = macnet
    target = choose_target(model, batch)
    maps = class_activation(model, batch, target)
    assert set(maps) == {"blue", "blue_before_attention", "red", "red_before_attention", "image"}
    lacking = {name: np.flatnonzero(np.isnan(m).any((1, 2))).tolist() for name, m in maps.items()}
    assert lacking["red"] == [1, 3, 5]
    assert lacking["blue"] == [1, 3, 4]
    assert lacking["image"] == [2, 3]
    alone = class_activation(model, {k: _first(v, 7) for k, v in batch.items()}, target.take([7]), ["red"])
    np.testing.assert_allclose(alone["red"][0], maps["red"][7], rtol=1e-4, atol=1e-6)


def _first(value, i):
    return {k: _first(v, i) for k, v in value.items()} if hasattr(value, "items") else value[i : i + 1]


def test_attention_changes_the_map_behind_it(macnet):
    model, batch = macnet
    maps = class_activation(model, batch, choose_target(model, batch), ["blue", "blue_before_attention"])
    assert np.nanmax(np.abs(maps["blue"] - maps["blue_before_attention"])) > 0


def test_where_cells_are_pooled_their_own_gradients_and_the_mean_are_one_and_elsewhere_not(
    bright_model, bright_batch, macnet
):
    target = choose_target(bright_model, bright_batch, "QSO")
    plain, by_cell = (class_activation(bright_model, bright_batch, target, cam=c)["red"] for c in (GRAD_CAM, HIRES_CAM))
    np.testing.assert_allclose(plain, by_cell, rtol=1e-5)
    model, batch = macnet
    target = choose_target(model, batch)
    plain, by_cell = (class_activation(model, batch, target, ["red"], cam=c)["red"] for c in (GRAD_CAM, HIRES_CAM))
    assert np.nanmax(np.abs(plain - by_cell)) > 0


def test_cells_are_brought_to_the_pixels_that_they_stand_for():
    cells = np.zeros((1, 2, 3))
    cells[0, 1, 2] = 1.0
    pixels = to_pixels(cells, (11, 20), (8, 8))
    assert pixels.shape == (1, 11, 20)
    assert pixels[0, -1, -1] == pixels.max()
    # Cell (1, 2) covers rows 8 to 16 and columns 16 to 24: its middle is at row 11.5, behind the edge.
    np.testing.assert_allclose(pixels[0, 10, 19], (10.5 / 8 - 0.5) * (19.5 / 8 - 1.5))
    assert (pixels[0, :, :12] == 0).all()


def test_a_map_lies_where_its_layer_looks_in_the_strip(bright_model, bright_batch):
    # The strips' first row is 5 of the CCD's, and their first pixel 1000.
    layer = replace(bright_model.network.cam_layers["red"], rows=(6, 9), columns=(1010, 1050), stride=(1, 4))
    whole = on_input(bright_model, bright_batch, np.ones((24, 3, 10)), layer)
    inside = np.zeros((5, 64), bool)
    inside[1:4, 10:50] = True
    for told in whole:
        np.testing.assert_array_equal(np.isfinite(told), inside)


def test_layers_cover_the_windows_that_a_network_reads(macnet):
    model, _ = macnet
    for name in ("blue", "red"):
        layer, arm = model.network.cam_layers[name], model.config.inputs.spectrum2d.arm(name)
        assert (arm.first_pixel, arm.first_pixel + arm.pixels) == layer.columns == SMALL[f"{name}_window"]
        assert (arm.first_row, arm.first_row + arm.rows) == (2, 13)
        assert 2 <= layer.rows[0] < layer.rows[1] <= 13


def test_a_map_of_a_1d_window_lies_at_its_wavelengths(make_model, make_batch):
    model, batch = make_model("sscnn1d", ("spectrum",), **WINDOWS), make_batch(8, roles=("spectrum",))
    layer = model.network.cam_layers["blue"]
    maps = class_activation(model, batch, choose_target(model, batch))
    assert np.isnan(maps["blue"][[2, 3]]).all()
    cells = np.zeros_like(maps["blue"])
    cells[:, :, cells.shape[2] // 4] = 1.0
    whole = on_input(model, batch, cells, layer)
    wavelength = model.config.inputs.spectrum.wavelength
    assert ((wavelength >= 4100) & (wavelength <= 5300) == np.isfinite(whole[0])).all()
    expected = 4100 + (cells.shape[2] // 4 + 0.5) * layer.stride[1] * 1200 / 2000
    assert abs(wavelength[np.nanargmax(whole[0])] - expected) < 12  # the grid's pixels are 10 Å wide here


def test_frozen_weights_have_maps_too(bright_model, bright_batch):
    target = choose_target(bright_model, bright_batch, "QSO")
    before = class_activation(bright_model, bright_batch, target)
    bright_model.requires_grad_(False)
    after = class_activation(bright_model, bright_batch, target)
    bright_model.requires_grad_(True)
    np.testing.assert_array_equal(before["red"], after["red"])


def test_an_unknown_layer_or_map_and_a_missing_library_are_one_sentence(bright_model, bright_batch, monkeypatch):
    target = choose_target(bright_model, bright_batch)
    with pytest.raises(ConfigurationError, match="did you mean 'blue'"):
        class_activation(bright_model, bright_batch, target, ["bleu"])
    with pytest.raises(ConfigurationError, match="unknown class activation map 'gradcam'; did you mean 'grad-cam'"):
        class_activation(bright_model, bright_batch, target, cam="gradcam")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"need captum; pip install 'asterism\[explore\]'"):
        need_captum()
    assert torch.is_grad_enabled()
