import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.inputs import ImageInputs, ModelInputs
from asterism.models.model import create_model
from asterism.models.redshift_families import RedshiftConfig
from asterism.models.spectral_inputs import ArmInputs, Spectrum2DInputs, SpectrumInputs

READ = {
    "sscnn1d": ("spectrum",),
    "mnet": ("spectrum", "image"),
    "cnet": ("spectrum2d",),
    "mcnet": ("spectrum2d", "image"),
    "macnet": ("spectrum2d", "image"),
}
#: LAMOST's whole strips and grid, and the paper's pictures.
WHOLE = {
    "spectrum2d": Spectrum2DInputs(
        group="spectrum2d_lamost",
        survey="lamost",
        arms=tuple(ArmInputs(name=name, rows=15, pixels=4136) for name in ("blue", "red")),
        sky=True,
    ),
    "spectrum": SpectrumInputs(
        group="spectrum_lamost", survey="lamost", pixels=3909, grid="log10,3.5682,0.0001,3909", relative=True
    ),
    "image": ImageInputs(
        group="image_sdss", survey="sdss", bands=tuple("ugriz"), shape=(64, 64), pixel_scale=0.396, zero_point="sdss"
    ),
}
CLASSES = ("GALAXY", "QSO", "STAR")


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def mebibytes(count):
    return count * 4 / 2**20


def whole_inputs(name, **changed):
    return ModelInputs(**{role: changed.get(role, WHOLE[role]) for role in READ[name]})


def blank(name, **options):
    """A model for whole strips, without memory for its numbers."""
    with torch.device("meta"):
        return create_model(name, whole_inputs(name), CLASSES, options)


@pytest.mark.parametrize(
    ("name", "count", "size", "published"),
    [
        ("sscnn1d", 34_972_291, 133.4, 133),
        ("mnet", 49_334_451, 188.2, 188),
        ("cnet", 71_721_859, 273.6, 269),
        ("mcnet", 94_472_627, 360.4, 356),
        ("macnet", 94_473_985, 360.4, 360),
    ],
)
def test_sizes_are_those_of_the_published_layers(name, count, size, published):
    model = blank(name)
    found = parameters(model)
    assert found == count
    assert mebibytes(found) == pytest.approx(size, abs=0.05)
    if name in ("cnet", "mcnet"):
        # Published is what both arms through one branch make.
        found -= parameters(model.network.branches["red"])
    assert int(mebibytes(found)) == published


def test_the_light_ones_have_fifty_times_fewer():
    for name in READ:
        assert parameters(blank(name)) > 50 * parameters(blank(name, size="light"))


def test_an_arm_without_a_window_is_not_read():
    model = blank("cnet", size="light", red_window=None)
    assert [arm.name for arm in model.config.inputs.spectrum2d.arms] == ["blue"]
    assert list(model.network.branches) == ["blue"]
    with pytest.raises(ConfigurationError, match="no window on any arm"):
        blank("cnet", red_window=None, blue_window=None)


#: Windows within the pieces of strips that the batches hold.
SMALL = {"size": "light", "blue_window": (1000, 1100), "red_window": (1500, 1600)}
LIGHT = {name: SMALL if "spectrum2d" in roles else {"size": "light"} for name, roles in READ.items()}
#: The published layers on few pixels, lest the dense ones have a hundred million weights.
PUBLISHED = {"size": "published", "blue_window": (1000, 1032), "red_window": (1500, 1532)}


@pytest.mark.parametrize("options", [SMALL, PUBLISHED], ids=["light", "published"])
def test_macnet_with_open_gates_is_mcnet(options, make_model, make_batch):
    macnet = make_model("macnet", READ["macnet"], **options)
    batch = make_batch(10, roles=READ["macnet"], model=macnet)
    mcnet = make_model("mcnet", READ["mcnet"], seed=1, **options)
    state = macnet.state_dict()
    attention = {key for key in state if ".attention." in key}
    assert len(attention) == 12
    mcnet.load_state_dict(
        {key: value for key, value in state.items() if key not in attention}
    )  # strict: names correspond
    assert not torch.equal(macnet(batch)["classification"], mcnet(batch)["classification"])
    for arm in ("blue", "red"):
        gates = macnet.network.branches[arm].attention
        for layer in (gates.mlp[2], gates.pixels):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.constant_(layer.bias, 100.0)  # whose sigmoid is 1 to the bit
    assert torch.equal(macnet(batch)["classification"], mcnet(batch)["classification"])


