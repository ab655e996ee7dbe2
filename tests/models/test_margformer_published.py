import numpy as np
import pytest
import torch

from asterism.catalogs.bands import asinh_to_nanomaggy, band_info
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model

ROLES = ("photometry", "image")


@pytest.mark.parametrize(("classes", "count"), [(("A", "B", "C"), 1_505_315), (("A", "B"), 1_505_250)])
def test_it_has_the_published_number_of_parameters(make_inputs, classes, count):
    model = create_model("margformer-published", make_inputs(ROLES), classes)
    assert sum(p.numel() for p in model.parameters()) == count


def test_its_parts_have_the_published_sizes(make_inputs):
    network = create_model("margformer-published", make_inputs(ROLES), ("A", "B", "C")).network
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert counts["photometry"] == 698_176
    assert counts["patches"] == 160 + 80 * 64 + 64 + 128
    assert counts["blocks"] == 12 * 66_432
    assert network.position.shape == (65, 64)


def test_the_24_features_are_those_of_margnets_tables(make_model):
    magnitudes = np.array([[22.0, 20.5, 19.3, 18.9, 18.6]])
    extinction = np.array([[0.42, 0.33, 0.23, 0.17, 0.13]])
    softening = np.array([band_info("sdss", band).softening for band in "ugriz"])
    flux, _ = asinh_to_nanomaggy(magnitudes, None, softening)
    photometry = {
        "flux": torch.tensor(flux, dtype=torch.float32),
        "ivar": torch.ones(1, 5),
        "extinction": torch.tensor(extinction, dtype=torch.float32),
        "radius": torch.full((1, 5), 0.4),
        "psf_fwhm": torch.full((1, 5), 1.3),
        "present": torch.ones(1, dtype=torch.bool),
    }
    values, observed = make_model("margformer-published", ROLES).network.features({"photometry": photometry})
    assert observed.all()
    expected = np.concatenate(
        [magnitudes - extinction, np.full((1, 5), 0.4), np.full((1, 5), 1.3), extinction, -np.diff(magnitudes)], 1
    )
    np.testing.assert_allclose(values, expected, atol=5e-4)


def test_a_dereddened_catalog_gives_the_same_features(make_model, make_batch, make_inputs):
    batch = make_batch(20)
    inputs = make_inputs(ROLES)
    dereddened = inputs.model_copy(update={"photometry": inputs.photometry.model_copy(update={"dereddened": True})})
    network = create_model("margformer-published", dereddened, ("A", "B")).network
    values, _ = network.features(batch)
    raw = create_model("margformer-published", inputs, ("A", "B")).network.features(batch)[0]
    taken = torch.nan_to_num(batch["photometry"]["extinction"], nan=0.0)
    seen = batch["photometry"]["ivar"] > 0
    torch.testing.assert_close(values[:, :5][seen], (raw[:, :5] + taken)[seen])


def test_the_querys_attention_is_added_to_every_token(make_model):
    block = make_model("margformer-published", ROLES).network.blocks[0]
    for parameter in block.mlp.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 65, 64)
    added = block(x) - x
    assert added.abs().sum() > 0
    torch.testing.assert_close(added, added[:, :1].expand_as(added), rtol=1e-4, atol=1e-5)


def test_its_attention_is_what_each_token_gives_to_the_query(make_model, make_batch):
    network = make_model("margformer-published", ROLES).network
    batch = make_batch()
    x, block = network._sequence(batch), network.blocks[0]
    weights = block.token_weights(x)
    assert weights.shape == (24, 8, 1, 65)
    values = block.value(block.norm(x)).unflatten(-1, (8, -1)).transpose(1, 2)
    for part in (*block.mlp[1::3], block.out):
        torch.nn.init.zeros_(part.bias)
    torch.nn.init.zeros_(block.mlp[-1].weight)
    torch.nn.init.eye_(block.out.weight)
    taken = (weights @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(block(x)[:, :1] - x[:, :1], taken, rtol=1e-4, atol=1e-5)
    maps = network.attention(batch)
    assert maps.shape == (24, 12, 8, 1, 8, 8)
    torch.testing.assert_close(maps[0, 0].flatten(-2), weights[0, ..., 1:])
    assert torch.isnan(maps[2]).all()


def test_other_inputs_are_refused(make_inputs):
    inputs = make_inputs(ROLES)
    photometry, image = inputs.photometry, inputs.image

    def refused(words, **changes):
        with pytest.raises(ConfigurationError, match=words):
            create_model(
                "margformer-published", ModelInputs(**{"photometry": photometry, "image": image, **changes}), "AB"
            )

    refused("needs image among its inputs", image=None)
    refused("needs photometry among its inputs", photometry=None)
    refused("32x32 pixels and is given 64x64", image=image.model_copy(update={"shape": (64, 64)}))
    refused("an image in ugriz and is given grz", image=image.model_copy(update={"bands": tuple("grz")}))
    refused(
        "needs photometry_sdss_radius", photometry=photometry.model_copy(update={"quantities": ("flux", "extinction")})
    )


def test_rows_without_photometry_teach_no_scale(make_inputs, make_batch):
    batch = make_batch()
    batch["photometry"]["present"][:] = False
    with pytest.raises(BadInputError, match="no training row has observed photometry"):
        create_model("margformer-published", make_inputs(ROLES), "ABC").standardise([batch])
