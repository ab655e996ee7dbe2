import pytest
from huggingface_hub import ModelCard

from asterism.errors import ConfigurationError
from asterism.models.card import Card, card_text
from asterism.models.configuration import parse


def test_the_card_tells_what_a_user_must_know(make_model):
    model = make_model(roles=("photometry", "image"))
    card = Card(
        catalog="stars",
        catalog_fingerprint="abc123",
        split="default",
        class_mix={"STAR": 30, "GALAXY": 60, "QSO": 10},
        metrics={"accuracy": 0.91234567},
        metrics_on="validation part",
        limits=("r < 22 only.",),
    )
    text = card_text(model.config, card, "f00d", 1234)
    front = ModelCard(text).data.to_dict()
    assert front["library_name"] == "asterism"
    assert {"margformer", "photometry", "image", "classification"} <= set(front["tags"])
    for words in (
        "1,234 parameters",
        "STAR, GALAXY, QSO",
        "`photometry_sdss`, bands u, g, r, i, z",
        "32×32 pixels",
        "stars (fingerprint `abc123`)",
        "| GALAXY | 60 | 0.600 |",
        "| accuracy | 0.91235 |",
        "validation part",
        "* r < 22 only.",
        "`f00d`",
    ):
        assert words in text


def test_what_is_not_known_is_said_to_be_unknown(make_model):
    text = card_text(make_model().config, Card(), "f00d", 1)
    assert "The class mix is not recorded." in text
    assert "None recorded." in text


def test_an_unknown_field_is_refused():
    with pytest.raises(ConfigurationError, match="did you mean 'metrics'"):
        parse(Card, {"metric": {}}, "field of the model card")
