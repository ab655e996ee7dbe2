"""Does what is learned on the simulated sky hold on the real sky? Photometry, scored on real SDSS tables.

    python benchmarks/real_sky.py run --data DATA --work WORK [--templates DIR] [--seeds 0,1,2] [--only a,b,c,e]
    python benchmarks/real_sky.py page --work WORK

``a`` LightGBM trained on simulated ``sdss-spectro`` photometry, tested on the real tables ``sdss_balanced`` (both
dereddened) and ``sdss17`` (both as observed), beside the same model trained on the real table.
``b`` LightGBM told to tell simulated from real photometry by its colours, class by class, at the same distribution of r.
``c`` margnet_exp3_sg's 24 features: what each kind of feature is worth on the real table and on its simulated twin, and a
model trained on the twin tested on the real table.
``e`` photo-z learned on simulated main-sample galaxies, tested on ``photoz/mlz``.

LightGBM keeps its defaults throughout; magnitudes are the survey's asinh magnitudes. A seed is the simulation's, the
split's and the model's. Nothing here is given back to the simulator. With every part goes a table of offsets (medians
and half-widths of colours in bins of r, simulated minus real), so that a person sees what is off.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import band_info, nanomaggy_to_asinh
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.simulate.sky import simulate
from asterism.surveys.table import ingest_table
from real_photometry import catalog_of

Floats = npt.NDArray[np.float64]

BANDS = ("u", "g", "r", "i", "z")
COLOURS = ("u-g", "g-r", "r-i", "i-z")
CLASSES = ("GALAXY", "STAR", "QSO")
SOFTENING = np.array([band_info("sdss", band).softening for band in BANDS], dtype=np.float64)

#: Simulated objects of each survey.
SIZES = {"sdss-spectro": 8192, "sdss-faint-compact": 4096, "sdss-main": 4096}


@dataclass
class Objects:
    """What the scores need of a catalog: magnitudes (n, 5) as observed or dereddened, class, redshift, shapes."""

    mag: Floats
    extinction: Floats
    label: npt.NDArray[np.str_]
    redshift: Floats
    radius: Floats
    fwhm: Floats
    target: npt.NDArray[np.str_]

    def take(self, rows: npt.NDArray[Any]) -> Objects:
        return Objects(**{name: values[rows] for name, values in vars(self).items()})

    def __len__(self) -> int:
        return len(self.mag)

    @property
    def colours(self) -> Floats:
        return self.mag[:, :-1] - self.mag[:, 1:]

    @property
    def photometry(self) -> Floats:
        """Five magnitudes and four colours: the inputs of ``a`` and ``e``."""
        return np.concatenate([self.mag, self.colours], axis=1)


def objects_of(catalog: Catalog, *, dereddened: bool, where: str | None = None) -> Objects:
    """Magnitudes of a catalog; `dereddened` takes out the extinction that the catalog states."""
    columns = [name for name in catalog.schema.names if name.startswith("photometry_sdss_")]
    others = [name for name in ("class", "redshift", "targets") if name in catalog.schema.names]
    table = catalog.read([*columns, *others], where=where)
    n = len(table)

    def array(quantity: str) -> Floats:
        name = f"photometry_sdss_{quantity}"
        if name not in table.column_names:
            return np.full((n, len(BANDS)), np.nan)
        flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, np.float64).reshape(n, len(BANDS))

    flux, ivar, extinction = array("flux"), array("ivar"), array("extinction")
    flux = np.where(ivar > 0, flux, np.nan)
    if dereddened:
        flux = flux * 10.0 ** (0.4 * np.nan_to_num(extinction))
    labels = np.array([label or "" for label in table["class"].to_pylist()])
    targets = np.array(
        [(t or [""])[0] for t in table["targets"].to_pylist()] if "targets" in table.column_names else []
    )
    return Objects(
        nanomaggy_to_asinh(flux, SOFTENING),
        extinction,
        labels,
        table["redshift"].to_numpy().astype(np.float64) if "redshift" in others else np.full(n, np.nan),
        array("radius"),
        array("psf_fwhm"),
        targets if len(targets) else np.full(n, ""),
    )


def simulated(survey: str, seed: int, work: Path, templates: Path | None, *, dereddened: bool) -> Objects:
    """A simulated catalog, made on first use."""
    provider = "templates" if templates else "embedded"
    out = work / "simulated" / f"{survey}-{provider}-{seed}"
    more: dict[str, Any] = {"templates": templates} if templates else {}
    catalog = (
        open_catalog(out) if out.is_dir() else simulate(SIZES[survey], out, survey=survey, seed=seed, workers=1, **more)
    )
    return objects_of(catalog, dereddened=dereddened)


def mlz(data: Path, work: Path) -> Objects:
    """The main sample of MLZ. Carrasco Kind & Brunner (2013, MNRAS 432, 1483) took dereddened model magnitudes."""
    out = work / "catalogs" / "mlz"
    files = [data / "photoz" / "mlz" / f"SDSS_MGS.{part}" for part in ("train", "test")]
    catalog = open_catalog(out) if out.is_dir() else ingest_table(files, out, preset="mlz")
    return objects_of(catalog, dereddened=False)


# --- models ------------------------------------------------------------------------------------------


def classifier(seed: int) -> Any:
    import lightgbm

    return lightgbm.LGBMClassifier(random_state=seed, verbose=-1, n_jobs=1)


def halves(n: int, seed: int, share: float = 0.8) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    order = np.random.default_rng(seed).permutation(n)
    return order[: int(share * n)], order[int(share * n) :]


def balance(label: npt.NDArray[np.str_]) -> Floats:
    """Weights that make the classes equally heavy."""
    names, place, counts = np.unique(label, return_inverse=True, return_counts=True)
    return np.asarray(len(label) / len(names) / counts[place])


def scores_of(predicted: npt.NDArray[Any], label: npt.NDArray[Any]) -> dict[str, Any]:
    recall = {str(name): float((predicted[label == name] == name).mean()) for name in np.unique(label)}
    return {"accuracy": float((predicted == label).mean()), "recall": recall, "n": len(label)}


def auc_of(x: Floats, y: npt.NDArray[np.bool_], seed: int) -> float:
    """Area under the curve of predictions for objects that the model has not seen, five folds."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    p = np.empty(len(y))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
        p[test] = classifier(seed).fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    return float(roc_auc_score(y, p))


