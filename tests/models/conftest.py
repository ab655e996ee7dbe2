"""Batches and models for the tests of this room: every state that an object can be in, in small numbers."""

import numpy as np
import pytest
import torch

from asterism.models.inputs import ImageInputs, ModelInputs, PhotometryInputs
from asterism.models.model import create_model
from asterism.models.spectral_inputs import ArmInputs, Spectrum2DInputs, SpectrumInputs

PHOTOMETRY = PhotometryInputs(
    group="photometry_sdss",
    survey="sdss",
    bands=tuple("ugriz"),
    quantities=("flux", "extinction", "psf_fwhm", "radius", "psf_probability"),
    zero_point="sdss",
)
IMAGE = ImageInputs(
    group="image_sdss", survey="sdss", bands=tuple("ugriz"), shape=(32, 32), pixel_scale=0.396, zero_point="sdss"
)
# A tenth of the pixels of LAMOST's grid and a piece of its strips: what a model of spectra reads can be as small as this.
SPECTRUM = SpectrumInputs(
    group="spectrum_lamost", survey="lamost", pixels=391, grid="log10,3.5682,0.001,391", relative=True
)
SPECTRUM2D = Spectrum2DInputs(
    group="spectrum2d_lamost",
    survey="lamost",
    arms=(
        ArmInputs(name="blue", rows=15, pixels=128, first_pixel=990),
        ArmInputs(name="red", rows=13, pixels=112, first_pixel=1490, first_row=1),
    ),
    sky=True,
)
ROLES = {"photometry": PHOTOMETRY, "image": IMAGE, "spectrum": SPECTRUM, "spectrum2d": SPECTRUM2D}


@pytest.fixture(scope="session")
def photometry_inputs():
    return PHOTOMETRY


@pytest.fixture(scope="session")
def image_inputs():
    return IMAGE


@pytest.fixture(scope="session")
def make_inputs():
    def make(roles):
        return ModelInputs(**{role: ROLES[role] for role in roles})

    return make


@pytest.fixture(scope="session")
def make_batch():
    """Batch of n objects: some bands not detected or not observed; objects 1, 2, 3 lack photometry, image, all.

    Of spectra, object 2 lacks the 1D one (and so 2 has nothing but strips), 1 the strips, 4 the red arm, 5 the blue one.
    Where a model is given, strips are cut to what it reads, as its own inputs have a catalog's cut.
    """

    def make(n=24, seed=0, roles=("photometry", "image"), classes=3, shape=(32, 32), model=None):
        rng = np.random.default_rng(seed)
        label = rng.integers(0, classes, n)
        label[:classes] = np.arange(classes)
        # Of its own draws, so that all else is as it is without redshifts.
        redshift = np.where(label == 0, 0.0, 0.3 * label + np.random.default_rng(seed + 99).uniform(0, 0.2, n))
        redshift[4] = np.nan
        brightness = 10 ** rng.uniform(-0.5, 2, n)
        colour = np.linspace(0.3, 1.5, 5)[None] ** (1 + label[:, None])

        def tensor(values):
            return torch.tensor(np.asarray(values), dtype=torch.float32)

        batch = {
            "label": {"class": torch.tensor(label), "redshift": torch.tensor(redshift, dtype=torch.float32)},
            "row": torch.arange(n),
        }
        if "photometry" in roles:
            ivar = rng.uniform(5, 50, (n, 5)) * (rng.random((n, 5)) > 0.1)
            flux = brightness[:, None] * colour + rng.normal(0, 0.3, (n, 5))
            flux[5] = -0.1  # measured, not detected
            ivar[5] = 20
            extinction = rng.uniform(0.02, 0.5, (n, 1)) * [1.9, 1.4, 1.0, 0.7, 0.5]
            extinction[6] = np.nan
            probability = np.where(label == 0, 1.0, 0.0)
            probability[7] = np.nan
            present = np.ones(n, bool)
            present[[1, 3]] = False
            ivar[~present] = 0
            batch["photometry"] = {
                "flux": tensor(np.where(ivar > 0, flux, 0)),
                "ivar": tensor(ivar),
                "extinction": tensor(extinction),
                "psf_fwhm": tensor(rng.uniform(1, 1.8, (n, 5))),
                "radius": tensor(10 ** rng.uniform(-9, 0.7, (n, 5))),
                "psf_probability": tensor(probability),
                "present": torch.tensor(present),
            }
        if "image" in roles:
            ny, nx = shape
            y, x = np.mgrid[:ny, :nx]
            r2 = (y - (ny - 1) / 2) ** 2 + (x - (nx - 1) / 2) ** 2
            profile = np.exp(-r2[None] / (2 * (1.5 + label[:, None, None]) ** 2))
            ivar = np.full((n, 5, ny, nx), 400.0)
            ivar[:, :, :5, :7] = 0
            ivar[4, 2] = 0
            flux = (brightness[:, None] * colour)[:, :, None, None] * profile[:, None] / 30
            flux = flux + rng.normal(0, 0.05, flux.shape)
            present = np.ones(n, bool)
            present[[2, 3]] = False
            ivar[~present] = 0
            psf = rng.uniform(1, 1.8, (n, 5))
            psf[8, 1] = np.nan
            batch["image"] = {
                "flux": tensor(np.where(ivar > 0, flux, 0)),
                "ivar": tensor(ivar),
                "psf_fwhm": tensor(psf),
                "present": torch.tensor(present),
            }
        # Of their own draws too, one generator per role.
        if "spectrum" in roles:
            batch["spectrum"] = _spectra(label, brightness, np.random.default_rng(seed + 199), tensor)
        if "spectrum2d" in roles:
            strips = _strips(label, brightness, np.random.default_rng(seed + 299), tensor)
            batch["spectrum2d"] = strips if model is None else _as_read(strips, model.config.inputs.spectrum2d)
        return batch

    return make


