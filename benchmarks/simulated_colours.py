"""Colour-colour pictures of simulated objects over real ones, class by class.

    python benchmarks/simulated_colours.py REAL.csv [--survey sdss-spectro] [--size 6000] [--catalog C] [--out colours.png]

REAL.csv is the table `sdss17` (StellarObjs.csv: asinh magnitudes as observed, with class). Simulated objects come from the
catalog given, or are made here without keeping their images. Both are drawn as observed, not dereddened, in SDSS's own
magnitudes; each simulated class is weighted to the real one's distribution of r, so that what differs is colour and not depth.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib
import numpy as np

from asterism.catalogs.bands import band_info, nanomaggy_to_asinh
from asterism.catalogs.catalog import open_catalog
from asterism.simulate.recipe import Recipe
from asterism.simulate.sky import BLOCK_SIZE, simulate_block

COLUMNS = ("ultraviolet_filter", "green_filter", "red_filter", "near_infrared_filter", "infrared_filter")
PAIRS = ((0, 1, 1, 2), (1, 2, 2, 3), (2, 3, 3, 4))  # bands of the two colours
RANGES = (((-1, 4), (-0.5, 2.2)), ((-0.5, 2.2), (-0.5, 2.0)), ((-0.5, 2.0), (-0.6, 1.4)))
CLASSES = ("STAR", "GALAXY", "QSO")
BANDS = "ugriz"


def real_magnitudes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open() as file:
        rows = [([float(row[name]) for name in COLUMNS], row["class"]) for row in csv.DictReader(file)]
    return np.array([values for values, _ in rows]), np.array([name for _, name in rows])


def simulated_magnitudes(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    if arguments.catalog:
        tables = [open_catalog(arguments.catalog).read(["photometry_sdss_flux", "class"])]
    else:
        blocks = -(-arguments.size // BLOCK_SIZE)
        tables = [
            simulate_block(Recipe.of(arguments.survey, 11, modalities=("photometry",)), k, BLOCK_SIZE)
            for k in range(blocks)
        ]
    flux = np.concatenate(
        [np.array(t["photometry_sdss_flux"].combine_chunks().flatten()).reshape(-1, 5) for t in tables]
    )
    softening = np.array([band_info("sdss", band).softening for band in BANDS])
    names = np.concatenate([np.array(t["class"].to_pylist()) for t in tables])
    return nanomaggy_to_asinh(flux, softening), names


def weights_to(real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Weights that give simulated r magnitudes the real distribution."""
    edges = np.arange(13.0, 25.0, 0.25)
    wanted, have = (np.histogram(values, edges)[0] / len(values) for values in (real, made))
    ratio = np.where(have > 0, wanted / np.where(have > 0, have, 1), 0)
    return np.minimum(ratio, 20.0)[np.clip(np.digitize(made, edges) - 1, 0, len(edges) - 2)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path)
    parser.add_argument("--survey", default="sdss-spectro")
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--out", type=Path, default=Path("colours.png"))
    arguments = parser.parse_args()
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    (real, real_class), (made, made_class) = real_magnitudes(arguments.real), simulated_magnitudes(arguments)
    figure, axes = plt.subplots(3, 3, figsize=(14, 13), constrained_layout=True)
    rng = np.random.default_rng(0)
    print("| class | colour | real median (16–84 %) | simulated |\n|---|---|---|---|")
    for row, name in enumerate(CLASSES):
        truth, ours = real[real_class == name], made[made_class == name]
        weight = weights_to(truth[:, 2], ours[:, 2])
        same = ours[rng.choice(len(ours), 4 * len(ours), p=weight / weight.sum())]
        for first in range(4):
            a, b = (np.percentile(side[:, first] - side[:, first + 1], [50, 16, 84]) for side in (truth, same))
            text = " | ".join(f"{v[0]:.2f} ({v[1]:.2f}–{v[2]:.2f})" for v in (a, b))
            print(f"| {name} | {BANDS[first]}−{BANDS[first + 1]} | {text} |")
        for column, ((i, j, k, m), (xlim, ylim)) in enumerate(zip(PAIRS, RANGES, strict=True)):
            axis = axes[row, column]
            shown = truth[rng.choice(len(truth), min(len(truth), 6000), replace=False)]
            axis.plot(shown[:, i] - shown[:, j], shown[:, k] - shown[:, m], ".", ms=1.5, color="0.65", zorder=0)
            for side, colour in ((truth, "black"), (same, "tab:red")):
                grid, xs, ys = np.histogram2d(side[:, i] - side[:, j], side[:, k] - side[:, m], 60, (xlim, ylim))
                grid = smooth(grid)
                order = np.sort(grid.ravel())[::-1]
                held = np.cumsum(order) / order.sum()
                levels = sorted({float(order[np.searchsorted(held, share)]) for share in (0.9, 0.6, 0.3)})
                centres = 0.5 * (xs[1:] + xs[:-1]), 0.5 * (ys[1:] + ys[:-1])
                axis.contour(*centres, grid.T, levels, colors=colour, linewidths=1.3)
            axis.set(
                xlim=xlim, ylim=ylim, xlabel=f"{BANDS[i]} − {BANDS[j]}", ylabel=f"{BANDS[k]} − {BANDS[m]}",
                title=f"{name}: {len(truth):,} real (black), {len(ours):,} simulated (red)",
            )  # fmt: skip
    figure.suptitle(f"{arguments.survey}: contours hold 30, 60 and 90 % of the objects")
    figure.savefig(arguments.out, dpi=80)
    print(f"\npicture: {arguments.out}")


def smooth(grid: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(grid, 1.2))


if __name__ == "__main__":
    main()
