"""Searching for a file: read as its survey's files are, embedded by the model that the catalog names."""

import shutil

import numpy as np
import pytest
import torch
from astropy.io import fits

from asterism.catalogs.embeddings import read_embeddings
from asterism.catalogs.stream import batch_from_table
from asterism.cli.search_query import file_vector, load_embedder
from asterism.errors import BadInputError, ConfigurationError
from asterism.inference.embed import embed_catalog
from asterism.inference.embedder import Embedder
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.legacy_images import write_cutout
from asterism.surveys.formats.sdss_spectra import SdssSpectrum, spectrum_rows, write_spectrum
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.legacy import LegacyDoor
from asterism.surveys.sdss import SdssDoor

SIZE, SIDE = grid_named("sdss").size, 48


def write_spectra(folder, number):
    for i in range(number):
        rng = np.random.default_rng(i)
        wave = np.linspace(0, 1, SIZE)
        flux = (10 + 5 * np.sin(6 * (i + 1) * wave) + rng.normal(0, 0.1, SIZE)).astype(np.float32)
        ivar = np.full(SIZE, 50.0, np.float32)
        made = SdssSpectrum(flux, ivar, np.zeros(SIZE, np.int32), np.ones(SIZE, np.float32), flux, flux)
        values = {"PLATE": 266, "MJD": 51602, "FIBERID": i + 1, "PLUG_RA": 146.0 + i, "PLUG_DEC": 1.0, "CLASS": "STAR",
                  "SUBCLASS": "", "Z": 0.0, "Z_ERR": 1e-5, "ZWARNING": 0, "SURVEY": "sdss"}  # fmt: skip
        write_spectrum(folder, "SPECOBJ", made, spectrum_rows("SPECOBJ", 1, values), {})
    return sorted(folder.rglob("*.fits"))


def write_images(folder, number):
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    for i in range(number):
        one = np.exp(-(x**2 + y**2) / (2 * (1.5 + i) ** 2))
        flux = np.stack([one, one * (1 + i), one]).astype(np.float32)
        flux += np.random.default_rng(i).normal(0, 0.01, flux.shape).astype(np.float32)
        write_cutout(folder, flux, np.full(flux.shape, 1e4, np.float32), "grz", 10.0 + i, 40.0, {})
    return sorted(folder.rglob("*.fits"))


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """Six spectra and four images as files and as catalogs, embedded by one model of both with fresh weights."""
    folder = tmp_path_factory.mktemp("query")
    spectra, images = write_spectra(folder / "spectra", 6), write_images(folder / "images", 4)
    made = {
        "spectrum": ingest_files(SdssDoor(False), spectra, folder / "s", workers=1),
        "image": ingest_files(LegacyDoor(), images, folder / "i", workers=1),
    }
    groups = {kind: next(g for g in catalog.groups.values() if g.kind == kind) for kind, catalog in made.items()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = create_model("avis", ModelInputs.from_bindings(groups), None, {"side": 24})
    batch = {
        kind: batch_from_table(made[kind].read(list(group.columns)).slice(0, 4), {kind: group})[kind]
        for kind, group in model.config.inputs.check(_joined(made), "both").items()
    }
    model.standardise([batch])
    model.save_pretrained(folder / "run")
    embedder = Embedder.from_pretrained(folder / "run")
    embedded = {kind: embed_catalog(embedder, made[kind], folder / f"e{kind}") for kind in made}
    return {"spectra": spectra, "images": images, "run": folder / "run", **embedded}


def _joined(made):
    import pyarrow as pa

    fields = {field.name: field for catalog in made.values() for field in catalog.schema}
    return pa.schema(list(fields.values()))


@pytest.mark.parametrize(("kind", "files"), [("spectrum", "spectra"), ("image", "images")])
def test_a_file_has_the_embedding_that_its_object_has_in_the_catalog(sky, kind, files):
    embedder = load_embedder(sky[kind], kind, None)
    values, present = read_embeddings(sky[kind], kind)
    assert present.all()
    near = {int(np.argmax(values @ file_vector(embedder, file, kind))) for file in sky[files]}
    assert near == set(range(len(values)))
    vector = file_vector(embedder, sky[files][0], kind)
    assert np.abs(1 - values @ vector).min() < 1e-4


def test_the_model_must_be_the_one_that_embedded_the_catalog(sky, tmp_path, fresh_run):
    with pytest.raises(BadInputError, match=r"holds model .* and .* was embedded by"):
        load_embedder(sky["spectrum"], "spectrum", fresh_run.path)
    moved = shutil.move(sky["run"], tmp_path / "run")
    try:
        with pytest.raises(ConfigurationError, match="--model"):
            load_embedder(sky["spectrum"], "spectrum", None)
        load_embedder(sky["spectrum"], "spectrum", tmp_path / "run")
    finally:
        shutil.move(moved, sky["run"])


def test_what_can_not_be_searched_for_is_one_sentence(sky, tmp_path):
    embedder = load_embedder(sky["spectrum"], "spectrum", None)
    with pytest.raises(BadInputError, match="there is no file"):
        file_vector(embedder, tmp_path / "no.fits", "spectrum")
    with pytest.raises(ConfigurationError, match="did you mean 'sdss'"):
        file_vector(embedder, sky["spectra"][0], "spectrum", "sds")
    with pytest.raises(BadInputError, match="can't be read as a spectrum"):
        file_vector(embedder, sky["images"][0], "spectrum")
    (tmp_path / "text.fits").write_text("no FITS")
    with pytest.raises(BadInputError, match="can't be read as an image"):
        file_vector(embedder, tmp_path / "text.fits", "image")


def test_a_spectrum_of_which_nothing_was_observed_is_one_sentence(sky, tmp_path):
    (masked,) = write_spectra(tmp_path / "masked", 1)
    with fits.open(masked, mode="update") as hdus:
        hdus[1].data["ivar"] = 0.0
    embedder = load_embedder(sky["spectrum"], "spectrum", None)
    with pytest.raises(BadInputError, match=r"spec-0266.*no good pixel: ivar is 0"):
        file_vector(embedder, masked, "spectrum", "sdss")
