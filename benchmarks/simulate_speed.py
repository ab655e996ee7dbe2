"""Objects per second of the simulator, each modality beside the plain loop that a user would write, in one run.

    python benchmarks/simulate_speed.py [--objects 128] [--repeats 5] [--only stamps-sdss,…] [--catalog 1024]

Both sides make the same thing of the same objects, as SDSS or the Legacy Surveys would see them. For stamps that is every
source on each stamp, neighbours too, in every band, with noise; the plain loop draws them with GalSim, source by source and
band by band, on stamps of the same size. The two take turns, so that a drift of the machine's speed hits both; the ratio
counts, pair by pair. Times are those of the processor on one core, which other work on the machine disturbs least.

A modality is one entry of `MODALITIES`: a function that prepares objects and gives the two sides. ``--catalog N`` times whole
blocks of an `sdss-compact` catalog too, and says how long 10,000 objects take on two cores.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import galsim
import numpy as np

from asterism.simulate.imaging.images import add_noise, draw_conditions, noiseless_stamps, target_sources
from asterism.simulate.imaging.neighbours import draw_neighbours
from asterism.simulate.imaging.rendering import Sources
from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named
from asterism.simulate.recipe import Recipe
from asterism.simulate.sky import BLOCK_SIZE, simulate_block
from asterism.surveys.stamps.cameras import CAMERAS, Camera
from asterism.surveys.stamps.conditions import Conditions

Side = Callable[[], object]


def stamps_of(camera_name: str, survey: str, size: int | None = None) -> Callable[[int], tuple[Side, Side]]:
    """Stamps with neighbours and noise, ours and GalSim's."""

    def prepare(n: int) -> tuple[Side, Side]:
        camera = CAMERAS[camera_name]
        side = size or camera.stamps[0]
        rng = np.random.default_rng(0)
        chosen = survey_named(survey)
        names = tuple(chosen.fractions)
        shares = np.array([chosen.fractions[name] for name in names])
        objects = draw(rng, np.array(names)[rng.choice(len(names), n, p=shares / shares.sum())], chosen)
        seds = EmbeddedSeds().seds(objects, grid_wavelength(camera))
        fluxes = observed_fluxes(seds, objects.r_mag, objects.ebv, camera)
        seen = draw_conditions(rng, n, camera)
        others = draw_neighbours(rng, objects.ebv, camera, side)
        everything = Sources.concatenate([target_sources(objects, fluxes, seen), others])

        def ours() -> object:
            return add_noise(
                rng, noiseless_stamps(objects, fluxes, seen, camera=camera, size=side, neighbours=others), seen
            )

        def theirs() -> object:
            return galsim_loop(everything, seen, camera, side)

        difference = np.abs(
            noiseless_stamps(objects, fluxes, seen, camera=camera, size=side, neighbours=others)
            - galsim_loop(everything, seen, camera, side, noise=False)
        )
        worst = (difference / seen.sky_sigma[:, :, None, None]).max(axis=(1, 2, 3))
        print(
            f"  {len(everything) / n:.1f} sources a stamp; largest difference on a stamp, over the sky's noise: median "
            f"{np.median(worst):.3f}, 95 % {np.percentile(worst, 95):.2f}"
        )
        return ours, theirs

    return prepare


def galsim_loop(sources: Sources, seen: Conditions, camera: Camera, size: int, noise: bool = True) -> np.ndarray:
    """Every source drawn by a call of GalSim."""
    stamps = np.zeros((len(seen.fwhm), len(camera.bands), size, size), np.float32)
    on_stamp: list[list[int]] = [[] for _ in range(len(stamps))]
    for row, stamp in enumerate(sources.stamp):
        on_stamp[stamp].append(row)
    rng = galsim.BaseDeviate(1)
    for stamp, rows in enumerate(on_stamp):
        profiles = [galaxy(sources, row) for row in rows]
        for band in range(len(camera.bands)):
            image = galsim.ImageF(size, size, scale=camera.pixel_scale)
            blur = psf(seen.fwhm[stamp, band], seen.ellipticity[stamp, band], camera)
            for row, profile in zip(rows, profiles, strict=True):
                light = blur if profile is None else galsim.Convolve(profile, blur)
                place = galsim.PositionD(sources.x[row], sources.y[row])
                light = light.withFlux(float(sources.flux[row, band]))
                light.drawImage(image, method="no_pixel", offset=place, add_to_image=True)
            if noise:
                variance = image.copy()
                variance.array[:] = np.maximum(image.array, 0.0) / seen.gain[stamp, band]
                variance += float(seen.sky_sigma[stamp, band] ** 2)
                image.addNoise(galsim.VariableGaussianNoise(rng, variance))
            stamps[stamp, band] = image.array
    return stamps


