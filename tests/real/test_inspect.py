"""Lines that `inspect` marks fall on the features of real spectra."""

from pathlib import Path

import numpy as np
import pytest

from asterism.catalogs.objects import grid_wavelength
from asterism.explore.spectral_lines import lines_of
from asterism.surveys.desi import DesiDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.lamost import LamostDoor
from asterism.surveys.sdss import SdssDoor

SPECTRA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "spectra").resolve()
pytestmark = pytest.mark.skipif(not SPECTRA.is_dir(), reason="the real spectra are not beside the project")
#: Survey, folder, object, line, whether it is seen in emission, and within how many Å its middle lies.
MARKS = [
    ("sdss", "sdss/full_spec", "sdss-0266-51602-0001", "Hα", True, 4.0),
    ("sdss", "sdss/full_spec", "sdss-0332-52367-0639", "[O III]", True, 6.0),
    ("sdss", "sdss/full_spec", "sdss-3128-54776-0008", "Hα", False, 3.0),
    ("desi", "desi/student_andes", "35185923943567276", "Na", False, 12.0),
    ("desi", "desi/student_andes", "35185923947758947", "C III]", True, 60.0),
    ("lamost", "lamost/lamost_sbc", "58575-HD103621N361936B01_sp03-088", "Hα", True, 8.0),
    ("lamost", "lamost/lamost_sbc", "58575-HD103621N361936B01_sp03-188", "Hα", False, 3.0),
]
DOORS = {"sdss": SdssDoor(), "desi": DesiDoor(), "lamost": LamostDoor()}


@pytest.mark.parametrize(("survey", "folder", "name", "line", "bright", "within"), MARKS)
def test_a_mark_falls_on_its_line(tmp_path, survey, folder, name, line, bright, within):
    catalog = ingest_files(DOORS[survey], [SPECTRA / folder], tmp_path / "c", workers=1)
    columns = ["object_id", "class", "redshift", f"spectrum_{survey}_flux", f"spectrum_{survey}_ivar"]
    (row,) = [row for row in catalog.read(columns).to_pylist() if name in row["object_id"]]
    wavelength = grid_wavelength(catalog.groups[f"spectrum_{survey}"].meta("grid"))
    flux, ivar = (np.array(row[f"spectrum_{survey}_{q}"], float) for q in ("flux", "ivar"))
    place = [at for what, at in lines_of(row["class"], row["redshift"]) if what == line][-1]
    near = (np.abs(wavelength - place) < 4 * within) & (ivar > 0)
    beside = (np.abs(wavelength - place) < 12 * within) & (ivar > 0) & ~near
    excess = (flux[near] - np.median(flux[beside])) * (1 if bright else -1)
    # The middle of what stands out, by its light: a peak alone would be noise's.
    strong = np.clip(excess - 0.4 * excess.max(), 0.0, None)
    assert excess.max() > 3 * np.median(ivar[near]) ** -0.5
    assert abs((strong * wavelength[near]).sum() / strong.sum() - place) < within
