"""Synthetic maps: a field that is linear in the coordinates of the sphere shows any mistake of pole, sign or order."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactic, SkyCoord
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.table import ingest_table
from asterism.surveys.tables.dust import DustMap

SIZE = 512


def truth(longitude, latitude):
    """E(B-V) that differs between the poles, between l = 0 and 180, and between l = 90 and 270 (rad)."""
    x, y, z = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)
    return 1.0 + 0.3 * x + 0.2 * y + 0.4 * z


def write_lambert(directory, size=SIZE):
    """Two polar maps, made with the inverse of the projection by way of astropy's own ZEA, not of ours."""
    from astropy.wcs import WCS

    for side, name in ((1, "ngp"), (-1, "sgp")):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["GLON-ZEA", "GLAT-ZEA"]
        wcs.wcs.crval = [0.0, 90.0 * side]
        wcs.wcs.lonpole = 180.0
        scale = size / 2
        wcs.wcs.crpix = [size / 2 + 0.5, size / 2 + 0.5]
        # ZEA's radius is (180/pi) sqrt(2 (1 - sin b)) degrees, SFD's LAM_SCAL sqrt(1 - n sin b) pixels. The WCS header
        # of SFD's files has l = 0 along +x; in the north l grows clockwise in pixels, in the south anticlockwise.
        step = np.degrees(np.sqrt(2.0)) / scale
        wcs.wcs.pc = [[0.0, -1.0], [-1.0, 0.0]] if side == 1 else [[0.0, 1.0], [1.0, 0.0]]
        wcs.wcs.cdelt = [step, step]
        y, x = np.mgrid[:size, :size]
        l, b = (np.radians(v) for v in wcs.all_pix2world(x.ravel(), y.ravel(), 0))  # noqa: E741
        values = np.nan_to_num(truth(l, b)).reshape(size, size)
        header = fits.Header({"LAM_NSGP": side, "LAM_SCAL": scale, "CRPIX1": size / 2 + 0.5, "CRPIX2": size / 2 + 0.5})
        fits.PrimaryHDU(values.astype(np.float32), header).writeto(directory / f"SFD_dust_512_{name}.fits")
    return directory / "SFD_dust_512_ngp.fits"


def write_healpix(file, ordering="RING", frame="G", nside=64, blank=()):
    from cdshealpix import nested, ring

    number = np.arange(12 * nside**2, dtype=np.uint64)
    if ordering == "RING":
        lon, lat = ring.healpix_to_lonlat(number, nside)
    else:
        lon, lat = nested.healpix_to_lonlat(number, int(np.log2(nside)))
    if frame == "C":
        galactic = SkyCoord(lon, lat, frame="icrs").galactic
        lon, lat = galactic.l, galactic.b
    values = truth(lon.rad, lat.rad)
    values[list(blank)] = -1.6375e30
    table = fits.BinTableHDU.from_columns([fits.Column("EBV", "1024E", array=values.reshape(-1, 1024))])
    table.header.update({"PIXTYPE": "HEALPIX", "ORDERING": ordering, "COORDSYS": frame, "NSIDE": nside})
    table.writeto(file)
    return file


def positions():
    """Both poles, the equator at l = 0, 90, 180, 270, and places everywhere."""
    rng = np.random.default_rng(0)
    l = np.concatenate([[0, 77, 0, 90, 180, 270], rng.uniform(0, 360, 300)])  # noqa: E741
    b = np.concatenate([[90, -90, 0.0, 0.0, 0.0, 0.0], np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))])
    sky = SkyCoord(l * u.deg, b * u.deg, frame=Galactic).icrs
    return np.radians(l), np.radians(b), sky.ra.deg, sky.dec.deg


def test_sfd_maps_by_file_and_directory(tmp_path):
    north = write_lambert(tmp_path)
    l, b, ra, dec = positions()  # noqa: E741
    for path in (north, tmp_path / "SFD_dust_512_sgp.fits", tmp_path):
        np.testing.assert_allclose(DustMap.open(path).reddening(ra, dec), truth(l, b), atol=0.005)
    assert len(DustMap.identity(north)) == len(DustMap.identity(tmp_path)) == 2


def test_the_projection_is_that_of_the_sfd_files():
    """Appendix C: in the north l = 0 lies along +x and l = 90 along -y; in the south l = 90 along +y."""
    from asterism.surveys.tables.dust import LambertMap

    class Bare(LambertMap):
        def __init__(self, side):
            x = np.broadcast_to(np.arange(101.0), (101, 101))
            self._images = {side: (x + 1000 * x.T, 50.0, 50.0, 50.0)}

    for side, y in ((1, 0.0), (-1, 100.0)):
        tiny = side * 1e-12
        found = Bare(side).at_galactic(np.radians([0.0, 90.0, 180.0]), np.array([tiny, tiny, side * np.pi / 2]))
        np.testing.assert_allclose(found, [100 + 50_000, 50 + 1000 * y, 50 + 50_000], atol=0.01)