# --- offsets -----------------------------------------------------------------------------------------


def offsets(sim: Objects, real: Objects) -> dict[str, Any]:
    """Median and half-width (16 to 84 per cent) of each colour in bins of r, simulated minus real, by class."""
    found: dict[str, Any] = {}
    for name in np.unique(real.label):
        a, b = sim.take(sim.label == name), real.take(real.label == name)
        rows = []
        for low in range(14, 23):
            inside = [(o.mag[:, 2] >= low) & (o.mag[:, 2] < low + 1) for o in (a, b)]
            counts = [int(i.sum()) for i in inside]
            row: dict[str, Any] = {"r": low, "share_sim": counts[0] / max(len(a), 1), "share_real": counts[1] / len(b)}
            if min(counts) >= 25:
                quantiles = [
                    np.nanpercentile(o.colours[i], [16, 50, 84], axis=0) for o, i in zip((a, b), inside, strict=True)
                ]
                for k, colour in enumerate(COLOURS):
                    (l1, m1, h1), (l2, m2, h2) = quantiles[0][:, k], quantiles[1][:, k]
                    row[colour] = [round(float(m1 - m2), 3), round(float(h1 - l1) / 2, 3), round(float(h2 - l2) / 2, 3)]
            rows.append(row)
        found[str(name)] = rows
    return found


def offsets_text(found: dict[str, Any]) -> str:
    lines = []
    for name, rows in found.items():
        lines.append(
            f"{name}: r, share simulated/real; for each colour median simulated - real, half-width simulated/real"
        )
        for row in rows:
            if row["share_sim"] + row["share_real"] < 0.01:
                continue
            cells = [f"{c} {row[c][0]:+.3f} {row[c][1]:.3f}/{row[c][2]:.3f}" if c in row else f"{c} -" for c in COLOURS]
            lines.append(f"  {row['r']}-  {row['share_sim']:.3f}/{row['share_real']:.3f}  " + "  ".join(cells))
    return "\n".join(lines)


# --- parts -------------------------------------------------------------------------------------------

TABLES = {"sdss_balanced": True, "sdss17": False}  # name: dereddened


