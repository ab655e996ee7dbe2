"""Batches and models for the tests of this room: every state that an object can be in, in small numbers."""

import numpy as np
import pytest
import torch

from asterism.models.inputs import ImageInputs, ModelInputs, PhotometryInputs
from asterism.models.model import create_model

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


@pytest.fixture(scope="session")
def photometry_inputs():
    return PHOTOMETRY


@pytest.fixture(scope="session")
def image_inputs():
    return IMAGE


@pytest.fixture(scope="session")
def make_inputs():
    def make(roles):
        return ModelInputs(
            photometry=PHOTOMETRY if "photometry" in roles else None, image=IMAGE if "image" in roles else None
        )

    return make


@pytest.fixture(scope="session")
def make_batch():
    """Batch of n objects: some bands not detected or not observed; objects 1, 2, 3 lack photometry, image, both."""

    def make(n=24, seed=0, roles=("photometry", "image"), classes=3, shape=(32, 32)):
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
        return batch

    return make


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