def _line(label, wavelength):
    """Relative flux: an absorption line of stars, a break of galaxies, a broad emission line of quasars."""
    x = wavelength[None]
    star = 1 - 0.7 * np.exp(-(((x - 4861) / 60) ** 2))
    galaxy = np.where(x < 5000, 0.4, 1.2)
    quasar = 0.8 + 3 * np.exp(-(((x - 7000) / 150) ** 2))
    return np.choose(label[:, None] % 3, [star, galaxy, quasar])


def _spectra(label, brightness, rng, tensor):
    n = len(label)
    flux = brightness[:, None] * _line(label, SPECTRUM.wavelength)
    ivar = np.full(flux.shape, 25.0)
    ivar[:, :10] = 0
    ivar[rng.random(flux.shape) < 0.02] = 0
    flux = flux + rng.normal(0, 0.2, flux.shape)
    present = np.ones(n, bool)
    present[[2, 3]] = False
    ivar[~present] = 0
    return {"flux": tensor(np.where(ivar > 0, flux, 0)), "ivar": tensor(ivar), "present": torch.tensor(present)}


def _as_read(strips, wanted):
    made = {"present": strips["present"]}
    for arm in wanted.arms:
        cut = (slice(None), *arm.part_of(SPECTRUM2D.arm(arm.name)))
        names = [name for name in wanted.quantities if name.split("_")[0] == arm.name]
        made |= {name: strips[name][cut] for name in names}
    return made


def _strips(label, brightness, rng, tensor):
    n = len(label)
    present = np.ones(n, bool)
    present[[1, 3]] = False
    made = {"present": torch.tensor(present)}
    for arm, ends, lacking in zip(SPECTRUM2D.arms, ((4100, 5300), (6590, 8120)), ([4], [5]), strict=True):
        profile = np.exp(-((arm.first_row + np.arange(arm.rows) - 7.0) ** 2) / 6)[:, None]
        light = 40 * brightness[:, None] * _line(label, np.linspace(*ends, arm.pixels))
        sky = 30 + 20 * rng.random((n, 1, arm.pixels)) * np.ones((1, arm.rows, 1))
        mean = light[:, None] * profile + sky
        flux = rng.normal(mean, np.sqrt(mean + 9))
        ivar = 1 / (mean + 9)
        ivar[rng.random(ivar.shape) < 0.01] = 0
        ivar[6, :, 30:60] = 0  # saturated
        ivar[lacking] = 0
        ivar[~present] = 0
        sky[8, 0] = np.nan
        made |= {
            arm.name: tensor(np.where(ivar > 0, flux, 0)),
            f"{arm.name}_ivar": tensor(ivar),
            f"{arm.name}_sky": tensor(np.where(present[:, None, None], sky, np.nan)),
        }
    return made


