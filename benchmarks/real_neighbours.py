"""An aligned model that has seen simulated objects only, asked for the class and redshift of real DESI and SDSS spectra.

    python benchmarks/real_neighbours.py simulate --work WORK --templates DIR
    python benchmarks/real_neighbours.py read     --work WORK --data DATA
    python benchmarks/real_neighbours.py run      --work WORK --run RUN
    python benchmarks/real_neighbours.py redrock  --work WORK --templates DIR
    python benchmarks/real_neighbours.py page     --work WORK > real-neighbours.md

``simulate`` makes labelled neighbours: `desi-even` and `sdss-even` with 1D spectra. ``read`` ingests the real spectra under
DATA (the directory that has ``spectra/desi`` and ``spectra/sdss`` in it). ``run`` embeds all of them with RUN, a directory
that ``asterism train --task alignment`` or ``asterism reproduce avis`` made, and gives each real spectrum the class that its
nearest simulated neighbours of the same survey vote for, and the median redshift of the nearest of that class. Real spectra are
not quite like simulated ones, so what has to be chosen (how many neighbours) is chosen on a fifth of the simulated objects
observed worse: shorter exposures, flux calibration off by a tenth, gaps. ``redrock`` fits the same spectra with Redrock. One
row per source: where something was observed several times, the spectrum of highest signal-to-noise.

Every score on real spectra is written to WORK/looks.jsonl when it is first made.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy import units as u
from astropy.coordinates import SkyCoord

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.embeddings import read_embeddings
from asterism.catalogs.stream import Stream
from asterism.inference.embed import embed_catalog
from asterism.inference.embedder import Embedder
from asterism.learning.probes import Labelled, probe_classes, probe_values
from asterism.learning.spectral_augment import augment_spectra
from asterism.simulate.sky import simulate
from asterism.surveys.desi import DesiDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.sdss import SdssDoor

SURVEYS = {"desi": ("desi-even", 81, 12_000), "sdss": ("sdss-even", 82, 12_000)}
CLASSES = ("GALAXY", "QSO", "STAR")
_VALIDATION = 5  # one simulated object in so many
_WORSE = {"exposure": 1.0, "calibration": 0.1, "gaps": 0.5, "gap_runs": 2}
_APART = 2.0  # arcseconds within which two spectra are of one source

Rows = dict[str, Any]


def simulate_neighbours(work: Path, templates: Path, workers: int) -> None:
    """Labelled simulated spectra of both surveys."""
    for survey, (name, seed, size) in SURVEYS.items():
        started = time.monotonic()
        simulate(
            size, work / "catalogs" / survey, survey=name, seed=seed, modalities=("spectrum",), templates=templates,
            workers=workers,
        )  # fmt: skip
        print(f"{survey}: {time.monotonic() - started:.0f} s", flush=True)


def ingest_real(work: Path, data: Path) -> None:
    """The real spectra as `asterism ingest` reads them."""
    spectra = data / "spectra"
    # Spectra in tables have no positions, and a catalog has them for all or for none.
    groups = {
        "sdss-0": (SdssDoor(False), sorted(p for p in (spectra / "sdss").iterdir() if p.name != "gasnet3")),
        "sdss-1": (SdssDoor(False), [spectra / "sdss" / "gasnet3"]),
        **{f"desi-{p.name}": (DesiDoor(), [p]) for p in sorted((spectra / "desi").iterdir())},
    }
    for name, (door, paths) in groups.items():
        made = ingest_files(door, paths, work / "real" / name, workers=1)
        print(f"{name}: {len(made)} spectra", flush=True)


def real_catalogs(work: Path) -> dict[str, list[Catalog]]:
    found = sorted(p for p in (work / "real").iterdir() if (p / "asterism.json").is_file())
    return {survey: [open_catalog(p) for p in found if p.name.startswith(survey)] for survey in SURVEYS}


def spectra_of(catalog: Catalog, survey: str) -> Rows:
    """Identity, labels, spectra and their signal-to-noise."""
    grid, n = grid_named(survey), len(catalog)
    table = catalog.read()
    rows: Rows = {"object_id": np.array(table["object_id"].to_pylist())}
    for name in ("class", "subclass", "redshift", "ra", "dec", "redshift_warning"):
        values = table[name].to_pylist() if name in table.schema.names else [None] * n
        rows[name] = np.array(values, dtype=object)
    for name in ("flux", "ivar", "lsf"):
        column = f"spectrum_{survey}_{name}"
        values = table[column].to_pylist() if column in table.schema.names else [None] * n
        rows[name] = np.array(
            [np.full(grid.size, np.nan) if one is None else np.array(one, float) for one in values], np.float32
        )
    rows["ivar"] = np.where(np.isfinite(rows["flux"]) & np.isfinite(rows["ivar"]), rows["ivar"], 0.0)
    seen = rows["ivar"] > 0
    ratio = np.where(seen, rows["flux"] * np.sqrt(rows["ivar"]), np.nan)
    rows["sn"] = np.array([np.nanmedian(one) if np.isfinite(one).any() else 0.0 for one in ratio])
    return rows


def joined(parts: list[Rows]) -> Rows:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def one_per_source(rows: Rows) -> np.ndarray:
    """Places of the labelled spectra, of each source the one of highest signal-to-noise."""
    labelled = np.flatnonzero(np.isin(rows["class"].astype(str), CLASSES))
    order = labelled[np.argsort(-rows["sn"][labelled], kind="stable")]
    kept: list[int] = []
    taken: list[SkyCoord] = []
    names: set[str] = set()
    for place in order:
        # Tables without positions hold no source that files with positions hold; there the name is the identity.
        if rows["ra"][place] is None:
            if rows["object_id"][place] in names:
                continue
            names.add(rows["object_id"][place])
        else:
            here = SkyCoord(rows["ra"][place], rows["dec"][place], unit=u.deg)
            if taken and (SkyCoord(taken).separation(here) < _APART * u.arcsec).any():
                continue
            taken.append(here)
        kept.append(int(place))
    return np.sort(np.array(kept))


def real_rows(work: Path, survey: str) -> Rows:
    rows = joined([spectra_of(catalog, survey) for catalog in real_catalogs(work)[survey]])
    kept = one_per_source(rows)
    return {key: value[kept] for key, value in rows.items()}


def vectors_of(embedder: Embedder, catalog: Catalog, out: Path, *, anew: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of spectra (n, E), and which rows have one; `anew` where the time is taken, since what is there costs none."""
    made = embed_catalog(embedder, catalog, out, inputs="spectrum", overwrite=anew)
    return read_embeddings(made, "spectrum")


