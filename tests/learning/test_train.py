"""Training as a whole: a run is written, continued to the bit, refused when its inputs changed, and never half there."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.schema import image_fields
from asterism.errors import ConfigurationError, LeakError, OutputError
from asterism.learning import fit as fit_module
from asterism.learning.baseline_set import BaselineSet
from asterism.learning.config import parse_settings
from asterism.learning.run_state import load_run_state
from asterism.learning.train import train
from asterism.models.model import Model

SMALL = ["model.members=2", "model.width=16", "fit.epochs=3", "fit.batch_size=32", "fit.accelerator=cpu"]


def run(catalog, out, *settings, **more):
    return train(catalog, out, config=parse_settings([*SMALL, *settings]), **{"inputs": "photometry", **more})


@pytest.fixture
def sky(make_sky):
    return make_sky(rows=300)


@pytest.fixture
def stopped(monkeypatch):
    """A function that lets runs be stopped after so many optimizer steps, as a crash would."""

    def stop_after(steps):
        original = fit_module._Fitting.on_train_batch_end

        def hook(self, *args):
            original(self, *args)
            if self.state.step == steps:
                raise RuntimeError("the power went")

        monkeypatch.setattr(fit_module._Fitting, "on_train_batch_end", hook)

    yield stop_after
    monkeypatch.undo()


def test_a_run_is_a_model_with_its_record(sky, tmp_path):
    told = io.StringIO()
    done = run(sky, tmp_path / "run", baselines=True, console=Console(file=told))
    names = {f.name for f in done.path.iterdir()}
    assert names >= {"config.json", "model.safetensors", "README.md", "train.json", "history.csv", "seen.parquet"}
    assert "checkpoints" not in names
    assert not done.existed
    model = Model.from_pretrained(done.path)
    assert model.fingerprint == done.summary["model_fingerprint"]
    assert model.classes == ("STAR", "GALAXY", "QSO")
    assert json.loads((done.path / "train.json").read_text()) == done.summary
    assert done.summary["catalog"]["fingerprint"] == sky.fingerprint
    assert done.summary["config"]["model.members"] == 2
    with (done.path / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert [line["epoch"] for line in history] == ["1", "2", "3"]
    assert len(SourceSet.load(done.path / "seen.parquet")) == sum(
        sum(counts.values()) for counts in done.summary["objects"].values()
    )
    baselines = BaselineSet.load(done.path / "baselines")
    assert baselines.classes == model.classes
    assert baselines.about["objects"] == sum(
        sum(done.summary["objects"][part].values()) for part in ("train", "calibration")
    )
    text = told.getvalue()
    assert "Training on" in text
    assert "parameters; 3 epochs take about" in text
    assert "GB of memory" in text
    assert "Warning: The calibration part has" in text


def test_the_same_inputs_give_the_same_weights_and_are_not_done_twice(sky, tmp_path):
    first = run(sky, tmp_path / "a")
    second = run(sky, tmp_path / "b")
    assert (first.path / "model.safetensors").read_bytes() == (second.path / "model.safetensors").read_bytes()
    again = run(sky, tmp_path / "a")
    assert again.existed
    assert again.summary == first.summary
    other = run(sky, tmp_path / "c", seed=1)
    assert other.summary["model_fingerprint"] != first.summary["model_fingerprint"]


@pytest.mark.parametrize(("steps", "inputs"), [(2, "photometry"), (9, None)])
def test_an_interrupted_run_continues_to_the_same_file(sky, tmp_path, stopped, monkeypatch, steps, inputs):
    settings = {"inputs": inputs}
    augmented = ["augment.shift=1", "augment.dimming=1", "fit.checkpoint_seconds=0"]
    whole = run(sky, tmp_path / "whole", *augmented, **settings)
    stopped(steps)
    with pytest.raises(RuntimeError, match="the power went"):
        run(sky, tmp_path / "run", *augmented, **settings)
    assert not (tmp_path / "run").exists()
    state, _, _ = load_run_state(tmp_path / "run.partial" / "checkpoints" / "last.pt")
    assert 0 < state.step <= steps
    monkeypatch.undo()
    with pytest.raises(OutputError, match=r"seed: 0 before, 5 now"):
        run(sky, tmp_path / "run", *augmented, seed=5, **settings)
    told = io.StringIO()
    continued = run(sky, tmp_path / "run", *augmented, console=Console(file=told), **settings)
    assert "Continuing margformer" in told.getvalue()
    assert (continued.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    assert (continued.path / "history.csv").read_bytes() == (whole.path / "history.csv").read_bytes()


def test_other_inputs_are_refused_unless_overwritten(sky, tmp_path):
    run(sky, tmp_path / "run", "fit.epochs=1")
    with pytest.raises(OutputError, match=r"fit\.epochs.*1 before, 2 now.*--overwrite"):
        run(sky, tmp_path / "run", "fit.epochs=2")
    assert run(sky, tmp_path / "run", "fit.epochs=2", overwrite=True).summary["epochs"] == 2
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(OutputError, match="holds something that Asterism did not make"):
        run(sky, tmp_path / "thesis", overwrite=True)


def test_a_model_of_images_alone_can_be_trained(sky, tmp_path):
    done = run(sky, tmp_path / "run", "fit.epochs=1", "augment.dimming=2", inputs="image")
    assert done.summary["inputs"] == {"image": "image_sdss"}


def test_class_weights_go_by_name(sky, tmp_path):
    plain = run(sky, tmp_path / "plain", "fit.epochs=1")
    heavy = run(sky, tmp_path / "heavy", "fit.epochs=1", "classification.class_weights.STAR=50")
    assert plain.summary["model_fingerprint"] != heavy.summary["model_fingerprint"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": "redshifts"}, "unknown task 'redshifts'; did you mean 'redshift'"),
        ({"task": "redshift", "adapt_to": "sky"}, "--adapt is for --task classification"),
        ({"model": "margforner"}, "did you mean 'margformer'"),
        ({"settings": "model.widht=3"}, "did you mean 'width'"),
        ({"settings": "classification.class_weights.STARS=3"}, "did you mean 'STAR'"),
        ({"inputs": "spectrum"}, "no spectrum columns"),
    ],
)
def test_a_wrong_request_leaves_nothing_behind(sky, tmp_path, change, says):
    settings = [change.pop("settings")] if "settings" in change else []
    with pytest.raises(ConfigurationError, match=says):
        run(sky, tmp_path / "run", *settings, **change)
    assert [entry.name for entry in tmp_path.iterdir()] == ["sky"]


def test_a_leaking_split_is_refused(make_sky, tmp_path):
    sky = make_sky(rows=300)
    run(sky, tmp_path / "first", "fit.epochs=1")
    file = sky.path / "splits" / "default.parquet"
    table = pq.ParquetFile(file).read()
    # A split made elsewhere, that gives one object of a source to training and another to the test.
    sources = table["source_id"].to_pylist()
    parts = table["part"].to_pylist()
    sources[parts.index("test")] = sources[parts.index("train")]
    pq.write_table(table.set_column(table.column_names.index("source_id"), "source_id", pa.array(sources)), file)
    with pytest.raises(LeakError):
        run(sky, tmp_path / "second", "fit.epochs=1")
    assert not (tmp_path / "second").exists()


def test_a_run_for_redshifts_is_whole_and_interrupted_continues_to_the_same_file(sky, tmp_path, stopped, monkeypatch):
    more = {"task": "redshift", "where": "class <> 'STAR'"}
    whole = run(sky, tmp_path / "whole", "fit.checkpoint_seconds=0", **more)
    assert whole.summary["task"] == "redshift"
    assert whole.summary["classes"] == []
    assert set(whole.summary["objects"]["train"]) == {"objects"}
    assert {"negative_log_likelihood", "sigma_nmad", "bias"} <= set(whole.summary["validation"])
    assert Model.from_pretrained(whole.path).config.heads.tasks == ("redshift",)
    assert "probability density of redshift from 0 to" in (whole.path / "README.md").read_text()
    stopped(4)
    with pytest.raises(RuntimeError, match="the power went"):
        run(sky, tmp_path / "run", "fit.checkpoint_seconds=0", **more)
    monkeypatch.undo()
    told = io.StringIO()
    continued = run(sky, tmp_path / "run", "fit.checkpoint_seconds=0", console=Console(file=told), **more)
    assert "Continuing margformer" in told.getvalue()
    assert "objects with a redshift, stopping by" in told.getvalue()
    assert (continued.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()


def test_settings_of_a_task_that_is_not_learned_do_not_make_another_run(sky, tmp_path):
    first = run(sky, tmp_path / "run", "fit.epochs=1")
    assert not any(key.startswith("redshift.") for key in first.summary["config"])
    assert run(sky, tmp_path / "run", "fit.epochs=1", "redshift.points=99").existed
    other = run(sky, tmp_path / "other", "fit.epochs=1", "redshift.points=99", task="redshift")
    assert other.summary["config"]["redshift.points"] == 99
    assert other.summary["redshift"]["grid"]["points"] == 99


@pytest.mark.parametrize("density", ["binned", "flow"])
def test_every_family_can_be_trained_with_both_tasks(sky, tmp_path, density):
    if density == "flow":
        pytest.importorskip("zuko")
    done = run(sky, tmp_path / "run", f"redshift.density={density}", "fit.epochs=1", task="redshift,classification")
    assert done.summary["task"] == "classification,redshift"
    assert {"accuracy", "sigma_nmad"} <= set(done.summary["validation"])
    assert done.summary["redshift"]["calibration"].keys() == {"GALAXY", "QSO"}


def test_the_published_model_learns_redshifts(make_sky, make_rows, tmp_path):
    table = make_rows(rows=150)
    size = 32
    stamp = np.random.default_rng(0).normal(0, 1, (150, 5, size, size)).astype(np.float32)
    fields = image_fields("sdss", "ugriz", size, 0.396, zero_point="sdss", psf_fwhm=False)
    kept = table.drop_columns([name for name in table.column_names if name.startswith("image_")])
    for field, values in zip(fields, (stamp, np.ones_like(stamp)), strict=True):
        flat = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), 5 * size * size)
        kept = kept.append_column(field, flat)
    sky = make_sky("stamps", kept)
    settings = parse_settings(["fit.epochs=1", "fit.accelerator=cpu", "fit.batch_size=64"])
    done = train(sky, tmp_path / "run", model="margformer-published", task="redshift", config=settings)
    assert Model.from_pretrained(done.path).config.name == "margformer-published"
    assert done.summary["validation"]["sigma_nmad"] > 0
