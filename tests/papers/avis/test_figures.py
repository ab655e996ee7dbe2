import numpy as np

from asterism.papers.avis.figures import few_figure, recall_figure, redshift_figure

Z = np.linspace(0, 1, 50)


def test_a_panel_for_each_class_and_reading():
    figure = redshift_figure({("galaxies", "image"): (Z, Z, 1.0), ("quasars", "spectrum"): (Z, Z, 1.0)})
    shown = [axes.get_title() for axes in figure.axes if axes.axison]
    assert shown == ["galaxies, from the image: R² = 1.000", "quasars, from the spectrum: R² = 1.000"]


def test_bars_stand_as_high_as_recall():
    one = {"recall_at_10": 0.3, "recall_at_10_interval": [0.2, 0.4], "chance_at_10": 0.01}
    (axes,) = recall_figure({"a": {"random": one}, "b": {"random": one}}, {"random": "at random"}).axes
    assert [bar.get_height() for bar in axes.patches] == [0.3, 0.3]


def test_few_labels_are_in_order():
    few = {"100": {"mean": 0.5, "std": 0.1}, "10": {"mean": 0.1, "std": 0.1}}
    (axes,) = few_figure({"galaxies": {"image": few}}, {("galaxies", "image"): 0.8}).axes
    assert list(axes.lines[0].get_xdata()) == [10, 100]