@pytest.mark.parametrize("name", READ)
def test_without_one_of_its_inputs_the_rest_answers(name, make_model, make_batch):
    """An arm or image that is not observed gives zeros to the dense layers, and what else there is the same as before."""
    model = make_model(name, READ[name], **LIGHT[name])
    network, joined = model.network, []
    network.dense.register_forward_hook(lambda module, given, made: joined.append(given[0]))
    batch = make_batch(10, roles=READ[name], model=model)
    whole = model(batch)
    places = dict(zip(network.branches, joined[0].split(list(network.widths.values()), 1), strict=True))
    for lost in network.branches:
        changed = {key: dict(value) if isinstance(value, dict) else value for key, value in batch.items()}
        if lost == "image":
            changed["image"]["present"] = torch.zeros(10, dtype=torch.bool)
        elif "spectrum2d" in READ[name]:
            changed["spectrum2d"][f"{lost}_ivar"] = torch.zeros_like(batch["spectrum2d"][f"{lost}_ivar"])
        else:
            inside = wavelengths() < 5300 if lost == "blue" else wavelengths() > 6590
            changed["spectrum"]["ivar"] = torch.where(inside, 0.0, batch["spectrum"]["ivar"])
        answer = model(changed)
        found = dict(zip(network.branches, joined[-1].split(list(network.widths.values()), 1), strict=True))
        assert not found.pop(lost).any()
        for other, values in found.items():
            assert torch.equal(values, places[other])
        assert places[lost][0].any()
        if len(network.branches) > 1:
            assert answer["informed"][0]
            assert not torch.equal(answer["classification"][0], whole["classification"][0])


def wavelengths():
    return 10 ** (3.5682 + 0.001 * torch.arange(391))


def test_statistics_of_a_training_batch_are_of_what_was_observed(make_model, make_batch):
    batch, means = make_batch(10, roles=READ["cnet"], model=make_model("cnet", READ["cnet"], **PUBLISHED)), []
    for _ in range(2):
        model = make_model("cnet", READ["cnet"], **PUBLISHED).train()
        model(batch)
        means.append(model.network.branches["blue"].blocks[0][2].running_mean.clone())
        there = batch["spectrum2d"]["present"] & batch["spectrum2d"]["blue_ivar"].flatten(1).any(1)
        batch = {**batch, "spectrum2d": {key: value[there] for key, value in batch["spectrum2d"].items()}}
    assert 0 < there.sum() < 10
    torch.testing.assert_close(means[0], means[1])


def test_maps_for_grad_cam_say_what_they_look_at(make_model, make_batch):
    for name, roles in READ.items():
        model = make_model(name, roles, **LIGHT[name])
        layers, maps = model.network.cam_layers, {}
        wanted = {"blue", "red"} | ({"image"} if "image" in roles else set())
        if name == "macnet":
            wanted |= {"blue_before_attention", "red_before_attention"}
        assert set(layers) == wanted
        for key, layer in layers.items():
            layer.module.register_forward_hook(lambda module, given, made, key=key, maps=maps: maps.update({key: made}))
        model(make_batch(10, roles=roles, model=model))
        for key, layer in layers.items():
            assert layer.role in roles
            assert layer.arm == (None if key == "image" else key.partition("_")[0])
            count, _, down, across = maps[key].shape
            assert count == 10  # also of those without
            for cells, stride, (first, last) in zip(
                (down, across), layer.stride, (layer.rows, layer.columns), strict=True
            ):
                assert 0 <= cells * stride - (last - first) < stride
    blue = whole_cam("cnet")["blue"]
    assert (blue.rows, blue.columns, blue.stride, blue.wavelength) == ((2, 13), (1000, 3000), (8, 8), None)
    light = whole_cam("macnet", size="light")["red_before_attention"]
    assert (light.rows, light.columns, light.stride) == ((3, 12), (1500, 3500), (3, 8))
    line = whole_cam("mnet")
    assert line["red"].wavelength == (6590, 8120)
    assert (line["red"].rows, line["red"].columns) == ((0, 1), (0, 2000))
    assert (line["image"].columns, line["image"].stride) == ((0, 64), (32, 32))


