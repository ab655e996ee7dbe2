"""Colour pictures as their own kind of image: values as in the file, names as pair keys, damage."""

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from asterism.catalogs.schema import identity_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import ingest_files
from asterism.surveys.stamps.pictures import PictureDoor, attach_pictures, read_picture


def picture(path, size=(24, 20), mode="RGB", seed=0):
    path.parent.mkdir(exist_ok=True)
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **({"quality": 95} if path.suffix != ".png" else {}))
    return pixels


def test_a_catalog_of_pictures(tmp_path):
    first = picture(tmp_path / "p" / "1237650795683184714.png")
    picture(tmp_path / "p" / "b.jpeg", seed=1)
    (tmp_path / "p" / "c.jpg").write_bytes((tmp_path / "p" / "b.jpeg").read_bytes()[:200])
    picture(tmp_path / "p" / "d.jpg", size=(30, 20))
    catalog = ingest_files(PictureDoor(pixel_scale=0.2), [tmp_path / "p"], tmp_path / "out", workers=1)
    assert not catalog.placed
    group = catalog.groups["image_sdssrgb"]
    assert (group.shape, group.bands, group.pixel_scale) == ((3, 20, 24), ("i", "r", "g"), 0.2)
    assert (group.meta("stretch"), group.meta("unit"), group.meta("ivar_source")) == ("lupton8bit", None, "rounding")
    table = catalog.read()
    flux = np.array(table["image_sdssrgb_flux"].to_pylist()).reshape(-1, 3, 20, 24)
    row = table["object_id"].to_pylist().index("1237650795683184714")
    # A PNG keeps its values: rows from the top, red first.
    assert np.array_equal(flux[row], first.transpose(2, 0, 1))
    told = {line["file"]: line["reason"] for line in catalog.quarantine().to_pylist()}
    assert "can't read the file as a picture" in told["c.jpg"]
    assert "give --size" in told["d.jpg"]
    assert (
        ingest_files(PictureDoor(), [tmp_path / "p"], tmp_path / "o2", workers=1).groups["image_sdssrgb"].pixel_scale
        is None
    )


def test_cut_about_the_middle_and_never_scaled(tmp_path):
    pixels = picture(tmp_path / "p" / "a.png")
    picture(tmp_path / "p" / "small.png", size=(10, 10))
    catalog = ingest_files(PictureDoor(size=16), [tmp_path / "p"], tmp_path / "out", workers=1)
    flux = np.array(catalog.read()["image_sdssrgb_flux"][0].as_py()).reshape(3, 16, 16)
    assert np.array_equal(flux, pixels[2:18, 4:20].transpose(2, 0, 1))
    assert "fewer than --size" in catalog.quarantine()["reason"][0].as_py()


def test_attached_by_object_and_by_source(tmp_path):
    fields = [f for f in identity_fields(True) if f.name in ("object_id", "source_id", "ra", "dec")]
    with CatalogWriter(tmp_path / "sky", fields, placed=True, made_by={}, inputs={}, rows_per_partition=2) as writer:
        rows = {
            "object_id": ["s1", "s2", "s3", "s4"],
            "source_id": ["17", "17", "18", "19"],
            "ra": [1.0, 1.0, 2.0, 3.0],
            "dec": [0.0] * 4,
        }
        writer.add(pa.table(rows))
    first, third = picture(tmp_path / "p" / "17.png"), picture(tmp_path / "p" / "s3.png", seed=3)
    picture(tmp_path / "p" / "nobody.png", seed=4)
    picture(tmp_path / "p" / "17.jpg", seed=5)
    steps = []
    made = attach_pictures([tmp_path / "p"], tmp_path / "sky", tmp_path / "out", progress=lambda *a: steps.append(a))
    table = {
        row["object_id"]: row["image_sdssrgb_flux"]
        for row in made.read(["object_id", "image_sdssrgb_flux"]).to_pylist()
    }
    assert table["s4"] is None
    # 17.jpg comes before 17.png: the first stands.
    assert np.array_equal(np.array(table["s3"]).reshape(3, 20, 24), third.transpose(2, 0, 1))
    assert table["s1"] == table["s2"] != first.transpose(2, 0, 1).ravel().tolist()
    reasons = {line["file"]: line["reason"] for line in made.quarantine().to_pylist()}
    assert "has a picture already, 17.jpg" in reasons["17.png"]
    assert "no object_id and no source_id" in reasons["nobody.png"]
    assert steps[-1] == (3, 3)
    (tmp_path / "q").mkdir()
    picture(tmp_path / "q" / "nobody.png")
    with pytest.raises(BadInputError, match="is called as an object_id or source_id"):
        attach_pictures([tmp_path / "q"], tmp_path / "sky", tmp_path / "o2")


def test_grey_pictures_and_damage(tmp_path):
    picture(tmp_path / "g.png", mode="L")
    grey = read_picture(tmp_path / "g.png")
    assert np.array_equal(grey[0], grey[2])
    for content in (b"", b"\xff\xd8\xff\xe0", b"GIF89a" + b"\0" * 40):
        (tmp_path / "x.jpg").write_bytes(content)
        with pytest.raises(BadInputError, match=r"can't read .*x\.jpg"):
            read_picture(tmp_path / "x.jpg")
    Image.new("L", (5000, 3)).save(tmp_path / "wide.png")
    with pytest.raises(BadInputError, match="at most 4096"):
        read_picture(tmp_path / "wide.png")
    with pytest.raises(BadInputError, match="none of 1 pictures"):
        PictureDoor().plan([tmp_path / "x.jpg"])
    with pytest.raises(ConfigurationError, match="positive"):
        PictureDoor(size=0).plan([tmp_path / "g.png"])
