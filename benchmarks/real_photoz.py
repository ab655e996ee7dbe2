"""Photometric redshifts on real SDSS tables: three seeds, the baselines on the same objects, paired intervals.

    python benchmarks/real_photoz.py run  --data DATA --work WORK [--only mlz,cosmophotoz,…] [--seeds 0,1,2] [--set key=value]
    python benchmarks/real_photoz.py page --work WORK > docs/results/real-photoz.md

``run`` goes through the public functions that the command line calls; every step is resumable and leaves its files under
WORK. ``page`` only reads them. ``--set`` settings are those of ``asterism train`` and change ours only.

Four experiments, with the model's recipe the default one in all:

============  =======================================================================================================
mlz           MLZ's main galaxy sample, train file → test file
cosmophotoz   CosmoPhotoz's table, train file → test file without the 12 objects that are in the train file too
galaxies      sdss17's galaxies with a redshift, 80/10/10
densities     sdss17's galaxies with 0 < z < 1.2: 10,000 to train, a tenth of all to choose and calibrate, a tenth tested
quasars       sdss17's three classes, both tasks at once, 80/10/10; p(z) = Σ p(c) p(z|c) scored on the test part's quasars
============  =======================================================================================================

A seed fixes the model's weights, which objects are tested (where the table does not say), and which of the others train,
stop and calibrate the model. Point baselines, which need neither validation nor calibration, learn from all three parts; the
quantiles learn from training and calibration parts and are smoothed on the validation part. Nothing is chosen on a test part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.splits import make_split
from asterism.catalogs.stream import Stream
from asterism.inference.predictor import Predictor
from asterism.learning.config import parse_settings
from asterism.learning.redshift_metrics import cde_loss_values, sigma_nmad
from asterism.learning.train import train
from asterism.models.inputs import ModelInputs
from asterism.models.photometry import PhotometryFeatures
from asterism.surveys.table import ingest_table
from real_photometry import subset

#: Photometric errors are features where the table has them.
TABLES: dict[str, dict[str, Any]] = {
    "mlz": {
        "preset": "mlz",
        "files": ["photoz/mlz/SDSS_MGS.train", "photoz/mlz/SDSS_MGS.test"],
        "baselines": ("lightgbm", "xgboost", "random-forest", "nearest-neighbours", "quantiles"),
        "quantities": ["flux", "ivar"],
        "parts": (0.7, 0.1, 0.2),
    },
    "cosmophotoz": {
        "preset": "cosmophotoz",
        "files": ["photoz/cosmophotoz/sdss-ugriz-train.dat", "photoz/cosmophotoz/sdss-ugriz-test.dat"],
        "baselines": ("lightgbm", "xgboost", "random-forest", "nearest-neighbours", "quantiles"),
        "quantities": ["flux", "ivar"],
        "parts": (0.7, 0.1, 0.2),
    },
    "galaxies": {
        "preset": "sdss17",
        "files": ["photometry/sdss17/StellarObjs.csv"],
        "where": "class = 'GALAXY' AND redshift >= -0.01",
        "baselines": ("lightgbm", "xgboost", "random-forest", "nearest-neighbours"),
        "quantities": ["flux"],
        "parts": (8 / 9, 0.5 / 9, 0.5 / 9),
    },
    "densities": {
        "preset": "sdss17",
        "files": ["photometry/sdss17/StellarObjs.csv"],
        "where": "class = 'GALAXY' AND redshift > 0 AND redshift < 1.2",
        "baselines": ("lightgbm", "quantiles"),
        "quantities": ["flux"],
        "train": 10_000,
    },
    "quasars": {
        "preset": "sdss17",
        "files": ["photometry/sdss17/StellarObjs.csv"],
        "baselines": ("lightgbm", "quantiles"),
        "quantities": ["flux"],
        "parts": (8 / 9, 0.5 / 9, 0.5 / 9),
    },
}
QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SMOOTHING = (0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.011, 0.015, 0.02, 0.03, 0.045, 0.07, 0.1)
NEIGHBOURS = (5, 10, 20, 40, 80)
SPLIT = "learn"


def parts_of(name: str, seed: int, data: Path, work: Path) -> tuple[Catalog, Catalog]:
    """What there is to learn from, with a split of its own, and what is tested; no source is in both."""
    table = TABLES[name]
    files = [data / file for file in table["files"]]
    whole = work / "catalogs" / table["preset"]
    catalog = open_catalog(whole) if whole.is_dir() else ingest_table(files, whole, preset=table["preset"])
    if len(files) == 2:
        folder = work / "catalogs" / name
        train_file, test_file = (file.name for file in files)
        known = set(catalog.read(["source_id"], where=f"release = '{train_file}'")["source_id"].to_pylist())

        def tested(rows: pa.Table) -> np.ndarray:
            new = np.array([source not in known for source in rows["source_id"].to_pylist()])
            return new & pc.equal(rows["release"], test_file).to_numpy()

        learn = subset(catalog, lambda rows: pc.equal(rows["release"], train_file).to_numpy(), folder / "learn")
        test = subset(catalog, tested, folder / "test")
    else:
        folder = work / "catalogs" / f"{name}-{seed}"
        columns = ["source_id", "redshift"]
        wanted = set(
            catalog.read(["object_id"], where=table.get("where", "class IS NOT NULL"))["object_id"].to_pylist()
        )
        sources = sorted(set(catalog.read(columns, where=table.get("where"))["source_id"].to_pylist()))
        order = np.random.default_rng(seed).permutation(len(sources))
        tenth = len(sources) // 10
        place = {sources[k]: n for n, k in enumerate(order)}
        last = 2 * tenth + table["train"] if "train" in table else len(sources)

        def between(first: int, end: int) -> Callable[[pa.Table], np.ndarray]:
            def keep(rows: pa.Table) -> np.ndarray:
                pairs = zip(rows["object_id"].to_pylist(), rows["source_id"].to_pylist(), strict=True)
                return np.array([o in wanted and first <= place[s] < end for o, s in pairs])

            return keep

        test = subset(catalog, between(0, tenth), folder / "test")
        learn = subset(catalog, between(tenth, last), folder / "learn")
    rows = len(learn)
    shares = table.get("parts") or ((rows - (n := rows - table["train"])) / rows, 0.5 * n / rows, 0.5 * n / rows)
    fractions = dict(zip(("train", "validation", "calibration"), shares, strict=True))
    make_split(learn, f"{SPLIT}{seed}", fractions=fractions, seed=seed)
    return learn, test


def experiment(name: str, seed: int, data: Path, work: Path, settings: Mapping[str, Any]) -> None:
    """One table at one seed: ours and every baseline, each with its own file of predictions."""
    learn, test = parts_of(name, seed, data, work)
    out = work / "predictions" / f"{name}-{seed}"
    out.mkdir(parents=True, exist_ok=True)
    ours(name, seed, learn, test, work, out / "ours.npz", settings)
    table = Arrays(learn, test, f"{SPLIT}{seed}", TABLES[name]["quantities"])
    for method in TABLES[name]["baselines"]:
        path = out / f"{method}.npz"
        if not path.is_file():
            save(path, **BASELINES[method](table, seed))


def ours(
    name: str, seed: int, learn: Catalog, test: Catalog, work: Path, out: Path, settings: Mapping[str, Any]
) -> None:
    """Train with the default recipe, and the calibrated densities of the test objects.

    Of a model of all classes both are kept: p(z) given that the object is no star, and the whole with the stars' share at
    redshift 0, beside ``out`` as ``ours-with-stars.npz``.
    """
    if out.is_file():
        return
    config = parse_settings({"inputs.quantities": TABLES[name]["quantities"], **settings})
    run = work / "runs" / f"{name}-{seed}"
    task = "classification,redshift" if name == "quasars" else "redshift"
    train(learn, run, task=task, inputs="photometry", split=f"{SPLIT}{seed}", config=config, seed=seed)
    predictor = Predictor.from_pretrained(run)
    known = test.read(["object_id", "redshift"])
    truth = known["redshift"].to_numpy(zero_copy_only=False).astype(float)
    more: dict[str, Any] = {}
    if "class" in test.schema.names:
        more["label"] = np.array(test.read(["class"])["class"].to_pylist(), dtype=str)
    ids = np.array(known["object_id"].to_pylist(), dtype=str)
    wanted = {out: True}
    if name == "quasars":
        wanted = {out.with_name("ours-with-stars.npz"): False} | wanted
    for path, no_star in wanted.items():
        stream = Stream(test, predictor.bindings(test), batch_size=2048, labels=())
        found, rows = [], []
        for batch in stream:
            answer = predictor.answer(batch, given_redshift=no_star).redshift
            assert answer is not None
            found.append(answer.pdf.astype(np.float32))
            rows.append(batch["row"].numpy())
        order = np.argsort(np.concatenate(rows))
        save(path, grid=answer.grid, pdf=np.concatenate(found)[order], z_true=truth, object_id=ids, **more)


class Arrays:
    """The features that our models see, as arrays, for the baselines."""

    def __init__(self, learn: Catalog, test: Catalog, split: str, quantities: list[str]) -> None:
        bindings = bind_roles(learn.schema, "photometry")
        reads = ModelInputs.from_bindings(bindings, quantities)
        assert reads.photometry is not None
        features = PhotometryFeatures(reads.photometry)

        def stream(part: str | None) -> Stream:
            chosen = {} if part is None else {"split": split, "part": part}
            return Stream(learn if part else test, bindings, batch_size=8192, labels=("redshift",), **chosen)

        features.fit(stream("train"))
        self.parts = {}
        for part in ("train", "validation", "calibration", None):
            x, scaled, z, rows = [], [], [], []
            for batch in stream(part):
                values, seen = features(batch["photometry"])
                x.append(torch.where(seen, values, torch.nan).numpy())
                scaled.append(features.standardised(batch["photometry"])[0].numpy())
                z.append(batch["label"]["redshift"].numpy())
                rows.append(batch["row"].numpy())
            order = np.argsort(np.concatenate(rows))
            known = np.concatenate(z)[order]
            # What has no redshift (blanked ones) can't be learned from; what is tested keeps its rows.
            kept = order[np.isfinite(known)] if part else order
            self.parts[part] = tuple(np.concatenate(c)[kept] for c in (x, scaled, z))

    def get(self, *parts: str | None, scaled: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, F), NaN where not observed (0 where scaled), and redshifts (n,) of parts; None is the test."""
        x = np.concatenate([self.parts[part][int(scaled)] for part in parts])
        return x, np.concatenate([self.parts[part][2] for part in parts])


