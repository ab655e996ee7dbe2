import pytest

from asterism.errors import ConfigurationError
from asterism.learning.config import parse_settings
from asterism.models.avis import AVISOptions
from asterism.papers.avis.methods import KEPT, METHODS, NORMALISED, SCALES, method_named, scale_named


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("method", [m for m in METHODS if m.kind in ("aligned", "supervised", "untrained")])
def test_recipes_are_settings_that_there_are(method, scale):
    AVISOptions.model_validate(parse_settings(method.recipe(scale)).model)


def test_objectives_differ_in_nothing_else():
    def others(name):
        return {k: v for k, v in method_named(name).recipe("small").items() if k != "alignment.objective"}

    assert others("infonce") == others("siglip") == others("vicreg")
    assert others("infonce-pretrained") == others("siglip-pretrained") == others("vicreg-pretrained")
    more = others("infonce-pretrained").keys() - others("infonce").keys()
    assert more == {"alignment.lock", "fit.learning_rate"}  # what learns nothing but images may learn faster
    kept, normalised = (method_named(name).recipe("small") for name in (KEPT, NORMALISED))
    assert normalised == kept | {"model.flux_normalised": True}


def test_pre_trained_ones_start_from_masked_modelling_of_like_inputs():
    for method in METHODS:
        if not method.start:
            continue
        start = method_named(method.start)
        assert (start.objective, start.inputs, start.normalised) == ("masked", "spectrum", method.normalised)
        assert start.passes("small") == (scale_named("small").pretrain, 0)
    assert {m.name for m in METHODS if m.start} == {
        "infonce-pretrained",
        NORMALISED,
        "siglip-pretrained",
        "vicreg-pretrained",
    }
    assert method_named("lightgbm").passes("small") == (0, 0)


def test_what_there_is_not_is_named():
    with pytest.raises(ConfigurationError, match="did you mean 'infonce'"):
        method_named("infonc")
    with pytest.raises(ConfigurationError, match="did you mean 'small'"):
        scale_named("smal")
