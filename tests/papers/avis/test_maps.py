from asterism.papers.avis.maps import PAGE, map_figure, write_page
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import read_tables
from asterism.papers.avis.rows import all_rows


def titles(figure):
    return " ".join(axes.get_title(loc=where) for axes in figure.axes for where in ("left", "center"))


def test_the_map_is_drawn_from_the_rows_that_are_there(place):
    tables = read_tables(place, all_rows(1))
    figure, caption = map_figure(place, tables)
    assert {"class", "redshift", "cluster"} <= set(titles(figure).replace(":", "").split())
    assert PAGE in caption
    del tables["clusters", KEPT]
    assert "cluster" not in titles(map_figure(place, tables)[0])
    del tables["maps", KEPT]
    assert map_figure(place, tables) is None
    assert write_page(place, tables) is None


def test_the_page_stands_beside_the_report(place):
    page = (place / PAGE).read_text(encoding="utf-8")
    assert "AVIS: test objects" in page
    assert '"3D": [' in page or '"3D":[' in page
