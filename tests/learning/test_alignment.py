"""Alignment as a task and as a run: no label is read, bad requests are one sentence, and a stopped run continues to the bit."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from asterism.catalogs import catalog as catalog_module
from asterism.catalogs.leaks import SourceSet
from asterism.learning import fit as fit_module
from asterism.learning import run_fit
from asterism.learning.alignment import Alignment, Masked, MaskedModel, TwoViews, sources_of
from asterism.learning.config import parse_settings
from asterism.learning.train import train
from asterism.models.alignment import AlignmentConfig as HeadConfig
from asterism.models.alignment import AlignmentHead
from asterism.models.model import Model

SMALL = ["fit.epochs=2", "fit.batch_size=32", "fit.accelerator=cpu", "fit.checkpoint_seconds=0", "model.embedding=16"]
LABELS = {"class", "redshift", "label_warning", "truth_redshift"}


def run(catalog, out, *settings, **more):
    options = {"model": "avis", "task": "alignment", "inputs": "image,spectrum", **more}
    return train(catalog, out, config=parse_settings([*SMALL, *settings]), **options)


def weights(done):
    return (done.path / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def table(make_spectra):
    """A catalog of 60 objects as a table; of ten one lacks its spectrum and one its image."""
    return make_spectra(rows=60).read()


@pytest.fixture
def sky(make_sky, table):
    return make_sky(table=table)


def changed_labels(table, how):
    """The same measurements with labels and truth permuted, dropped, or all wrong."""
    if how == "dropped":
        return table.drop_columns(sorted(LABELS))
    rng = np.random.default_rng(3)
    for name in sorted(LABELS):
        index = table.column_names.index(name)
        column = table[name].take(pa.array(rng.permutation(len(table))))
        if how == "spoiled" and name == "label_warning":
            column = pa.array(np.ones(len(table), np.int32))
        table = table.set_column(index, table.schema.field(index), column)
    return table


def test_no_label_is_read_and_none_has_an_influence(make_sky, table, tmp_path, monkeypatch):
    settings = ["fit.epochs=1", "alignment.pretrain_epochs=1"]
    read = set()
    original = catalog_module.Catalog.read

    def spy(self, columns=None, **more):
        read.update(self.schema.names if columns is None else columns)
        assert not more.get("where"), "a condition reads what it names"
        return original(self, columns, **more)

    monkeypatch.setattr(catalog_module.Catalog, "read", spy)
    partition = catalog_module.Catalog.read_partition

    def spy_partition(self, which, columns=None, **more):
        read.update(self.schema.names if columns is None else columns)
        return partition(self, which, columns, **more)

    monkeypatch.setattr(catalog_module.Catalog, "read_partition", spy_partition)
    whole = run(make_sky("whole", table), tmp_path / "run", *settings)
    assert read
    assert not read & LABELS
    for how in ("dropped", "spoiled"):
        other = run(make_sky(how, changed_labels(table, how)), tmp_path / f"run-{how}", *settings)
        assert weights(other) == weights(whole)
        assert other.summary["catalog"]["fingerprint"] != whole.summary["catalog"]["fingerprint"]
        assert other.summary["validation"] == whole.summary["validation"]
    # Measurements do have one.
    dimmer = table.set_column(
        table.column_names.index("spectrum_lamost_flux"),
        table.schema.field("spectrum_lamost_flux"),
        table["spectrum_lamost_flux"].take(pa.array(np.arange(len(table))[::-1])),
    )
    dimmer = dimmer.set_column(
        dimmer.column_names.index("spectrum_lamost_ivar"),
        dimmer.schema.field("spectrum_lamost_ivar"),
        dimmer["spectrum_lamost_ivar"].take(pa.array(np.arange(len(dimmer))[::-1])),
    )
    assert weights(run(make_sky("other", dimmer), tmp_path / "run-other", *settings)) != weights(whole)


def test_a_run_says_what_it_is(sky, tmp_path):
    told = io.StringIO()
    done = run(sky, tmp_path / "run", "alignment.objective=siglip", "fit.accumulate=2", console=Console(file=told))
    found = done.summary["validation"]
    assert set(found) == {"loss", "recall_at_1", "recall_at_10", "pool"}
    assert found["pool"] <= 10
    assert 0 <= found["recall_at_1"] <= found["recall_at_10"] <= 1
    best = json.loads((done.path / "train.json").read_text())["best_epoch"]
    history = (done.path / "history.csv").read_text().splitlines()
    # The weights are those of the best epoch, and its loss is what the history says.
    assert float(history[best].split(",")[-1]) == pytest.approx(found["loss"], rel=1e-4)
    assert done.summary["task"] == "alignment"
    assert done.summary["config"]["alignment.objective"] == "siglip"
    assert done.summary["classes"] == []
    model = Model.from_pretrained(done.path)
    assert model.config.heads.tasks == ("alignment",)
    assert float(model.heads["alignment"].bias.detach()) != -10
    assert int(model.domain.count) > 0 or done.summary["warnings"]
    seen = SourceSet.load(done.path / "seen.parquet")
    assert set(seen.table["role"].to_pylist()) == {"unlabelled", "validation", "calibration"}
    text = told.getvalue()
    assert "Training on 42 objects without labels" in text
    assert "Best validation loss" in text
    assert "without labels (objective: siglip)" in (done.path / "README.md").read_text()


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        (2, []),
        (4, []),
        (5, ["alignment.views=0.5"]),
        (2, ["alignment.lock=spectrum"]),
        (5, ["alignment.lock=spectrum"]),
    ],
)
def test_an_interrupted_run_continues_to_the_same_file(sky, tmp_path, monkeypatch, steps, more):
    """Stopped in the masked part (steps 1 to 3), at its end, and in the alignment behind it, also of two views or one locked."""
    settings = ["fit.epochs=1", "alignment.pretrain_epochs=1", "fit.accumulate=2", "fit.batch_size=8", *more]
    whole = run(sky, tmp_path / "whole", *settings)
    original, done = fit_module._Fitting.on_train_batch_end, []

    def hook(self, *args):
        original(self, *args)
        done.append(1)
        if len(done) == steps:
            raise RuntimeError("the power went")

    monkeypatch.setattr(fit_module._Fitting, "on_train_batch_end", hook)
    with pytest.raises(RuntimeError, match="the power went"):
        run(sky, tmp_path / "run", *settings)
    monkeypatch.undo()
    continued = run(sky, tmp_path / "run", *settings)
    assert weights(continued) == weights(whole)
    for name in ("history.csv", "history-masked.csv"):
        assert (continued.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_masked_modelling_before_it_can_have_steps_of_its_own(sky, tmp_path, monkeypatch):
    taken = []

    def spy(model, task, stream, validation, config, **more):
        taken.append((len(stream), config.batch_size, config.accumulate, config.learning_rate, config.epochs))
        return original(model, task, stream, validation, config, **more)

    original = run_fit.fit
    monkeypatch.setattr(run_fit, "fit", spy)
    settings = ["fit.epochs=2", "fit.batch_size=8", "fit.accumulate=2", "fit.learning_rate=0.01"]
    own = ["alignment.pretrain_epochs=1", "alignment.pretrain_batch_size=4", "alignment.pretrain_learning_rate=0.02"]
    run(sky, tmp_path / "run", *settings, *own)
    (masked, first), (steps, second) = (taken[0][0], taken[0][1:]), (taken[1][0], taken[1][1:])
    assert first == (4, 1, 0.02, 1)
    assert second == (8, 2, 0.01, 2)
    assert masked > 1.5 * steps


def test_what_is_locked_is_taught_by_masked_modelling_alone_and_whitened(sky, tmp_path, monkeypatch):
    seen = {}

    def spy(model, chosen, *args):
        original(model, chosen, *args)
        seen.update({name: values.clone() for name, values in model.state_dict().items()})

    original = run_fit.whiten_model
    monkeypatch.setattr(run_fit, "whiten_model", spy)
    locked = ["alignment.pretrain_epochs=1", "alignment.lock=spectrum", "fit.epochs=1", "fit.batch_size=8"]
    done = run(sky, tmp_path / "run", *locked)
    kept = load_file(done.path / "model.safetensors")
    apart = {name: not torch.equal(kept[name], values) for name, values in seen.items() if name in kept}
    parts = [f"{part}.{role}" for part in ("encoders", "projections", "maps") for role in ("image", "spectrum")]
    of = {part: [changed for name, changed in apart.items() if f"{part}." in name] for part in parts}
    assert not any(of["encoders.spectrum"] + of["projections.spectrum"] + of["maps.spectrum"] + of["maps.image"])
    assert any(of["encoders.image"])
    assert any(of["projections.image"])
    white, plain = (kept[f"network.maps.{role}.matrix"] for role in ("spectrum", "image"))
    assert torch.equal(plain, torch.eye(len(plain)))
    # Of some 40 objects four directions are known well enough.
    assert 2 <= int(white.any(0).sum()) <= 4


def test_masked_modelling_needs_no_pairs(sky, tmp_path):
    done = run(sky, tmp_path / "run", "alignment.objective=masked", "fit.epochs=1", inputs="spectrum")
    assert set(done.summary["validation"]) == {"loss"}
    assert done.summary["validation"]["loss"] > 0


def test_objects_that_lack_one_take_no_part(make_spectra):
    head = torch.nn.Module()
    head.heads = torch.nn.ModuleDict()
    task = Alignment()
    outputs = {
        f"{kind}_{role}": value
        for role, there in (("image", [True, True, False]), ("spectrum", [True, False, True]))
        for kind, value in (("embedding", torch.rand(3, 4)), ("embedded", torch.tensor(there)))
    }
    parts = task.parts(outputs, {"row": torch.tensor([4, 5, 9])})
    assert (parts["has_image"] & parts["has_spectrum"]).tolist() == [True, False, False]
    assert parts["source"].tolist() == [4, 5, 9]
    assert task.joint(head, parts) == (0, 0)


def aligned(views, image, spectrum, there=None):
    """The loss of 2n embeddings, n objects twice, and what it was made of."""
    model = torch.nn.Module()
    model.heads = torch.nn.ModuleDict({"alignment": AlignmentHead(HeadConfig(objective="infonce"), image.shape[1])})
    n = len(image) // 2
    seen = torch.ones(2 * n, dtype=torch.bool) if there is None else there
    outputs = {"embedding_image": image, "embedding_spectrum": spectrum, "embedded_image": seen}
    outputs["embedded_spectrum"] = torch.ones_like(seen)
    rows = torch.arange(n).repeat(2)
    task = Alignment(views=views)
    parts = task.parts(outputs, {"row": rows, "second": torch.arange(2 * n) >= n})
    with torch.no_grad():
        return task.joint(model, parts)


def test_views_are_told_apart_where_they_count():
    torch.manual_seed(2)
    unit = torch.nn.functional.normalize
    same, other = unit(torch.randn(12, 8), dim=1), unit(torch.randn(12, 8), dim=1)
    agreeing, apart = same.repeat(2, 1), torch.cat([same, other])
    image = unit(torch.randn(24, 8), dim=1)
    without = [float(aligned(0.0, image, spectrum)[0]) for spectrum in (agreeing, apart)]
    added = [
        float(aligned(0.5, image, spectrum)[0]) - alone
        for spectrum, alone in zip((agreeing, apart), without, strict=True)
    ]
    # The images' part is the same in both; that of spectra whose views agree is small.
    assert added[1] > added[0] + 0.5
    # The weight is one.
    assert float(aligned(1.0, image, apart)[0]) - without[1] == pytest.approx(2 * added[1], rel=1e-5)
    # Two views of one object are not each other's negatives: with one object only there is nothing to tell apart.
    one = aligned(0.0, image[[0, 12]], apart[[0, 12]])
    assert float(one[0]) == pytest.approx(0.0, abs=1e-6)
    # An object without an image still has two views of its spectrum.
    lone, count = aligned(1.0, image, agreeing, torch.zeros(24, dtype=torch.bool))
    assert count == 0
    assert 0 < float(lone) < 1


def test_two_views_differ_and_stand_in_one_order():
    def noisy(batch, generator):
        return {**batch, "image": {"flux": batch["image"]["flux"] + torch.randn(3, 2, generator=generator)}}

    batch = {"row": torch.tensor([7, 3, 5]), "image": {"flux": torch.zeros(3, 2)}}
    shown = TwoViews(noisy)(batch, torch.Generator().manual_seed(0))
    assert shown["row"].tolist() == [7, 3, 5, 7, 3, 5]
    assert shown["second"].tolist() == [False] * 3 + [True] * 3
    assert not torch.equal(shown["image"]["flux"][:3], shown["image"]["flux"][3:])


def test_sources_are_numbered_from_the_catalog_s_ids(sky, make_sky, table):
    lone = sources_of(sky)
    assert len(lone.unique()) == 60
    names = pa.array([f"source {row // 2}" for row in range(60)])
    twice = sources_of(make_sky("twice", table.set_column(table.column_names.index("source_id"), "source_id", names)))
    assert torch.equal(twice.bincount().unique(), torch.tensor([2]))


def test_what_is_masked_in_validation_is_always_the_same():
    class Network(torch.nn.Module):
        def masked_loss(self, batch, share, generator):
            assert share == 0.3
            return torch.rand((), generator=generator)

    inner = torch.nn.Module()
    inner.network = Network()
    model, batch, task = MaskedModel(inner, 0.3), {"row": torch.arange(4)}, Masked()
    model.eval()
    first, again = task.score(model(batch), batch), task.score(model(batch), batch)
    assert first == again
    assert first[1] == 4
    model.train()
    torch.manual_seed(1)
    drawn = [float(task.loss(model(batch), batch)) for _ in range(2)]
    torch.manual_seed(1)
    assert drawn == [float(task.loss(model(batch), batch)) for _ in range(2)]
    assert drawn[0] != drawn[1]