def psf(fwhm: float, ellipticity: np.ndarray, camera: Camera) -> galsim.GSObject:
    parts = []
    for k, (sigma, share) in enumerate(zip(camera.psf.sigma(fwhm), camera.psf.shares, strict=True)):
        part = galsim.Gaussian(sigma=sigma, flux=share)
        parts.append(part.shear(e1=ellipticity[0], e2=ellipticity[1]) if k < camera.psf.elliptical else part)
    return galsim.Add(parts)


def galaxy(sources: Sources, row: int) -> galsim.GSObject | None:
    if sources.radius[row] == 0:
        return None
    angle, share = sources.angle[row] * galsim.degrees, float(sources.bulge_fraction[row])
    bulge_q, disc_q = float(sources.bulge_axis_ratio[row]), float(sources.disc_axis_ratio[row])
    bulge = galsim.DeVaucouleurs(half_light_radius=sources.bulge_radius[row] * bulge_q**0.5, flux=share)
    disc = galsim.Exponential(half_light_radius=sources.radius[row] * disc_q**0.5, flux=1.0 - share)
    return bulge.shear(q=bulge_q, beta=angle) + disc.shear(q=disc_q, beta=angle)


MODALITIES: dict[str, Callable[[int], tuple[Side, Side]]] = {
    "stamps-sdss": stamps_of("sdss", "sdss-compact"),
    "stamps-sdss-galaxies-of-any-size": stamps_of("sdss", "sdss-spectro"),
    "stamps-sdss-64": stamps_of("sdss", "sdss-spectro", 64),
    "stamps-legacy-152": stamps_of("legacy-south", "sdss-spectro"),
}
"""By name: what prepares n objects and gives our way and the plain one, each a function that makes them once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default=",".join(MODALITIES))
    parser.add_argument("--catalog", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    for name in arguments.only.split(","):
        print(f"{name}: {arguments.objects} objects, {arguments.repeats} repeats in turn")
        sides = dict(zip(("asterism", "plain loop"), MODALITIES[name](arguments.objects), strict=True))
        times: dict[str, list[float]] = {side: [] for side in sides}
        sides["asterism"]()  # once to warm up; the plain loop has run for the comparison
        for _ in range(arguments.repeats):
            for side, method in sides.items():
                start = time.process_time()
                method()
                times[side].append(time.process_time() - start)
        for side, seconds in times.items():
            rates = sorted(arguments.objects / s for s in seconds)
            print(f"  {side:11s}{statistics.median(rates):>9,.0f} objects/s (from {rates[0]:,.0f} to {rates[-1]:,.0f})")
        ratios = sorted(b / a for a, b in zip(times["asterism"], times["plain loop"], strict=True))
        print(f"  ratio {statistics.median(ratios):.1f} (from {ratios[0]:.1f} to {ratios[-1]:.1f}, pair by pair)")
    if arguments.catalog:
        for modalities in (("photometry", "image"), ("photometry",)):
            catalog(arguments.catalog, modalities)


def catalog(size: int, modalities: tuple[str, ...]) -> None:
    """Time whole blocks: draw, spectra, stamps, measuring, selection, columns."""
    blocks = -(-size // BLOCK_SIZE)
    simulate_block(Recipe.of("sdss-compact", 0, modalities=modalities), 10**6, 16)
    rates = []
    for block in range(blocks):
        start = time.process_time()
        simulate_block(Recipe.of("sdss-compact", 0, modalities=modalities), block, BLOCK_SIZE)
        rates.append(BLOCK_SIZE / (time.process_time() - start))
    middle = statistics.median(rates)
    print(
        f"sdss-compact, {' and '.join(modalities)}: {middle:,.0f} objects/s a core (from {min(rates):,.0f} to {max(rates):,.0f} "
        f"over {blocks} blocks); 10,000 objects on two cores: {10_000 / middle / 2:.0f} s, and the writing"
    )


if __name__ == "__main__":
    main()
