"""Arrays of stamps: asinh magnitudes to fluxes, labels, either order of axes, refusals."""

import numpy as np
import pytest

from asterism.catalogs.bands import band_info, nanomaggy_to_asinh
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import ingest_files
from asterism.surveys.stamps.stamp_arrays import ArrayDoor

NAMES = (("1", "STAR"), ("-1", "GALAXY"))


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    flux = rng.normal(0.0, 0.05, (7, 5, 24, 24))
    flux[:, :, 10:14, 10:14] += rng.uniform(1, 5, (7, 1, 1, 1))
    b = np.array([band_info("sdss", band).softening for band in "ugriz"])[:, None, None]
    folder = tmp_path / "a"
    folder.mkdir()
    np.save(folder / "images.npy", nanomaggy_to_asinh(flux, b).astype(np.float32))
    np.save(folder / "labels.npy", np.array([1, -1, -1, 1, 1, -1, 1]))
    return folder, flux


def test_asinh_magnitudes_and_labels(arrays, tmp_path):
    folder, flux = arrays
    door = ArrayDoor(unit="asinh", labels=str(folder / "labels.npy"), class_names=NAMES)
    catalog = ingest_files(door, [folder / "images.npy"], tmp_path / "out", workers=1)
    table = catalog.read()
    assert not catalog.placed
    assert table["class"].to_pylist() == ["STAR", "GALAXY", "GALAXY", "STAR", "STAR", "GALAXY", "STAR"]
    got = np.array(table["image_sdss_flux"].to_pylist()).reshape(flux.shape)
    assert np.allclose(got, flux, rtol=2e-5, atol=2e-4)
    ivar = np.array(table["image_sdss_ivar"].to_pylist()).reshape(flux.shape)
    assert np.median(ivar) == pytest.approx(400.0, rel=0.15)
    group = catalog.groups["image_sdss"]
    assert (group.pixel_scale, group.meta("ivar_source")) == (0.396, "sky")
    # The folder holds the labels too: they are no stamps.
    assert len(ingest_files(door, [folder], tmp_path / "both", workers=1)) == 7


def test_bands_last(arrays, tmp_path):
    _, flux = arrays
    np.save(tmp_path / "last.npy", flux.transpose(0, 2, 3, 1))
    catalog = ingest_files(ArrayDoor(), [tmp_path / "last.npy"], tmp_path / "out", workers=1)
    got = np.array(catalog.read()["image_sdss_flux"].to_pylist()).reshape(flux.shape)
    assert np.allclose(got, flux, rtol=1e-6, atol=1e-7)


def test_refusals(arrays, tmp_path):
    folder, flux = arrays
    images = folder / "images.npy"
    for door, words in (
        (ArrayDoor(unit="mag"), "unit of an array"),
        (ArrayDoor(name="mine"), "--bands"),
        (ArrayDoor(name="legacy", bands=("g", "r", "z")), "--pixel-scale"),
        (ArrayDoor(name="legacy", bands=("g", "r", "z"), unit="asinh", pixel_scale=0.262), "no softening"),
        (ArrayDoor(labels=str(folder / "labels.npy"), class_names=(("1", "STAR"),)), "does not say what label -1 is"),
        (ArrayDoor(class_names=(("1", "STARR"),)), "STAR"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            door.plan([images])
    np.save(tmp_path / "short.npy", np.ones(3))
    with pytest.raises(BadInputError, match="labels for 7 stamps"):
        ArrayDoor(labels=str(tmp_path / "short.npy"), class_names=NAMES).plan([images])
    np.save(tmp_path / "flat.npy", flux[:, 0])
    with pytest.raises(BadInputError, match="has shape"):
        ArrayDoor().plan([tmp_path / "flat.npy"])
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(BadInputError, match="can't read"):
        ArrayDoor().plan([tmp_path / "pickle.npy"])


def test_a_stamp_without_sky(arrays, tmp_path):
    _, flux = arrays
    flux[2] = 1.0
    flux[3, 1] = np.nan
    np.save(tmp_path / "f.npy", flux)
    catalog = ingest_files(ArrayDoor(), [tmp_path / "f.npy"], tmp_path / "out", workers=1)
    assert len(catalog) == 6
    assert "no sky" in catalog.quarantine()["reason"][0].as_py()
    ivar = np.array(catalog.read()["image_sdss_ivar"].to_pylist()).reshape(6, 5, -1)
    assert (ivar[2, 1] == 0).all()
