"""Adapting to fainter objects: on a made-up sky whose classes drift with magnitude, and whose faint labels must not matter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.schema import identity_fields, label_fields, photometry_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError, LeakError, OutputError
from asterism.inference.evaluate import evaluate
from asterism.inference.predictor import Predictor
from asterism.learning.config import parse_settings
from asterism.learning.train import train

SETTINGS = {
    "fit.epochs": 6,
    "fit.batch_size": 128,
    "fit.learning_rate": 5e-3,
    "model.members": 2,
    "model.width": 32,
    "model.frequency_scale": 0.1,
    "adapt.steps": 10,
    "adapt.updates": 40,
    "adapt.batch_size": 256,
    "adapt.learning_rate": 5e-3,
}


def drifting(path, low, high, rows=1200, seed=0, shuffled_labels=False):
    """Two classes in two bands whose colours move with magnitude: the boundary among bright objects is wrong for faint ones."""
    rng = np.random.default_rng(seed)
    magnitude = rng.uniform(low, high, rows)
    star = rng.random(rows) < 0.5
    colour = 0.25 * (magnitude - 18) + np.where(star, 0.35, -0.35) + rng.normal(0, 0.12, rows)
    r = 10 ** (0.4 * (22.5 - magnitude))
    g = 10 ** (0.4 * (22.5 - magnitude - colour))
    flux = np.stack([g, r], axis=1).astype(np.float32)
    names = np.where(star, "STAR", "GALAXY")
    if shuffled_labels:
        names = np.random.default_rng(99).permutation(names)  # of its own, so that all else stays as it was
    fields = identity_fields(True) + label_fields(["class"])
    fields += photometry_fields("sdss", ("g", "r"), dereddened=False, zero_point="sdss")
    columns = {
        "object_id": [f"{seed}-{low}-{i:05d}" for i in range(rows)],
        "source_id": pa.nulls(rows, pa.string()),
        "ra": rng.uniform(0, 60, rows),
        "dec": rng.uniform(-30, 30, rows),
        "survey": ["sdss"] * rows,
        "release": ["x"] * rows,
        "mjd": pa.nulls(rows, pa.float64()),
        "class": names,
        "photometry_sdss_flux": pa.FixedSizeListArray.from_arrays(pa.array(flux.ravel()), 2),
        "photometry_sdss_ivar": pa.FixedSizeListArray.from_arrays(pa.array(np.full(2 * rows, 1e4, np.float32)), 2),
    }
    schema = pa.schema(fields)
    table = pa.table([pa.array(columns[n]) for n in schema.names], names=schema.names).cast(schema)
    with CatalogWriter(
        path, fields, placed=True, made_by={}, inputs={"seed": seed, "shuffled": shuffled_labels}
    ) as writer:
        writer.add(table)
        return writer.close()


@pytest.fixture(scope="module")
def skies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drifting")
    return {
        "bright": drifting(folder / "bright", 16, 19),
        "faint": drifting(folder / "faint", 18.5, 21, seed=1),
        "scored": drifting(folder / "scored", 19.5, 21, seed=2, rows=600),
        "folder": folder,
    }


@pytest.fixture(scope="module")
def adapted(skies):
    run = skies["folder"] / "adapted"
    train(skies["bright"], run, config=parse_settings(SETTINGS), adapt_to=skies["faint"])
    return run


def test_adapting_finds_classes_where_the_bright_boundary_fails(skies, adapted, tmp_path):
    train(skies["bright"], tmp_path / "plain", config=parse_settings(SETTINGS))
    before = evaluate(tmp_path / "plain", skies["scored"], tmp_path / "before")
    after = evaluate(adapted, skies["scored"], tmp_path / "after")
    assert after["accuracy"] > before["accuracy"] + 0.1


def test_labels_of_the_catalog_adapted_to_are_never_read(skies, adapted):
    folder = skies["folder"]
    wrong = drifting(folder / "wrong", 18.5, 21, seed=1, shuffled_labels=True)
    assert wrong.read(["class"]) != skies["faint"].read(["class"])
    train(skies["bright"], folder / "again", config=parse_settings(SETTINGS), adapt_to=wrong)
    assert (folder / "again" / "model.safetensors").read_bytes() == (adapted / "model.safetensors").read_bytes()


def test_what_was_adapted_to_counts_as_seen(skies, adapted, tmp_path):
    roles = SourceSet.load(adapted / "seen.parquet").table["role"].to_pylist()
    assert roles.count("unlabelled") == len(skies["faint"])
    with pytest.raises(LeakError, match="unlabelled"):
        evaluate(adapted, skies["faint"], tmp_path / "r")
    metrics = evaluate(adapted, skies["faint"], tmp_path / "r", transductive=True)
    assert metrics["transductive"] is True
    assert "without their labels" in (tmp_path / "r" / "report.html").read_text()


def test_another_catalog_to_adapt_to_is_another_run(skies, adapted):
    with pytest.raises(OutputError, match="adapt"):
        train(skies["bright"], adapted, config=parse_settings(SETTINGS))


def test_adapting_to_objects_of_the_test_part_is_refused(skies, tmp_path):
    with pytest.raises(LeakError):
        train(skies["bright"], tmp_path / "r", config=parse_settings(SETTINGS), adapt_to=skies["bright"])


def test_beyond_the_labels_answers_are_softened_and_the_card_says_so(skies, adapted):
    model = Predictor.from_pretrained(adapted).model
    assert 18.5 < float(model.extrapolation.limit) < 19.1
    assert float(model.extrapolation.temperature) == 3.5
    assert "no coverage is promised" in " ".join((adapted / "README.md").read_text().split())


def test_objects_that_are_not_fainter_are_refused(skies, tmp_path):
    brighter = drifting(tmp_path / "brighter", 14, 15.5, seed=5, rows=300)
    with pytest.raises(BadInputError, match="needs fainter ones"):
        train(skies["bright"], tmp_path / "r", config=parse_settings(SETTINGS), adapt_to=brighter)
    assert not (tmp_path / "r").exists()


def test_adapting_needs_photometry(tiny_sky, tmp_path):
    with pytest.raises(ConfigurationError, match="add photometry"):
        train(
            open_catalog(tiny_sky.path),
            tmp_path / "r",
            inputs="image",
            config=parse_settings(SETTINGS),
            adapt_to=tiny_sky,
        )
