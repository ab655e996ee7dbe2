import pytest

from asterism.errors import ConfigurationError
from asterism.learning.config import parse_settings
from asterism.models.model import create_model
from asterism.papers.macnet.methods import INPUTS, METHODS, WINDOWS, method_named, window_of
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.scales import scale_named
from asterism.papers.macnet.structure import paper_inputs


def test_every_recipe_is_one_that_training_takes():
    import torch

    for method in METHODS:
        if method.kind == "network":
            config = parse_settings(method.recipe("small"))
            image_alone = method.model not in INPUTS
            inputs = paper_inputs("mnet" if image_alone else method.model)
            if image_alone:
                inputs = inputs.model_copy(update={"spectrum": None})
            if "subtract" in config.model.values():
                strips = inputs.spectrum2d.model_copy(update={"sky": True})
                inputs = inputs.model_copy(update={"spectrum2d": strips})
            with torch.device("meta"):
                create_model(method.model, inputs, CLASSES, config.model)


def test_the_published_ones_train_as_published():
    fit = parse_settings(method_named("macnet-published").recipe("full")).fit
    assert (fit.optimizer, fit.learning_rate, fit.batch_size, fit.epochs, fit.patience) == ("adagrad", 1e-3, 4, 300, 50)
    assert (fit.ema_decay, fit.gradient_clip, fit.weight_decay, fit.warmup, fit.schedule) == (0, 0, 0, 0, "constant")
    assert (fit.precision, fit.batch_norm) == ("32-true", "running")


def test_what_the_published_ones_differ_by_without_a_gpu():
    for scale in ("small", "medium"):
        short, full = (method_named("macnet-published").recipe(name) for name in (scale, "full"))
        assert {**short, "fit.epochs": 300} == {**full, "fit.precision": "bf16-mixed", "fit.batch_norm": "population"}
        assert short["fit.epochs"] == 12


def test_four_windows_an_arm_that_include_the_papers():
    for arm, paper in (("blue", (1000, 3000)), ("red", (1500, 3500))):
        windows = [window for name, window in WINDOWS.values() if name == arm]
        assert len(windows) == 4
        assert paper in windows
        assert all(0 <= low < high <= 4136 for low, high in windows)
    recipe = method_named("red-0-2000").recipe("small")
    assert recipe["model.blue_window"] is None
    assert window_of("red-0-2000") == ("red", (0, 2000))
    assert window_of("red-0-2000-sky-subtracted") == ("red", (0, 2000))
    settings = method_named("red-0-2000-sky-subtracted").recipe("small")
    assert settings == {**method_named("red-0-2000").recipe("small"), "model.sky": "subtract"}
    assert window_of("macnet") is None


def test_light_networks_take_more_steps_and_fewer_passes_where_there_are_more_objects():
    for name in ("macnet", "sscnn1d", "cnet-sky-subtracted"):
        method, sizes = method_named(name), scale_named("medium").objects
        few, many = (method.recipe("medium", training)["fit.epochs"] for training in ("sample", "large"))
        assert many < few
        assert many * sizes["large"] > 2 * few * sizes["sample"]
        assert method.recipe("medium", "plan1")["fit.epochs"] == few
        assert method.recipe("tiny", "large")["fit.epochs"] == 1


def test_slips():
    with pytest.raises(ConfigurationError, match="did you mean 'macnet'"):
        method_named("macnett")


def test_students_differ_by_the_teacher_alone():
    alone, taught = method_named("images-alone"), method_named("images-taught")
    assert (alone.model, alone.settings, alone.inputs) == (taught.model, taught.settings, taught.inputs)
    assert (alone.teacher, taught.teacher) == ("", "spectra-teacher")
    assert taught.recipe("full", "few")["fit.epochs"] == 24 > taught.recipe("full", "tenth")["fit.epochs"]
    assert taught.recipe("tiny", "few")["fit.epochs"] == 1
