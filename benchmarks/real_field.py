"""Stars and galaxies on a real SDSS field, told apart by models that have seen simulated ones only.

    python benchmarks/real_field.py run  --data DATA --work WORK [--seeds 0,1,2] [--size 6000] [--epochs 15]
    python benchmarks/real_field.py page --work WORK

``run`` simulates the survey ``sdss-field``, trains on its stars and galaxies, finds the sources of run 4192, camcol 4, field 300
(stripe 82), matches them with the reference stars, and scores. Every step is a directory under WORK and is not done twice;
``scores.json`` is written anew after each model. ``page`` prints it as the tables of docs/results/real-images.md.

A source within 1.5 arcsec of a reference star is a star; of the others each was looked at, and
``docs/results/real-images/verdicts.csv`` says what it is. The verdicts were given before any model had answered. Nothing is
chosen on the real field: cuts are tuned, and training is stopped, on simulated objects.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.catalog import Catalog, open_catalog

Floats = npt.NDArray[np.float64]

SIMULATED, SIMULATION_SEED = "sdss-field", 1
BRIGHT, FAINT = 15.0, 20.5
RADIUS = 1.5  # arcsec
RESULTS = Path(__file__).parents[1] / "docs" / "results"
VERDICTS = RESULTS / "real-images" / "verdicts.csv"

#: What each model reads. Concentration and psf − model are left out, and extinction: see the page.
QUANTITIES = ["flux", "psf_fwhm", "radius"]
MODELS: dict[str, tuple[str, str]] = {
    "photometry + image": ("margformer", "photometry,image"),
    "image": ("margformer", "image"),
}
CUTS = {"psf − model, r": "psf_minus_model", "half-light radius, r": "radius"}


@dataclass(frozen=True)
class Sources:
    """The field's sources with BRIGHT < r < FAINT.

    Attributes
    ----------
    table : pyarrow.Table
        Their rows.
    r_mag : ndarray, shape (n,)
        As observed.
    separation : ndarray, shape (n,)
        From the nearest reference star, arcsec.
    verdict : list of str, length n
        ``star`` where a reference star is, else what a look said: galaxy, artefact, double star, asteroid.
    """

    table: pa.Table
    r_mag: Floats
    separation: Floats
    verdict: list[str]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """1 star, 0 galaxy, -1 neither."""
        return np.array([{"star": 1, "galaxy": 0}.get(one, -1) for one in self.verdict])


def column(table: pa.Table, name: str) -> Floats:
    """A quantity of the photometry, (n,) or (n, bands)."""
    return np.array(table[f"photometry_sdss_{name}"].to_pylist(), np.float64)


def r_magnitudes(table: pa.Table) -> Floats:
    """Of the model flux, as observed."""
    return np.asarray(22.5 - 2.5 * np.log10(np.maximum(column(table, "flux")[:, 2], 1e-3)))


def field_catalog(data: Path, out: Path, size: int = 32) -> Catalog:
    """The sources of the field, found on its five frames."""
    from asterism.surveys.detection import FieldDoor
    from asterism.surveys.doors import ingest_files

    if out.is_dir():
        return open_catalog(out)
    return ingest_files(FieldDoor(size=size), [data / "images" / "lsst_demo" / "4192"], out, workers=1)


def matched(catalog: Catalog, data: Path) -> Sources:
    """Sources in the window, with the nearest reference star and the verdicts on those that have none.

    Raises
    ------
    ValueError
        A source without a reference star has no verdict: it was not looked at.
    """
    from astropy.coordinates import SkyCoord
    from astropy.io import fits

    table = catalog.read()
    r = r_magnitudes(table)
    table, r = table.filter(pa.array((r > BRIGHT) & (r < FAINT))), r[(r > BRIGHT) & (r < FAINT)]
    stars = fits.getdata(data / "images" / "lsst_demo" / "ref_cat" / "stars.fits.gz")
    # Its right ascensions run below zero.
    known = SkyCoord(np.asarray(stars["ra"], float) % 360.0, np.asarray(stars["dec"], float), unit="deg")
    places = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
    separation = places.match_to_catalog_sky(known)[1].arcsec
    with VERDICTS.open(encoding="utf-8") as file:
        looked = list(csv.DictReader(file))
    at = SkyCoord([float(row["ra"]) for row in looked], [float(row["dec"]) for row in looked], unit="deg")
    nearest, apart, _ = places.match_to_catalog_sky(at)
    verdict = []
    for k, found in enumerate(separation):
        if found < RADIUS:
            verdict.append("star")
        elif apart[k].arcsec < RADIUS:
            verdict.append(looked[nearest[k]]["verdict"])
        else:
            raise ValueError(f"source {table['object_id'][k]} has no reference star and no verdict; look at it first")
    return Sources(table, r, separation, verdict)


def simulated(work: Path, size: int) -> Catalog:
    """The sky that is learned from."""
    from asterism.simulate.sky import simulate

    return simulate(size, work / "sim", survey=SIMULATED, seed=SIMULATION_SEED, workers=1)


def best_cut(values: Floats, stars: npt.NDArray[np.bool_]) -> float:
    """The threshold below which most stars and fewest galaxies lie: that of the best accuracy, the middle of equals."""
    seen = np.isfinite(values)
    grid = np.unique(np.quantile(values[seen], np.linspace(0.0, 1.0, 2001)))
    right = np.array([((values < at) == stars)[seen].mean() for at in grid])
    best = np.flatnonzero(right == right.max())
    return float(grid[best].mean())


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def score(is_star: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Accuracy with its interval, and what was told wrongly, among those that are star or galaxy."""
    known = labels >= 0
    right = (is_star == (labels == 1)) & known
    wrong = np.flatnonzero(known & ~right)
    return {
        "n": int(known.sum()),
        "accuracy": float(right.sum() / known.sum()),
        "interval": wilson(int(right.sum()), int(known.sum())),
        "stars_right": int((right & (labels == 1)).sum()),
        "galaxies_right": int((right & (labels == 0)).sum()),
        "wrong": wrong.tolist(),
    }


