import copy

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.margformer import MargFormerOptions
from asterism.models.model import create_model


def without(batch, role):
    changed = copy.deepcopy(batch)
    changed[role]["present"][:] = False
    return changed


def test_with_photometry_alone_it_is_the_trunk_and_the_head(make_model, make_batch):
    model = make_model()
    assert set(dict(model.network.named_children())) == {"photometry", "embedding", "trunk"}
    batch = make_batch(roles=("photometry",))
    network = model.network
    tokens = network.trunk(network.embedding(*network.photometry.standardised(batch["photometry"])))
    logits = model.heads["classification"](tokens.transpose(0, 1))
    informed = model(batch)["informed"]
    assert torch.equal(model(batch)["classification"][informed], logits[informed])


@pytest.mark.parametrize("fusion", ["cross", "late"])
def test_without_its_image_an_object_gets_the_trunks_answer(make_model, make_batch, fusion):
    model = make_model(roles=("photometry", "image"), fusion=fusion)
    batch = make_batch()
    trunk = model.network._ask(batch).transpose(0, 1)
    seen = batch["photometry"]["present"]
    torch.testing.assert_close(model(without(batch, "image"))["features"][seen], trunk[seen])


@pytest.mark.parametrize("fusion", ["cross", "late"])
def test_both_modalities_matter(make_model, make_batch, fusion):
    model = make_model(roles=("photometry", "image"), fusion=fusion)
    batch = make_batch()
    both = batch["photometry"]["present"] & batch["image"]["present"]
    answer = model.class_probabilities(batch)[both]
    for role in ("photometry", "image"):
        assert (model.class_probabilities(without(batch, role))[both] - answer).abs().amax(1).min() > 1e-6


def test_without_photometry_learned_tokens_ask(make_model, make_batch):
    model = make_model(roles=("photometry", "image"))
    batch = without(make_batch(), "photometry")
    for block in model.network.blocks:
        torch.nn.init.zeros_(block.attention.out.weight)
        torch.nn.init.zeros_(block.attention.out.bias)
        torch.nn.init.zeros_(block.mlp[-1].weight)
        torch.nn.init.zeros_(block.mlp[-1].bias)
    features = model(batch)["features"]
    torch.testing.assert_close(features, model.network.tokens.expand_as(features))


def test_late_fusion_has_the_same_parts_and_a_join(make_model):
    cross, late = (make_model(roles=("photometry", "image"), fusion=fusion) for fusion in ("cross", "late"))
    shapes = [{n: p.shape for n, p in model.named_parameters()} for model in (cross, late)]
    added = shapes[1].keys() - shapes[0].keys()
    assert {n: shapes[1][n] for n in shapes[0]} == shapes[0]
    assert {n.split(".")[1] for n in added} == {"seeds", "join"}
    counts = [sum(p.numel() for p in model.parameters()) for model in (cross, late)]
    assert counts[0] < counts[1] < 1.25 * counts[0]


def test_with_late_fusion_the_image_is_summed_up_without_photometry(make_model, make_batch):
    """What the blocks find in the image reaches the answer only where it is joined: the join at 0 leaves the trunk."""
    model = make_model(roles=("photometry", "image"), fusion="late")
    batch = make_batch()
    torch.nn.init.zeros_(model.network.join[-1].weight)
    torch.nn.init.zeros_(model.network.join[-1].bias)
    seen = batch["photometry"]["present"]
    torch.testing.assert_close(model(batch)["features"][seen], model.network._ask(batch).transpose(0, 1)[seen])
    maps = model.network.attention(batch)
    changed = copy.deepcopy(batch)
    changed["photometry"]["flux"] *= 3
    torch.testing.assert_close(model.network.attention(changed), maps, equal_nan=True)


def test_in_training_it_is_shown_objects_without_one_or_the_other(make_model, make_batch):
    network = make_model(roles=("photometry", "image"), drop_photometry=0.2, drop_image=0.3).network.train()
    both = torch.ones(20_000, dtype=torch.bool)
    torch.manual_seed(0)
    photometry, image = network._drop(both, both)
    assert abs((~photometry).float().mean() - 0.2) < 0.01
    assert abs((~image).float().mean() - 0.3) < 0.01
    assert (photometry | image).all()
    one = network._drop(both, ~both)
    assert one[0].all()
    network.eval()
    assert network._drop(both, both)[0].all()


def test_high_chances_never_hide_both(make_model):
    network = make_model(roles=("photometry", "image"), drop_photometry=0.9, drop_image=0.9).network.train()
    both = torch.ones(2000, dtype=torch.bool)
    photometry, image = network._drop(both, both)
    assert (photometry | image).all()


def test_noise_and_dropout_act_in_training_only(make_model, make_batch):
    batch = make_batch(roles=("photometry",))
    for options in ({"dropout": 0.0}, {"noise": 0.0}):
        model = make_model(**options).train()
        assert not torch.equal(model(batch)["features"], model(batch)["features"])
    quiet = make_model(dropout=0.0, noise=0.0).train()
    assert torch.equal(quiet(batch)["features"], quiet.eval()(batch)["features"])


def test_it_learns_a_class_that_only_the_image_tells(make_batch, make_inputs):
    torch.manual_seed(0)
    batch = make_batch(128, roles=("photometry", "image"), classes=2)
    batch["photometry"]["flux"][:] = 5.0
    batch["photometry"]["psf_probability"][:] = 0.5
    model = create_model("margformer", make_inputs(("photometry", "image")), ("A", "B"), {"width": 32, "members": 4})
    model.standardise([batch])
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(model(batch)["classification"].mean(1), batch["label"]["class"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seen = batch["image"]["present"]
    model.eval()
    correct = model.class_probabilities(batch).argmax(1) == batch["label"]["class"]
    assert correct[seen].float().mean() > 0.95


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"member": 4}, "unknown option of model margformer 'member'; did you mean 'members'"),
        ({"members": 0}, "'members' is 0"),
        ({"heads": 5}, "64 can't be shared by 5 heads"),
        ({"fusion": "early"}, "'fusion' is 'early'"),
    ],
)
def test_unfit_options_are_refused(make_inputs, options, words):
    with pytest.raises(ConfigurationError, match=words):
        create_model("margformer", make_inputs(("photometry",)), ("A", "B"), options)


def test_options_are_kept_complete(make_model):
    assert make_model(members=4).config.options == MargFormerOptions(members=4).model_dump(mode="json")
