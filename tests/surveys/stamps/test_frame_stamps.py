"""Stamps from fields: whole pixels about each band's own place, the edge's policies, and going on after an interruption."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from asterism.catalogs.schema import identity_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.stamps import frame_stamps
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.frame_files import find_frames
from asterism.surveys.stamps.frame_images import read_frame
from asterism.surveys.stamps.frame_stamps import cut_stamps, ingest_frames

# In the middle, near the low edge of columns (which run north), near the corner, outside.
RA = np.array([150.0, 150.001, 149.9907, 150.5])
DEC = np.array([2.0, 1.9872, 1.9875, 2.0])
FLUX = np.outer([200.0, 300.0, 250.0, 9.0], [0.3, 0.8, 1.0, 1.2, 1.5])


@pytest.fixture
def sky(tmp_path):
    fields = [f for f in identity_fields(True) if f.name in ("object_id", "ra", "dec")]
    with CatalogWriter(tmp_path / "sky", fields, placed=True, made_by={}, inputs={}, rows_per_partition=2) as writer:
        writer.add(pa.table([["a", "b", "c", "d"], RA, DEC], names=["object_id", "ra", "dec"]))
    return tmp_path / "sky"


def stamps(catalog, quantity="flux"):
    group = catalog.groups["image_sdss"]
    table = catalog.read(["object_id", f"image_sdss_{quantity}"])
    shape = (-1, *group.shape[1:]) if quantity != "psf_fwhm" else (-1,)
    return {
        row["object_id"]: None
        if row[f"image_sdss_{quantity}"] is None
        else np.array(row[f"image_sdss_{quantity}"]).reshape(shape)
        for row in table.to_pylist()
    }


def test_each_band_about_its_own_place(tmp_path, sky, write_field):
    made = write_field(tmp_path / "f", RA, DEC, FLUX, noise=False)
    steps = []
    catalog = ingest_frames(
        [tmp_path / "f"], sky, tmp_path / "out", workers=1, size=24, progress=lambda *a: steps.append(a)
    )
    flux, ivar, seeing = (stamps(catalog, q) for q in ("flux", "ivar", "psf_fwhm"))
    assert flux["d"] is None
    assert seeing["a"].tolist() == pytest.approx([1.3 * SDSS.fwhm_ratio] * 5)
    assert steps[-1] == (10, 10)
    y, x = np.indices((24, 24)) - 11.5
    frames = {frame.band: read_frame(frame) for frame in find_frames((tmp_path / "f").iterdir())[0]}
    for b, band in enumerate("ugriz"):
        stamp = flux["a"][b]
        image, _ = made[band]
        # Whole pixels of the file, and the star within half a pixel of the middle, whatever the band.
        px, py = (float(v[0]) for v in frames[band].place.to_pixel(RA[:1], DEC[:1]))
        left, low = round(px - 11.5), round(py - 11.5)
        assert np.array_equal(stamp, image[low : low + 24, left : left + 24])
        assert abs((stamp * x).sum() / stamp.sum()) < 0.6
        assert abs((stamp * y).sum() / stamp.sum()) < 0.6
        assert (ivar["a"][b] > 0).all()
    # Over the edge: not observed, and the star stays in the middle.
    assert (ivar["b"][2] == 0).any()
    assert np.isnan(flux["b"][2][ivar["b"][2] == 0]).all()
    assert np.hypot(*(np.array(np.unravel_index(np.nanargmax(flux["b"][2]), (24, 24))) - 11.5)) < 1.5
    group = catalog.groups["image_sdss"]
    assert (group.bands, group.meta("ivar_source"), group.zero_point) == (tuple("ugriz"), "measured", "sdss")
    assert ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1, size=24).fingerprint == catalog.fingerprint


def test_shifted_inwards(tmp_path, sky, write_field):
    write_field(tmp_path / "f", RA, DEC, FLUX, noise=False, bands="r")
    catalog = ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1, edge="shift", bands=["r"])
    ivar, flux = stamps(catalog, "ivar"), stamps(catalog)
    assert (ivar["b"] > 0).all()
    place = np.array(np.unravel_index(flux["b"][0].argmax(), (32, 32)))
    assert abs(place - 15.5).max() > 5
    assert catalog.groups["image_sdss"].meta("provenance").endswith("edge: shift")


def test_a_stamp_larger_than_the_field(tmp_path, write_field):
    write_field(tmp_path / "f", RA, DEC, FLUX, noise=False, bands="r", shape=(40, 50))
    frame = read_frame(find_frames((tmp_path / "f").iterdir())[0][0])
    for edge in ("pad", "shift"):
        flux, ivar = cut_stamps(frame, np.array([24.5]), np.array([19.5]), 64, edge)
        assert (ivar > 0).sum() == 40 * 50
        assert np.isfinite(flux).sum() == 40 * 50


def test_places_off_the_frame(tmp_path, write_field):
    write_field(tmp_path / "f", RA, DEC, FLUX, noise=False, bands="r", shape=(40, 50))
    frame = read_frame(find_frames((tmp_path / "f").iterdir())[0][0])
    x, y = np.array([-5.0, np.nan, 1e300, 200.0]), np.array([20.0, 20.0, 20.0, -np.inf])
    seen = (cut_stamps(frame, x, y, 32)[1] > 0).sum(axis=(1, 2))
    assert seen.tolist() == [12 * 32, 0, 0, 0]
    assert not cut_stamps(frame, x, y, 32, "shift")[1].any()


def test_broken_frames_are_told(tmp_path, sky, write_field):
    made = write_field(tmp_path / "f", RA, DEC, FLUX, noise=False, bands="gr")
    path = made["g"][1]
    with fits.open(path) as hdus:
        hdus[1].data[:] = 0.0
        hdus.writeto(path, overwrite=True)
    catalog = ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1)
    assert [(line["file"], line["reason"].split(" is not")[0]) for line in catalog.quarantine().to_pylist()] == [
        (path.name, "the calibration of the file")
    ]
    ivar = stamps(catalog, "ivar")["a"]
    assert (ivar.reshape(5, -1).max(axis=1) > 0).tolist() == [False, False, True, False, False]


def test_interrupted_and_continued(tmp_path, sky, write_field, monkeypatch):
    write_field(tmp_path / "f", RA, DEC, FLUX)
    whole = ingest_frames([tmp_path / "f"], sky, tmp_path / "whole", workers=1)
    read = []

    def counting(stop):
        def reading(file):
            if len(read) == stop:
                read.append("cut")
                raise KeyboardInterrupt
            read.append(file.band)
            return read_frame(file)

        return reading

    for stop in (2, 4):
        monkeypatch.setattr(frame_stamps, "read_frame", counting(stop))
        with pytest.raises(KeyboardInterrupt):
            ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1)
    # Between two partitions.
    monkeypatch.setattr(frame_stamps, "read_frame", counting(None))
    columns = frame_stamps._columns

    def cut(stage, partition, *more):
        if partition.index == 1:
            raise KeyboardInterrupt
        return columns(stage, partition, *more)

    monkeypatch.setattr(frame_stamps, "_columns", cut)
    with pytest.raises(KeyboardInterrupt):
        ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1)
    assert len([one for one in read if one != "cut"]) == 5, "each frame is read once"
    monkeypatch.undo()
    catalog = ingest_frames([tmp_path / "f"], sky, tmp_path / "out", workers=1)

    def data(path):
        return {f.relative_to(path): f.read_bytes() for f in sorted((path / "dataset").rglob("*.parquet"))}

    assert data(catalog.path) == data(whole.path)
    assert not (catalog.path / "stamps").exists()


def test_refusals(tmp_path, sky, write_field, make_sky):
    write_field(tmp_path / "f", RA, DEC, FLUX, noise=False, bands="r")
    with pytest.raises(BadInputError, match="no positions"):
        ingest_frames([tmp_path / "f"], make_sky("u", rows=5, placed=False, image=False), tmp_path / "o")
    with pytest.raises(BadInputError, match="shows an object"):
        ingest_frames([tmp_path / "f"], make_sky("far", rows=5, image=False), tmp_path / "o", workers=1)
    with pytest.raises(ConfigurationError, match="none of pad, shift"):
        ingest_frames([tmp_path / "f"], sky, tmp_path / "o", edge="wrap")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "a.fits").write_text("")
    with pytest.raises(BadInputError, match="none of 1 files is a frame"):
        ingest_frames([tmp_path / "g"], sky, tmp_path / "o")
    with pytest.raises(ConfigurationError, match="no frame is of the bands u"):
        ingest_frames([tmp_path / "f"], sky, tmp_path / "o", bands=["u"])
