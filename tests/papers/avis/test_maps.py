from asterism.papers.avis.maps import map_figures
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import read_tables
from asterism.papers.avis.rows import all_rows


def test_the_map_is_drawn_from_the_rows_that_are_there(place, paper):
    tables = read_tables(place, all_rows(1))
    figure, _ = map_figures(place, paper, tables)["clusters"]
    assert len(figure.axes) == 2
    del tables["clusters", KEPT]
    assert len(map_figures(place, paper, tables)["clusters"][0].axes) == 1
    del tables["maps", KEPT]
    assert map_figures(place, paper, tables) == {}
