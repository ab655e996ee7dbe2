"""Maps on paper."""

import numpy as np
import pytest

from asterism.errors import BadInputError, OutputError
from asterism.explore.cluster import cluster_catalog
from asterism.explore.embedding_maps import colour_ramp, draw_maps, write_maps
from asterism.explore.project import project_catalog


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded(rows=120)


@pytest.fixture(scope="module")
def flat(embedded, tmp_path_factory):
    return project_catalog(embedded, tmp_path_factory.mktemp("flat") / "e")


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def test_a_panel_for_each_colouring_says_of_how_many(flat):
    figure = draw_maps(flat, title="a sky")
    assert titles(figure)[0].startswith("class: 10")
    assert titles(figure)[0].endswith("of 114 objects")
    assert titles(figure)[-1].startswith("magnitude in r")
    assert len(titles(figure)) == 4
    assert figure.get_suptitle() == "a sky"
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    counts = {name: int(count) for name, count in (text.split() for text in legend)}
    classes = flat.read(["class", "map_x"]).to_pandas().dropna()["class"].value_counts().to_dict()
    assert counts == classes


def test_every_object_is_drawn_once_and_the_rare_on_top(flat):
    axes = draw_maps(flat, ["class"]).axes[0]
    points = np.concatenate([np.asarray(drawn.get_offsets()) for drawn in axes.collections])
    assert len(points) == 114
    assert len(np.unique(points, axis=0)) == 114
    layers = [(drawn.get_zorder(), len(drawn.get_offsets())) for drawn in axes.collections[1:]]
    assert [count for _, count in sorted(layers)] == sorted((count for _, count in layers), reverse=True)
    assert all(drawn.get_rasterized() for drawn in axes.collections)


def test_three_dimensions_are_three_projections(embedded, tmp_path):
    solid = project_catalog(embedded, tmp_path / "e", dimensions=3)
    clusters = cluster_catalog(embedded, tmp_path / "f", repeats=0)
    figure = draw_maps(solid, ["class", "cluster"], beside=[clusters])
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    assert [(a.get_xlabel(), a.get_ylabel()) for a in panels] == [("x", "y"), ("x", "z"), ("y", "z")] * 2
    assert [text.split(":")[0] for text in titles(figure)] == ["class", "cluster"]


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")])
def test_files(flat, tmp_path, name, start):
    write_maps(draw_maps(flat, ["class", "redshift"]), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_names_from_outside_are_labels_not_formulas(make_rows, make_sky, tmp_path):
    import pyarrow as pa

    from asterism.catalogs.columns import PLACES

    table = make_rows(60)
    index = table.column_names.index("class")
    names = pa.array(["_hidden", r"$\frac{1$", "x" * 80] * 20)
    table = table.set_column(index, table.schema.field(index), names)
    for field in PLACES["project"][:2]:
        table = table.append_column(field, pa.array(np.arange(60.0), pa.float32()))
    figure = draw_maps(make_sky("odd", table), ["class"])
    write_maps(figure, tmp_path / "a.png")
    assert len(figure.axes[0].get_legend().get_texts()) == 3


def test_errors(flat, tiny_sky, tmp_path):
    with pytest.raises(BadInputError, match="has no map"):
        draw_maps(tiny_sky)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't write"):
        write_maps(draw_maps(flat, ["class"]), tmp_path / "file" / "a.png")


def test_colours_of_numbers_rise_in_lightness():
    light = [sum(int(c[k : k + 2], 16) * w for k, w in ((1, 0.3), (3, 0.59), (5, 0.11))) for c in colour_ramp()]
    assert light == sorted(light)
