import numpy as np
import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.explore.attention_maps import attention_change, attention_maps, draw_attention, on_stamp, shares
from asterism.models.inputs import ImageInputs, ModelInputs, PhotometryInputs
from asterism.models.model import create_model

UGRIZ = tuple("ugriz")
PHOTOMETRY = PhotometryInputs(
    group="photometry_sdss",
    survey="sdss",
    bands=UGRIZ,
    quantities=("flux", "extinction", "psf_fwhm", "radius"),
    zero_point="sdss",
)
IMAGE = ImageInputs(
    group="image_sdss", survey="sdss", bands=UGRIZ, shape=(32, 32), pixel_scale=0.396, zero_point="sdss"
)
BLOCKS = {"margformer": (2, 4), "margformer-published": (12, 8)}


def batch_of(n=12):
    rng = np.random.default_rng(0)
    flux = 10 ** rng.uniform(0, 2, (n, 5))
    y, x = np.mgrid[:32, :32] - 15.5
    stamp = flux[:, :, None, None] * np.exp(-(y**2 + x**2) / 8) / 25 + rng.normal(0, 0.02, (n, 5, 32, 32))
    present = torch.ones(n, dtype=torch.bool)
    present[3] = False
    tensors = {
        "photometry": {
            "flux": flux,
            "ivar": np.full((n, 5), 25.0),
            "extinction": np.full((n, 5), 0.1),
            "psf_fwhm": np.full((n, 5), 1.3),
            "radius": rng.uniform(0.1, 2, (n, 5)),
        },
        "image": {"flux": stamp, "ivar": np.full((n, 5, 1, 1), 2500.0) * present.numpy()[:, None, None, None]},
    }
    batch = {role: {k: torch.tensor(v, dtype=torch.float32) for k, v in of.items()} for role, of in tensors.items()}
    batch["photometry"]["present"], batch["image"]["present"] = torch.ones(n, dtype=torch.bool), present
    return batch


@pytest.fixture(scope="module")
def batch():
    return batch_of()


def model_of(batch, name="margformer", image=True, **options):
    torch.manual_seed(0)
    model = create_model(
        name, ModelInputs(photometry=PHOTOMETRY, image=IMAGE if image else None), ("STAR", "GALAXY"), options
    )
    model.standardise([batch])
    return model.eval()


@pytest.mark.parametrize("name", BLOCKS)
def test_there_is_a_map_per_block_and_head_of_every_object_with_an_image(batch, name):
    maps = attention_maps(model_of(batch, name), batch)
    assert maps.shape == (12, *BLOCKS[name], 8, 8)
    assert np.isnan(maps[3]).all()
    assert np.isfinite(np.delete(maps, 3, 0)).all()
    told = shares(maps)
    np.testing.assert_allclose(np.delete(told, 3, 0).sum((1, 2)), 1)


def test_maps_of_margformer_are_shares_of_the_observed_patches(batch):
    seen = batch_of()
    seen["image"]["ivar"] = seen["image"]["ivar"].expand(-1, -1, 32, 32).clone()
    seen["image"]["ivar"][:, :, :4, :8] = 0
    maps = np.delete(attention_maps(model_of(batch), seen), 3, 0)
    np.testing.assert_allclose(maps.sum((3, 4)), 1, rtol=1e-5)
    assert (maps[..., 0, :2] == 0).all()
    assert (maps[..., 0, 2:] > 0).all()


def test_where_it_looks_follows_the_photometry_and_with_late_fusion_it_does_not(batch):
    for options, moves in (({}, True), ({"fusion": "late"}, False)):
        change = attention_change(model_of(batch, **options), batch, "g", 2.0)
        moved = np.abs(change.after - change.before)[[0, 1, 2]].max()
        assert (moved > 1e-4) == moves
        assert np.abs(change.probabilities_after - change.probabilities_before).max() > 1e-4
        np.testing.assert_allclose(change.probabilities_after.sum(1), 1, rtol=1e-5)


def test_a_change_of_nothing_changes_nothing_and_the_batch_stays_as_it_is(batch):
    before = batch["photometry"]["flux"].clone()
    change = attention_change(model_of(batch, "margformer-published"), batch, "r", 0.0)
    np.testing.assert_array_equal(change.before, change.after)
    attention_change(model_of(batch), batch, "r", 3.0)
    assert torch.equal(batch["photometry"]["flux"], before)


def test_it_is_as_if_the_catalog_held_the_fainter_flux(batch):
    model, fainter = model_of(batch), batch_of()
    fainter["photometry"]["flux"][:, 3] *= 10**-0.4
    change = attention_change(model, batch, "i", 1.0)
    np.testing.assert_allclose(change.after, attention_maps(model, fainter), rtol=1e-5, equal_nan=True)
    np.testing.assert_allclose(change.probabilities_after, model.class_probabilities(fainter).detach(), rtol=1e-5)


def test_maps_on_the_stamp_end_where_it_ends():
    whole = on_stamp(np.arange(4.0).reshape(1, 2, 2), (5, 5), 3)
    assert whole.shape == (1, 5, 5)
    np.testing.assert_array_equal(whole[0, 0], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(whole[0, :, 0], [0, 0, 0, 2, 2])


def test_a_picture_is_drawn(batch, tmp_path):
    path = draw_attention(model_of(batch), batch, tmp_path / "a.png", objects=(0, 5), names=("one", "two"))
    from matplotlib.image import imread

    picture = imread(path)
    assert picture.shape[0] > 500
    assert picture.shape[1] > 1500
    assert np.ptp(picture[..., :3]) > 0.9


def test_what_cannot_be_drawn_is_refused_in_one_sentence(batch, tmp_path):
    model = model_of(batch)
    with pytest.raises(ConfigurationError, match="object 3 of the batch has no image"):
        draw_attention(model, batch, tmp_path / "a.png", objects=(3,))
    with pytest.raises(ConfigurationError, match="no objects are named"):
        draw_attention(model, batch, tmp_path / "a.png", objects=())
    with pytest.raises(ConfigurationError, match="unknown band 'y'"):
        attention_change(model, batch, "y", 1.0)
    with pytest.raises(ConfigurationError, match="reads no image"):
        draw_attention(model_of(batch, image=False), batch, tmp_path / "a.png")
    with pytest.raises(ConfigurationError, match="no attention over an image"):
        attention_maps(model_of(batch, image=False), batch)