def trained(name: str, seed: int, sky: Catalog, work: Path, epochs: int) -> Path:
    """A run, made on first use."""
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    model, inputs = MODELS[name]
    out = work / "runs" / f"{inputs.replace(',', '-')}-{seed}"
    if not (out / "train.json").is_file():
        settings: dict[str, Any] = {"fit.epochs": epochs}
        if "photometry" in inputs:
            settings["inputs.quantities"] = QUANTITIES
        config = parse_settings(settings)
        train(sky, out, model=model, inputs=inputs, where="class != 'QSO'", config=config, seed=seed)
    return out


def answers_of(run: Path, catalog: Catalog, table: pa.Table) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """P(star), and whether the model takes each source for one of its domain."""
    from asterism.inference.predictor import Predictor

    predictor = Predictor.from_pretrained(run)
    found = predictor.answer_table(table, predictor.bindings(catalog))
    inside = found.in_domain if found.in_domain is not None else np.ones(len(table), bool)
    return found.probabilities[:, predictor.classes.index("STAR")], inside


def run(data: Path, work: Path, seeds: list[int], size: int, epochs: int) -> None:
    """Everything; what there is already is left."""
    import torch

    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    sky = simulated(work, size)
    field = field_catalog(data, work / "field")
    sources = matched(field, data)
    labels, table = sources.labels, sources.table
    strict = np.where(sources.separation < RADIUS, 1, 0)
    learned = sky.read(where="class != 'QSO'")
    stars = np.array(learned["class"].to_pylist()) == "STAR"
    rows: list[dict[str, Any]] = []

    def add(name: str, seed: int | None, is_star: npt.NDArray[np.bool_], **more: Any) -> None:
        rows.append({"name": name, "seed": seed, **score(is_star, labels), "strict": score(is_star, strict), **more})

    for name, quantity in CUTS.items():
        at = best_cut(column(learned, quantity)[:, 2], stars)
        on_simulation = float(((column(learned, quantity)[:, 2] < at) == stars).mean())
        add(name, None, column(table, quantity)[:, 2] < at, threshold=at, simulation=on_simulation)
    add("psf − model < 0.145", None, column(table, "psf_minus_model")[:, 2] < 0.145, threshold=0.145)
    about = {
        "size": len(sky), "fingerprint": sky.fingerprint, "field": field.fingerprint, "found": len(field), "epochs": epochs,
        "ids": table["object_id"].to_pylist(), "r_mag": sources.r_mag.round(2).tolist(), "verdict": sources.verdict,
    }  # fmt: skip
    for seed in seeds:
        for name in MODELS:
            out = trained(name, seed, sky, work, epochs)
            p, inside = answers_of(out, field, table)
            add(name, seed, p > 0.5, p_star=p.round(4).tolist(), in_domain=float(inside.mean()))
            (work / "scores.json").write_text(json.dumps({"rows": rows, **about}))
            print(name, seed, rows[-1]["accuracy"], rows[-1]["interval"], file=sys.stderr)
    pictures(data, work, rows)


