"""An object as a file: a picture, or a page with every value."""

import pytest

from asterism.catalogs.objects import find_object
from asterism.errors import OutputError
from asterism.explore.object_page import write_object
from asterism.simulate.sky import simulate


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return simulate(4, tmp_path_factory.mktemp("sky") / "c", seed=2, modalities=("photometry",), workers=1)


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")])
def test_pictures(catalog, tmp_path, name, start):
    told = write_object(find_object(catalog, "sim-sdss-compact-2-000000001"), catalog.groups, tmp_path / name)
    assert told.startswith("sim-sdss-compact-2-000000001")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_page_holds_picture_and_values(catalog, tmp_path):
    row = find_object(catalog, "sim-sdss-compact-2-000000001")
    write_object(row, catalog.groups, tmp_path / "a.html", catalog="sky")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "data:image/svg+xml;base64," in page
    assert "photometry_sdss_flux" in page
    assert "nanomaggy" in page
    assert f"{row['ra'][0].as_py():.9g}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_place_that_can_not_be_written(catalog, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't write"):
        write_object(find_object(catalog, "sim-sdss-compact-2-000000001"), catalog.groups, tmp_path / "file" / "a.png")
