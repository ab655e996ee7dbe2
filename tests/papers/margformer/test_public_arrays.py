import shutil

import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import BadInputError
from asterism.papers.margformer.experiments import experiment_named, objects_to_test
from asterism.papers.margformer.public_arrays import public_data, published_parts


def test_splits_are_those_of_the_notebooks():
    parts = published_parts(1000, (0.125, 0.1428))
    from sklearn.model_selection import train_test_split

    _, test = train_test_split(list(range(1000)), test_size=0.125, random_state=42)
    assert set(np.flatnonzero(parts == "test")) == set(test)
    assert [int((parts == p).sum()) for p in ("train", "validation", "calibration", "test")] == [750, 63, 62, 125]


def test_catalogs_and_the_leak_of_the_arrays(arrays, tmp_path):
    data = public_data(arrays, tmp_path)
    compact = open_catalog(data.catalogs["compact"])
    assert len(compact) == 360
    assert len(compact.split(data.splits["sg"])) == 240  # quasars are left out before the split
    leaking = objects_to_test(data, experiment_named("experiment3-leaking"), "sgq")
    disjoint = objects_to_test(data, experiment_named("experiment3-disjoint"), "sgq")
    assert leaking.n == 120
    assert 15 < leaking.seen <= 30
    assert disjoint.n == leaking.n - leaking.seen
    assert public_data(arrays, tmp_path).fingerprints == data.fingerprints


@pytest.fixture
def copy(arrays, tmp_path):
    return shutil.copytree(arrays, tmp_path / "copy")


def test_missing_files_and_folders(copy, tmp_path):
    with pytest.raises(BadInputError, match="is not a directory"):
        public_data(tmp_path / "nowhere", tmp_path / "out")
    (copy / "Experiment 2" / "dataset" / "X_v2.npy").unlink()
    with pytest.raises(BadInputError, match=r"has no X_v2.npy \(looked there and in Experiment 2/dataset\)"):
        public_data(copy, tmp_path / "out")


def test_images_of_another_size_or_band_order(copy, tmp_path):
    file = copy / "Experiment 1" / "dataset" / "paperX.npy"
    images = np.load(file)
    np.save(file, images[:, :20, :20])
    with pytest.raises(BadInputError, match="must hold images of 32x32 pixels in 5 bands"):
        public_data(copy, tmp_path / "out")
    np.save(file, images[..., ::-1])
    with pytest.raises(BadInputError, match="bands in the order zirgu by their brightness, not ugriz"):
        public_data(copy, tmp_path / "out2")


def test_nothing_is_unpickled(copy, tmp_path):
    file = copy / "Experiment 2" / "dataset" / "y_v2.npy"
    np.save(file, np.load(file).astype(object), allow_pickle=True)
    with pytest.raises(
        BadInputError, match="never unpickled here, since that may run code; if you trust .* save it once as plain text"
    ):
        public_data(copy, tmp_path / "out")
