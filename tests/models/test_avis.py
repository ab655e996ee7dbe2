from types import SimpleNamespace

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.inputs import ModelInputs
from asterism.models.model import Model, create_model

ROLES = ("image", "spectrum")


def aligned(model):
    model.network.add_heads(SimpleNamespace(alignment=object()))
    return model


def test_embeddings_have_unit_length_where_there_is_something_and_are_0_elsewhere(make_model, make_batch):
    outputs = make_model("avis", ROLES)(make_batch(10, roles=ROLES))
    for name in ("image", "spectrum", "joint"):
        # objects 2 and 3 lack both
        assert outputs[f"embedded_{name}"].nonzero()[:, 0].tolist() == [0, 1, 4, 5, 6, 7, 8, 9]
        length = outputs[f"embedding_{name}"].norm(dim=1)
        torch.testing.assert_close(length, outputs[f"embedded_{name}"].float())


def test_the_joint_embedding_is_the_mean_direction_of_what_there_is(make_model, make_batch):
    model, batch = make_model("avis", ROLES), make_batch(10, roles=ROLES)
    batch["image"]["present"][0] = False
    batch["spectrum"]["ivar"][1] = 0
    outputs = model(batch)
    image, spectrum, joint = (outputs[f"embedding_{name}"] for name in ("image", "spectrum", "joint"))
    torch.testing.assert_close(joint[0], spectrum[0])
    torch.testing.assert_close(joint[1], image[1])
    torch.testing.assert_close(joint[4:], torch.nn.functional.normalize(image[4:] + spectrum[4:], dim=1))


def test_every_other_network_has_a_joint_embedding_of_its_features(make_model, make_batch):
    outputs = make_model("margformer", ("photometry",))(make_batch(10, roles=("photometry",)))
    direction = torch.nn.functional.normalize(outputs["features"].mean(1), dim=1)
    informed = outputs["informed"]
    torch.testing.assert_close(outputs["embedding_joint"][informed], direction[informed])
    assert torch.equal(outputs["embedded_joint"], informed)
    assert not outputs["embedding_joint"][~informed].any()


@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_presets_grow(size, desi, legacy):
    model = create_model("avis", ModelInputs(image=legacy, spectrum=desi), None, {"size": size})
    parameters = sum(p.numel() for p in model.network.parameters())
    assert (
        {"tiny": 0.6e6, "small": 3e6, "base": 15e6}[size] < parameters < {"tiny": 1e6, "small": 6e6, "base": 30e6}[size]
    )
    assert model.network.width == {"tiny": 128, "small": 256, "base": 512}[size]


def test_the_width_of_embeddings_is_an_option(make_model, make_batch):
    outputs = make_model("avis", ("spectrum",), embedding=24)(make_batch(6, roles=("spectrum",)))
    assert outputs["embedding_spectrum"].shape == (6, 24)


def test_masked_loss_trains_encoders_projections_and_decoders(legacy, desi, stamps, role, galaxy):
    inputs = ModelInputs(image=legacy.model_copy(update={"shape": (72, 72)}), spectrum=desi)
    batch = {"image": stamps(inputs.image, 4), "spectrum": role(desi, galaxy(0.1, 0.2, 0.3, 0.4), seed=1)}
    model = aligned(create_model("avis", inputs, None))
    model.standardise([batch])
    loss = model.network.masked_loss(batch, 0.4, torch.Generator().manual_seed(0))
    loss.backward()
    for name in ROLES:
        encoder = model.network.encoders[name]
        for part in (
            encoder.transformer,
            encoder.pool,
            model.network.projections[name],
            model.network.decoders[name],
            *([encoder.stem] if name == "spectrum" else []),
        ):
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_masked_loss_of_nothing_is_0_and_can_be_descended(make_model, make_batch):
    model, batch = aligned(make_model("avis", ("spectrum",))), make_batch(10, roles=("spectrum",))
    batch["spectrum"]["ivar"] = torch.zeros_like(batch["spectrum"]["ivar"])
    loss = model.network.masked_loss(batch, 0.4)
    assert loss == 0
    loss.backward()


def test_masked_loss_needs_decoders_and_a_share(make_model, make_batch):
    model, batch = make_model("avis", ("spectrum",)), make_batch(10, roles=("spectrum",))
    with pytest.raises(ConfigurationError, match="train it for alignment"):
        model.network.masked_loss(batch, 0.4)
    for share in (0.0, 1.0):
        with pytest.raises(ConfigurationError, match="between 0 and 1"):
            aligned(model).network.masked_loss(batch, share)


