"""A spectrograph's frames of the whole chip, made and reduced: does every fibre get its own light back?

    python benchmarks/lamost_frames.py OUT [--plan A] [--seed 0] [--arms blue,red]

Stars, galaxies and quasars of the simulator on 226 fibres, sky on 20, four dead; twelve fibres of magnitude 18 have a star
of magnitude 13 beside them. Flat, arc and science frame of each arm are rendered, written, read back and reduced. A fibre
is recovered within its noise when both hold:

* in 40 bins of wavelength, the errors of the extracted flux against the truth have a chi2 that chance exceeds in more
  than one fibre of a thousand;
* the error of its whole flux is below three sigma;

where sigma holds the extraction's noise and, stated beside each figure, a systematic share of the fibre's own flux (0, 0.5
or 1 per cent). OUT/lamost_frames.png shows the frames, a strip and its extraction; OUT/lamost_frames.md the figures.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from scipy import stats

from asterism.simulate.frames.ccd import expected_electrons
from asterism.simulate.frames.frame_defaults import PLANS, default_throughput
from asterism.simulate.frames.spectrograph_frames import observe_spectrograph, star_catalogue, write_observation
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named
from asterism.surveys.ccd.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.ccd.lamost_frames import LAMOST, read_frame

BINS = 40
FIBRE_SHARE = 0.6  # of an object's light that gets into its fibre; choice, for 3.3 arcsec in seeing of 3 arcsec
PAIRS = np.arange(12, 240, 20)  # fibres of magnitude 18 with a star of magnitude 13 on the next one


def objects(seed: int, wavelength: np.ndarray):
    """Light in each fibre, the star catalogue's columns, and which fibres see sky."""
    rng = np.random.default_rng([seed, 250])
    n = LAMOST.fibres
    kinds = rng.choice(["STAR", "GALAXY", "QSO"], n, p=[0.6, 0.25, 0.15])
    population = draw(rng, kinds, survey_named("sdss-spectro"))
    mag = np.where(kinds == "STAR", rng.uniform(13.5, 18.5, n), population.r_mag)
    kind = np.full(n, "Obj", dtype="U5")
    kind[rng.permutation(n)[:20]] = "Sky"
    kind[[30, 31, 111, 249]] = "Dead"
    mag[PAIRS], mag[PAIRS + 1] = 18.0, 13.0
    kind[PAIRS] = kind[PAIRS + 1] = "Obj"
    light = EmbeddedSeds().seds(population, wavelength)
    r_band = np.abs(wavelength - 6166.0) < 600.0
    # AB zero point: 3631 Jy, as f_lambda at the band's middle.
    f_r = 3.631e-20 * 10.0 ** (-0.4 * mag) * 2.998e18 / 6166.0**2 * 1e17
    light *= (FIBRE_SHARE * f_r / light[:, r_band].mean(axis=1))[:, None]
    light[kind != "Obj"] = 0.0
    return light, population, mag, kind


