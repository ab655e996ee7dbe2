"""Sources found in fields: places, fluxes, what point and extended sources look like, fields that overlap."""

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.detection import FieldDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.stamps.cameras import SDSS

N = 24
rng = np.random.default_rng(2)
# A loose grid, so that no two blend.
GRID = np.stack(np.meshgrid(np.arange(6), np.arange(4)), axis=-1).reshape(-1, 2)
RA = 150.0 + ((GRID[:, 0] - 2.5) * 40 + rng.uniform(-3, 3, N)) * 0.396 / 3600
DEC = 2.0 + ((GRID[:, 1] - 1.5) * 50 + rng.uniform(-3, 3, N)) * 0.396 / 3600
FLUX = np.outer(np.geomspace(15.0, 600.0, N), [0.3, 0.8, 1.0, 1.2, 1.5])


def found_in(folder, out, **options):
    catalog = ingest_files(FieldDoor(**options), [folder], out, workers=1)
    table = catalog.read()
    wanted = ("flux", "ivar", "psf_fwhm", "radius", "concentration", "psf_minus_model", "extinction")
    return catalog, table, {q: np.array(table[f"photometry_sdss_{q}"].to_pylist(), float) for q in wanted}


def match(table):
    ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
    apart = np.hypot((ra[:, None] - RA) * np.cos(np.radians(2.0)), dec[:, None] - DEC) * 3600
    return apart.argmin(axis=0), apart.min(axis=0)


@pytest.fixture(scope="module")
def stars(tmp_path_factory, write_field):
    folder = tmp_path_factory.mktemp("field")
    write_field(folder / "f", RA, DEC, FLUX, shape=(260, 260))
    return folder, *found_in(folder / "f", folder / "out")


def test_places_and_fluxes(stars):
    _, catalog, table, values = stars
    rows, apart = match(table)
    assert len(catalog) == N
    assert np.percentile(apart, 90) < 0.1
    assert (apart < 0.3).all()
    pull = (values["flux"][rows] - FLUX) * np.sqrt(values["ivar"][rows])
    assert abs(np.median(pull)) < 0.5
    bright = FLUX[:, 2] > 50
    assert np.abs(values["flux"][rows][bright] / FLUX[bright] - 1)[:, 1:4].max() < 0.06
    assert sorted(set(table["object_id"].to_pylist()))[0].startswith("752-1-22-0")


def test_they_are_points(stars):
    _, _, table, values = stars
    rows, _ = match(table)
    bright = rows[FLUX[:, 2] > 50]
    assert np.abs(values["psf_minus_model"][bright, 2]).max() < 0.1
    assert (values["radius"][bright, 2] < 0.3).all()
    assert np.isnan(values["extinction"]).all()
    assert np.allclose(values["psf_fwhm"], 1.3 * SDSS.fwhm_ratio)
    assert (table["photometry_sdss_psf_probability"].to_numpy()[bright] > 0.5).all()
    assert np.isfinite(values["concentration"][bright, 2]).all()


def test_stamps_lie_beside(stars):
    _, catalog, table, _ = stars
    assert catalog.groups["image_sdss"].shape == (5, 32, 32)
    stamps = np.array(table["image_sdss_flux"].to_pylist()).reshape(-1, 5, 32, 32)
    rows, _ = match(table)
    stamp = stamps[rows[-1], 2]
    place = np.array(np.unravel_index(stamp.argmax(), (32, 32)))
    assert np.abs(place - 15.5).max() <= 1.5
    assert stamp[4:28, 4:28].sum() == pytest.approx(FLUX[-1, 2], rel=0.1)


def test_in_the_sum_of_all_bands_there_are_as_many(tmp_path, stars):
    folder, *_ = stars
    catalog, table, _ = found_in(folder / "f", tmp_path / "sum", detection="sum")
    _, apart = match(table)
    assert (apart < 0.5).all()
    assert len(catalog) <= N + 2


def test_without_seeing_the_field_tells_it(tmp_path, write_field):
    write_field(tmp_path / "f", RA, DEC, FLUX, shape=(260, 260), seeing=False, bands="gri")
    catalog, table, values = found_in(tmp_path / "f", tmp_path / "out")
    assert match(table)[1].max() < 0.5
    assert np.nanmedian(values["psf_fwhm"][:, 2]) == pytest.approx(1.3 * SDSS.fwhm_ratio, rel=0.12)
    assert np.isnan(values["psf_fwhm"][:, 0]).all()
    # Bands without a frame are not observed.
    assert np.isnan(values["flux"][:, 0]).all()
    assert (values["ivar"][:, [0, 4]] == 0).all()
    assert len(catalog) >= N


def test_an_extended_source(tmp_path, write_field):
    # A cross of close stars is not a point.
    step = 2.2 * 0.396 / 3600
    ra = [150.0, 150.0 + step, 150.0 - step, 150.0, 150.0]
    dec = [2.0, 2.0, 2.0, 2.0 + step, 2.0 - step]
    write_field(tmp_path / "f", ra, dec, np.full((5, 5), 60.0), shape=(120, 120))
    *_, values = found_in(tmp_path / "f", tmp_path / "out")
    row = int(np.argmax(np.nan_to_num(values["flux"][:, 2])))
    assert values["psf_minus_model"][row, 2] > 0.3
    assert values["radius"][row, 2] > 0.7


def test_of_two_fields_that_overlap_each_source_comes_once(tmp_path, write_field):
    door = FieldDoor()
    for number in (22, 23):
        write_field(tmp_path, [], [], np.zeros((0, 5)), field=(752, 1, number), noise=False, bands="r", shape=(40, 40))
    parts = door.plan(sorted(tmp_path.iterdir())).parts
    assert [part.layout for part in parts] == ["0:1425", "64:1489"]


def test_refusals(tmp_path, write_field):
    write_field(tmp_path / "f", [], [], np.zeros((0, 5)), bands="g", noise=False)
    files = sorted((tmp_path / "f").iterdir())
    with pytest.raises(BadInputError, match="frame of SDSS in r"):
        FieldDoor().plan(files)
    with pytest.raises(ConfigurationError, match="not in 'y'"):
        FieldDoor(detection="y").plan(files)
    with pytest.raises(ConfigurationError, match="positive"):
        FieldDoor(threshold=0).plan(files)
    write_field(tmp_path / "f", [], [], np.zeros((0, 5)), bands="r", field=(752, 1, 30), noise=False)
    plan = FieldDoor().plan(sorted((tmp_path / "f").iterdir()))
    assert plan.complaints == (("frame-g-000752-1-0022.fits", "field 752-1-22 has no frame in r"),)