def test_low_precision_gives_nearly_the_same_embedding(make_model, make_batch):
    model, batch = make_model("avis", ROLES), make_batch(10, roles=ROLES)
    with torch.autocast("cpu", torch.bfloat16):
        low = model(batch)["embedding_joint"].float()
    torch.testing.assert_close(low, model(batch)["embedding_joint"], atol=0.05, rtol=0)


@pytest.mark.parametrize("name", ROLES)
def test_flux_normalised_inputs_tell_no_brightness(make_model, make_batch, name):
    batch = make_batch(10, roles=(name,))
    factor = torch.linspace(0.2, 5, 10).view(-1, *[1] * (batch[name]["flux"].ndim - 1))
    brighter = {**batch[name], "flux": batch[name]["flux"] * factor, "ivar": batch[name]["ivar"] / factor**2}
    for normalised in (True, False):
        model = make_model("avis", (name,), flux_normalised=normalised)
        seen, scaled = (model(b)["embedding_joint"] for b in (batch, {**batch, name: brighter}))
        # A spectrum of relative flux has no level in any case.
        same = normalised or (name == "spectrum" and model.network.encoders[name].relative)
        assert torch.allclose(seen, scaled, atol=1e-4) == same


def test_a_map_behind_the_projection_turns_embeddings_and_travels_with_the_model(make_model, make_batch, tmp_path):
    model, batch = make_model("avis", ("spectrum",), embedding=8, factors=0), make_batch(12, roles=("spectrum",))
    before = model(batch)["embedding_spectrum"]
    mean, matrix = before.mean(0), torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    model.network.whiten("spectrum", mean, matrix)
    expected = torch.nn.functional.normalize(torch.cat([(before - mean) @ matrix, torch.zeros(12, 3)], 1), dim=1)
    there = model(batch)["embedded_spectrum"]
    torch.testing.assert_close(model(batch)["embedding_spectrum"][there], expected[there])
    assert not model(batch)["embedding_spectrum"][~there].any()
    model.save_pretrained(tmp_path / "model")
    again = Model.from_pretrained(tmp_path / "model")
    assert torch.equal(again(batch)["embedding_spectrum"], model(batch)["embedding_spectrum"])


@torch.no_grad()
def test_a_spectrum_s_factors_stand_behind_what_was_learned_of_it(desi, role, galaxy):
    redshifts = torch.linspace(0.02, 0.6, 60).tolist()
    batch = {"spectrum": role(desi, galaxy(*redshifts), seed=1)}
    model = create_model("avis", ModelInputs(spectrum=desi), None, {"factors": 6}).eval()
    bare = model.network.encode(batch).embeddings["spectrum"].values
    torch.testing.assert_close(bare[:, :122].norm(dim=1), torch.ones(60))  # nothing is known of factors yet
    assert not bare[:, 122:].any()
    model.standardise([batch])
    before = model(batch)["embedding_spectrum"]
    torch.testing.assert_close(before.norm(dim=1), torch.ones(60))
    torch.testing.assert_close(before[:, 122:].norm(dim=1) ** 2, torch.full((60,), 2 / 3))
    # What learning and whitening change is the part in front.
    for parameter in model.network.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    model.network.whiten("spectrum", torch.zeros(122), torch.eye(122).flip(0))
    after = model(batch)["embedding_spectrum"]
    torch.testing.assert_close(after[:, 122:], before[:, 122:])
    assert not torch.allclose(after[:, :122], before[:, :122], atol=0.1)


def test_factors_are_a_quarter_of_an_embedding_unless_asked_otherwise(desi):
    def made(**options):
        return create_model("avis", ModelInputs(spectrum=desi), None, options).network

    assert made().learned == {"spectrum": 96}
    assert made(embedding=40).learned == {"spectrum": 30}
    assert made(embedding=40, factors=0).learned == {"spectrum": 40}
    with pytest.raises(ConfigurationError, match=r"38 factors leave no numbers of 40; ask for 36 or fewer"):
        made(embedding=40, factors=38)


def test_what_is_locked_has_no_gradients(legacy, desi, stamps, role, galaxy):
    inputs = ModelInputs(image=legacy.model_copy(update={"shape": (72, 72)}), spectrum=desi)
    batch = {"image": stamps(inputs.image, 4), "spectrum": role(desi, galaxy(0.1, 0.2, 0.3, 0.4), seed=1)}
    model = create_model("avis", inputs, None)
    model.standardise([batch])
    model.network.lock("spectrum")
    found = model.network.encode(batch).embeddings
    assert found["image"].values.requires_grad
    assert not found["spectrum"].values.requires_grad
    # What a whole batch lacks has no embedding.
    assert set(model.network.encode({"image": batch["image"]}).embeddings) == {"image", "joint"}