_ALL = ("train", "validation", "calibration")


def lightgbm_points(table: Arrays, seed: int) -> dict[str, np.ndarray]:
    """LightGBM's regressor, default settings."""
    import lightgbm

    model = lightgbm.LGBMRegressor(random_state=seed, verbose=-1, n_jobs=1).fit(*table.get(*_ALL))
    return {"z": np.asarray(model.predict(table.get(None)[0]))}


def xgboost_points(table: Arrays, seed: int) -> dict[str, np.ndarray]:
    """XGBoost's regressor, default settings."""
    import xgboost

    model = xgboost.XGBRegressor(random_state=seed, n_jobs=1).fit(*table.get(*_ALL))
    return {"z": model.predict(table.get(None)[0])}


def forest_points(table: Arrays, seed: int) -> dict[str, np.ndarray]:
    """scikit-learn's random forest, default settings (100 trees)."""
    from sklearn.ensemble import RandomForestRegressor

    x, z = table.get(*_ALL)
    middle = np.nanmedian(x, axis=0)
    test = table.get(None)[0]
    model = RandomForestRegressor(random_state=seed, n_jobs=1).fit(np.where(np.isfinite(x), x, middle), z)
    return {"z": model.predict(np.where(np.isfinite(test), test, middle))}


def neighbour_points(table: Arrays, seed: int) -> dict[str, np.ndarray]:
    """Nearest neighbours in the standardised features, weighted by distance; their number is chosen by validation."""
    from sklearn.neighbors import KNeighborsRegressor

    del seed
    x, z = table.get("train", "calibration", scaled=True)
    xv, zv = table.get("validation", scaled=True)

    def error(k: int) -> float:
        told = KNeighborsRegressor(k, weights="distance").fit(x, z).predict(xv)
        return sigma_nmad((told - zv) / (1 + zv))

    model = KNeighborsRegressor(min(NEIGHBOURS, key=error), weights="distance").fit(*table.get(*_ALL, scaled=True))
    return {"z": model.predict(table.get(None, scaled=True)[0])}


