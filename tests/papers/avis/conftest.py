"""Made-up catalogs in place of simulated ones, and a table run in part."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import label_fields
from asterism.catalogs.write import CatalogWriter
from asterism.papers.avis.data import ready
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.runner import reproduce

ONLY = f"{KEPT},redshift+masked-spectrum,redshift+lightgbm,redshift+mean,redshift+pca,redshift+supervised-image"
ROWS = {"train": 230, "test": 130}


def pairs(make, rows, seed):
    """`make_spectra`'s table without strips, with subclasses (a few white dwarfs) and targets."""
    table = make(rows=rows, seed=seed).read()
    table = table.select([n for n in table.column_names if not n.startswith("spectrum2d")])
    kinds = table["class"].to_pylist()
    stars = {"STAR": "G2", "GALAXY": "SPIRAL", "QSO": None, None: None}
    subclass = [stars[k] for k in kinds]
    for index in [i for i, k in enumerate(kinds) if k == "STAR"][:2]:
        subclass[index] = "DA"
    targets = [[] if k is None else [{"STAR": "MWS", "GALAXY": "BGS", "QSO": "QSO"}[k]] for k in kinds]
    added = {"subclass": pa.array(subclass), "targets": pa.array(targets, pa.list_(pa.string()))}
    for field in label_fields(list(added)):
        table = table.append_column(field, added[field.name].cast(field.type))
    return table


def write(path, table):
    fields = [table.schema.field(name) for name in table.column_names]
    made = {"command": "a test", "rows": len(table)}
    with CatalogWriter(path, fields, placed=True, made_by=made, inputs=made) as writer:
        writer.add(table)
        return writer.close()


@pytest.fixture(scope="session")
def sky(make_spectra, tmp_path_factory):
    """A directory of catalogs ``train`` and ``test``."""
    folder = tmp_path_factory.mktemp("avis-sky")
    for seed, (name, rows) in enumerate(ROWS.items()):
        write(folder / name, pairs(make_spectra, rows, 10 + seed))
    return folder


@pytest.fixture(scope="session")
def place(sky, tmp_path_factory):
    """A table that was run in part at scale tiny; not to be changed."""
    out = tmp_path_factory.mktemp("avis") / "table"
    reproduce(out, scale="tiny", only=ONLY, data_dir=sky, workers=1)
    return out


@pytest.fixture(scope="session")
def paper(sky):
    """The data of that table."""
    return ready(sky)


@pytest.fixture
def answers():
    """A scored table: ``answers({"redshift_image_knn": values}, z)``, every other object a quasar."""

    def make(columns, z):
        n = len(z)
        ids = [f"o{i}" for i in range(n)]
        known = {"object_id": ids, "source_id": ids, "class": [("GALAXY", "QSO")[i % 2] for i in range(n)]}
        return pa.table({**known, "redshift": np.asarray(z, float), **columns})

    return make
