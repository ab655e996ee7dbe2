import numpy as np
import pytest
from matplotlib.figure import Figure

from asterism.inference import figures
from asterism.learning.metrics import metrics_by_magnitude

CLASSES = ("STAR", "GALAXY")
RNG = np.random.default_rng(0)
P = RNG.dirichlet([1, 1], 300)
Y = (RNG.random(300) > P[:, 0]).astype(int)


def drawn(figure: Figure):
    figure.canvas.draw()
    return figure


def texts(figure):
    return {t.get_text() for axes in figure.axes for t in axes.texts}


def test_the_confusion_figure_shows_counts_and_shares():
    figure = drawn(figures.confusion_figure([[8, 2], [0, 5]], CLASSES))
    assert {"8", "2", "0.800", "0.200", "1.000"} <= texts(figure)


def test_a_class_without_objects_does_not_break_the_confusion_figure():
    drawn(figures.confusion_figure([[0, 0], [0, 5]], CLASSES))


def test_reliability_draws_every_method():
    figure = drawn(figures.reliability_figure({"ours": P, "lightgbm": P}, Y))
    assert {"ours", "lightgbm"} <= {t.get_text() for t in figure.axes[0].get_legend().get_texts()}


def test_completeness_and_purity_have_two_lines_a_class():
    assert len(drawn(figures.completeness_purity_figure(P, Y, CLASSES)).axes[0].lines) == 4


@pytest.mark.parametrize("key", ["accuracy", "log_loss"])
def test_bins_are_drawn_with_ours_and_the_baselines(key):
    bins = metrics_by_magnitude(P, Y, CLASSES, RNG.uniform(17, 20, 300))
    figure = drawn(figures.against_bins({"ours": bins, "xgboost": bins}, key, key, "r magnitude"))
    assert figure.axes[0].get_xlabel() == "r magnitude"
    drawn(figures.against_bins({"ours": []}, key, key, "r magnitude"))


def test_the_domain_figure_marks_the_threshold():
    figure = drawn(figures.domain_figure(RNG.normal(size=300), 1.5, Y, CLASSES))
    assert any(line.get_xdata()[0] == 1.5 for line in figure.axes[0].lines)