def pictures(data: Path, work: Path, rows: list[dict[str, Any]]) -> None:
    """Sheets of thumbnails: all sources without a reference star, and those that a model or a cut took for the other class."""
    wide = field_catalog(data, work / "field64", 64)
    sources = matched(wide, data)
    unmatched = np.flatnonzero(sources.separation >= RADIUS)
    sheet(sources, unmatched[np.argsort(sources.r_mag[unmatched])], RESULTS / "real-images" / "unmatched.png")
    wrong = sorted({k for row in rows for k in row["wrong"]}, key=lambda k: sources.r_mag[k])
    sheet(sources, np.array(wrong, int), RESULTS / "real-images" / "wrong.png")


def sheet(sources: Sources, chosen: npt.NDArray[np.intp], out: Path, columns: int = 10) -> None:
    """One thumbnail each: 40 pixels (16 arcsec) in colour with number, r and verdict."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from asterism.catalogs.colour import colour_picture

    if not len(chosen):
        out.unlink(missing_ok=True)
        return
    stamps = np.array(sources.table["image_sdss_flux"].to_pylist(), np.float64).reshape(-1, 5, 64, 64)
    lines = -(-len(chosen) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(1.15 * columns, 1.45 * lines), squeeze=False)
    for panel in axes.flat:
        panel.axis("off")
    for panel, k in zip(axes.flat, chosen, strict=False):
        picture = colour_picture(registered(stamps[k]), "ugriz")[12:52, 12:52]
        panel.imshow(picture, origin="lower", interpolation="nearest")
        name = sources.table["object_id"][int(k)].as_py().rsplit("-", 1)[1]
        panel.set_title(f"{name}  {sources.r_mag[k]:.1f}\n{sources.verdict[k]}", fontsize=6, pad=2)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.96, 0.05, 0.35)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100)
    plt.close(figure)


def registered(stamp: Floats) -> Floats:
    """g and i moved onto r by up to a pixel, for pictures only: bands are cut at whole pixels, each about its own place."""
    from scipy.ndimage import shift

    moved = np.nan_to_num(stamp)
    places = {band: centre(moved[band]) for band in (1, 2, 3)}
    for band in (1, 3):
        step = np.clip(places[2] - places[band], -1.0, 1.0)
        moved[band] = shift(moved[band], step, order=1)
    return np.where(np.isfinite(stamp), moved, np.nan)


def centre(image: Floats) -> Floats:
    """y, x of the light near the middle, by a Gaussian window that follows it."""
    y, x = np.indices(image.shape)
    at = (np.array(image.shape) - 1.0) / 2.0
    for _ in range(6):
        weight = np.exp(-0.5 * ((y - at[0]) ** 2 + (x - at[1]) ** 2) / 1.6**2) * np.clip(image, 0.0, None)
        at = np.array([(weight * y).sum(), (weight * x).sum()]) / max(weight.sum(), 1e-12)
    return at


def page(work: Path) -> str:
    """The tables of docs/results/real-images.md."""
    told = json.loads((work / "scores.json").read_text())
    ids, verdict, r = told["ids"], told["verdict"], told["r_mag"]
    lines = [
        "| told apart by | seed | accuracy | 95 % (Wilson) | stars right | galaxies right | wrong |",
        "|" + "---|" * 7,
    ]
    stars, galaxies = verdict.count("star"), verdict.count("galaxy")
    for row in told["rows"]:
        low, high = row["interval"]
        name = row["name"] + (f" < {row['threshold']:.3f}" if "threshold" in row and "<" not in row["name"] else "")
        wrong = ", ".join(ids[k][-4:] for k in row["wrong"])
        lines.append(
            f"| {name} | {'' if row['seed'] is None else row['seed']} | **{row['accuracy']:.3f}** | {low:.3f}–{high:.3f} "
            f"| {row['stars_right']} of {stars} | {row['galaxies_right']} of {galaxies} | {wrong or 'none'} |"
        )
    lines += ["", "| source | r | is | taken for the other by |", "|---|---|---|---|"]
    for k in sorted({k for row in told["rows"] for k in row["wrong"]}, key=lambda k: r[k]):
        by = [
            f"{row['name']}{'' if row['seed'] is None else ' ' + str(row['seed'])}"
            for row in told["rows"]
            if k in row["wrong"]
        ]
        lines.append(f"| {ids[k][-4:]} | {r[k]:.2f} | {verdict[k]} | {', '.join(by)} |")
    lines += [
        "",
        "| all without a reference star taken for galaxies | seed | accuracy | 95 % (Wilson) |",
        "|---|---|---|---|",
    ]
    for row in told["rows"]:
        low, high = row["strict"]["interval"]
        seed = "" if row["seed"] is None else row["seed"]
        lines.append(f"| {row['name']} | {seed} | {row['strict']['accuracy']:.3f} | {low:.3f}–{high:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    if options.what == "page":
        print(page(options.work))
        return
    run(options.data, options.work, [int(seed) for seed in options.seeds.split(",")], options.size, options.epochs)


if __name__ == "__main__":
    main()
