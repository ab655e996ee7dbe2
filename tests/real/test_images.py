"""Real SDSS stamps: pixels in nanomaggies with an NMGY keyword that is no factor, and noise in unnamed extensions."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.images import ingest_images
from asterism.surveys.table import ingest_table

STAMPS = (Path(__file__).parents[2] / ".." / "shared" / "data" / "spectra" / "sdss" / "hips").resolve()
pytestmark = pytest.mark.skipif(not STAMPS.is_dir(), reason="the real stamps are not beside the project")


@pytest.fixture
def stars(tmp_path):
    with (STAMPS / "pairs.csv").open() as file:
        pairs = list(csv.DictReader(file))
    # Positions of spectrum and stamp differ in rounding; one has the wrong sign of declination in its name.
    rows = []
    for pair in pairs:
        header = fits.getheader(STAMPS / f"stamp-r-{pair['stamp_key']}.fits")
        rows.append(f"star{len(rows)},{header['CRVAL1']},{header['CRVAL2']},18,0.05")
    (tmp_path / "stars.csv").write_text("\n".join(["name,ra,dec,r,e", *rows]) + "\n")
    (tmp_path / "map.toml").write_text(
        'survey = "sdss"\n[identity]\nobject_id = "name"\nra = "ra"\ndec = "dec"\n[[photometry]]\nbands = ["r"]\n'
        'magnitude = "r"\nerror = "e"\nsystem = "asinh"\ndereddened = false\n'
    )
    return ingest_table([tmp_path / "stars.csv"], tmp_path / "stars", map_file=tmp_path / "map.toml"), pairs


def test_stamps_by_position(tmp_path, stars):
    catalog, pairs = stars
    files = sorted(STAMPS.glob("stamp-*.fits"))
    with pytest.raises(BadInputError, match="there is no BUNIT"):
        ingest_images(files, catalog, tmp_path / "refused")
    made = ingest_images(files, catalog, tmp_path / "out", unit="nanomaggy", ivar_hdu=1)
    group = made.groups["image_sdss"]
    assert (group.shape, group.pixel_scale) == ((5, 51, 51), pytest.approx(0.396))
    assert group.meta("ivar_source") == "measured"
    table = made.read()
    assert table["image_sdss_flux"].null_count == 0
    flux, ivar = (np.array(table[f"image_sdss_{q}"].to_pylist()).reshape(-1, 5, 51, 51) for q in ("flux", "ivar"))
    names = table["object_id"].to_pylist()
    for k, pair in enumerate(pairs[:5]):
        for b, band in enumerate("ugriz"):
            with fits.open(STAMPS / f"stamp-{band}-{pair['stamp_key']}.fits") as hdus:
                row = names.index(f"star{k}")
                good = hdus[1].data > 0
                assert good.mean() > 0.5
                np.testing.assert_allclose(flux[row, b][good], hdus[0].data[good], rtol=1e-6)
                np.testing.assert_allclose(ivar[row, b][good], hdus[1].data[good], rtol=1e-6)
                assert np.isnan(flux[row, b][~good]).all()
                assert (ivar[row, b][~good] == 0).all()
    # Second images of one object and band (another run) are told, not stacked.
    told = pq.read_table(made.path / "quarantine.parquet")["reason"].to_pylist()
    assert all("image already" in reason for reason in told)


def test_the_sky_gives_nearly_the_noise_that_the_survey_gives(tmp_path, stars):
    catalog, _ = stars
    files = sorted(STAMPS.glob("stamp-r-*.fits"))
    given = ingest_images(files, catalog, tmp_path / "a", unit="nanomaggy", ivar_hdu=1)
    sky = ingest_images(files, catalog, tmp_path / "b", unit="nanomaggy")
    assert sky.groups["image_sdss"].meta("ivar_source") == "sky"
    both = [np.array(c.read()["image_sdss_ivar"].to_pylist()).reshape(-1, 5, 51, 51)[:, 2] for c in (given, sky)]
    ratio = np.median(both[1], axis=(1, 2)) / np.percentile(both[0], 90, axis=(1, 2))
    assert 0.5 < np.median(ratio) < 1.5
