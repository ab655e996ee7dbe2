"""Sky noise and seeing of simulated SDSS stamps beside a real ugriz field: run 4192, camcol 4, field 300 (stripe 82).

    python benchmarks/sky_noise.py FIELD [--out sky_noise.png] [--stamps 600]

FIELD holds the folders ``corr``, ``objcs`` and ``calibChunks`` (fpC frames with a soft bias of 1000 DN, psField, tsField).
Real pixels become nanomaggies with the field's own zero points. Both sides go through the same steps: stamps of 32 pixels
at random places, sources masked by one rule, then the variance of what is left and the correlation of neighbouring pixels.
Simulated stamps are made twice: in this field's seeing, sky, gain and read noise, which tests the noise itself; and in the
simulated survey's own conditions, which tests what these are drawn from. Stars of the field, stacked, show the PSF.
"""

from __future__ import annotations

import argparse
import gzip
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import binary_dilation, gaussian_filter

from asterism.simulate.imaging.images import add_noise, draw_conditions
from asterism.simulate.imaging.neighbours import draw_neighbours
from asterism.simulate.imaging.rendering import add_sources
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.psf import psf_images

SIZE = 32
EXPOSURE = 53.907456  # s
EBV = 0.05  # mag; about that of the field
BANDS = SDSS.bands


@dataclass
class Field:
    """Frames in nanomaggies, and what the survey says of them per band."""

    frames: np.ndarray
    sky: np.ndarray  # nanomaggy per pixel
    fwhm: np.ndarray  # arcsec
    gain: np.ndarray  # electrons per nanomaggy
    read_variance: np.ndarray  # electrons squared
    unit: np.ndarray  # nanomaggy per DN
    wcs: list[WCS]


