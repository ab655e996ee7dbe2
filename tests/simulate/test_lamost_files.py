"""Files of a LAMOST survey: spectra, raw frames and star catalogue, of the same fibres."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.lamost_frames import Geometry, read_frame
from asterism.surveys.lamost_stars import fibres_of, read_star_catalogue
from asterism.surveys.lamost_strips import strip_table
from asterism.surveys.spectral_grids import grid_named

GEOMETRY = Geometry(rows=1400, columns=344, fibres=20, first_row=1450)  # as the fixture has it


def test_spectra_are_the_catalogs(lamost_survey, values):
    table, files = lamost_survey
    names, grid = table["object_id"].to_pylist(), grid_named("lamost")
    flux, ivar = (values(table, f"spectrum_lamost_{name}") for name in ("flux", "ivar"))
    found = list((files / "LAMOST").rglob("spec-*.fits"))
    assert len(found) == len(table)
    for file in found:
        with fits.open(file) as hdus:
            hdus.verify("exception")
            head, data = hdus[0].header, hdus[0].data
        row = names.index(head["SIMID"])
        position = head["COEFF0"] + head["COEFF1"] * np.arange(data.shape[1])
        on_grid = grid.place(position, data[0], data[1])
        assert np.array_equal(on_grid[0], flux[row], equal_nan=True)
        assert np.array_equal(on_grid[1], ivar[row])
        assert (head["CLASS"], head["LMJD"]) == (table["class"][row].as_py(), table["mjd"][row].as_py())
        assert head["Z"] == pytest.approx(table["redshift"][row].as_py())
        assert head["RA"] == pytest.approx(table["ra"][row].as_py())
        assert head["ORIGIN"] == "Asterism"
        assert head["SNRR"] > 0


def test_raw_frames_and_stars_give_the_catalogs_strips(lamost_survey, values):
    table, files = lamost_survey
    (catalogue,) = files.rglob("stars-*.fits")
    stars = read_star_catalogue(catalogue)
    frames = {}
    for path in catalogue.parent.glob("r*.fit"):
        frame = read_frame(path, GEOMETRY)
        frames[frame.arm, frame.kind] = frame
    assert len(frames) == 6
    reduced = {
        arm: reduce_frame(frames[arm, "OBJ"], calibrate_camera(frames[arm, "FLAT"], frames[arm, "ARC"]))
        for arm in ("blue", "red")
    }
    frame = frames["red", "OBJ"]
    rows = strip_table(
        {arm: r.strips() for arm, r in reduced.items()},
        stars,
        frame.spid,
        planid=frame.planid,
        lmjm=frame.lmjm,
        fibres=20,
    )
    order = [int(np.argmin(np.abs(table["ra"].to_numpy() - ra))) for ra in rows["ra"].to_pylist()]
    assert sorted(order) == list(range(len(table)))
    for name in ("blue", "red", "red_ivar", "red_wavelength"):
        given = values(table, f"spectrum2d_lamost_{name}")[order]
        assert np.array_equal(values(rows, f"spectrum2d_lamost_{name}"), given, equal_nan=True)
    assert rows["class"].to_pylist() == [table["class"][n].as_py() for n in order]
    fibres = fibres_of(stars, frame.spid, 20)
    assert (fibres >= 0).all()
    assert sum(kind == "Sky" for kind in stars["fibertype"]) == 3
