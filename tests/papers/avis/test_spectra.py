import numpy as np
import pytest

from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.rows import Row
from asterism.papers.avis.spectra import EXAMPLES
from asterism.papers.row_records import read_record, read_scored


def test_the_image_is_scored_beside_the_mean_of_the_class(place):
    row = Row("spectrum", KEPT, 0)
    figures, table = read_record(row.folder(place))["figures"], read_scored(row.folder(place))
    ours, mean = (table[name].to_numpy() for name in ("log_chi2", "log_chi2_class_mean"))
    there = np.isfinite(ours) & np.isfinite(mean)
    assert figures["less_class_mean"]["log_chi2"]["difference"] == pytest.approx((ours - mean)[there].mean())
    assert figures["k"] in (4, 8, 16, 32)
    assert set(figures["image"]["by_class"]) <= {"GALAXY", "QSO", "STAR"}
    assert (row.folder(place) / EXAMPLES).stat().st_size > 5000
