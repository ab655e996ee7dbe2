"""Raw frames as files: what is written is read, what can't be one is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.ccd.lamost_frames import LAMOST, Geometry, RawFrame, nominal_wavelength, read_frame, write_frame

TINY = Geometry(rows=20, columns=64, fibres=3)


def tiny(geometry: Geometry = TINY) -> RawFrame:
    data = np.arange(np.prod(geometry.shape), dtype=np.uint16).reshape(geometry.shape) + np.uint16(40000)
    return RawFrame(data, "blue", 7, "OBJ", "HD1 V3", 81431825, 1800.0, (1.25, 1.5), geometry, "20130914210500")


def test_the_chip_is_lamosts() -> None:
    assert LAMOST.shape == (4136, 32 + 4096 + 32)
    left, right = LAMOST.amplifiers
    assert (left.overscan, left.data) == (slice(0, 32), slice(32, 2080))
    assert (right.data, right.overscan) == (slice(2080, 4128), slice(4128, 4160))
    assert LAMOST.nominal_centres[0] > 24
    assert LAMOST.nominal_centres[-1] < 4096 - 24
    end = Geometry(overscan_at="end").amplifiers
    assert (end[0].data.start, end[0].overscan.start, end[1].overscan.stop) == (0, 4096, 4160)


def test_windows_of_the_paper() -> None:
    assert nominal_wavelength("blue", [1000, 3000]).tolist() == [4100.0, 5300.0]
    assert nominal_wavelength("red", [1500, 3500]).tolist() == [6590.0, 8120.0]
    assert (np.diff(nominal_wavelength("blue", np.arange(4136))) > 0.5).all()
    with pytest.raises(ConfigurationError, match="unknown arm"):
        nominal_wavelength("green", [0])


@pytest.mark.parametrize("place", ["sides", "end"])
def test_a_frame_comes_back_as_it_was_written(tmp_path, place) -> None:
    frame = tiny(replace(TINY, overscan_at=place))
    path = write_frame(tmp_path, frame)
    assert path.name == "ro-07b-20130914210500-HD1V3-81431825.fit"
    header = fits.getheader(path)
    assert (header["BITPIX"], header["BZERO"], header["OBS_TYPE"]) == (16, 32768, "OBJ")
    back = read_frame(path, TINY)
    assert np.array_equal(back.data, frame.data)
    assert back.data.dtype == np.uint16
    for name in ("arm", "spid", "kind", "planid", "lmjm", "exptime", "gain", "geometry", "start"):
        assert getattr(back, name) == getattr(frame, name), name
    assert back.lmjd == 56550
    assert write_frame(tmp_path / "again", frame).read_bytes() == path.read_bytes()


def test_a_bare_header_is_read_by_the_files_name(tmp_path) -> None:
    path = tmp_path / "rf-12r-20151103200000-10000-82496166.fit"
    fits.PrimaryHDU(tiny().data.astype(np.float32)).writeto(path)
    frame = read_frame(path, TINY)
    assert (frame.kind, frame.spid, frame.arm, frame.lmjm) == ("FLAT", 12, "red", 82496166)
    assert frame.data.dtype == np.float32


def test_what_is_no_frame_is_refused_in_one_sentence(tmp_path) -> None:
    good = write_frame(tmp_path, tiny())
    with pytest.raises(BadInputError, match="20 × 128 where a frame of 4136 × 4160"):
        read_frame(good)
    cut = tmp_path / "ro-07b-20130914210500-1-1.fit"
    cut.write_bytes(good.read_bytes()[:4000])
    with pytest.raises(BadInputError, match=r"truncated|can't read"):
        read_frame(cut, TINY)
    text = tmp_path / "notes.fit"
    text.write_text("no frame at all")
    with pytest.raises(BadInputError, match="as FITS"):
        read_frame(text, TINY)
    nameless = tmp_path / "image.fit"
    fits.PrimaryHDU(tiny().data).writeto(nameless)
    with pytest.raises(BadInputError, match="neither header nor name"):
        read_frame(nameless, TINY)
    negative = tmp_path / "ro-07b-20130914210500-1-2.fit"
    fits.PrimaryHDU(tiny().data.astype(np.int32) - 50000).writeto(negative)
    with pytest.raises(BadInputError, match=r"outside 0\.\.65535"):
        read_frame(negative, TINY)
    with fits.open(good, mode="update") as hdus:
        hdus[0].header["GAIN1"] = -1.0
    with pytest.raises(BadInputError, match="must be positive"):
        read_frame(good, TINY)


def test_a_geometry_that_can_not_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="columns must be even"):
        Geometry(columns=4095)
    with pytest.raises(ConfigurationError, match="don't fit"):
        Geometry(columns=100, fibres=10)
