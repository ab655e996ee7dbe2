import io

import numpy as np
import pytest

from asterism.inference.alignment_figures import few_shot_figure, rank_figure, recall_figure


def drawn(figure):
    figure.savefig(io.BytesIO(), format="svg")
    return figure.axes[0]


def test_recall_along_magnitude_is_the_share_of_ranks_in_each_bin():
    magnitude = np.r_[np.linspace(16, 20, 100), np.linspace(20.1, 24, 100), np.nan]
    ranks = np.r_[np.ones(100), np.full(100, 50.0), 1]
    axes = drawn(recall_figure({"image → spectrum": ranks}, magnitude, 0.05, "r magnitude"))
    line = axes.containers[0].lines[0]
    assert line.get_ydata().tolist() == [1] * 5 + [0] * 5
    assert 16 < line.get_xdata()[0] < line.get_xdata()[-1] < 24
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"image → spectrum", "chance"}


def test_ranks_are_shown_as_shares_of_their_pool():
    axes = drawn(rank_figure({"at random": [1, 2, 50, 100]}, {"at random": 100}))
    line = axes.lines[1]
    assert line.get_xdata().tolist() == pytest.approx([0.01, 0.02, 0.5, 1])
    assert line.get_ydata().tolist() == [0.25, 0.5, 0.75, 1]


def test_few_labels_stand_beside_all_of_them():
    few = {"image": {"10": {"mean": -9.0, "std": 3.0}, "100": {"mean": 0.6, "std": 0.05}}}
    axes = drawn(few_shot_figure(few, {"image": 0.7}, "R²"))
    assert axes.containers[0].lines[0].get_ydata().tolist() == [-9, 0.6]
    assert any(np.allclose(line.get_ydata(), 0.7) for line in axes.lines)
    assert axes.get_ylim()[0] > -1
