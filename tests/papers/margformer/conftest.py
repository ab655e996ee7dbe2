"""Twins of the two catalogs in place of simulated ones, public arrays that are made up, and a table run in part."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import photometry_fields
from asterism.catalogs.write import CatalogWriter
from asterism.papers.margformer.data import SURVEYS, twins
from asterism.papers.margformer.runner import reproduce
from asterism.simulate.recipe import Recipe
from asterism.surveys.margnet import FEATURES

ONLY = "experiment1+lightgbm,experiment1-sg+magnitude-cut,experiment1-sg+margformer,experiment3-sgq+lightgbm"
B = np.array([1.4, 0.9, 1.2, 1.8, 7.4]) * 1e-10


def flux_of(magnitude):
    return 1e9 * 2 * B * np.sinh(-magnitude * np.log(10) / 2.5 - np.log(B))


def write_twin(path, name, make_rows, rows=600):
    """A catalog as the simulator would leave it: the command takes it for the one that it would make."""
    survey, seed = SURVEYS[name]
    table = make_rows(rows=rows, seed=seed)
    ids = pa.array([f"{name}-{k}" for k in range(rows)])
    table = table.set_column(table.column_names.index("object_id"), table.schema.field("object_id"), ids)
    if name == "faint":
        column = table["photometry_sdss_flux"].combine_chunks()
        r = np.asarray(column.flatten()).reshape(-1, 5)[:, 2]
        mask = np.zeros(rows, bool)
        mask[np.flatnonzero(np.asarray(column.is_valid()))[r < 10]] = True
        table = table.filter(pa.array(mask))
    quantities = ("flux", "ivar", "psf_minus_model")
    field = photometry_fields("sdss", "ugriz", quantities, dereddened=False, zero_point="sdss", magnitude_type="model")[
        2
    ]
    point = np.array([0.3 if c == "GALAXY" else 0.0 for c in table["class"].to_pylist()])
    noise = np.random.default_rng(seed).normal(0, 0.08, (len(table), 5))
    values = pa.array(list((point[:, None] + noise).astype(np.float32)), field.type)
    table = table.append_column(field, values)
    inputs = Recipe.of(survey, seed).inputs(rows)
    fields = [table.schema.field(column) for column in table.column_names]
    with CatalogWriter(path, fields, placed=True, made_by=inputs, inputs=inputs) as writer:
        writer.add(table)
        return writer.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory, make_rows):
    """A table that was run in part at scale tiny; not to be changed."""
    out = tmp_path_factory.mktemp("paper")
    for name in SURVEYS:
        write_twin(out / "catalogs" / name, name, make_rows)
    reproduce(out, scale="tiny", only=ONLY, workers=1)
    return out


@pytest.fixture(scope="session")
def paper(place):
    """The data of that table."""
    return twins(place, "tiny")


def objects(rng, n, faint):
    """Features, labels, images of made-up objects: galaxies are wide, quasars blue."""
    kind = np.arange(n) % 3  # GALAXY, QSO, STAR
    r = rng.uniform(20.1, 21.5, n) if faint else rng.uniform(17, 21, n)
    colour = np.array([[2.4, 1.0, 0.0, -0.4, -0.7], [0.2, 0.1, 0.0, -0.1, -0.1], [1.2, 0.5, 0.0, -0.2, -0.3]])[kind]
    observed = r[:, None] + colour + rng.normal(0, 0.03, (n, 5))
    extinction = rng.uniform(0.02, 0.1, (n, 5))
    x = np.empty((n, 24))
    x[:, 0:20:4], x[:, 3:20:4] = observed - extinction, extinction
    x[:, 1:20:4] = np.where(kind == 0, 0.5, 0.05)[:, None] * rng.uniform(0.8, 1.2, (n, 5))
    x[:, 2:20:4] = rng.uniform(1.1, 1.5, (n, 5))
    x[:, 20:] = observed[:, :4] - observed[:, 1:]
    stamps = rng.normal(0, 0.01, (n, 32, 32, 5))
    stamps[:, 16, 16, :] += flux_of(observed)
    return x, kind, stamps.astype(np.float32)


@pytest.fixture(scope="session")
def arrays(tmp_path_factory):
    """MargNet's arrays as the archive has them, made up; a copy is to be changed, not these."""
    folder, rng = tmp_path_factory.mktemp("margnet"), np.random.default_rng(0)
    one, two, three = (folder / f"Experiment {k}" / "dataset" for k in (1, 2, 3))
    for place in (one, two, three):
        place.mkdir(parents=True)
    names = np.array(["GALAXY", "QSO", "STAR"])
    x, kind, stamps = objects(rng, 360, False)
    ids = 10_000 + rng.permutation(len(x))
    lines = [",".join(["objid", *FEATURES, "class"])]
    lines += [f"{i},{','.join(map(repr, row.tolist()))},{names[k]}" for i, row, k in zip(ids, x, kind, strict=True)]
    (one / "paperDF.csv").write_text("\n".join(lines) + "\n")
    order = rng.permutation(len(x))
    np.save(one / "paperobjlist.npy", ids[order])
    np.save(one / "paperX.npy", stamps[order])
    x2, kind2, stamps2 = objects(rng, 180, True)
    ids2 = 20_000 + np.arange(len(x2))
    for name, array in (("dnnx_v2", x2), ("objlist_v2", ids2), ("X_v2", stamps2), ("y_v2", names[kind2])):
        np.save(two / f"{name}.npy", array)
    faint = np.flatnonzero(x[:, 8] + x[:, 11] > 20)[:30]  # of experiment 1's objects
    for class_set, kinds in (("sg", (0, 2)), ("sgq", (0, 1, 2))):
        fresh = np.flatnonzero(np.isin(kind2, kinds))[:90]
        known = faint[np.isin(kind[faint], kinds)]
        labels = np.concatenate([kind2[fresh], kind[known]])
        parts = {
            "dnnx": np.concatenate([x2[fresh], x[known]]),
            "X": np.concatenate([stamps2[fresh], stamps[known]]),
            "objlist": np.concatenate([ids2[fresh], ids[known]]),
            "y": (labels[:, None] == np.array(kinds)).astype(np.float32),
        }
        for name, array in parts.items():
            np.save(three / f"{name}_{class_set}_exp3.npy", array)
    return folder