def transfer(seed: int, data: Path, work: Path, templates: Path | None) -> dict[str, Any]:
    """a: trained on the simulated, tested on the real."""
    record: dict[str, Any] = {}
    for name, dereddened in TABLES.items():
        real = objects_of(catalog_of(name, data, work), dereddened=False)
        sim = simulated("sdss-spectro", seed, work, templates, dereddened=dereddened)
        # sdss_balanced holds equal numbers of each class by construction; sdss17 is what the survey took.
        weight = balance(sim.label) if name == "sdss_balanced" else None
        model = classifier(seed).fit(sim.photometry, sim.label, sample_weight=weight)
        predicted = model.predict(real.photometry)
        train, test = halves(len(real), seed)
        own = classifier(seed).fit(real.photometry[train], real.label[train])
        record[name] = {
            "simulated": scores_of(predicted, real.label),
            "real": scores_of(own.predict(real.photometry[test]), real.label[test]),
            "confusion": {
                f"{a}>{b}": round(float((predicted[real.label == a] == b).mean()), 3) for a in CLASSES for b in CLASSES
            },
            "real_on_simulated": scores_of(own.predict(sim.photometry), sim.label),
            "offsets": offsets(sim, real),
        }
    return record


def matched(sim: Objects, real: Objects, seed: int) -> tuple[Objects, Objects]:
    """As many of each in every quarter of a magnitude of r, so that brightness gives nothing away."""
    rng = np.random.default_rng(seed)
    place = [np.floor(4.0 * np.nan_to_num(o.mag[:, 2], nan=99.0)).astype(int) for o in (sim, real)]
    rows: tuple[list[Any], list[Any]] = ([], [])
    for cell in np.intersect1d(*place):
        both = [np.flatnonzero(p == cell) for p in place]
        n = min(len(both[0]), len(both[1]))
        for mine, found in zip(rows, both, strict=True):
            mine.append(rng.permutation(found)[:n])
    return sim.take(np.concatenate(rows[0])), real.take(np.concatenate(rows[1]))


def telling(seed: int, data: Path, work: Path, templates: Path | None) -> dict[str, Any]:
    """b: simulated or real, by colours."""
    record: dict[str, Any] = {}
    for name, dereddened in TABLES.items():
        everything = objects_of(catalog_of(name, data, work), dereddened=False)
        sim_all = simulated("sdss-spectro", seed, work, templates, dereddened=dereddened)
        record[name] = {}
        for kind in CLASSES:
            sim, real = matched(sim_all.take(sim_all.label == kind), everything.take(everything.label == kind), seed)
            r = np.concatenate([sim.mag[:, 2:3], real.mag[:, 2:3]])
            colours = np.concatenate([sim.colours, real.colours])
            y = np.arange(len(r)) < len(sim)
            alone = {c: auc_of(np.hstack([colours[:, [k]], r]), y, seed) for k, c in enumerate(COLOURS)}
            without = {c: auc_of(np.hstack([np.delete(colours, k, axis=1), r]), y, seed) for k, c in enumerate(COLOURS)}
            entry = {"auc": auc_of(np.hstack([colours, r]), y, seed), "alone": alone, "without": without}
            record[name][kind] = entry | {"n": len(sim), "gives_away": max(alone, key=lambda c: alone[c])}
    return record


#: Columns of margnet_exp3_sg's 24 features by kind.
KINDS: dict[str, Callable[[Objects], Floats]] = {
    "deVRad": lambda o: o.radius,
    "magnitudes and colours": lambda o: np.hstack([o.mag - o.extinction, o.colours]),
    "seeing": lambda o: o.fwhm,
    "all": lambda o: np.hstack([o.mag - o.extinction, o.radius, o.fwhm, o.extinction, o.colours]),
}


def fingerprints(seed: int, data: Path, work: Path, templates: Path | None) -> dict[str, Any]:
    """c: what each kind of feature is worth on the real table and on its twin."""
    real = objects_of(catalog_of("margnet", data, work), dereddened=False)
    sim = simulated("sdss-faint-compact", seed, work, templates, dereddened=False)
    sim = sim.take(sim.label != "QSO")  # the real table has stars and galaxies
    record: dict[str, Any] = {}
    for name, features in KINDS.items():
        entry = {}
        for which, objects in (("real", real), ("simulated", sim)):
            train, test = halves(len(objects), seed)
            x = features(objects)
            model = classifier(seed).fit(x[train], objects.label[train])
            entry[which] = float((model.predict(x[test]) == objects.label[test]).mean())
        model = classifier(seed).fit(features(sim), sim.label)
        entry["simulated to real"] = float((model.predict(features(real)) == real.label).mean())
        record[name] = entry
    medians = {}
    for which, objects in (("real", real), ("simulated", sim)):
        for kind in ("GALAXY", "STAR"):
            some = objects.take(objects.label == kind)
            ratio = np.nanmean(some.radius / some.fwhm, axis=1)
            medians[f"{which} {kind}"] = {
                "radius": np.nanpercentile(some.radius, [10, 50, 90], axis=0).T.round(3).tolist(),
                "fwhm": np.nanpercentile(some.fwhm, [10, 50, 90], axis=0).T.round(3).tolist(),
                "compactness": np.nanpercentile(ratio, [10, 50, 90]).round(3).tolist(),
                "r": np.nanpercentile(some.mag[:, 2], [5, 25, 50, 75, 95]).round(2).tolist(),
                "extinction_r": np.nanpercentile(some.extinction[:, 2], [5, 50, 95]).round(3).tolist(),
            }
    return record | {"medians": medians, "offsets": offsets(sim, real)}


