"""The classification results on real SDSS tables: three seeds, the baselines on the same objects, paired intervals.

    python benchmarks/real_photometry.py run  --data DATA --work WORK [--only sdss17,faint,…] [--seeds 0,1,2]
    python benchmarks/real_photometry.py run  --data DATA --work WORK --only margnet5 --seeds 0
    python benchmarks/real_photometry.py page --work WORK > docs/results/real-photometry.md

``run`` goes through the public functions that the command line calls; every step is resumable and every run is a directory
under WORK that can be looked at. ``page`` only reads what the runs left.

Three seeds mean three splits (random, stratified by class, by source; train .7, validation .1, calibration .1, test .1) with
the model's seed. Baselines keep their libraries' defaults and learn from train and calibration parts together. Nothing is
chosen on a test part. ``margnet5`` goes through five folds of one table, so that every object is tested once.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.splits import make_split
from asterism.catalogs.stream import Stream
from asterism.catalogs.write import CatalogWriter
from asterism.inference.evaluate import evaluate
from asterism.inference.predictor import Predictor
from asterism.learning.baseline_set import BaselineSet
from asterism.learning.config import parse_settings
from asterism.learning.train import train
from asterism.models.calibration import ConformalSets, Temperature
from asterism.models.photometry import PhotometryFeatures
from asterism.surveys.margnet import ingest_margnet
from asterism.surveys.table import ingest_table

#: Same inputs for everybody: fluxes (magnitudes and adjacent colours), and what else the table measured.
TABLES: dict[str, dict[str, Any]] = {
    "sdss17": {"catalog": "sdss17", "quantities": ["flux"]},
    "margnet": {"catalog": "margnet", "quantities": None},
    "balanced": {"catalog": "sdss_balanced", "quantities": ["flux"]},
    "balanced_psf": {"catalog": "sdss_balanced", "quantities": ["flux", "psf_probability"]},
}

#: Of each fold's run; the default .7, .1, .1, .1 would leave 62 % to learn from beside a test part of 20 %.
FOLD_FRACTIONS = {"train": 0.7, "validation": 0.05, "calibration": 0.05, "test": 0.2}
FOLDS = 5


def catalog_of(name: str, data: Path, work: Path) -> Catalog:
    """The ingested table, made on first use."""
    out = work / "catalogs" / name
    if out.is_dir():
        return open_catalog(out)
    photometry = data / "photometry"
    if name == "margnet":
        return ingest_margnet(photometry / "margnet_exp3_sg", out)
    folder = photometry / name
    return ingest_table(sorted(folder.glob("*.csv")), out, preset=name)


def settings(quantities: list[str] | None, **more: Any) -> Any:
    return parse_settings({**({"inputs.quantities": quantities} if quantities else {}), **more})


def iid(name: str, seed: int, data: Path, work: Path) -> None:
    """Train and score on a random split of one table."""
    table = TABLES[name]
    catalog = catalog_of(table["catalog"], data, work)
    split = f"seed{seed}"
    make_split(catalog, split, seed=seed)
    run = work / "runs" / f"{name}-{seed}"
    config = settings(table["quantities"])
    train(catalog, run, inputs="photometry", split=split, config=config, baselines=True, seed=seed)
    evaluate(run, catalog, work / "scores" / f"{name}-{seed}", split=split, baselines=True)
    sets_beside_lightgbm(run, catalog, split, seed, work / "sets" / f"{name}-{seed}.json")


def five_folds(seed: int, data: Path, work: Path) -> None:
    """Every object of ``margnet_exp3_sg`` tested once, by a model that learned from the other four folds.

    The folds are the same for every seed, which is that of the weights.
    """
    catalog = catalog_of("margnet", data, work)
    make_split(catalog, "five", folds=FOLDS, fractions=FOLD_FRACTIONS, seed=0)
    for fold in range(FOLDS):
        split, run = f"five@{fold}", work / "runs" / f"margnet5-{seed}-{fold}"
        train(catalog, run, inputs="photometry", split=split, config=settings(None), baselines=True, seed=seed)
        evaluate(run, catalog, work / "scores" / run.name, split=split, baselines=True)
        lightgbm_on_all(run, catalog, split, seed, work / "scores" / f"{run.name}-lightgbm-all.parquet")


def lightgbm_on_all(run: Path, catalog: Catalog, split: str, seed: int, out: Path) -> None:
    """LightGBM, library defaults, on everything that is not tested: it needs no validation or calibration part."""
    if out.is_file():
        return
    import lightgbm

    predictor = Predictor.from_pretrained(run)
    features = BaselineSet.load(run / "baselines").features

    def part(names: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        stream = Stream(
            catalog,
            predictor.bindings(catalog),
            batch_size=8192,
            split=split,
            part=names,
            classes=predictor.classes,
        )
        x, y, rows = [], [], []
        for batch in stream:
            values, seen = features(batch["photometry"])
            x.append(torch.where(seen, values, torch.nan).numpy())
            y.append(batch["label"]["class"].numpy())
            rows.append(batch["row"].numpy())
        return np.concatenate(x), np.concatenate(y), np.concatenate(rows)

    x, y, _ = part(["train", "validation", "calibration"])
    model = lightgbm.LGBMClassifier(random_state=seed, verbose=-1).fit(x, y)
    x, y, rows = part("test")
    p = model.predict_proba(x)
    ids = catalog.read(["object_id"])["object_id"].take(pa.array(rows))
    columns = {"object_id": ids, "label": y, **{f"p_{i}": p[:, i] for i in range(p.shape[1])}}
    pq.write_table(pa.table(columns), out)


def sets_beside_lightgbm(run: Path, catalog: Catalog, split: str, seed: int, out: Path) -> None:
    """Conformal sets of ours and of LightGBM by one procedure: temperature and thresholds from the calibration part.

    This LightGBM learns from the training part only, since its thresholds need the calibration part; it may use the
    validation part, which it doesn't need, for learning too.
    """
    if out.is_file():
        return
    import lightgbm

    predictor = Predictor.from_pretrained(run)
    bindings = predictor.bindings(catalog)
    inputs = predictor.model.config.inputs

    def part(names: Any) -> tuple[np.ndarray, torch.Tensor, torch.Tensor, list[Any]]:
        stream = Stream(catalog, bindings, batch_size=8192, split=split, part=names, classes=predictor.classes)
        batches = list(stream)
        values = [features(b["photometry"]) for b in batches]
        x = np.concatenate([torch.where(seen, v, torch.nan).numpy() for v, seen in values])
        y = torch.cat([b["label"]["class"] for b in batches])
        m = torch.cat([predictor.model.magnitudes(b) for b in batches])
        return x, y, m, batches

    features = PhotometryFeatures(inputs.photometry).fit(
        Stream(catalog, bindings, batch_size=8192, split=split, part="train", classes=predictor.classes)
    )
    x, y, _, _ = part(["train", "validation"])
    model = lightgbm.LGBMClassifier(random_state=seed, verbose=-1).fit(x, y.numpy())
    x, y, m, batches = part("calibration")
    theirs = torch.from_numpy(model.predict_proba(x))
    temperature = Temperature().fit(theirs, y)
    minimum = predictor.model.conformal.minimum
    level = float(predictor.model.conformal.level)
    conformal = ConformalSets(len(predictor.classes), minimum=minimum).fit(temperature(theirs), y, m, level)
    x, y, m, batches = part("test")
    lightgbm_sets = conformal.sets(temperature(torch.from_numpy(model.predict_proba(x))), m).numpy()
    our_sets = np.concatenate([predictor.answer(b).sets for b in batches])
    out.parent.mkdir(parents=True, exist_ok=True)
    record = {"magnitude": m.tolist(), "label": y.tolist(), "level": level}
    record |= {"ours": our_sets.astype(int).tolist(), "lightgbm": lightgbm_sets.astype(int).tolist()}
    out.write_text(json.dumps(record))


def subset(catalog: Catalog, keep: Callable[[pa.Table], np.ndarray], out: Path) -> Catalog:
    """Some rows of a catalog as a catalog of their own, with the sources' names kept."""
    if out.is_dir():
        return open_catalog(out)
    table = catalog.read()
    table = table.filter(pa.array(keep(table)))
    made_by = {"command": "benchmarks/real_photometry.py", "from": catalog.fingerprint}
    with CatalogWriter(
        out, list(table.schema), placed=catalog.placed, made_by=made_by, inputs={"rows": len(table), **made_by}
    ) as writer:
        writer.add(table)
        return writer.close()


