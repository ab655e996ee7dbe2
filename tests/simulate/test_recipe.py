"""What a catalog is made from, checked before anything is made."""

import pickle

import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.recipe import Recipe
from asterism.simulate.rows import simulated_fields


def test_defaults_are_those_of_the_survey():
    made = Recipe.of("sdss-compact")
    assert (made.modalities, made.stamp, made.fingerprint) == (("photometry", "image"), 32, "embedded")
    assert Recipe.of("sdss-compact", modalities=("image", "photometry")) == made


def test_without_images_there_are_no_stamps():
    assert Recipe.of("sdss-compact", modalities=("photometry",)).stamp is None
    with pytest.raises(ConfigurationError, match="add image to --modalities"):
        Recipe.of("sdss-compact", modalities=("photometry",), stamp=32)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"survey": "sdss-compakt"}, "did you mean 'sdss-compact'"),
        ({"seed": -1}, "give another --seed"),
        ({"modalities": ("photometri",)}, "did you mean 'photometry'"),
        ({"modalities": ()}, "no modality"),
        ({"stamp": 33}, "give --stamp"),
        ({"libraries": {"stars": "miles"}}, "give --templates too"),
        ({"libraries": {"starz": "miles"}, "templates": "."}, "did you mean 'stars'"),
    ],
)
def test_what_can_not_be_made_is_refused(arguments, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Recipe.of(**{"survey": "sdss-compact", **arguments})


def test_it_goes_to_another_process_and_says_all_that_counts():
    made = Recipe.of("sdss-compact", 7, stamp=64)
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.inputs(10) == {
        "command": "simulate",
        "survey": "sdss-compact",
        "size": 10,
        "seed": 7,
        "modalities": "photometry,image",
        "stamp": 64,
        "templates": "embedded",
    }


def test_blocks_of_a_grouped_lamost_are_spectrographs(monkeypatch):
    from dataclasses import replace

    from asterism.simulate.objects import selection

    survey = replace(selection.SURVEYS["sdss-spectro"], name="lamost")
    monkeypatch.setitem(selection.SURVEYS, "lamost", selection.SURVEYS.get("lamost", survey))
    frames = Recipe.of("lamost", modalities=("photometry", "spectrum2d"))
    assert (frames.grouped, frames.block_size) == (True, 230)
    assert frames.inputs(5)["positions"] == "grouped"
    assert (Recipe.of("lamost").block_size, Recipe.of("sdss-compact", grouped=True).block_size) == (256, 256)
    with pytest.raises(ConfigurationError, match="leave spectrum2d out"):
        simulated_fields("sdss-compact", ("spectrum2d",))