def recovered(spectra, truth: np.ndarray, share: float):
    """Per fibre: chi2 in bins, error over sigma of the whole flux, and whether both are within noise."""
    good = spectra.ivar > 0
    error = np.where(good, spectra.flux - truth, 0.0)
    variance = np.where(good, 1.0 / np.where(good, spectra.ivar, 1.0), 0.0)
    light = np.where(good, truth, 0.0)
    edges = np.linspace(0, truth.shape[1], BINS + 1).astype(int)[:-1]
    e, v, t = (np.add.reduceat(a, edges, axis=1) for a in (error, variance, light))
    with np.errstate(invalid="ignore", divide="ignore"):
        chi2 = (e**2 / (v + (share * t) ** 2)).sum(axis=1)
        whole = np.abs(e.sum(axis=1)) / np.sqrt(v.sum(axis=1) + (share * t.sum(axis=1)) ** 2)
    return chi2, whole, (chi2 < stats.chi2.isf(1e-3, BINS)) & (whole < 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plan", default="A", choices=sorted(PLANS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--arms", default="blue,red")
    arguments = parser.parse_args()
    plan, spid = PLANS[arguments.plan], 3
    wavelength = np.arange(3450.0, 8800.0, 0.5)
    light, population, mag, kind = objects(arguments.seed, wavelength)
    blank = kind != "Obj"
    stars = star_catalogue(
        plan,
        spid,
        population.ra,
        population.dec,
        kind,
        np.where(blank, "", population.kind),
        np.where(blank, np.nan, mag),
        np.where(blank, -9999.0, population.redshift),
    )
    alive = kind != "Dead"
    lines = [f"Plan {plan.name}, seed {arguments.seed}; CPU seconds of one core.", ""]

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    show = {}
    for arm in arguments.arms.split(","):
        clock = time.process_time()
        made = observe_spectrograph(wavelength, light, plan, spid, seed=arguments.seed, stars=stars, arms=(arm,))
        rendered = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        paths = write_observation(arguments.out / "frames", made)
        frames = {frame.kind: frame for frame in map(read_frame, paths[:-1])}
        written = time.process_time()
        calibration = calibrate_camera(frames["FLAT"], frames["ARC"])
        calibrated = time.process_time()
        reduced = reduce_frame(frames["OBJ"], calibration)
        done = time.process_time()
        truth = made.truth[arm, "OBJ"]
        say(f"### {arm} arm")
        say(
            f"* render {(rendered - clock) / 3:.1f} s a frame (peak memory {peak:.0f} MB); calibrate from flat and arc "
            f"{calibrated - written:.1f} s; reduce {done - calibrated:.1f} s"
        )
        assert calibration.arc is not None
        wrong = (reduced.wavelength - truth.wavelength)[alive]
        say(
            f"* wavelengths: standard error {np.std(wrong):.3f} Å, largest {np.abs(wrong).max():.2f} Å "
            f"({calibration.arc.lines} lines); fibre centres: {np.std((reduced.profile.centres() - truth.centres)[alive]):.3f} px"
        )
        spectra = reduced.spectra
        good = spectra.ivar > 0
        pulls = np.where(good, (spectra.flux - truth.electrons) * np.sqrt(spectra.ivar), np.nan)[alive]
        row_chi2 = np.nanmean(pulls**2, axis=1)
        say(
            f"* chi2 per row: median fibre {np.median(row_chi2):.3f}, 5th to 95th percentile "
            f"{np.percentile(row_chi2, 5):.3f} to {np.percentile(row_chi2, 95):.3f}; mean pull {np.nanmean(pulls):+.3f}"
        )
        for share in (0.0, 0.005, 0.01):
            chi2, whole, ok = recovered(spectra, truth.electrons, share)
            say(
                f"* within noise and {100 * share:.1f} % of the flux: {100 * ok[alive].mean():.1f} % of {alive.sum()} fibres "
                f"(bins {100 * (chi2 < stats.chi2.isf(1e-3, BINS))[alive].mean():.1f} %, whole flux "
                f"{100 * (whole < 3.0)[alive].mean():.1f} %)"
            )
        total = np.where(good, spectra.flux - truth.electrons, 0).sum(axis=1)
        total /= np.maximum(np.where(good, truth.electrons, 0).sum(axis=1), 1e-9)
        say(
            f"* error of the whole flux: median {100 * np.median(total[alive]):+.3f} %, "
            f"largest {100 * np.abs(total[alive]).max():.2f} %"
        )
        camera = made.cameras[arm]
        own = expected_electrons(camera, wavelength, light, default_throughput(wavelength), plan.exptime)
        sky = np.median((truth.electrons / camera.efficiency[:, None])[kind == "Sky"], axis=0)
        leak = np.where(good, spectra.flux - truth.electrons, 0.0)[PAIRS].sum(axis=1)
        noise = np.sqrt(np.where(good, 1.0 / np.where(good, spectra.ivar, 1.0), 0.0)[PAIRS].sum(axis=1))
        say(
            f"* {len(PAIRS)} fibres of magnitude 18 beside 13: error of their own light, sky apart, median "
            f"{100 * np.median(leak / own[PAIRS].sum(axis=1)):+.2f} %, largest {100 * np.abs(leak / own[PAIRS].sum(axis=1)).max():.2f} % "
            f"(noise {100 * np.median(noise / own[PAIRS].sum(axis=1)):.2f} %)"
        )
        found = (reduced.extracted.exposure.flags & 2) > 0
        say(
            f"* cosmic rays: {100 * found[truth.cosmic_rays].mean():.0f} % of their pixels above 10 electrons flagged, "
            f"{1e6 * (found & ~truth.cosmic_rays).mean():.0f} in a million others; saturated pixels "
            f"{int(((reduced.extracted.exposure.flags & 1) > 0).sum())}"
        )
        plain = reduced.without_sky(kind == "Sky")
        left = plain.flux[kind == "Sky"] / np.median(sky)
        say(
            f"* sky subtracted: left in sky fibres {100 * np.nanmedian(np.nanmedian(left, axis=1)):+.2f} % of the sky, pulls' "
            f"width {1.4826 * np.nanmedian(np.abs(plain.flux * np.sqrt(plain.ivar))[kind == 'Sky']):.3f}\n"
        )
        show[arm] = (frames["OBJ"], reduced, truth, plain, own)
    draw_figure(arguments.out / "lamost_frames.png", show, population, kind, mag)
    (arguments.out / "lamost_frames.md").write_text("\n".join(lines) + "\n")