def faint(seed: int, data: Path, work: Path) -> None:
    """Train at r < 20; adapt to one half of r ≥ 20 without labels; score the other half, and all after adapting to all."""
    catalog = catalog_of("sdss17", data, work)
    split = f"bright{seed}"
    make_split(catalog, split, where="r_mag < 20", seed=seed)
    bright = set(catalog.read(["source_id"], where="r_mag < 20")["source_id"].to_pylist())
    ids = catalog.read(["object_id", "source_id"], where="r_mag >= 20")
    # A source with a bright observation is known from the bright side: it is neither adapted to nor scored.
    sources = np.array(sorted(set(ids["source_id"].to_pylist()) - bright))
    half = set(np.random.default_rng(seed).permutation(sources)[: len(sources) // 2].tolist())
    everything = set(sources.tolist())
    faint_ids = set(ids["object_id"].to_pylist())

    def of(wanted: set[str]) -> Callable[[pa.Table], np.ndarray]:
        def keep(table: pa.Table) -> np.ndarray:
            pairs = zip(table["object_id"].to_pylist(), table["source_id"].to_pylist(), strict=True)
            return np.array([o in faint_ids and s in wanted for o, s in pairs])

        return keep

    folder = work / "catalogs" / f"faint-{seed}"
    parts = {
        "adapt": subset(catalog, of(half), folder / "adapt"),
        "score": subset(catalog, of(everything - half), folder / "score"),
        "all": subset(catalog, of(everything), folder / "all"),
    }
    config = settings(["flux"])
    common = {"inputs": "photometry", "split": split, "where": "r_mag < 20", "config": config, "seed": seed}
    plain = work / "runs" / f"faint-unadapted-{seed}"
    train(catalog, plain, baselines=True, **common)
    evaluate(plain, parts["score"], work / "scores" / f"faint-unadapted-{seed}", baselines=True)
    evaluate(plain, parts["all"], work / "scores" / f"faint-all-unadapted-{seed}", baselines=True)
    random_forest(plain, catalog, split, parts, seed, work)
    adapted = work / "runs" / f"faint-adapted-{seed}"
    train(catalog, adapted, adapt_to=parts["adapt"], **common)
    evaluate(adapted, parts["score"], work / "scores" / f"faint-adapted-{seed}")
    transductive = work / "runs" / f"faint-all-adapted-{seed}"
    train(catalog, transductive, adapt_to=parts["all"], **common)
    evaluate(transductive, parts["all"], work / "scores" / f"faint-all-adapted-{seed}", transductive=True)


def random_forest(run: Path, catalog: Catalog, split: str, parts: dict[str, Catalog], seed: int, work: Path) -> None:
    """scikit-learn's random forest, default settings, on the bright objects; scored on the faint ones."""
    from sklearn.ensemble import RandomForestClassifier

    predictor = Predictor.from_pretrained(run)
    features = BaselineSet.load(run / "baselines").features

    def arrays(stream: Stream) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y, rows = [], [], []
        for batch in stream:
            x.append(features(batch["photometry"])[0].numpy())
            y.append(batch["label"]["class"].numpy())
            rows.append(batch["row"].numpy())
        return np.concatenate(x), np.concatenate(y), np.concatenate(rows)

    out = work / "scores" / f"faint-forest-{seed}.parquet"
    if out.is_file():
        return
    bright = Stream(
        catalog,
        predictor.bindings(catalog),
        batch_size=8192,
        split=split,
        part=["train", "calibration"],
        where="r_mag < 20",
        classes=predictor.classes,
    )
    x, y, _ = arrays(bright)
    forest = RandomForestClassifier(random_state=seed, n_jobs=1).fit(x, y)
    scored = []
    for name in ("score", "all"):
        stream = Stream(parts[name], predictor.bindings(parts[name]), batch_size=8192, classes=predictor.classes)
        x, y, rows = arrays(stream)
        ids = parts[name].read(["object_id"])["object_id"].take(pa.array(rows))
        p = forest.predict_proba(x)
        columns = {"part": [name] * len(y), "object_id": ids, "label": y}
        scored.append(pa.table({**columns, **{f"p_{i}": p[:, i] for i in range(p.shape[1])}}))
    pq.write_table(pa.concat_tables(scored), out)


def unknown(left_out: str, seed: int, data: Path, work: Path) -> None:
    """Train without one class; the domain score of that class's test objects against that of the others'."""
    out = work / "scores" / f"unknown-{left_out}-{seed}.json"
    if out.is_file():
        return
    from sklearn.metrics import roc_auc_score

    catalog = catalog_of("sdss17", data, work)
    split = f"seed{seed}"
    make_split(catalog, split, seed=seed)
    run = work / "runs" / f"unknown-{left_out}-{seed}"
    config = settings(["flux"])
    train(catalog, run, inputs="photometry", split=split, where=f"class <> '{left_out}'", config=config, seed=seed)
    predictor = Predictor.from_pretrained(run)
    stream = Stream(
        catalog,
        predictor.bindings(catalog),
        batch_size=8192,
        split=split,
        part="test",
        classes=(*predictor.classes, left_out),
    )
    answers, labels = [], []
    for batch in stream:
        answers.append(predictor.answer(batch))
        labels.append(batch["label"]["class"].numpy())
    strange = np.concatenate(labels) == len(predictor.classes)
    score = np.concatenate([a.domain_score for a in answers])
    inside = np.concatenate([a.in_domain for a in answers])
    p = np.concatenate([a.probabilities for a in answers])
    record = {
        "auroc": float(roc_auc_score(strange, score)),
        "auroc_max_probability": float(roc_auc_score(strange, -p.max(axis=1))),
        "flagged_unknown": float((~inside[strange]).mean()),
        "flagged_known": float((~inside[~strange]).mean()),
        "n": len(strange),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train and score")
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--work", type=Path, required=True)
    run.add_argument("--only", default=",".join([*TABLES, "faint", "unknown"]))
    run.add_argument("--seeds", default="0,1,2")
    page = commands.add_parser("page", help="write the results page")
    page.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "page":
        from real_photometry_page import page_text

        sys.stdout.write(page_text(arguments.work))
        return
    for seed in (int(s) for s in arguments.seeds.split(",")):
        for name in arguments.only.split(","):
            started = time.monotonic()
            if name in TABLES:
                iid(name, seed, arguments.data, arguments.work)
            elif name == "margnet5":
                five_folds(seed, arguments.data, arguments.work)
            elif name == "faint":
                faint(seed, arguments.data, arguments.work)
            elif name == "unknown":
                for left_out in ("QSO", "GALAXY", "STAR"):
                    unknown(left_out, seed, arguments.data, arguments.work)
            else:
                parser.error(f"unknown experiment {name!r}")
            print(f"{name} seed {seed}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