def observed_worse(embedder: Embedder, catalog: Catalog, rows: np.ndarray) -> np.ndarray:
    """Embeddings of simulated spectra as a shorter, worse calibrated exposure with gaps would have them."""
    reader = embedder.reader(catalog.schema, str(catalog.path), "spectrum")
    generator, told = torch.Generator().manual_seed(0), []
    for batch in Stream(catalog, reader.bindings, batch_size=256, rows=rows, labels=()):
        given = batch["spectrum"]
        flux, ivar = augment_spectra(given["flux"], given["ivar"], generator=generator, **_WORSE)
        told.append(reader.embed({**batch, "spectrum": {**given, "flux": flux, "ivar": ivar}})["spectrum"][0])
    return np.concatenate(told)


def run(work: Path, model: Path) -> None:
    """Embed, ask the neighbours, and keep the answers."""
    embedder = Embedder.from_pretrained(model)
    mark = embedder.fingerprint[:12]
    answers: dict[str, Any] = {"model": embedder.fingerprint, "run": model.name, "surveys": {}}
    for survey in SURVEYS:
        simulated = open_catalog(work / "catalogs" / survey)
        reference = simulated.read(["object_id", "class", "redshift"])
        vectors, there = vectors_of(embedder, simulated, work / "embedded" / f"{survey}-{mark}")
        classes = np.array(reference["class"].to_pylist())
        redshifts = np.array(reference["redshift"].to_pylist(), float)
        held = np.arange(len(classes)) % _VALIDATION == 0
        real, told = real_catalogs(work)[survey], []
        started, asked = time.process_time(), 0
        for number, catalog in enumerate(real):
            told.append(vectors_of(embedder, catalog, work / "embedded" / f"real-{survey}-{number}-{mark}", anew=True))
            asked += len(catalog)
        seconds = time.process_time() - started
        rows = joined([spectra_of(catalog, survey) for catalog in real])
        queries, found = (np.concatenate([one[i] for one in told]) for i in (0, 1))
        kept = one_per_source(rows)
        kept = kept[found[kept]]
        learn, check = there & ~held, there & held
        worse = observed_worse(embedder, simulated, np.flatnonzero(check))
        said, z, chosen = ask(
            (vectors[learn], classes[learn], redshifts[learn]), (worse, classes[check], redshifts[check]), queries[kept]
        )
        answers["surveys"][survey] = {
            "object_id": rows["object_id"][kept].tolist(), "class": rows["class"][kept].tolist(),
            "subclass": rows["subclass"][kept].tolist(), "redshift": [float(one) for one in rows["redshift"][kept]],
            "sn": rows["sn"][kept].round(2).tolist(), "said": said.tolist(), "z": z.round(5).tolist(), "chosen": chosen,
            "neighbours": int(learn.sum()), "spectra": asked, "seconds": seconds,
        }  # fmt: skip
        print(survey, json.dumps(scores(answers["surveys"][survey])), flush=True)
    keep(work, f"neighbours-{mark}", answers)