def quantile_densities(table: Arrays, seed: int) -> dict[str, np.ndarray]:
    """Thirteen LightGBM quantile regressors, default settings, as densities smoothed by what serves validation best."""
    import lightgbm

    x, z = table.get("train", "calibration")
    xv, zv = table.get("validation")
    test = table.get(None)[0]
    told_v, told = [], []
    for q in QUANTILES:
        model = lightgbm.LGBMRegressor(objective="quantile", alpha=q, random_state=seed, verbose=-1, n_jobs=1).fit(x, z)
        told_v.append(np.asarray(model.predict(xv)))
        told.append(np.asarray(model.predict(test)))
    grid = np.linspace(0.0, 1.03 * max(float(z.max()), float(zv.max())) + 0.02, 1001)

    def loss(width: float) -> float:
        return float(cde_loss_values(grid, smoothed(grid, np.stack(told_v, 1), width), zv).mean())

    width = min(SMOOTHING, key=loss)
    pdf = smoothed(grid, np.stack(told, 1), width).astype(np.float32)
    return {"grid": grid, "pdf": pdf, "smoothing": np.array(width)}


def smoothed(grid: np.ndarray, quantiles: np.ndarray, width: float) -> np.ndarray:
    """Densities (n, G): uniform between neighbouring quantiles (n, 13), sorted, and smoothed by a Gaussian.

    The outermost cells reach as far beyond the first and last quantile as their neighbours are wide.
    """
    from scipy.ndimage import gaussian_filter1d

    q = np.sort(quantiles, axis=1)
    q = np.concatenate([2 * q[:, :1] - q[:, 1:2], q, 2 * q[:, -1:] - q[:, -2:-1]], axis=1)
    q = q + 1e-9 * np.arange(q.shape[1])
    levels = np.array([0.0, *QUANTILES, 1.0])
    step = grid[1] - grid[0]
    edges = np.append(grid - step / 2, grid[-1] + step / 2)
    mass = np.stack([np.diff(np.interp(edges, row, levels)) for row in q])
    density = gaussian_filter1d(mass, width / step, axis=1, mode="reflect") + 1e-12
    return density / np.trapezoid(density, grid, axis=1)[:, None]