@pytest.fixture(scope="session")
def make_model(make_inputs, make_batch):
    """A standardised model with fresh weights, in evaluation mode."""

    def make(
        name="margformer", roles=("photometry",), classes=("STAR", "GALAXY", "QSO"), seed=0, redshift=None, **options
    ):
        torch.manual_seed(seed)
        model = create_model(name, make_inputs(roles), classes, options, redshift=redshift)
        model.standardise([make_batch(64, seed=s, roles=roles, classes=len(classes or "abc")) for s in range(2)])
        return model.eval()

    return make


# AVIS: the surveys' own grids and stamps.
DESI = SpectrumInputs(group="spectrum_desi", survey="desi", pixels=7781, grid="linear,3600,0.8,7781")
LEGACY = ImageInputs(group="image_legacy", survey="legacy", bands=("g", "r", "z"), shape=(152, 152), pixel_scale=0.262)


def _role(inputs, light, sigma=0.05, scale=1.0, seed=None):
    """Spectra of what `light` gives at wavelengths (Å) → (n, pixels), with noise where there is a seed."""
    flux = np.atleast_2d(light(inputs.wavelength))
    noise = 0.0 if seed is None else np.random.default_rng(seed).normal(0, sigma, flux.shape)
    noise = noise * np.sqrt(0.8 / np.gradient(inputs.wavelength))
    flux = torch.tensor(scale * (flux + noise), dtype=torch.float32)
    ivar = torch.full_like(flux, (scale * sigma) ** -2)
    # One noise per Å, whatever the pixels.
    ivar = ivar * torch.tensor(np.gradient(inputs.wavelength) / 0.8, dtype=torch.float32)
    return {"flux": flux, "ivar": ivar, "present": torch.ones(len(flux), dtype=torch.bool)}


def _galaxy(*redshifts, width=4.0):
    """Emission lines on a slope with a break, a row for each redshift."""

    def light(wavelength):
        made = []
        for z in redshifts:
            rest = wavelength / (1 + z)
            lines = sum(np.exp(-0.5 * ((rest - x) / width) ** 2) for x in (3728, 4863, 4960, 5008, 6564))
            made.append(1 + 0.5 * np.tanh((rest - 4000) / 100) + 2 * lines)
        return np.array(made)

    return light


def _stamps(inputs, n=6, seed=0, per_band=True, noise=True):
    """Gaussian sources of growing size; the same sky whatever the stamps' size."""
    rng = np.random.default_rng(seed)
    colours = {"g": 0.5, "r": 1.0, "i": 1.3, "z": 2.0}
    errors = {"g": 0.01, "r": 0.02, "i": 0.03, "z": 0.05}
    ny, nx = inputs.shape
    y, x = np.mgrid[:ny, :nx].astype(float)
    r2 = (y - (ny - 1) / 2) ** 2 + (x - (nx - 1) / 2) ** 2
    size = 1.5 + 2.0 * np.arange(n)
    light = np.exp(-r2 / (2 * size[:, None, None] ** 2)) * (np.arange(n)[:, None, None] % 3 + 1)
    colour = np.array([colours[b] for b in inputs.bands])
    sigma = np.array([errors[b] for b in inputs.bands])
    flux = light[:, None] * colour[:, None, None]
    flux = flux + noise * rng.normal(0, 1, flux.shape) * sigma[:, None, None]
    ivar = np.broadcast_to((sigma**-2)[None, :, None, None], (n, len(sigma), 1, 1) if per_band else flux.shape)
    return {
        "flux": torch.tensor(flux, dtype=torch.float32),
        "ivar": torch.tensor(np.array(ivar), dtype=torch.float32),
        "psf_fwhm": torch.full((n, len(inputs.bands)), 1.2),
        "present": torch.ones(n, dtype=torch.bool),
    }


@pytest.fixture(scope="session")
def desi():
    return DESI


@pytest.fixture(scope="session")
def legacy():
    return LEGACY


@pytest.fixture(scope="session")
def role():
    return _role


@pytest.fixture(scope="session")
def galaxy():
    return _galaxy


@pytest.fixture(scope="session")
def stamps():
    return _stamps
