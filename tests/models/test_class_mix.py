import numpy as np
import pytest
from safetensors.torch import load, save

from asterism.models.class_mix import ClassMix


def test_fractions_follow_the_magnitude():
    labels = np.r_[np.zeros(900), np.ones(100), np.zeros(200), np.ones(800)].astype(int)
    magnitudes = np.r_[np.full(1000, 17.5), np.full(1000, 21.5)]
    mix = ClassMix(2).fit(labels, magnitudes)
    assert mix.overall() == pytest.approx([0.55, 0.45])
    assert mix.at([17.2]) == pytest.approx(np.array([[0.9, 0.1]]), abs=0.01)
    assert mix.at([21.9]) == pytest.approx(np.array([[0.2, 0.8]]), abs=0.01)


def test_an_unknown_magnitude_and_an_empty_bin_give_the_overall_mix():
    mix = ClassMix(2).fit([0, 1, 1, 1], [17.5, 17.5, 17.5, np.nan])
    assert mix.at([np.nan, 25.0]) == pytest.approx(np.array([[0.25, 0.75]] * 2))


def test_unlabelled_rows_do_not_count_and_extremes_stay_in_range():
    mix = ClassMix(2).fit([0, -1, 1], [-3.0, 18.0, 99.0])
    assert mix.overall() == pytest.approx([0.5, 0.5])
    assert np.isfinite(mix.at([-3.0, 99.0])).all()


def test_the_state_travels_in_safetensors():
    mix = ClassMix(3).fit([0, 1, 2, 2], [17.0, 18.0, 19.0, np.nan])
    other = ClassMix(3)
    other.load_state_dict(load(save(mix.state_dict())))
    assert (other.at([17.5, 19.5]) == mix.at([17.5, 19.5])).all()
