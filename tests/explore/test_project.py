import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.explore.project import load_projector, project_catalog


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded()


@pytest.fixture(scope="module")
def mapped(embedded, tmp_path_factory):
    return project_catalog(embedded, tmp_path_factory.mktemp("map") / "e", seed=1)


def places(catalog, axes="xy"):
    table = catalog.read([f"map_{axis}" for axis in axes])
    return np.stack([table[name].to_numpy() for name in table.column_names], 1)


def test_places_are_columns_beside_the_embedding_and_null_without_one(mapped, embedded):
    assert [n for n in mapped.own_schema.names if n.startswith("map")] == ["map_x", "map_y"]
    found = places(mapped)
    np.testing.assert_array_equal(np.isfinite(found).all(axis=1), np.arange(240) % 20 != 7)
    assert "embedding_joint" in mapped.schema.names
    assert mapped.parent.fingerprint == embedded.fingerprint


def test_the_map_is_kept_and_places_others(mapped, make_embedded, tmp_path):
    others = make_embedded(rows=60, seed=5)
    placed = project_catalog(others, tmp_path / "f", onto=mapped.path)
    found = places(placed)
    there = np.isfinite(found).all(axis=1)
    np.testing.assert_array_equal(there, np.arange(60) % 20 != 7)
    np.testing.assert_array_equal(load_projector(placed.path).positions, load_projector(mapped.path).positions)
    ours, theirs = places(mapped), mapped.read(["photometry_sdss_psf_probability", "truth_redshift"])
    kinds = theirs["truth_redshift"].to_numpy() == 0
    known = np.isfinite(ours).all(axis=1)
    near = ((found[there][:, None] - ours[known][None]) ** 2).sum(-1).argmin(1)
    stars = others.read(["truth_redshift"])["truth_redshift"].to_numpy()[there] == 0
    assert (kinds[known][near] == stars).mean() > 0.95


def test_a_sample_draws_the_map_and_the_rest_is_placed(embedded, tmp_path):
    made = project_catalog(embedded, tmp_path / "e", sample=100)
    assert len(load_projector(made.path).positions) == 100
    assert np.isfinite(places(made)).all(axis=1).sum() == 228


def test_an_interrupted_run_keeps_its_map_and_ends_with_the_same_bytes(mapped, embedded, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project_catalog(embedded, tmp_path / "e", seed=1, progress=stop)
    drawn = (tmp_path / "e.partial" / "projector" / "projector.safetensors").stat().st_mtime_ns
    made = project_catalog(embedded, tmp_path / "e", seed=1)
    assert made.fingerprint == mapped.fingerprint
    assert (made.path / "projector" / "projector.safetensors").stat().st_mtime_ns == drawn


def test_three_dimensions_of_another_embedding(embedded, tmp_path):
    made = project_catalog(embedded, tmp_path / "e", dimensions=3, embedding="image")
    found = places(made, "xyz")
    assert np.isfinite(found).all(axis=1).sum() == 204
    assert open_catalog(made.path).made_by["embedding"] == "image"


def test_what_does_not_fit_is_one_sentence(mapped, embedded, make_embedded, tiny_sky, tmp_path):
    with pytest.raises(BadInputError, match="asterism embed"):
        project_catalog(tiny_sky, tmp_path / "e")
    with pytest.raises(BadInputError, match=r"embeddings of model abc and .* has those of other"):
        project_catalog(make_embedded(rows=20, model="other"), tmp_path / "e", onto=mapped.path)
    with pytest.raises(BadInputError, match="of 16 numbers"):
        project_catalog(make_embedded(rows=20, length=8), tmp_path / "e", onto=mapped.path)
    with pytest.raises(BadInputError, match="holds no projector"):
        project_catalog(embedded, tmp_path / "e", onto=embedded.path)
    with pytest.raises(ConfigurationError, match="leave out --dimensions"):
        project_catalog(embedded, tmp_path / "e", onto=mapped.path, dimensions=3)
    with pytest.raises(ConfigurationError, match="2 or 3"):
        project_catalog(embedded, tmp_path / "e", dimensions=4)
    with pytest.raises(ConfigurationError, match="--seed"):
        project_catalog(embedded, tmp_path / "e", seed=-1)
    with pytest.raises(BadInputError, match="20 objects"):
        project_catalog(make_embedded(rows=20), tmp_path / "e")
    with pytest.raises(OutputError, match="seed"):
        project_catalog(embedded, mapped.path, seed=2)
    assert not list(tmp_path.iterdir())
