"""What a map can be coloured by."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.columns import PLACES
from asterism.catalogs.schema import label_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.cluster import cluster_catalog
from asterism.explore.map_colours import COLOURINGS, UNKNOWN_COLOUR, read_map, tick_places
from asterism.explore.project import project_catalog


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded(rows=120)


@pytest.fixture(scope="module")
def flat(embedded, tmp_path_factory):
    return project_catalog(embedded, tmp_path_factory.mktemp("flat") / "e")


@pytest.fixture(scope="module")
def clusters(embedded, tmp_path_factory):
    return cluster_catalog(embedded, tmp_path_factory.mktemp("clusters") / "e", repeats=0)


def test_what_the_catalog_knows_of_the_objects_on_the_map(flat):
    mapped = read_map(flat)
    assert len(mapped) == 114  # every twentieth has no embedding
    assert mapped.flat.shape == (114, 2)
    assert mapped.solid is None
    assert list(mapped.colourings) == ["class", "redshift", "half_light_radius", "magnitude"]
    kinds = mapped.colourings["class"]
    assert kinds.names == ("STAR", "GALAXY", "QSO")
    table = flat.read(["object_id", "class", "map_x", "redshift", "photometry_sdss_radius"])
    for place in (0, 50, 113):
        row = table.slice(int(mapped.rows[place]), 1).to_pylist()[0]
        assert mapped.known.object_id[place] == row["object_id"]
        assert mapped.flat[place, 0] == np.float32(row["map_x"])
        code = kinds.codes[place]
        assert (None if code < 0 else kinds.names[code]) == row["class"]
        radius = mapped.colourings["half_light_radius"].values[place]
        assert np.isnan(radius) == (row["class"] != "GALAXY" or row["photometry_sdss_radius"] is None)
    assert kinds.counts.sum() == kinds.known.sum() < 114
    assert "measured" in mapped.colourings["half_light_radius"].title


def test_clusters_and_the_other_map_come_from_catalogs_beside(flat, clusters, embedded, tmp_path):
    solid = project_catalog(embedded, tmp_path / "e", dimensions=3)
    mapped = read_map(solid, ["cluster"], [flat, clusters])
    assert mapped.solid.shape == (114, 3)
    np.testing.assert_array_equal(mapped.flat, read_map(flat).flat)
    shown, stored = mapped.colourings["cluster"], clusters.read(["cluster"])["cluster"].to_pylist()
    for place, row in enumerate(mapped.rows):
        assert shown.texts[place] == ("noise" if stored[row] == -1 else str(stored[row]))
    assert "cluster" not in read_map(flat).colourings


def test_clusters_made_from_the_map_need_nothing_beside(flat, tmp_path):
    assert "cluster" in read_map(cluster_catalog(flat, tmp_path / "e", repeats=0)).colourings


def placed(table, more=()):
    """A table on a map, with further columns (field, values)."""
    places = [(field, np.arange(len(table))) for field in PLACES["project"][:2]]
    for field, values in [*more, *places]:
        table = table.append_column(field, pa.array(values, field.type))
    return table


def test_too_many_names_share_a_colour_and_noise_is_pale(make_rows, make_sky):
    labels = [*np.repeat(np.arange(15), np.arange(18, 3, -1)).tolist(), *[-1] * 30, *[None] * 5]
    catalog = make_sky("clustered", placed(make_rows(200, image=False), [(PLACES["cluster"][0], labels)]))
    made = read_map(catalog).colourings["cluster"]
    assert made.names == (*(str(k) for k in range(11)), "other", "noise")
    assert len(set(made.colours)) == 13
    assert made.colours[-1] == UNKNOWN_COLOUR
    assert made.counts[-2:].tolist() == [7 + 6 + 5 + 4, 30]
    assert (~made.known).sum() == 5
    stored = catalog.read(["cluster"])["cluster"].to_pylist()
    assert made.texts.tolist() == [{None: None, -1: "noise"}.get(label, str(label)) for label in stored]


def test_several_targets_and_types(make_rows, make_sky):
    table = make_rows(60)
    kinds = table["class"].to_pylist()
    subclass = [{"STAR": "G5", "GALAXY": "Im", "QSO": "BROADLINE"}.get(c) for c in kinds]
    subclass[kinds.index("STAR")] = "DA"
    targets = [["LRG"], ["LRG", "ELG"], [], None] * 15
    more = zip(label_fields(["subclass", "targets"]), (subclass, targets), strict=True)
    found = read_map(make_sky("typed", placed(table, more))).colourings
    assert found["target"].counts.tolist() == [15, 15]
    assert found["target"].names == ("LRG", "several")
    assert found["star_type"].names == ("G", "WD")
    assert found["star_type"].counts[1] == 1
    assert found["galaxy_type"].names == ("Im",)


def test_colour_bars_end_at_the_middle_of_the_numbers_and_are_marked_inside(flat):
    redshift = read_map(flat).colourings["redshift"]
    low, high = redshift.limits
    places, texts = tick_places(redshift)
    assert all(low <= place <= high for place in places)
    np.testing.assert_allclose(10.0 ** np.array(places) - 1, [float(t) for t in texts], atol=1e-9)
    assert high <= np.log10(1 + np.nanmax(redshift.values))


def test_what_is_not_there_is_one_sentence(flat, tiny_sky, clusters, make_embedded):
    with pytest.raises(BadInputError, match="asterism project"):
        read_map(tiny_sky)
    with pytest.raises(ConfigurationError, match="redshift"):
        read_map(flat, ["redshft"])
    with pytest.raises(BadInputError, match="colour it by class, redshift"):
        read_map(flat, ["cluster"])
    with pytest.raises(BadInputError, match="none of the objects"):
        read_map(flat, beside=[make_embedded(rows=20, seed=9)])
    assert set(read_map(flat, ["magnitude", "class"]).colourings) <= set(COLOURINGS)
