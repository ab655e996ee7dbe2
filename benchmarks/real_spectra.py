"""A classifier that has seen simulated SDSS and BOSS spectra only, tested on real ones; and across template libraries.

    python benchmarks/real_spectra.py choose --work WORK --templates DIR
    python benchmarks/real_spectra.py run    --data DATA --work WORK [--templates DIR] [--seeds 0,1,2]
    python benchmarks/real_spectra.py page   --work WORK > real-spectra.md

``run`` simulates the survey `sdss-spectro` with spectra once per set of libraries (`SETS`) and seed through
`asterism.simulate.sky.simulate`, trains one LightGBM on each, and tests it on the real spectra and on the other sets' objects
of the next seed (which are other objects). DATA is the directory that has ``spectra/sdss`` in it, DIR the one with the
template libraries. Everything is kept under WORK/CODE, where CODE is a digest of the simulator's source: after a change of
the simulator the same command starts anew beside what was there, and without one it goes on where it was.

``choose`` compares the candidates (`CANDIDATES`) on simulated spectra alone: each is trained on one set of libraries and
scored on the others', with a seed that ``run`` doesn't use. Real spectra are not opened. `CHOSEN` is the outcome, by hand.

Every score on real spectra is written to WORK/looks.jsonl when it is first made, and the page tells how many there were.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from scipy.ndimage import gaussian_filter1d

import asterism
from asterism.simulate.sky import simulate
from asterism.surveys.formats.spectral_grids import grid_named

CLASSES = ("GALAXY", "QSO", "STAR")

#: Set → library by role (`asterism.simulate.light.libraries`). None: no template files at all. "crossed" shares no library with
#: "default" in any role, "eigen" shares the galaxies'.
SETS: dict[str, dict[str, str] | None] = {
    "embedded": None,
    "default": {},
    "eigen": {"stars": "eigen", "white_dwarfs": "desisim", "galaxies": "eigen", "quasars": "eigen"},
    "crossed": {"stars": "miles", "white_dwarfs": "embedded", "galaxies": "embedded", "quasars": "redrock"},
}

SIZE = 5376  # 21 blocks: about 1,020 quasars, 1,180 stars, 3,170 galaxies
CHOICE_SEED, CHOICE_SIZE = 100, 1536

# Pixels of the survey's grid that practically every real spectrum has, 3841 to 9168 Å: SDSS-I/II begins at 3790 to 3830
# and ends at 9175 to 9215. Fine bins are what is kept of a simulated spectrum.
FIRST, PIXELS, FINE = 35844, 3780, 4

#: Name → pixels in a bin, parts of the features, settings of LightGBM.
_TREES = {"n_estimators": 150, "learning_rate": 0.06, "num_leaves": 15, "colsample_bytree": 0.3}
CANDIDATES: dict[str, tuple[int, tuple[str, ...], dict[str, Any]]] = {
    "flux, bins of 12": (12, ("flux",), _TREES),
    "divided, bins of 12": (12, ("divided",), _TREES),
    "both, bins of 12": (12, ("flux", "divided"), _TREES),
    "both, bins of 36": (36, ("flux", "divided"), _TREES),
    "flux, bins of 36": (36, ("flux",), _TREES),
    "both, bins of 60": (60, ("flux", "divided"), _TREES),
    "both, bins of 36, 31 leaves": (36, ("flux", "divided"), {**_TREES, "num_leaves": 31}),
    "both, bins of 36, 400 trees": (36, ("flux", "divided"), {**_TREES, "n_estimators": 400, "learning_rate": 0.03}),
}
CHOSEN = "both, bins of 36, 400 trees"  # the best on other libraries (`choose`); the bins of 36 and 60 are alike
CONTROL = (12, ("noise",), _TREES)
_SMOOTH = (
    144.0  # pixels (sigma, 10,000 km/s) of the continuum that "divided" is divided by: choice, wider than broad lines
)
_NOISE_BINS = 5


def code_digest() -> str:
    """Twelve hexadecimals over the simulator's source."""
    root = Path(asterism.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*(root / "simulate").rglob("*.py"), root / "surveys" / "formats" / "spectral_grids.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


# --- spectra -------------------------------------------------------------------------------------------------------------


def binned(flux: np.ndarray, ivar: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Means weighted by inverse variance over `width` pixels, and their inverse variance; 0 where nothing was observed."""
    n = len(flux)
    weight = np.where(np.isfinite(flux) & (ivar > 0), ivar, 0.0).astype(np.float64)
    value = np.where(weight > 0, flux, 0.0) * weight
    w = weight.reshape(n, -1, width).sum(axis=2)
    f = value.reshape(n, -1, width).sum(axis=2)
    return np.where(w > 0, f / np.where(w > 0, w, 1.0), 0.0), w


def features(flux: np.ndarray, ivar: np.ndarray, width: int, parts: tuple[str, ...]) -> np.ndarray:
    """Features of spectra in fine bins.

    "flux": flux over its own median; "divided": what is left of it over a smooth continuum; "noise": signal-to-noise alone,
    of no use but to see how much the exposure, the magnitude and the spectrograph give away.
    """
    if parts == ("noise",):
        f, w = binned(flux, ivar, flux.shape[1] // _NOISE_BINS)
        return np.asarray(np.log10(np.maximum(np.abs(f), 1e-3)) + 0.5 * np.log10(np.maximum(w, 1e-12)))
    f, w = binned(flux, ivar, width // FINE)
    at = np.arange(f.shape[1])
    for row, weight in zip(f, w, strict=True):
        # Gaps carry no class: they are bridged, and beyond a spectrum's end its last bins go on.
        if (weight <= 0).any() and (weight > 0).any():
            row[weight <= 0] = np.interp(at[weight <= 0], at[weight > 0], row[weight > 0])
    f /= np.maximum(np.median(np.abs(f), axis=1, keepdims=True), 1e-9)
    smooth = gaussian_filter1d(f, _SMOOTH / width, axis=1, mode="nearest")
    made = {
        "flux": np.clip(f, -1.0, 6.0),
        "divided": np.clip((f - smooth) / np.maximum(smooth, 0.1), -2.0, 3.0),
    }
    return np.hstack([made[part] for part in parts]).astype(np.float32)


def simulated(
    name: str, seed: int, size: int, home: Path, templates: Path | None, workers: int
) -> dict[str, np.ndarray]:
    """A simulated set in fine bins, made where it isn't there yet."""
    kept = home / "sets" / f"{name}-{seed}-{size}.npz"
    if kept.is_file():
        return dict(np.load(kept))
    libraries = SETS[name]
    where = home / "catalogs" / f"{name}-{seed}-{size}"
    started = time.monotonic()
    catalog = simulate(
        size,
        where,
        survey="sdss-spectro",
        seed=seed,
        modalities=("spectrum",),
        templates=None if libraries is None else templates,
        libraries=libraries or None,
        workers=workers,
    )
    grid = grid_named("sdss")
    cut = slice(FIRST - grid.first, FIRST - grid.first + PIXELS)
    parts: dict[str, list[np.ndarray]] = {}
    columns = ["object_id", "class", "redshift", "spectrum_sdss_flux", "spectrum_sdss_ivar"]
    for batch in catalog.batches(columns):
        spectra = [batch[c].combine_chunks().flatten().to_numpy().reshape(-1, grid.size)[:, cut] for c in columns[3:]]
        flux, ivar = binned(*spectra, FINE)
        for key, value in (
            ("number", np.array([int(text.rsplit("-", 1)[1]) for text in batch["object_id"].to_pylist()])),
            ("class", np.array(batch["class"].to_pylist(), dtype="U6")),
            ("redshift", batch["redshift"].to_numpy()),
            ("flux", flux.astype(np.float32)),
            ("ivar", ivar.astype(np.float32)),
        ):
            parts.setdefault(key, []).append(value)
    order = np.argsort(np.concatenate(parts["number"]))
    whole = {key: np.concatenate(values)[order] for key, values in parts.items()}
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part.npz")
    np.savez(unfinished, **whole)
    unfinished.replace(kept)
    shutil.rmtree(where)  # 80 kB a spectrum, and made again from the seed
    print(f"simulated {name} seed {seed}: {size} objects, {time.monotonic() - started:.0f} s", flush=True)
    return whole


def real(data: Path) -> dict[str, np.ndarray]:
    """The real spectra, one for each plate, MJD and fibre, in fine bins; class, subclass and redshift are the pipeline's."""
    rows: dict[str, dict[str, Any]] = {}
    folder = data / "spectra" / "sdss"
    for path in sorted(folder.rglob("spec-*.fits")):
        with fits.open(path) as hdus:
            spectrum, label = (_lower_case(hdus[i].data) for i in (1, 2))
            one = {key: value[0] for key, value in label.items()}
            _keep(rows, one, spectrum["loglam"], spectrum["flux"], spectrum["ivar"], path.relative_to(folder).parts[0])
    for path in sorted((folder / "gasnet3").glob("*.fits")):
        with fits.open(path) as hdus:
            # The class is the column's; the file is named after the templates that were fitted.
            table, loglam = _lower_case(hdus[1].data), np.asarray(hdus[2].data["input_grid"]).ravel()
            for i in range(len(hdus[1].data)):
                one = {key: value[i] for key, value in table.items()}
                _keep(rows, one, loglam, one["flux"], one["ivar"], "gasnet3")
    if not rows:
        raise SystemExit(f"no spec-*.fits under {folder}; give the directory that has spectra/sdss in it as --data")
    found = {key: np.array([one[key] for one in rows.values()]) for key in next(iter(rows.values()))}
    found["flux"], found["ivar"] = binned(found["flux"], found["ivar"], FINE)
    return found


def _lower_case(table: fits.FITS_rec) -> dict[str, np.ndarray]:
    return {name.lower(): table[name] for name in table.columns.names}


def _keep(
    rows: dict[str, dict[str, Any]],
    one: dict[str, Any],
    loglam: np.ndarray,
    flux: np.ndarray,
    ivar: np.ndarray,
    source: str,
) -> None:
    key = f"{int(one['plate'])}-{int(one['mjd'])}-{int(one['fiberid'])}"
    # To the nearest pixel: exact but for GaSNet-III's tables, whose grid lies up to an eighth of a pixel off.
    place = np.rint(np.asarray(loglam, dtype=np.float64) * 1e4).astype(int) - FIRST
    inside = (place >= 0) & (place < PIXELS) & np.isfinite(flux) & (ivar > 0)
    on_grid = np.zeros((2, PIXELS))
    on_grid[0, place[inside]], on_grid[1, place[inside]] = flux[inside], ivar[inside]
    first = 10.0 ** np.min(np.asarray(loglam)[np.asarray(ivar) > 0])
    rows.setdefault(
        key,
        {
            "id": key,
            "class": str(one["class"]).strip(),
            "subclass": str(one["subclass"]).strip(),
            "redshift": float(one["z"]),
            "ra": float(one.get("plug_ra", np.nan)),
            "dec": float(one.get("plug_dec", np.nan)),
            "spectrograph": "boss" if first < 3700.0 else "sdss",
            "sn": float(np.median((on_grid[0] * np.sqrt(on_grid[1]))[on_grid[1] > 0])),
            "source": source,
            "flux": on_grid[0],
            "ivar": on_grid[1],
        },
    )


# --- classifier ----------------------------------------------------------------------------------------------------------


def fitted(spectra: dict[str, np.ndarray], candidate: tuple[int, tuple[str, ...], dict[str, Any]], seed: int) -> Any:
    """LightGBM with classes weighted to be equal."""
    from lightgbm import LGBMClassifier

    width, parts, settings = candidate
    model = LGBMClassifier(
        **settings,
        min_child_samples=20,
        subsample=0.8,
        subsample_freq=1,
        class_weight="balanced",
        deterministic=True,
        force_row_wise=True,
        n_jobs=1,
        seed=seed,
        verbose=-1,
    )
    return model.fit(features(spectra["flux"], spectra["ivar"], width, parts), spectra["class"])


def candidate_digest(title: str) -> str:
    return hashlib.sha256(json.dumps(CANDIDATES.get(title, CONTROL)).encode()).hexdigest()[:8]


def scores_folder(home: Path) -> Path:
    """What `CHOSEN` scored; another choice has another folder."""
    return home / f"scores-{candidate_digest(CHOSEN)}"


def trained(
    home: Path, name: str, seed: int, size: int, templates: Path | None, workers: int, title: str = CHOSEN
) -> Any:
    """The classifier of a simulated set, learned where it isn't there yet."""
    kept = home / "models" / f"{name}-{seed}-{size}-{candidate_digest(title)}.pickle"
    if kept.is_file():
        return pickle.loads(kept.read_bytes())
    model = fitted(simulated(name, seed, size, home, templates, workers), CANDIDATES.get(title, CONTROL), seed)
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part")
    unfinished.write_bytes(pickle.dumps(model))
    unfinished.replace(kept)
    return model


def probabilities(
    model: Any, spectra: dict[str, np.ndarray], candidate: tuple[int, tuple[str, ...], Any]
) -> np.ndarray:
    """Shape (n, 3), in the order of `CLASSES`, which is LightGBM's."""
    assert tuple(model.classes_) == CLASSES
    width, parts, _ = candidate
    return np.asarray(model.predict_proba(features(spectra["flux"], spectra["ivar"], width, parts)))


def recalls(p: np.ndarray, labels: np.ndarray) -> list[float]:
    """Of each class."""
    found = np.array(CLASSES)[p.argmax(axis=1)]
    return [float((found[labels == name] == name).mean()) for name in CLASSES]


# --- commands ------------------------------------------------------------------------------------------------------------


def part_of(spectra: dict[str, np.ndarray], keep: np.ndarray) -> dict[str, np.ndarray]:
    return {key: value[keep] for key, value in spectra.items()}


def choose(work: Path, templates: Path, workers: int) -> None:
    """Candidates on simulated spectra of other libraries."""
    home = work / code_digest()
    sets = {name: simulated(name, CHOICE_SEED, CHOICE_SIZE, home, templates, workers) for name in SETS}
    # One seed is one population: what a candidate is scored on must be other objects, not the same with other templates.
    learned = {name: part_of(s, s["number"] % 3 != 0) for name, s in sets.items()}
    tested = {name: part_of(s, s["number"] % 3 == 0) for name, s in sets.items()}
    path = home / "choice.json"
    out: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for title, candidate in CANDIDATES.items():
        if title in out:
            continue
        models = {name: fitted(s, candidate, 0) for name, s in learned.items()}
        scores = {
            a: {
                b: float(np.mean(recalls(probabilities(models[a], tested[b], candidate), tested[b]["class"])))
                for b in SETS
            }
            for a in SETS
        }
        out[title] = {
            "own": float(np.mean([scores[a][a] for a in SETS])),
            "others": float(np.mean([scores[a][b] for a in SETS for b in SETS if a != b])),
            "worst": float(min(scores[a][b] for a in SETS for b in SETS if a != b)),
        }
        print(f"{title}: " + ", ".join(f"{k} {v:.3f}" for k, v in out[title].items()), flush=True)
        path.write_text(json.dumps(out, indent=1))


def run(data: Path, work: Path, templates: Path | None, seeds: list[int], workers: int, size: int) -> None:
    """Train on simulated sets, test on real spectra and on the other sets."""
    home = work / code_digest()
    scores_folder(home).mkdir(parents=True, exist_ok=True)
    observed = real(data)
    names = [name for name in SETS if templates is not None or SETS[name] is None]
    for seed in seeds:
        for name in names:
            for title, candidate in (("", CANDIDATES[CHOSEN]), ("noise", CONTROL)):
                if title and name != "default":
                    continue
                out = scores_folder(home) / f"{'-'.join(filter(None, (name, title)))}-{seed}-{size}.json"
                if out.is_file():
                    continue
                model = trained(home, name, seed, size, templates, workers, title or CHOSEN)
                p = probabilities(model, observed, candidate)
                score = {
                    "set": name,
                    "features": title or CHOSEN,
                    "seed": seed,
                    "size": size,
                    "recall": recalls(p, observed["class"]),
                    "p": p.round(4).tolist(),
                    **{
                        key: observed[key].tolist()
                        for key in ("id", "class", "subclass", "redshift", "spectrograph", "sn")
                    },
                    **{key: observed[key].tolist() for key in ("ra", "dec", "source")},
                }
                out.write_text(json.dumps(score))
                look = {"code": home.name, **{k: score[k] for k in ("set", "features", "seed", "size", "recall")}}
                with (work / "looks.jsonl").open("a") as log:
                    log.write(json.dumps(look) + "\n")
                print(f"{name} {title or 'spectra'} seed {seed} → real: {np.mean(score['recall']):.3f}", flush=True)
    if templates is not None:
        for place, seed in enumerate(seeds):
            across(home, seed, seeds[(place + 1) % len(seeds)], size, templates, workers)


def across(home: Path, seed: int, other: int, size: int, templates: Path, workers: int) -> None:
    """Each set's classifier on every set's objects of another seed."""
    out = scores_folder(home) / f"across-{seed}-{other}-{size}.json"
    if out.is_file() or seed == other:
        return
    tested = {name: simulated(name, other, size, home, templates, workers) for name in SETS}
    candidate, table = CANDIDATES[CHOSEN], {}
    for name in SETS:
        model = trained(home, name, seed, size, templates, workers)
        table[name] = {b: recalls(probabilities(model, s, candidate), s["class"]) for b, s in tested.items()}
    out.write_text(json.dumps(table, indent=1))
    print(f"across libraries, seed {seed} on {other}: done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    chooser = commands.add_parser("choose", help="compare candidates on simulated spectra")
    runner = commands.add_parser("run", help="simulate, train and test")
    page = commands.add_parser("page", help="print the results as Markdown")
    for one in (chooser, runner, page):
        one.add_argument("--work", type=Path, required=True)
    for one in (chooser, runner):
        one.add_argument("--templates", type=Path, required=one is chooser)
        one.add_argument("--workers", type=int, default=1)
    runner.add_argument("--data", type=Path, required=True)
    runner.add_argument("--seeds", default="0,1,2")
    for one in (runner, page):
        one.add_argument("--size", type=int, default=SIZE, help="objects in a simulated set")
    a = parser.parse_args()
    if a.command == "page":
        from real_spectra_page import page_text

        sys.stdout.write(page_text(a.work / code_digest(), a.size))
    elif a.command == "choose":
        choose(a.work, a.templates, a.workers)
    else:
        run(a.data, a.work, a.templates, [int(s) for s in a.seeds.split(",")], a.workers, a.size)


if __name__ == "__main__":
    main()
