import numpy as np

from asterism.papers.margformer.figures import accuracy_figure, binned_accuracy, confusion_figure, edges_of


def test_bins_hold_the_accuracy_of_their_objects_and_small_ones_are_left_out():
    values = np.repeat([17.2, 18.2, 19.2], [60, 60, 10])
    right = np.repeat([1.0, 0.5, 0.0], [60, 60, 10])
    bins = binned_accuracy(right, values, edges_of("r_mag"), [str(k) for k in range(130)])
    assert [(b["lo"], b["n"], b["accuracy"]) for b in bins] == [(17.0, 60, 1.0), (18.0, 60, 0.5)]


def test_a_panel_per_experiment_and_class_set():
    titles = {"experiment1": "one", "experiment2": "two"}
    matrices = {("experiment1", c): np.full((n, n), 1234.0) for c, n in (("sg", 2), ("sgq", 3))}
    counts, shares = (confusion_figure(matrices, titles, normalised) for normalised in (False, True))
    assert {t.get_text() for t in counts.axes[0].texts} == {"1,234"}
    assert {t.get_text() for t in shares.axes[0].texts} == {"0.500"}
    assert len(counts.axes) == 4
    bins = {
        ("experiment1", "sg"): {
            "margformer": binned_accuracy(np.ones(90), np.full(90, 18.2), edges_of("r_mag"), ["s"] * 90)
        }
    }
    figure = accuracy_figure(bins, titles, "r_mag")
    assert [axes.has_data() for axes in figure.axes] == [True, False]
