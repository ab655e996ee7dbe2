import pytest

from asterism.errors import ConfigurationError
from asterism.learning.config import parse_settings
from asterism.models.registry import network_class
from asterism.papers.margformer.methods import METHODS, SCALES, method_named, scale_named


@pytest.mark.parametrize("method", [m for m in METHODS if m.kind == "network" and not m.part], ids=lambda m: m.name)
@pytest.mark.parametrize("scale", SCALES)
def test_recipes_are_settings_that_training_takes(method, scale):
    config = parse_settings(method.recipe(scale, "bright"))
    assert config.fit.epochs == method.epochs[scale]
    network_class(method.model).Options(**config.model)


def test_only_ours_are_dimmed_and_only_where_testing_is_fainter():
    dimmed = {m.name for m in METHODS if "augment.dimming" in m.recipe("small", "bright")}
    assert dimmed == {"margformer", "photometry-only", "image-only", "late-fusion"}
    assert not any("augment.dimming" in m.recipe("small", "compact") for m in METHODS)


def test_names():
    assert method_named("margnet-cnn").training == "margnet-ensemble"
    with pytest.raises(ConfigurationError, match="did you mean 'lightgbm'"):
        method_named("lightbm")
    with pytest.raises(ConfigurationError, match="did you mean 'small'"):
        scale_named("smal")
    assert all(sum(scale.fractions.values()) == pytest.approx(1) for scale in SCALES.values())
