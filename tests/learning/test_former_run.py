"""A run that starts from another: its weights come first, what it has seen counts as seen, and what does not fit is one sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file

from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, ConfigurationError, LeakError
from asterism.learning.config import parse_settings
from asterism.learning.train import train
from asterism.models.model import Model

STILL = ["fit.epochs=1", "fit.batch_size=32", "fit.accelerator=cpu", "fit.learning_rate=1e-12", "fit.weight_decay=0"]
AVIS = {"model": "avis", "task": "alignment", "inputs": "image,spectrum"}


def run(catalog, out, *settings, **more):
    return train(catalog, out, config=parse_settings([*STILL, *settings]), **more)


@pytest.fixture(scope="module")
def sky(make_spectra):
    return make_spectra(rows=60)


@pytest.fixture(scope="module")
def masked(sky, tmp_path_factory):
    """Masked modelling of spectra alone."""
    out = tmp_path_factory.mktemp("former") / "masked"
    settings = ["alignment.objective=masked", "model.embedding=16", "fit.learning_rate=1e-3"]
    return run(sky, out, *settings, **{**AVIS, "inputs": "spectrum"}).path


def parts_of(path, *names):
    return {name: value for name, value in load_file(path / "model.safetensors").items() if name.startswith(names)}


SPECTRUM = ("network.encoders.spectrum.", "network.projections.spectrum.", "network.maps.spectrum.")


def test_images_learn_to_agree_with_spectra_of_another_run(sky, masked, tmp_path):
    done = run(sky, tmp_path / "aligned", "alignment.lock=spectrum", "fit.learning_rate=1e-3", start=masked, **AVIS)
    mine, theirs = parts_of(done.path, *SPECTRUM), parts_of(masked, *SPECTRUM)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert not torch.equal(theirs["network.maps.spectrum.matrix"], torch.eye(16))  # whitened, and left so
    former = Model.from_pretrained(masked)
    told = json.loads((done.path / "train.json").read_text())
    assert told["start"]["fingerprint"] == former.fingerprint
    assert told["config"]["model.embedding"] == 16  # the other run's, where none is named
    assert (
        f"It began with the weights of masked (fingerprint `{former.fingerprint}`)"
        in (done.path / "README.md").read_text()
    )
    # The same again is there; without the start it is another run.
    assert run(sky, done.path, "alignment.lock=spectrum", "fit.learning_rate=1e-3", start=masked, **AVIS).existed


def test_views_asked_to_decide_whiten_anew(sky, masked, tmp_path):
    done = run(sky, tmp_path / "aligned", "alignment.lock=spectrum", "alignment.whiten_by=views", start=masked, **AVIS)
    mine, theirs = parts_of(done.path, *SPECTRUM), parts_of(masked, *SPECTRUM)
    changed = {name for name in theirs if not torch.equal(mine[name], theirs[name])}
    assert "network.maps.spectrum.matrix" in changed
    assert all(name.startswith("network.maps.") for name in changed)


def test_labels_are_learned_on_top_of_what_was_learned_without(sky, masked, tmp_path):
    done = run(sky, tmp_path / "tuned", start=masked, model="avis", inputs="spectrum", task="classification")
    mine, theirs = parts_of(done.path, *SPECTRUM), parts_of(masked, *SPECTRUM)
    for name in theirs:
        torch.testing.assert_close(mine[name], theirs[name])
    assert not any("decoders" in name for name in parts_of(done.path, "network."))


def test_what_it_has_seen_counts_as_seen(sky, masked, make_spectra, tmp_path):
    make_split(
        sky, "other", by="source", fractions={"train": 0.5, "validation": 0.2, "calibration": 0.2, "test": 0.1}, seed=5
    )
    with pytest.raises(LeakError, match="with the run to start from .*masked"):
        run(sky, tmp_path / "run", start=masked, split="other", model="avis", inputs="spectrum")
    fresh = make_spectra(rows=60, seed=9)
    done = run(fresh, tmp_path / "elsewhere", start=masked, model="avis", inputs="spectrum")
    before, after = (
        set(SourceSet.load(path / "seen.parquet").table["source_id"].to_pylist()) for path in (masked, done.path)
    )
    assert before < after


def test_labels_that_it_learned_are_none_to_be_stopped_by(sky, tmp_path):
    first = run(sky, tmp_path / "first", model="avis", inputs="spectrum")
    make_split(sky, "turned", by="source", fractions={"train": 0.3, "validation": 0.4, "calibration": 0.3}, seed=7)
    with pytest.raises(LeakError, match="validation part of split 'turned'"):
        run(sky, tmp_path / "run", start=first.path, split="turned", model="avis", inputs="spectrum")


def test_any_model_can_go_on_from_its_like(make_sky, tmp_path):
    sky, small = make_sky(rows=120), ["model.width=16", "model.members=2"]
    first = run(sky, tmp_path / "first", *small, "fit.learning_rate=1e-2", inputs="photometry")
    again = run(sky, tmp_path / "again", start=first.path, inputs="photometry", seed=4)
    mine, theirs = (parts_of(done.path, "network.") for done in (again, first))
    assert theirs
    for name in theirs:
        torch.testing.assert_close(mine[name], theirs[name])
    with pytest.raises(ConfigurationError, match="reads photometry of another description"):
        run(sky, tmp_path / "more", start=first.path, inputs="photometry,image")
    with pytest.raises(ConfigurationError, match=r"another size than the model here; set the options of model\.\*"):
        run(sky, tmp_path / "wide", "model.width=32", start=first.path, inputs="photometry")


@pytest.mark.parametrize(
    ("settings", "change", "says"),
    [
        (
            [],
            {"model": "margformer", "inputs": "image"},
            "is of model avis and the new one of margformer; give --model avis",
        ),
        ([], {"inputs": "image"}, "reads spectrum and the model here image; give them an input in common"),
        (["model.embedding=32"], {}, r"of another size than the model here"),
        (["model.flux_normalised=true"], {}, r"set model\.flux_normalised=false"),
        (["alignment.lock=image"], {"task": "alignment"}, r"alignment\.lock goes with masked modelling before"),
    ],
)
def test_what_does_not_fit_is_one_sentence(sky, masked, tmp_path, settings, change, says):
    with pytest.raises(ConfigurationError, match=says):
        run(sky, tmp_path / "run", *settings, start=masked, **{"model": "avis", "inputs": "image,spectrum", **change})


def test_a_run_without_a_record_of_what_it_has_seen_is_refused(sky, masked, tmp_path):
    bare = tmp_path / "bare"
    Model.from_pretrained(masked).save_pretrained(bare)
    with pytest.raises(BadInputError, match=r"the run to start from .*bare has no record of what it has seen"):
        run(sky, tmp_path / "run", start=bare, model="avis", inputs="spectrum")