def photometric_redshifts(seed: int, data: Path, work: Path, templates: Path | None) -> dict[str, Any]:
    """e: photo-z of the main sample."""
    import lightgbm

    real = mlz(data, work)
    sim = simulated("sdss-main", seed, work, templates, dereddened=True)
    real = real.take(np.isfinite(real.redshift))

    def fitted(objects: Objects) -> Any:
        model = lightgbm.LGBMRegressor(random_state=seed, verbose=-1, n_jobs=1)
        return model.fit(objects.photometry, objects.redshift)

    def metrics(found: Floats, truth: Floats) -> dict[str, float]:
        delta = (found - truth) / (1.0 + truth)
        centre = float(np.median(delta))
        return {
            "sigma_nmad": float(1.4826 * np.median(np.abs(delta - centre))),
            "bias": centre,
            "outlier_rate_0.05": float((np.abs(delta) > 0.05).mean()),
        }

    train, test = halves(len(real), seed)
    line = np.polyfit(real.colours[train, 1], real.redshift[train], 1)
    tables = {"simulated": sim, "real": real}
    where = {
        which: {
            "redshift": np.percentile(o.redshift, [5, 25, 50, 75, 95]).round(3).tolist(),
            "r": np.nanpercentile(o.mag[:, 2], [5, 25, 50, 75, 95]).round(2).tolist(),
        }
        for which, o in tables.items()
    }
    # Colours at one redshift: what the spectra do, apart from the population's mix of redshifts.
    tracks = []
    for low in np.arange(0.02, 0.25, 0.03):
        row: dict[str, Any] = {"z": round(float(low), 3)}
        for which, o in tables.items():
            inside = (o.redshift >= low) & (o.redshift < low + 0.03)
            if inside.sum() >= 25:
                row[which] = np.nanpercentile(o.colours[inside], [16, 50, 84], axis=0).T.round(3).tolist()
        tracks.append(row)
    return {
        "simulated": metrics(fitted(sim).predict(real.photometry), real.redshift),
        "simulated to simulated": metrics(
            fitted(sim.take(train[train < len(sim)])).predict(sim.take(test[test < len(sim)]).photometry),
            sim.redshift[test[test < len(sim)]],
        ),
        "real": metrics(fitted(real.take(train)).predict(real.photometry[test]), real.redshift[test]),
        "line in g-r on real": metrics(np.polyval(line, real.colours[test, 1]), real.redshift[test]),
        "distributions": where,
        "tracks": tracks,
        "offsets": offsets(sim, real),
    }


PARTS: dict[str, Callable[[int, Path, Path, Path | None], dict[str, Any]]] = {
    "a": transfer,
    "b": telling,
    "c": fingerprints,
    "e": photometric_redshifts,
}


# --- what a person reads -----------------------------------------------------------------------------