def draw_figure(path: Path, show: dict, population, kind: np.ndarray, mag: np.ndarray) -> None:
    """Frames, a strip, and its extraction against the truth."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    arms = list(show)
    quasars = np.flatnonzero((kind == "Obj") & (population.kind == "QSO") & (mag > 16.8) & (population.redshift < 3.0))
    fibre = int(quasars[np.argmin(mag[quasars])])
    figure = plt.figure(figsize=(15, 16.5), layout="constrained")
    grid = figure.add_gridspec(5, 2 * len(arms), height_ratios=[3.4, 0.9, 1.6, 1.6, 0.9])
    for n, arm in enumerate(arms):
        frame, reduced, truth, plain, objects_own = show[arm]
        cut = slice(1500, 1700)
        data = frame.data.astype(float)
        for amplifier in frame.geometry.amplifiers:
            bias = np.median(data[:, amplifier.overscan])
            data[:, amplifier.data] -= bias
            data[:, amplifier.overscan] -= bias
        whole = figure.add_subplot(grid[0, 2 * n])
        small = data[: 4136 // 8 * 8, : 4160 // 8 * 8].reshape(517, 8, 520, 8).mean(axis=(1, 3))
        whole.imshow(np.arcsinh(small / 30.0), origin="lower", cmap="inferno", aspect="auto", extent=(0, 4160, 0, 4136))
        whole.set(title=f"{frame.file_name}", xlabel="column (overscan included)", ylabel="row")
        whole.title.set_fontsize(8)
        near = figure.add_subplot(grid[0, 2 * n + 1])
        middle = 32 + int(truth.centres[fibre, 1600])
        low = max(0, middle - 100)
        near.imshow(
            np.arcsinh(data[cut, low : low + 200] / 20.0),
            origin="lower",
            cmap="inferno",
            aspect="auto",
            extent=(low, low + 200, cut.start, cut.stop),
        )
        near.set(title=f"200 × 200 pixels around fibre {fibre + 1}", xlabel="column")
        near.title.set_fontsize(9)
        strip = reduced.strips([fibre])
        wave = reduced.wavelength[fibre]
        axis = figure.add_subplot(grid[1, 2 * n : 2 * n + 2])
        image = strip.flux[0]
        axis.imshow(
            np.arcsinh(image / np.nanpercentile(image, 60)),
            origin="lower",
            cmap="inferno",
            aspect="auto",
            extent=(0, image.shape[1], -7.5, 7.5),
            interpolation="nearest",
        )
        axis.set(
            title=f"{arm} strip of 15 × 4136 pixels (QSO, z = {population.redshift[fibre]:.2f}, r = {mag[fibre]:.2f})"
        )
        axis.set(xlabel="row", ylabel="pixel")
        ticks = np.arange(np.ceil(wave[0] / 500) * 500, wave[-1], 500)
        top = axis.secondary_xaxis("top")
        top.set_xticks(np.interp(ticks, wave, np.arange(len(wave))), [f"{t:.0f} Å" for t in ticks])
        top.tick_params(labelsize=7)
        axis = figure.add_subplot(grid[2, 2 * n : 2 * n + 2])
        flux, expected = reduced.spectra.flux[fibre], truth.electrons[fibre]
        axis.plot(wave, flux, color="0.55", lw=0.6, label="extracted, sky in")
        axis.plot(truth.wavelength[fibre], expected, color="C3", lw=0.7, label="truth")
        axis.set(ylabel="electrons per row", ylim=(0, 1.15 * np.nanpercentile(expected, 99.8)))
        axis.legend(fontsize=8, loc="upper left")
        axis = figure.add_subplot(grid[3, 2 * n : 2 * n + 2])
        even = np.convolve(plain.flux[fibre], np.ones(5) / 5, mode="same")
        axis.plot(wave, even, color="C0", lw=0.7, label="sky fibres' median taken off, mean of 5 rows")
        own = objects_own[fibre] / reduced.flat.fibre[fibre]
        axis.plot(wave, own, color="C3", lw=0.7, label="truth")
        axis.set(ylabel="electrons per row", ylim=(-0.15 * np.nanpercentile(own, 99), 1.6 * np.nanpercentile(own, 99)))
        axis.legend(fontsize=8, loc="upper left")
        axis = figure.add_subplot(grid[4, 2 * n : 2 * n + 2])
        pull = (flux - expected) * np.sqrt(reduced.spectra.ivar[fibre])
        axis.plot(wave, pull, ".", ms=1.2, color="0.3")
        axis.axhline(0, color="C3", lw=0.7)
        axis.set(xlabel="vacuum wavelength (Å)", ylabel="error / sigma", ylim=(-6, 6))
        axis.text(0.01, 0.86, f"width {np.nanstd(pull):.2f}", transform=axis.transAxes, fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