def ask(
    learn: tuple[np.ndarray, ...], check: tuple[np.ndarray, ...], queries: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Class by vote, and redshift by the median of the neighbours of that class; stars have none."""
    voted = probe_classes("knn", Labelled(learn[0], learn[1]), queries, Labelled(check[0], check[1]))
    z, chosen = np.zeros(len(queries)), {"class": voted.chosen}
    for name in ("GALAXY", "QSO"):
        of = voted.predicted == name
        mine, others = learn[1] == name, check[1] == name
        if not of.any():
            continue
        found = probe_values(
            "knn_median",
            Labelled(learn[0][mine], np.log1p(learn[2][mine])),
            queries[of],
            Labelled(check[0][others], np.log1p(check[2][others])),
        )
        z[of], chosen[name] = np.expm1(found.predicted), found.chosen
    return voted.predicted, z, chosen


def run_redrock(work: Path, libraries: Path) -> None:
    """The same spectra by template fits."""
    from real_redrock import fitted, templates_for

    files = templates_for(libraries, work / "templates")
    answers: dict[str, Any] = {"model": "redrock", "surveys": {}}
    for survey in SURVEYS:
        rows = real_rows(work, survey)
        found = fitted(grid_named(survey).wavelength, rows["flux"], rows["ivar"], rows["lsf"], files)
        answers["surveys"][survey] = {
            "object_id": rows["object_id"].tolist(), "class": rows["class"].tolist(), "subclass": rows["subclass"].tolist(),
            "redshift": [float(one) for one in rows["redshift"]], "sn": rows["sn"].round(2).tolist(),
            "said": found["spectype"].tolist(), "z": found["z"].round(5).tolist(), "zwarn": found["zwarn"].tolist(),
            "spectra": len(rows["sn"]), "seconds": found["seconds"],
        }  # fmt: skip
        print(survey, json.dumps(scores(answers["surveys"][survey])), flush=True)
    keep(work, "redrock", answers)


def scores(one: Rows) -> dict[str, Any]:
    """Recall by class, and how far the redshifts of galaxies and quasars are off; a class named wrongly counts with its z."""
    truth, said = np.array(one["class"]), np.array(one["said"])
    known, z = np.array(one["redshift"], float), np.array(one["z"], float)
    recall = {name: float((said[truth == name] == name).mean()) for name in CLASSES if (truth == name).any()}
    far = np.isin(truth, ("GALAXY", "QSO"))
    off = np.abs(z - known)[far] / (1 + known[far])
    return {
        "n": len(truth),
        "recall": recall,
        "counts": {name: int((truth == name).sum()) for name in CLASSES},
        "macro_recall": float(np.mean(list(recall.values()))),
        "median": float(np.median(off)),
        "outliers": float((off > 0.1).mean()),
        "far": int(far.sum()),
        "spectra_per_second": one["spectra"] / one["seconds"],
    }


def together(answers: dict[str, Any]) -> Rows:
    """Both surveys as one."""
    every: Rows = {}
    for one in answers["surveys"].values():
        for key, values in one.items():
            if key in ("spectra", "seconds"):
                every[key] = every.get(key, 0) + values
            elif isinstance(values, list):
                every.setdefault(key, []).extend(values)
    return every


def keep(work: Path, name: str, answers: dict[str, Any]) -> None:
    path = work / "scores" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        told = {survey: scores(one) for survey, one in answers["surveys"].items()}
        with (work / "looks.jsonl").open("a") as log:
            log.write(json.dumps({"model": answers["model"], "scores": told}) + "\n")
    path.write_text(json.dumps(answers))


def page_text(work: Path) -> str:
    """Figures, and every galaxy and quasar by name."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted((work / "scores").glob("*.json"))}
    lines = [
        "| | survey | sources | macro recall | galaxies | quasars | stars | median abs Δz/(1+z) | beyond .1 | spectra/s of one core |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, answers in found.items():
        lines += [_line(name, survey, one) for survey, one in answers["surveys"].items()]
        lines.append(_line(name, "both", together(answers)))
    lines += [
        "",
        "| spectrum | survey | class | z | S/N | " + " | ".join(found) + " |",
        "|---" * (5 + len(found)) + "|",
    ]
    first = next(iter(found.values()))
    for survey, one in first["surveys"].items():
        for i, source in enumerate(one["object_id"]):
            told = [_said(answers["surveys"][survey], source) for answers in found.values()]
            wrong = any("**" in cell for cell in told)
            if one["class"][i] == "STAR" and not wrong:
                continue
            kind = f"{one['class'][i]} {one['subclass'][i] or ''}".strip()
            lines.append(
                f"| {source} | {survey} | {kind} | {one['redshift'][i]:.4f} | {one['sn'][i]:.1f} | {' | '.join(told)} |"
            )
    return "\n".join(lines) + "\n"


def _line(name: str, survey: str, one: Rows) -> str:
    s = scores(one)
    cells = [
        f"{round(s['recall'][c] * s['counts'][c])} of {s['counts'][c]}" if s["counts"][c] else "–" for c in CLASSES
    ]
    return (
        f"| {name} | {survey} | {s['n']} | {s['macro_recall']:.3f} | {' | '.join(cells)} | {s['median']:.4f} | "
        f"{s['outliers']:.1%} of {s['far']} | {s['spectra_per_second']:.1f} |"
    )


def _said(one: Rows, source: str) -> str:
    if source not in one["object_id"]:
        return "no embedding"
    i = one["object_id"].index(source)
    right, z = one["said"][i] == one["class"][i], one["z"][i]
    text = f"{one['said'][i]} {z:.4f}" if right else f"**{one['said'][i]}** {z:.4f}"
    off = abs(z - one["redshift"][i]) / (1 + one["redshift"][i])
    return text + (f" (off by **{off:.2f}**)" if one["class"][i] != "STAR" and off > 0.1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("simulate", "read", "run", "redrock", "page"):
        one = commands.add_parser(name)
        one.add_argument("--work", type=Path, required=True)
        if name in ("simulate", "redrock"):
            one.add_argument("--templates", type=Path, required=True)
        if name == "simulate":
            one.add_argument("--workers", type=int, default=1)
        if name == "read":
            one.add_argument("--data", type=Path, required=True)
        if name == "run":
            one.add_argument("--run", type=Path, required=True)
    a = parser.parse_args()
    if a.command == "simulate":
        simulate_neighbours(a.work, a.templates, a.workers)
    elif a.command == "read":
        ingest_real(a.work, a.data)
    elif a.command == "run":
        run(a.work, a.run)
    elif a.command == "redrock":
        run_redrock(a.work, a.templates)
    else:
        sys.stdout.write(page_text(a.work))


if __name__ == "__main__":
    main()