def whole_cam(name, **options):
    return blank(name, **options).network.cam_layers


def test_one_arm_is_enough(make_inputs, make_batch):
    both = make_inputs(("spectrum2d",)).spectrum2d
    red = ModelInputs(spectrum2d=both.model_copy(update={"arms": both.arms[1:]}))
    model = create_model("cnet", red, CLASSES, SMALL)
    batch = make_batch(10, roles=("spectrum2d",), model=model)
    model.standardise([batch])
    assert list(model.network.branches) == ["red"]
    assert torch.isfinite(model.eval()(batch)["classification"]).all()


def test_the_sky_is_streamed_only_where_it_is_taken_off(make_inputs):
    inputs = make_inputs(("spectrum2d",))
    assert inputs.spectrum2d.sky
    assert not create_model("cnet", inputs, CLASSES, SMALL).config.inputs.spectrum2d.sky
    assert create_model("cnet", inputs, CLASSES, {**SMALL, "sky": "subtract"}).config.inputs.spectrum2d.sky
    without = ModelInputs(spectrum2d=inputs.spectrum2d.model_copy(update={"sky": False}))
    with pytest.raises(ConfigurationError, match="take the sky off spectrum2d_lamost, which has no sky columns; leave"):
        create_model("cnet", without, CLASSES, {**SMALL, "sky": "subtract"})


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("cnet", {"rows": 10}, "must be odd"),
        ("cnet", {"rows": 17}, "rows"),
        ("cnet", {"blue_window": (3000, 1000)}, "the second at least 16 behind the first"),
        ("cnet", {"red_window": (3000, 4200)}, "a strip of 4136"),
        ("sscnn1d", {"windows": [[5300, 4100]]}, "the smaller first"),
        ("sscnn1d", {"blue_window": (1000, 3000)}, "blue_window"),
        ("macnet", {"size": "medium"}, "size"),
    ],
)
def test_unfit_options_are_refused(name, options, words):
    with pytest.raises(ConfigurationError, match=words):
        create_model(name, whole_inputs(name), CLASSES, options)


def test_windows_need_not_be_the_papers():
    network = blank("cnet", blue_window=(0, 500), red_window=(100, 4136), rows=15).network
    assert network.widths == {"blue": 64 * 32, "red": 64 * 253}
    assert list(blank("sscnn1d", windows=[[4000, 7000]]).network.branches) == ["blue"]


@pytest.mark.parametrize("name", ["sscnn1d", "macnet"])
def test_the_light_ones_learn(name, make_inputs, make_batch):
    torch.manual_seed(0)
    model = create_model(name, make_inputs(READ[name]), ("A", "B", "C"), {**LIGHT[name], "dropout": 0.0})
    batch = make_batch(24, roles=READ[name], model=model)
    model.standardise([batch])
    optimizer = torch.optim.Adam(model.parameters(), 4e-3)
    for _ in range(15):
        loss = torch.nn.functional.cross_entropy(model(batch)["classification"].mean(1), batch["label"]["class"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    informed = model(batch)["informed"]
    correct = model.class_probabilities(batch).argmax(1) == batch["label"]["class"]
    assert correct[informed].float().mean() > 0.9


def test_redshifts_too(make_inputs, make_batch, make_model):
    model = make_model("macnet", READ["macnet"], classes=None, redshift=RedshiftConfig(z_max=4.0), **SMALL)
    outputs = model(make_batch(10, roles=READ["macnet"], model=model))
    density = model.redshift_density(outputs)
    assert density.shape[0] == 10
    assert torch.isfinite(density).all()
