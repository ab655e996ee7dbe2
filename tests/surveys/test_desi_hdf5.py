"""AVIS's HDF5 layout."""

import builtins

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.desi_hdf5 import GROUP, read_targets, target_names_of
from asterism.surveys.formats.spectral_grids import grid_named

h5py = pytest.importorskip("h5py")
GRID = grid_named("desi")


def write(path, datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[f"{GROUP}/{name}"] = values
    return path


def spectrum(level=1.0):
    rows = np.stack([GRID.wavelength, np.full(7781, level), np.full(7781, 4.0), np.zeros(7781)])
    rows[2, :3], rows[3, 5] = 0.0, 4.0
    return rows


def test_targets_in_pieces(tmp_path):
    datasets = {f"{k}/fuji-coadd-{k}": spectrum(k) for k in range(10, 15)} | {"12/iron-coadd-12": spectrum(99)}
    path = write(tmp_path / "a.h5", datasets)
    assert target_names_of(path) == ("10", "11", "12", "13", "14")
    found = list(read_targets(path, 1, 3))
    assert [(target, name) for target, name, _, _ in found] == [
        ("11", "fuji-coadd-11"), ("12", "fuji-coadd-12"), ("12", "iron-coadd-12"),
    ]  # fmt: skip
    made = found[-1][2]
    assert made.flux[0, 3] == 99
    assert np.isnan(made.flux[0, :3]).all()
    assert made.mask[0, 5] == 4


@pytest.mark.parametrize("values", [np.zeros((3, 7781)), np.zeros(7), spectrum() + [[0.3], [0], [0], [0]]])
def test_one_bad_dataset_leaves_the_others(tmp_path, values):
    path = write(tmp_path / "a.h5", {"1/x": values, "2/x": spectrum()})
    (_, _, first, complaint), (_, _, second, none) = read_targets(path, 0, 2)
    assert first is None
    assert complaint.startswith("1/x ")
    assert second is not None
    assert none == ""


def test_other_files_and_a_missing_library(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["other"] = [1]
    with pytest.raises(BadInputError, match="no group 'targetid_spec'"):
        target_names_of(tmp_path / "o.h5")
    (tmp_path / "n.h5").write_bytes(b"no HDF5")
    with pytest.raises(BadInputError, match="can't read .*n.h5 as HDF5"):
        target_names_of(tmp_path / "n.h5")
    imported = builtins.__import__

    def without(name, *rest, **more):
        if name == "h5py":
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInputError, match=r"pip install asterism\[surveys\]"):
        target_names_of(tmp_path / "n.h5")
