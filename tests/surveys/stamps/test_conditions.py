"""How objects were observed, by rows."""

import numpy as np

from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions


def test_rows_are_taken_and_put():
    all_of_them = Conditions.empty(4)
    assert all_of_them.fwhm.shape == (4, 5)
    assert np.isnan(all_of_them.rotation).all()
    some = Conditions.empty(2, SDSS)
    some.fwhm[:], some.rotation[:], some.ellipticity[:] = [[1.0] * 5, [2.0] * 5], [10.0, 20.0], 0.1
    all_of_them.put(np.array([3, 0]), some, np.array([0, 1]))
    assert all_of_them.take(np.array([0])).rotation.tolist() == [20.0]
    assert all_of_them.fwhm[3].tolist() == [1.0] * 5
    assert np.isnan(all_of_them.fwhm[1]).all()