@pytest.mark.parametrize(("ordering", "frame"), [("RING", "G"), ("NESTED", "G"), ("NESTED", "C"), ("RING", "C")])
def test_healpix_maps(tmp_path, ordering, frame):
    file = write_healpix(tmp_path / "map.fits", ordering, frame)
    l, b, ra, dec = positions()  # noqa: E741
    np.testing.assert_allclose(DustMap.open(file).reddening(ra, dec), truth(l, b), atol=0.01)
    assert len(DustMap.identity(file)) == 1


def test_what_is_unknown_is_nan(tmp_path):
    dust = DustMap.open(write_healpix(tmp_path / "map.fits", blank=range(40)))
    _, _, ra, dec = positions()
    found = dust.reddening(np.array([ra[0], np.nan, ra[1]]), np.array([dec[0], 0.0, dec[1]]))
    assert np.isnan(found).tolist() == [True, True, False]


def test_files_that_are_no_dust_maps(tmp_path):
    with pytest.raises(BadInputError, match="does not exist"):
        DustMap.open(tmp_path / "nothing.fits")
    (tmp_path / "text.fits").write_text("hello")
    with pytest.raises(BadInputError, match="can't read the dust map"):
        DustMap.open(tmp_path / "text.fits")
    fits.PrimaryHDU(np.ones((4, 4))).writeto(tmp_path / "image.fits")
    with pytest.raises(BadInputError, match="no dust map that is known"):
        DustMap.open(tmp_path / "image.fits")
    with pytest.raises(BadInputError, match="must hold one"):
        DustMap.open(tmp_path)
    north = write_lambert(tmp_path, 32)
    whole = north.read_bytes()
    north.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="can't read the dust map"):
        DustMap.open(north)
    north.write_bytes((tmp_path / "SFD_dust_512_sgp.fits").read_bytes())
    with pytest.raises(BadInputError, match="of one hemisphere"):
        DustMap.open(north)
    (tmp_path / "SFD_dust_512_sgp.fits").unlink()
    with pytest.raises(BadInputError, match="is not beside it"):
        DustMap.open(north)
    table = fits.BinTableHDU.from_columns([fits.Column("EBV", "E", array=np.ones(100))])
    table.header["PIXTYPE"] = "HEALPIX"
    table.writeto(tmp_path / "hp.fits")
    with pytest.raises(BadInputError, match="no whole HEALPix map"):
        DustMap.open(tmp_path / "hp.fits")
    for key, value, sentence in (
        ("ORDERING", "?", "ORDERING"),
        ("COORDSYS", "E", "COORDSYS"),
        ("INDXSCHM", "EXPLICIT", "implicit"),
    ):
        file = write_healpix(tmp_path / f"{key}.fits")
        with fits.open(file, mode="update") as hdus:
            hdus[1].header[key] = value
        with pytest.raises(BadInputError, match=sentence):
            DustMap.open(file)


def test_a_dust_map_undoes_dereddening_and_fills_the_extinction(tmp_path):
    file = write_healpix(tmp_path / "map.fits")
    _, _, ra, dec = positions()
    lines = [f"{r},{d},13,12" for r, d in zip(ra, dec, strict=True)]
    (tmp_path / "t.csv").write_text("ra,dec,g,r\n" + "\n".join(lines[6:]) + "\n")
    (tmp_path / "m.toml").write_text(
        'survey = "sdss"\n[identity]\nra = "ra"\ndec = "dec"\n[[photometry]]\nbands = ["g", "r"]\n'
        'magnitude = "{band}"\nsystem = "asinh"\ndereddened = true\n'
    )
    plain = ingest_table([tmp_path / "t.csv"], tmp_path / "plain", map_file=tmp_path / "m.toml")
    dusty = ingest_table([tmp_path / "t.csv"], tmp_path / "dusty", map_file=tmp_path / "m.toml", dust=file)
    assert plain.groups["photometry_sdss"].dereddened is True
    assert dusty.groups["photometry_sdss"].dereddened is False
    one, two = plain.read(), dusty.read()
    assert one["object_id"].to_pylist() == two["object_id"].to_pylist()
    extinction = np.array(two["photometry_sdss_extinction"].to_pylist())
    assert np.ptp(extinction[:, 0]) > 1
    np.testing.assert_allclose(extinction[:, 0] / extinction[:, 1], 3.303 / 2.285, rtol=1e-5)
    ratio = np.array(two["photometry_sdss_flux"].to_pylist()) / np.array(one["photometry_sdss_flux"].to_pylist())
    np.testing.assert_allclose(ratio, 10 ** (-0.4 * extinction), rtol=1e-3)