def read_field(root: Path) -> Field:
    with fits.open(next((root / "calibChunks").rglob("tsField-*.fit*"))) as file:
        calibration = file[1].data[0]
        zero, slope, airmass = (np.asarray(calibration[name], float) for name in ("aa", "kk", "airmass"))
        gain, dark = (np.asarray(calibration[name], float) for name in ("gain", "dark_variance"))
    with fits.open(next((root / "objcs").rglob("psField-*.fit*"))) as file:
        fwhm, sky = (np.asarray(file[6].data[0][name], float) for name in ("psf_width", "sky"))
    # DN of one nanomaggy: the counts of magnitude 22.5 in the exposure.
    counts = EXPOSURE * 10.0 ** (-0.4 * (22.5 + zero + slope * airmass))
    frames, systems = [], []
    for band in BANDS:
        with gzip.open(next((root / "corr").rglob(f"fpC-*-{band}4-*.fit.gz"))) as stream, fits.open(stream) as file:
            header, values = file[0].header, file[0].data.astype(np.float64)
        # Unsigned 16-bit integers in files that do not say so.
        values = np.where(values < 0, values + 65536.0, values) if "BZERO" not in header else values
        frames.append(values - float(header.get("SOFTBIAS", 1000)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keywords of their time
            systems.append(WCS(header))
    image = (np.stack(frames) - sky[:, None, None]) / counts[:, None, None]
    return Field(image, sky / counts, fwhm, gain * counts, dark * gain**2, 1.0 / counts, systems)


def blank(stamps: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Pixels without a source in any band, by one rule for all: (n, y, x)."""
    seen = (stamps / noise[:, None, None]).sum(axis=1) / np.sqrt(len(BANDS))
    smooth = gaussian_filter(seen, (0, 1.2, 1.2)) * 2.0 * np.sqrt(np.pi) * 1.2
    return ~binary_dilation(smooth > 3.0, np.ones((1, 9, 9), bool))


def noise_of(stamps: np.ndarray) -> dict[str, np.ndarray]:
    """Variance of blank pixels and correlation of neighbours, per band."""
    noise = 1.4826 * np.median(np.abs(stamps - np.median(stamps, axis=(0, 2, 3), keepdims=True)), axis=(0, 2, 3))
    keep = blank(stamps, noise)
    found: dict[str, list[float]] = {"variance": [], "along x": [], "along y": [], "kurtosis": []}
    for band in range(len(BANDS)):
        data = stamps[:, band]
        # Each stamp against its own level, as sky subtraction is not what is asked here.
        level = np.array(
            [np.median(image[mask]) if mask.sum() > 50 else np.nan for image, mask in zip(data, keep, strict=True)]
        )
        data = data - level[:, None, None]
        good = keep & np.isfinite(data) & (np.abs(data) < 5 * noise[band])
        variance = (data[good] ** 2).mean()
        found["variance"].append(variance)
        found["kurtosis"].append((data[good] ** 4).mean() / variance**2)
        for name, first, second in (
            ("along x", np.s_[:, :, :-1], np.s_[:, :, 1:]),
            ("along y", np.s_[:, :-1], np.s_[:, 1:]),
        ):
            both = good[first] & good[second]
            found[name].append((data[first][both] * data[second][both]).mean() / variance)
    return {name: np.array(values) for name, values in found.items()} | {"blank": np.full(5, keep.mean())}


def simulated(rng: np.random.Generator, seen: Conditions) -> np.ndarray:
    """Stamps of nothing but neighbours and noise."""
    stamps = np.zeros((len(seen.fwhm), len(BANDS), SIZE, SIZE), np.float32)
    others = draw_neighbours(rng, np.full(len(stamps), EBV), SDSS, SIZE)
    add_sources(stamps, others, seen.fwhm, seen.ellipticity, SDSS)
    return add_noise(rng, stamps, seen)


def stacked_stars(field: Field, root: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Radii (arcsec) and light relative to the centre of the field's own stars, per band."""
    above = next(place for place in (root, *root.parents) if (place / "ref_cat").is_dir())
    stars = fits.getdata(next((above / "ref_cat").rglob("stars.fits*")))
    profiles = []
    for band, name in enumerate(BANDS):
        magnitude = np.asarray(stars[name], float)
        bright = (magnitude > 15.5) & (magnitude < (18.5 if name != "u" else 19.0))
        x, y = field.wcs[band].all_world2pix(np.asarray(stars["ra"])[bright], np.asarray(stars["dec"])[bright], 0)
        radii, light = [], []
        for px, py in zip(x, y, strict=True):
            if not (20 < px < 2027 and 20 < py < 1468):
                continue
            column, row = round(float(px)), round(float(py))
            cut = field.frames[band, row - 12 : row + 13, column - 12 : column + 13]
            grid_y, grid_x = np.mgrid[-12:13, -12:13]
            core = np.hypot(grid_x, grid_y) < 4
            total = cut[core].sum()
            if total <= 0 or cut.argmax() not in np.flatnonzero((np.hypot(grid_x, grid_y) < 3).ravel()):
                continue
            cx, cy = (grid_x[core] * cut[core]).sum() / total, (grid_y[core] * cut[core]).sum() / total
            radii.append(np.hypot(grid_x - cx, grid_y - cy).ravel() * SDSS.pixel_scale)
            light.append((cut / total).ravel())
        r, flux = np.concatenate(radii), np.stack(light).ravel()
        edges = np.arange(0.0, 4.4, 0.2)
        bins = np.digitize(r, edges) - 1
        middle = np.array([np.median(flux[bins == k]) if (bins == k).any() else np.nan for k in range(len(edges) - 1)])
        profiles.append((0.5 * (edges[1:] + edges[:-1]), middle / np.nanmax(middle)))
    return profiles


def simulated_profile(fwhm: float) -> tuple[np.ndarray, np.ndarray]:
    """The same of a simulated star."""
    n = 60
    place = np.random.default_rng(0).uniform(-0.5, 0.5, (n, 2))
    image = psf_images(SDSS.psf, np.full((n, 1), fwhm / SDSS.pixel_scale), np.zeros((n, 1, 2)), place, 25)[:, 0]
    grid_y, grid_x = np.mgrid[-12:13, -12:13]
    r = np.hypot(grid_x - place[:, :1, None], grid_y - place[:, 1:, None]) * SDSS.pixel_scale
    edges = np.arange(0.0, 4.4, 0.2)
    bins = np.digitize(r.ravel(), edges) - 1
    middle = np.array([np.median(image.ravel()[bins == k]) for k in range(len(edges) - 1)])
    return 0.5 * (edges[1:] + edges[:-1]), middle / middle.max()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("field", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sky_noise.png"))
    parser.add_argument("--stamps", type=int, default=600)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    field = read_field(arguments.field)
    n = arguments.stamps
    corner = rng.integers(40, [2048 - 72, 1489 - 72], (n, 2))
    real = np.stack([field.frames[:, y : y + SIZE, x : x + SIZE] for x, y in corner]).astype(np.float32)
    here = draw_conditions(rng, n)
    survey = here.take(np.arange(n))
    here.fwhm[:], here.gain[:] = field.fwhm, field.gain
    here.sky_sigma[:] = np.sqrt(field.sky * field.gain + field.read_variance) / field.gain
    sides = {
        "real": real,
        "simulated, this field's conditions": simulated(rng, here),
        "simulated survey": simulated(rng, survey),
    }
    results = {name: noise_of(stamps) for name, stamps in sides.items()}
    print("| | " + " | ".join(BANDS) + " |\n|---|" + "---|" * len(BANDS))
    for name, found in results.items():
        print(
            f"| blank-sky standard deviation, nanomaggy: {name} | "
            + " | ".join(f"{v**0.5:.4f}" for v in found["variance"])
            + " |"
        )
    ratio = results["simulated, this field's conditions"]["variance"] / results["real"]["variance"]
    print("| variance, this field's conditions over real | " + " | ".join(f"{v:.3f}" for v in ratio) + " |")
    spread = np.percentile(survey.sky_sigma, [5, 95], axis=0)
    print("| 5 to 95 % of the simulated survey | " + " | ".join(f"{a:.4f}–{b:.4f}" for a, b in spread.T) + " |")
    for key in ("along x", "along y", "kurtosis", "blank"):
        for name, found in results.items():
            label = {"blank": "share of pixels without source", "kurtosis": "kurtosis of blank pixels"}.get(
                key, f"correlation {key}"
            )
            print(
                f"| {label}: {name} | "
                + " | ".join(f"{v:+.4f}" if "along" in key else f"{v:.3f}" for v in found[key])
                + " |"
            )
    print("| seeing, arcsec: real (psField) | " + " | ".join(f"{v:.2f}" for v in field.fwhm) + " |")
    print("| seeing, median and 5 to 95 % of the simulated survey | " + " | ".join(
        f"{np.median(v):.2f} ({np.percentile(v, 5):.2f}–{np.percentile(v, 95):.2f})" for v in survey.fwhm.T) + " |")  # fmt: skip
    profiles = stacked_stars(field, arguments.field)
    ours = [simulated_profile(fwhm) for fwhm in field.fwhm]
    widths = [[2 * np.interp(-0.5, -p[:12], r[:12]) for r, p in side] for side in (profiles, ours)]
    for name, values in zip(("real stars, stacked", "simulated star, this field's seeing"), widths, strict=True):
        print(f"| full width at half maximum, arcsec: {name} | " + " | ".join(f"{v:.2f}" for v in values) + " |")
    picture(field, sides, results, profiles, ours, arguments.out)


def picture(field: Field, sides: dict, results: dict, profiles: list, ours: list, out: Path) -> None:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = {name: colour for name, colour in zip(sides, ("black", "tab:red", "tab:blue"), strict=True)}
    figure, axes = plt.subplots(4, 5, figsize=(16, 12.5), constrained_layout=True)
    for band, name in enumerate(BANDS):
        scale = results["real"]["variance"][band] ** 0.5
        for side, stamps in sides.items():
            values = stamps[:, band] - np.median(stamps[:, band])
            if side == "real":  # whole DN would alias with the bins
                values = values + field.unit[band] * np.random.default_rng(1).uniform(-0.5, 0.5, values.shape)
            axes[0, band].hist(
                values.ravel() / scale,
                np.linspace(-5, 8, 105),
                histtype="step",
                density=True,
                color=colours[side],
                label=side,
            )
        axes[0, band].set(yscale="log", ylim=(3e-4, 1), xlabel="pixel / real σ of blank sky", title=name)
        (r, real), (_, made) = profiles[band], ours[band]
        axes[1, band].semilogy(r, np.maximum(real, 1e-5), "ko", ms=4, label="real stars, stacked")
        axes[1, band].semilogy(r, made, color="tab:red", label="simulated, psField's seeing")
        axes[1, band].set(ylim=(1e-4, 1.5), xlabel="radius, arcsec", ylabel="light over the peak")
        for row, side in ((2, "real"), (3, "simulated, this field's conditions")):
            tiles = sides[side][:64, band].reshape(8, 8, SIZE, SIZE).transpose(0, 2, 1, 3).reshape(8 * SIZE, 8 * SIZE)
            axes[row, band].imshow(tiles / scale, origin="lower", cmap="gray", vmin=-3, vmax=10)
            axes[row, band].set(xticks=[], yticks=[], title=f"{name}: 64 stamps, {side.partition(',')[0]}")
    axes[0, 0].legend(fontsize=7, loc="upper right")
    axes[1, 0].legend(fontsize=7)
    figure.savefig(out, dpi=90)
    print(f"\npicture: {out}")


if __name__ == "__main__":
    main()
