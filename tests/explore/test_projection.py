import json

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.projection import Projector, fit_projector


def blobs(rows, seed, length=16):
    centres = np.random.default_rng(9).normal(size=(3, length))
    kinds = np.arange(rows) % 3
    values = centres[kinds] + 0.3 * np.random.default_rng(seed).normal(size=(rows, length))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32), kinds


@pytest.fixture(scope="module")
def drawn():
    return fit_projector(blobs(300, 0)[0], 2, seed=4, about={"embedding": "joint"})


def nearest(places, among):
    return ((places[:, None] - among[None]) ** 2).sum(-1).argmin(1)


def test_what_is_alike_is_near_on_the_map(drawn):
    _, kinds = blobs(300, 0)
    apart = ((drawn.positions[:, None] - drawn.positions[None]) ** 2).sum(-1) + 1e9 * np.eye(300)
    assert drawn.positions.shape == (300, 2)
    assert (kinds[apart.argmin(1)] == kinds).mean() > 0.98


def test_the_same_seed_draws_the_same_map_and_another_another(drawn):
    again = fit_projector(blobs(300, 0)[0], 2, seed=4)
    np.testing.assert_array_equal(again.positions, drawn.positions)
    assert not np.allclose(fit_projector(blobs(300, 0)[0], 2, seed=5).positions, drawn.positions)


def test_new_objects_fall_among_their_like_each_by_itself(drawn):
    values, kinds = blobs(90, 1)
    placed = drawn.place(values)
    assert (kinds[np.arange(90)] == (nearest(placed, drawn.positions) % 3)).mean() > 0.95
    np.testing.assert_array_equal(drawn.place(values[40:41]), placed[40:41])
    assert drawn.place(values[:0]).shape == (0, 2)


def test_an_object_of_the_map_falls_near_its_own_place(drawn):
    off = np.linalg.norm(drawn.place(blobs(300, 0)[0]) - drawn.positions, axis=1)
    assert np.median(off) < 0.1 * drawn.positions.std()


def test_a_saved_map_places_as_the_one_that_was_drawn(drawn, tmp_path):
    drawn.save(tmp_path)
    read = Projector.load(tmp_path)
    values = blobs(60, 2)[0]
    np.testing.assert_array_equal(read.place(values), drawn.place(values))
    assert read.fingerprint == drawn.fingerprint
    assert read.about == {"embedding": "joint"}
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_long_embeddings_and_three_dimensions():
    values, kinds = blobs(120, 3, length=130)
    projector = fit_projector(values, 3)
    assert projector.training.shape == (120, 100)
    placed = projector.place(values)
    assert placed.shape == (120, 3)
    assert (kinds == nearest(placed, projector.positions) % 3).mean() > 0.9


def test_a_damaged_projector_is_refused(drawn, tmp_path):
    with pytest.raises(BadInputError, match="holds no projector"):
        Projector.load(tmp_path)
    drawn.save(tmp_path)
    file = tmp_path / "projector.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({name: value for name, value in told.items() if name != "seed"}))
    with pytest.raises(BadInputError, match="damaged projector"):
        Projector.load(tmp_path)


def test_what_can_not_be_mapped_is_one_sentence(drawn):
    with pytest.raises(ConfigurationError, match="2 or 3 dimensions"):
        fit_projector(blobs(60, 0)[0], 4)
    with pytest.raises(BadInputError, match="20 objects"):
        fit_projector(blobs(19, 0)[0])
    with pytest.raises(ConfigurationError, match="16 numbers and these have 8"):
        drawn.place(np.zeros((2, 8), np.float32))
