"""An object in several fields is cut from the most central of those with the most bands."""

import numpy as np

from asterism.surveys.stamps.frame_choice import choose_frames
from asterism.surveys.stamps.frame_files import find_frames

RA, DEC = np.array([150.0, 150.0, 150.0, 151.0]), np.array([2.0, 2.006, 2.012, 2.0])


def jobs_of(folder, ra=RA, dec=DEC):
    frames, _ = find_frames(folder.rglob("*.fits"))
    told, seen = [], []
    jobs, scale = choose_frames(
        frames, ra, dec, lambda file, reason: told.append((file.path.name, reason)), seen.append
    )
    assert seen == list(range(1, len(frames) + 1))
    return {(job.file.field, job.file.band): job.rows.tolist() for job in jobs}, scale, told


def test_the_most_central(tmp_path, write_field):
    empty = [], [], np.zeros((0, 5))
    # Columns run north: 240 of them are 0.0264 deg; the fields lie 0.012 deg apart.
    write_field(tmp_path, *empty, noise=False, bands="gr", field=(752, 1, 22), centre=(150.0, 2.0))
    write_field(tmp_path, *empty, noise=False, bands="gr", field=(752, 2, 22), centre=(150.0, 2.012))
    jobs, scale, told = jobs_of(tmp_path)
    assert jobs[("752-1-22", "r")] == jobs[("752-1-22", "g")]
    assert jobs["752-1-22", "r"] == [0] or jobs["752-1-22", "r"] == [0, 1]
    assert jobs["752-2-22", "r"][-1] == 2
    assert not told
    assert abs(scale - 0.396) < 1e-3
    # One more band counts more than the middle.
    write_field(tmp_path, *empty, noise=False, bands="gri", field=(752, 1, 22), centre=(150.0, 2.0))
    jobs, _, _ = jobs_of(tmp_path)
    assert jobs["752-1-22", "i"] == [0, 1, 2]
    assert ("752-2-22", "r") not in jobs


def test_nothing_there_and_damage(tmp_path, write_field):
    write_field(tmp_path, [], [], np.zeros((0, 5)), noise=False, bands="r")
    assert jobs_of(tmp_path, np.array([10.0]), np.array([-5.0]))[0] == {}
    assert jobs_of(tmp_path, np.array([]), np.array([]))[0] == {}
    # The other side of the sky, where a tangential projection has no place.
    assert jobs_of(tmp_path, np.array([330.0]), np.array([-2.0]))[0] == {}
    (tmp_path / "frame-g-000752-1-0022.fits").write_bytes(b"SIMPLE  =   T")
    jobs, _, told = jobs_of(tmp_path)
    assert ("752-1-22", "r") in jobs
    assert told[0][0] == "frame-g-000752-1-0022.fits"