def show(part: str, record: dict[str, Any]) -> str:
    lines = []
    if part == "a":
        for name, entry in record.items():
            s, r = entry["simulated"], entry["real"]
            lines.append(
                f"{name}: {s['accuracy']:.4f} trained on simulated, {r['accuracy']:.4f} on real; {s['recall']}"
            )
            lines.append(f"  {entry['confusion']}; real on simulated {entry['real_on_simulated']['accuracy']:.3f}")
            lines.append(offsets_text(entry["offsets"]))
    elif part == "b":
        for name, kinds in record.items():
            for kind, e in kinds.items():
                alone = " ".join(f"{c} {v:.3f}" for c, v in e["alone"].items())
                without = " ".join(f"{c} {v:.3f}" for c, v in e["without"].items())
                lines.append(
                    f"{name} {kind}: AUC {e['auc']:.3f} (n {e['n']}); alone with r: {alone}; left out: {without}"
                )
    elif part == "c":
        for name in KINDS:
            lines.append(f"{name}: " + ", ".join(f"{which} {value:.4f}" for which, value in record[name].items()))
        lines += [f"{name}: {values}" for name, values in record["medians"].items()]
        lines.append(offsets_text(record["offsets"]))
    else:
        for name in ("simulated", "simulated to simulated", "real", "line in g-r on real"):
            lines.append(f"{name}: " + ", ".join(f"{k} {v:.4f}" for k, v in record[name].items()))
        lines += [f"{name}: {values}" for name, values in record["distributions"].items()]
        for row in record["tracks"]:
            if "simulated" in row and "real" in row:
                cells = [
                    f"{c} {s[1] - r[1]:+.3f} {(s[2] - s[0]) / 2:.3f}/{(r[2] - r[0]) / 2:.3f}"
                    for c, s, r in zip(COLOURS, row["simulated"], row["real"], strict=True)
                ]
                lines.append(f"  z {row['z']}-  " + "  ".join(cells))
        lines.append(offsets_text(record["offsets"]))
    return "\n".join(lines)


def page_text(work: Path) -> str:
    """Markdown of the scores: mean and standard deviation over the seeds, the providers beside each other."""
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted((work / "scores").glob("sky-*.json")):
        _, part, provider, _ = path.stem.split("-")
        records.setdefault((part, provider), []).append(json.loads(path.read_text()))

    def cell(values: list[float]) -> str:
        spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else " (one seed)"
        return f"{np.mean(values):.4f}{spread}"

    lines = ["| part | what | spectra | trained on simulated | trained on real |", "|---|---|---|---|---|"]
    for (part, provider), runs in sorted(records.items()):
        if part == "a":
            for name in TABLES:
                s, r = ([run[name][which]["accuracy"] for run in runs] for which in ("simulated", "real"))
                lines.append(f"| a | accuracy, {name} | {provider} | {cell(s)} | {cell(r)} |")
        elif part == "b":
            for name in TABLES:
                for kind in CLASSES:
                    auc = [run[name][kind]["auc"] for run in runs]
                    colours = ", ".join(sorted({run[name][kind]["gives_away"] for run in runs}))
                    lines.append(f"| b | AUC, {name}, {kind} (most by {colours}) | {provider} | {cell(auc)} | |")
        elif part == "c":
            for name in KINDS:
                real, sim, across = ([run[name][w] for run in runs] for w in ("real", "simulated", "simulated to real"))
                lines.append(f"| c | {name}, within one table | {provider} | {cell(sim)} | {cell(real)} |")
                lines.append(f"| c | {name}, tested on real | {provider} | {cell(across)} | {cell(real)} |")
        else:
            for metric in ("sigma_nmad", "bias", "outlier_rate_0.05"):
                s, r = ([run[which][metric] for run in runs] for which in ("simulated", "real"))
                lines.append(f"| e | {metric}, mlz | {provider} | {cell(s)} | {cell(r)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="simulate, train and score")
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--work", type=Path, required=True)
    run.add_argument("--templates", type=Path)
    run.add_argument("--only", default=",".join(PARTS))
    run.add_argument("--seeds", default="0,1,2")
    run.add_argument("--spectro", type=int, default=SIZES["sdss-spectro"], help="simulated objects of sdss-spectro")
    page = commands.add_parser("page", help="print the scores as Markdown")
    page.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "run":
        SIZES["sdss-spectro"] = arguments.spectro
    if arguments.command == "page":
        sys.stdout.write(page_text(arguments.work))
        return
    provider = "templates" if arguments.templates else "embedded"
    for seed in (int(s) for s in arguments.seeds.split(",")):
        for part in arguments.only.split(","):
            if part not in PARTS:
                parser.error(f"unknown part {part!r}; there are {', '.join(PARTS)}")
            started = time.monotonic()
            record = PARTS[part](seed, arguments.data, arguments.work, arguments.templates)
            out = arguments.work / "scores" / f"sky-{part}-{provider}-{seed}.json"
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(record, indent=1))
            print(
                f"== {part}, {provider}, seed {seed}: {time.monotonic() - started:.0f} s\n{show(part, record)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
