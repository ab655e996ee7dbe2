"""Files of a LAMOST survey: spectra, raw frames and star catalogue, of the same fibres."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.catalogs.sources import unit_vectors
from asterism.surveys.ccd.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.ccd.lamost_frames import Geometry, read_frame
from asterism.surveys.ccd.lamost_stars import fibres_of, read_star_catalogue
from asterism.surveys.ccd.lamost_strips import strip_table
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.lamost import LamostDoor

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


def matched(table, back):
    """Rows of the catalog for those that were read back."""
    rows = np.argmax(unit_vectors(back["ra"], back["dec"]) @ unit_vectors(table["ra"], table["dec"]).T, axis=1)
    assert sorted(rows.tolist()) == list(range(len(table)))
    return table.take(rows)


def test_spectra_read_back_are_the_catalogs(lamost_survey, values, tmp_path):
    table, files = lamost_survey
    made = ingest_files(LamostDoor(), sorted(files.rglob("spec-*.fits")), tmp_path / "c", workers=1)
    assert len(made) == len(table)
    assert not len(made.quarantine())
    back = made.read()
    truth = matched(table, back)
    for name in ("flux", "ivar"):
        column = f"spectrum_lamost_{name}"
        assert np.array_equal(values(back, column), values(truth, column), equal_nan=True)
    for name in ("class", "label_warning", "survey", "release", "label_source"):
        assert back[name].to_pylist() == truth[name].to_pylist()
    for name in ("redshift", "redshift_err", "ra", "dec"):
        assert np.allclose(back[name].to_numpy(), truth[name].to_numpy(), rtol=1e-6, atol=1e-9)


def test_raw_frames_read_back_are_the_catalogs_strips(lamost_survey, values, tmp_path):
    table, files = lamost_survey
    made = ingest_files(LamostDoor(GEOMETRY), [files], tmp_path / "c", workers=1)
    told = made.quarantine()["reason"].to_pylist()
    assert len(told) == len(table)
    assert all("is no raw frame" in reason for reason in told)
    back = made.read()
    truth = matched(table, back)
    for name in ("blue", "blue_ivar", "blue_wavelength", "red", "red_ivar", "red_wavelength"):
        column = f"spectrum2d_lamost_{name}"
        assert np.array_equal(values(back, column), values(truth, column), equal_nan=True)
    assert back["class"].to_pylist() == truth["class"].to_pylist()
    assert set(back["survey"].to_pylist()) == {"simulated"}
    # The spectra that the frames give are the true ones but for the instrument's response, which all fibres share.
    wave = grid_named("lamost").wavelength
    found, ivar, true = (
        values(one, f"spectrum_lamost_{n}") for one, n in ((back, "flux"), (back, "ivar"), (truth, "flux"))
    )
    for low, high in ((4600.0, 4900.0), (6800.0, 7200.0)):
        window = (wave > low) & (wave < high)
        ratios = [
            np.median(f[good]) / np.median(t[good])
            for f, w, t in zip(found, ivar, true, strict=True)
            if (good := window & (w > 0) & np.isfinite(t)).sum() > 100 and np.median(f[good] * np.sqrt(w[good])) > 5.0
        ]
        assert len(ratios) > 3
        assert np.std(ratios) / np.mean(ratios) < 0.1
