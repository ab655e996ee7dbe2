"""What is locked is embedded once, as the model would embed it, and kept for a run that is continued."""

import pytest
import torch

from asterism.catalogs.roles import bind_roles
from asterism.learning.locked import LockedModel
from asterism.learning.training_set import choose_objects
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model


@pytest.fixture
def chosen(make_sky, make_spectra):
    sky = make_sky(table=make_spectra(rows=60).read())
    return choose_objects(sky, bind_roles(sky.schema, "image,spectrum"), split=None, where=None, tasks=("alignment",))


@pytest.fixture
def model(chosen):
    torch.manual_seed(0)
    made = create_model("avis", ModelInputs.from_bindings(chosen.bindings), None, {"embedding": 16})
    made.standardise(chosen.stream("train", 20))
    return made.eval()


@pytest.mark.parametrize("role", ["image", "spectrum"])
def test_outputs_are_the_model_s(chosen, model, tmp_path, role):
    kept = tmp_path / "new" / "locked.safetensors"
    locked = LockedModel.of(model, role, chosen, torch.device("cpu"), kept)
    other = "image" if role == "spectrum" else "spectrum"
    places = []
    for part in ("train", "validation"):
        for whole, learning in zip(chosen.stream(part, 7), chosen.only(other).stream(part, 7), strict=True):
            assert role not in learning
            with torch.no_grad():
                expected, found = model(whole), locked(learning)
            for name in ("image", "spectrum"):
                assert torch.equal(found[f"embedded_{name}"], expected[f"embedded_{name}"])
                torch.testing.assert_close(found[f"embedding_{name}"], expected[f"embedding_{name}"])
            places.append(found[f"embedded_{role}"])
    assert not torch.cat(places).all()  # some lack it
    assert torch.cat(places).any()


def test_what_is_kept_is_read_again(chosen, model, tmp_path):
    kept = tmp_path / "locked.safetensors"
    first = LockedModel.of(model, "spectrum", chosen, torch.device("cpu"), kept)
    with torch.no_grad():
        for weight in model.network.encoders["spectrum"].parameters():
            weight.zero_()  # as of a run that is continued, whose weights are read later
    again = LockedModel.of(model, "spectrum", chosen, torch.device("cpu"), kept)
    for name in ("rows", "values", "present"):
        assert torch.equal(getattr(again, name), getattr(first, name))
    # Embeddings are no weights: checkpoints hold the model alone.
    assert {name.split(".")[0] for name in again.state_dict()} == {"model"}


def test_only_the_other_learns(chosen, model, tmp_path):
    locked = LockedModel.of(model, "spectrum", chosen, torch.device("cpu"), tmp_path / "locked.safetensors")
    batch = next(iter(chosen.only("image").stream("train", 20)))
    torch.stack(
        [values.sum() for name, values in locked(batch).items() if name.startswith("embedding_")]
    ).sum().backward()
    learned = {name for name, weight in locked.named_parameters() if weight.grad is not None}
    assert learned
    assert not any("spectrum" in name for name in learned)
