"""Made-up catalogs in place of simulated ones, and a table run in part."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import identity_fields, image_fields, label_fields, photometry_fields
from asterism.catalogs.spectral_schema import spectrum2d_fields, spectrum_fields
from asterism.catalogs.write import CatalogWriter
from asterism.papers.macnet.data import simulated
from asterism.papers.macnet.runner import reproduce
from asterism.papers.macnet.scales import SCALES
from asterism.papers.macnet.simulated_sets import recipe_of

ONLY = (
    "table4-sample+cnet,table4-sample+sscnn1d,table4-sample+macnet,table4-sample+lightgbm,sky-sample+cnet-sky-subtracted,"
    "plans-plan1+sscnn1d,blue-1000-3000,red-2136-4136,maps-sample+macnet,"
    "assist-class-few,assist-redshift-few"
)
PIXELS = 4136
GRID = 391
KINDS = ("GALAXY", "QSO", "STAR")


def lists(values):
    flat = np.asarray(values, np.float32).reshape(len(values), -1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), flat.shape[1])


def shape_of(kind, wavelength):
    """Stars fade to the red, galaxies to the blue, quasars have a broad line."""
    x = wavelength / 6000
    if kind == 2:
        return x**-2
    if kind == 0:
        return x**3
    return 1 + 2 * np.exp(-(((wavelength - 5000) / 200) ** 2)) + 2 * np.exp(-(((wavelength - 7000) / 200) ** 2))


def fields(rows, first_row):
    return [
        *identity_fields(placed=True),
        *label_fields(["class", "subclass", "redshift", "label_warning"]),
        *photometry_fields(
            "sdss", "ugriz", ("flux", "ivar"), dereddened=False, zero_point="sdss", magnitude_type="model"
        ),
        *image_fields("sdss", "ugriz", 16, 0.396, zero_point="sdss"),
        *spectrum_fields("lamost", GRID, f"log10,3.5682,0.001,{GRID}", relative=True, lsf=False),
        *spectrum2d_fields("lamost", PIXELS, rows, first_row=first_row, sky=True),
    ]


def write_catalog(path, name, size):
    """A catalog as the simulator would leave it: the command takes it for the one that it would make."""
    rows, first = (15, 0) if name == "sample" else (11, 2)
    rng = np.random.default_rng(len(name))
    kind = np.arange(size) % 3
    night = np.where(np.arange(size) % 2, 56549.6, 56600.5)
    bright = 10 ** rng.uniform(0.5, 1.5, size)
    wanted = fields(rows, first)
    colour = np.array([[0.3, 0.6, 1, 1.3, 1.5], [1.2, 1, 1, 1, 1], [0.5, 0.9, 1, 1.1, 1.1]])[kind]
    y, x = np.mgrid[:16, :16] - 7.5
    width = np.where(kind == 0, 3.0, 1.2)[:, None, None]
    profile = np.exp(-(x**2 + y**2) / (2 * width**2)) / width**2
    columns = {
        "object_id": [f"{name}-{k}" for k in range(size)],
        "source_id": [f"{name}-{k}" for k in range(size)],
        "ra": rng.uniform(40, 50, size) + (90 if name == "test" else 0),
        "dec": rng.uniform(38, 46, size),  # in one HEALPix pixel: one file
        "survey": ["simulated"] * size,
        "release": ["test"] * size,
        "mjd": night,
        "class": [KINDS[k] for k in kind],
        "subclass": [("E", "Sbc")[i % 2] if k == 0 else None for i, k in enumerate(kind)],
        "redshift": np.where(kind == 2, 0.0, 0.1 * (1 + kind)).astype(np.float32),
        "label_warning": np.zeros(size, np.int32),
        "photometry_sdss_flux": lists(bright[:, None] * colour),
        "photometry_sdss_ivar": lists(np.full((size, 5), 25.0)),
        "image_sdss_flux": lists(bright[:, None, None, None] * colour[:, :, None, None] * profile[:, None]),
        "image_sdss_ivar": lists(np.full((size, 5, 16, 16), 400.0)),
        "image_sdss_psf_fwhm": lists(np.full((size, 5), 1.3)),
    }
    grid = 10 ** (3.5682 + 0.001 * np.arange(GRID))
    spectra = np.stack([shape_of(k, grid) for k in kind]) + rng.normal(0, 0.1, (size, GRID))
    columns["spectrum_lamost_flux"], columns["spectrum_lamost_ivar"] = lists(spectra), lists(np.full_like(spectra, 100))
    trace = np.exp(-0.5 * ((np.arange(15) - 7) / 1.8) ** 2)[first : 15 - first]
    for arm, ends in (("blue", (3700, 5900)), ("red", (5700, 9000))):
        wavelength = np.linspace(*ends, PIXELS)
        lines = np.stack([shape_of(k, wavelength) for k in range(3)])[kind]
        sky = 30 + 20 * (np.arange(PIXELS) % 400 < 6)
        # Whole numbers take less room in the file.
        light = bright[:, None, None] * lines[:, None] * trace[None, :, None]
        strips = np.round(light + sky + rng.integers(-3, 4, (1, 1, PIXELS)))
        column = f"spectrum2d_lamost_{arm}"
        columns[column], columns[f"{column}_ivar"] = lists(strips), lists(np.full_like(strips, 0.03))
        columns[f"{column}_wavelength"] = lists(np.broadcast_to(wavelength.astype(np.float32), strips.shape))
        columns[f"{column}_sky"] = lists(np.broadcast_to(sky.astype(np.float32), strips.shape))
    schema = pa.schema(wanted)
    table = pa.table([pa.array(columns[n]) for n in schema.names], names=schema.names).cast(schema)
    inputs = recipe_of(name, size)
    with CatalogWriter(path, wanted, placed=True, made_by=inputs, inputs=inputs) as writer:
        writer.add(table)
        return writer.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A table that was run in part at scale tiny; not to be changed."""
    out = tmp_path_factory.mktemp("macnet")
    for name, size in SCALES["tiny"].objects.items():
        write_catalog(out / "catalogs" / name, name, size)
    reproduce(out, scale="tiny", only=ONLY, workers=1)
    return out


@pytest.fixture(scope="session")
def paper(place):
    """The data of that table."""
    return simulated(place, "tiny")


@pytest.fixture
def crossed(tmp_path):
    """A catalog as of other libraries."""
    return write_catalog(tmp_path / "catalogs" / "crossed", "test", 30)