BASELINES: dict[str, Callable[[Arrays, int], dict[str, np.ndarray]]] = {
    "lightgbm": lightgbm_points,
    "xgboost": xgboost_points,
    "random-forest": forest_points,
    "nearest-neighbours": neighbour_points,
    "quantiles": quantile_densities,
}


def save(path: Path, **arrays: Any) -> None:
    """Write arrays under a temporary name, then rename: a file that is there is whole."""
    partial = path.with_name(f"{path.name}.partial.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train and predict")
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--work", type=Path, required=True)
    run.add_argument("--only", default=",".join(TABLES))
    run.add_argument("--seeds", default="0,1,2")
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings of ours, JSON values")
    page = commands.add_parser("page", help="write the results page")
    page.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "page":
        from real_photoz_page import page_text

        sys.stdout.write(page_text(arguments.work))
        return
    pairs = (text.partition("=") for text in arguments.set)
    settings = {key: json.loads(value) for key, _, value in pairs}
    for seed in (int(s) for s in arguments.seeds.split(",")):
        for name in arguments.only.split(","):
            if name not in TABLES:
                parser.error(f"unknown experiment {name!r}; there are {', '.join(TABLES)}")
            started = time.monotonic()
            experiment(name, seed, arguments.data, arguments.work, settings)
            print(f"{name} seed {seed}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
