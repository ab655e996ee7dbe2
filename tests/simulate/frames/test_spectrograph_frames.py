"""A spectrograph's frames and star catalogue, as files and as truth."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.simulate.frames.frame_defaults import PLANS
from asterism.simulate.frames.spectrograph_frames import observe_spectrograph, star_catalogue, write_observation
from asterism.surveys.ccd.lamost_frames import Geometry, read_frame
from asterism.surveys.ccd.lamost_stars import fibres_of, read_star_catalogue

GEOMETRY = Geometry(rows=120, columns=160, fibres=4, first_row=1450)
WAVE = np.arange(4250.0, 6900.0, 0.5)
LIGHT = np.full((4, len(WAVE)), 20.0)


def stars(plan, n: int = 4):
    kinds = ["Obj", "Sky", "Dead", "Obj"][:n]
    names = ["STAR", "", "STAR", "QSO"][:n]
    return star_catalogue(plan, 2, np.arange(n) + 10.0, np.zeros(n), kinds, names, np.full(n, 17.0), np.zeros(n))


def test_frames_of_both_arms_and_the_catalogue_are_written_and_read(tmp_path) -> None:
    plan = PLANS["A"]
    made = observe_spectrograph(WAVE, LIGHT, plan, 2, stars=stars(plan), geometry=GEOMETRY)
    paths = write_observation(tmp_path, made)
    assert len(paths) == 7
    for path in paths[:-1]:
        frame = read_frame(path, GEOMETRY)
        assert np.array_equal(frame.data, made.frames[frame.arm, frame.kind].data)
    back = read_star_catalogue(paths[-1])
    assert fibres_of(back, 2, 4).tolist() == [0, 1, 2, 3]
    assert back["planid"][0] == plan.name


def test_each_frame_is_its_own_whatever_else_is_made() -> None:
    plan = PLANS["B"]
    both = observe_spectrograph(WAVE, LIGHT, plan, 2, geometry=GEOMETRY, kinds=("FLAT", "OBJ"))
    alone = observe_spectrograph(WAVE, LIGHT, plan, 2, geometry=GEOMETRY, arms=("red",), kinds=("OBJ",))
    assert alone.frames["red", "OBJ"].data.tobytes() == both.frames["red", "OBJ"].data.tobytes()
    other = observe_spectrograph(WAVE, LIGHT, plan, 2, geometry=GEOMETRY, arms=("red",), kinds=("OBJ",), seed=1)
    assert other.frames["red", "OBJ"].data.tobytes() != alone.frames["red", "OBJ"].data.tobytes()


def test_dead_fibres_are_dark_and_plans_have_their_own_sky() -> None:
    totals = {}
    for name, plan in PLANS.items():
        made = observe_spectrograph(
            WAVE, 0.0 * LIGHT, plan, 2, stars=stars(plan), geometry=GEOMETRY, arms=("blue",), kinds=("OBJ",)
        )
        electrons = made.truth["blue", "OBJ"].electrons
        assert (electrons[2] == 0).all()
        assert (electrons[[0, 1, 3]] > 0).all()
        totals[name] = electrons.sum()
    assert totals["A"] > 2.0 * totals["B"]


def test_a_sky_and_a_throughput_can_be_given() -> None:
    plan = PLANS["A"]
    given = {"sky": np.full(len(WAVE), 5.0), "throughput": np.full(len(WAVE), 0.1)}
    made = observe_spectrograph(WAVE, LIGHT, plan, 2, geometry=GEOMETRY, arms=("red",), kinds=("OBJ",), **given)
    plain = observe_spectrograph(
        WAVE, LIGHT + 5.0, plan, 2, geometry=GEOMETRY, arms=("red",), kinds=("OBJ",),
        sky=np.zeros(len(WAVE)), throughput=np.full(len(WAVE), 0.1),
    )  # fmt: skip
    assert np.allclose(made.truth["red", "OBJ"].electrons, plain.truth["red", "OBJ"].electrons)
    with pytest.raises(BadInputError, match="2 rows for 4 fibres"):
        observe_spectrograph(WAVE, LIGHT, plan, 2, stars=stars(plan, 2), geometry=GEOMETRY)
