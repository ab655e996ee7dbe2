import json

import numpy as np
import torch
from safetensors.torch import load_file

from asterism.catalogs.embeddings import read_embeddings
from asterism.inference.embedder import Embedder
from asterism.papers.avis.fitting import embedded, fit_method, reference_rows, settings_of
from asterism.papers.avis.methods import KEPT, MASKED
from asterism.papers.avis.rows import Fit


def test_a_training_that_is_there_is_taken(place, paper):
    record = json.loads((Fit(KEPT, 0).folder(place) / "training.json").read_text())
    assert fit_method(Fit(KEPT, 0), paper, "tiny", place) == record
    assert record["settings"] == settings_of(Fit(KEPT, 0), paper, "tiny")
    assert record["epochs"] == 1


def test_a_pre_trained_one_leaves_what_masked_modelling_taught(place, paper):
    kept, masked = (Fit(name, 0).folder(place) for name in (KEPT, MASKED))
    told = [json.loads((folder / "training.json").read_text()) for folder in (kept, masked)]
    assert told[0]["settings"]["start"] == told[1]["settings"] == settings_of(Fit(MASKED, 0), paper, "tiny")
    mine, theirs = (load_file(folder / "run" / "model.safetensors") for folder in (kept, masked))
    names = [name for name in theirs if name.startswith(("network.encoders.", "network.projections.", "network.maps."))]
    assert names
    assert all(torch.equal(mine[name], theirs[name]) for name in names)


def test_nothing_of_the_test_is_learned_from(paper):
    train = paper.open("train")
    rows = reference_rows(train)
    assert not set(rows["train"]) & set(rows["validation"])
    ids = set(paper.open("test").read(["object_id"])["object_id"].to_pylist())
    assert not ids & set(train.read(["object_id"])["object_id"].to_pylist())


def test_an_untrained_network_knows_the_scale_of_what_it_reads(paper, tmp_path):
    fit = Fit("untrained", 0)
    told = fit_method(fit, paper, "tiny", tmp_path)
    assert told["model_fingerprint"] == Embedder.from_pretrained(fit.folder(tmp_path) / "run").fingerprint
    values, there = read_embeddings(embedded(fit, paper, tmp_path, "test"), "spectrum")
    assert there.sum() > 100
    assert np.allclose(np.linalg.norm(values[there], axis=1), 1, atol=1e-3)
