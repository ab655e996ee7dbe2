"""The interactive page of a map, read as a browser would."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.columns import PLACES
from asterism.catalogs.schema import label_fields
from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.explore.map_page import write_map_page

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>\u2028"


class Reader(HTMLParser):
    """Elements with their attributes, texts of scripts, the text that a person reads."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.text, self._inside = [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data

    @property
    def data(self):
        return json.loads(self.scripts[0])


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    def page(catalog, *arguments, **options):
        path = tmp_path_factory.mktemp("page") / "map.html"
        size = write_map_page(catalog, path, *arguments, **options)
        assert path.stat().st_size == size
        return Reader(path.read_text("utf-8"))

    return page


def on_a_map(table, axes="xy"):
    rng = np.random.default_rng(3)
    for field in PLACES["project"][: len(axes)]:
        table = table.append_column(field, pa.array(rng.normal(size=len(table)), field.type))
    return table


@pytest.fixture
def mapped(make_rows, make_sky):
    return make_sky("mapped", on_a_map(make_rows(60), "xyz"))


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def policy(page):
    return next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")


def test_the_page_holds_places_colours_and_facts(mapped, read):
    page = read(mapped, pictures=0)
    data, table = page.data, mapped.read(["object_id", "map_x", "map_z", "class", "redshift"])
    assert data["ids"] == table["object_id"].to_pylist()
    np.testing.assert_array_equal(numbers(data["views"]["3D"][0], "<f4"), table["map_x"].to_numpy())
    np.testing.assert_array_equal(numbers(data["views"]["3D"][2], "<f4"), table["map_z"].to_numpy())
    assert data["projected"] is True
    kinds = next(one for one in data["colourings"] if one["name"] == "class")
    codes = numbers(kinds["codes"], "<i4")
    assert [kinds["names"][c] if c >= 0 else None for c in codes] == table["class"].to_pylist()
    redshift = next(one for one in data["colourings"] if one["name"] == "redshift")
    z = 10.0 ** numbers(redshift["values"], "<f4").astype(float) - 1
    np.testing.assert_allclose(z, table["redshift"].to_numpy(), atol=1e-5)
    facts = {fact["label"]: fact for fact in data["facts"]}
    assert {"class", "redshift", "ra", "dec"} <= set(facts)
    np.testing.assert_array_equal(numbers(facts["ra"]["numbers"], "<f8"), mapped.read(["ra"])["ra"].to_numpy())
    assert data["cards"] == {}


def test_a_map_of_three_dimensions_is_seen_from_its_widest_side(mapped, read):
    views = read(mapped, pictures=0).data["views"]
    flat = np.stack([numbers(axis, "<f4") for axis in views["2D"]])
    solid = np.stack([numbers(axis, "<f4") for axis in views["3D"]])
    spread = np.linalg.eigvalsh(np.cov(solid))
    np.testing.assert_allclose(np.cov(flat).diagonal(), spread[::-1][:2], rtol=1e-3)


def test_the_other_map_of_a_catalog_beside_is_its_own_view(mapped, make_rows, make_sky, read):
    flat = make_sky("flat", on_a_map(make_rows(60)))
    data = read(mapped, beside=[flat], pictures=0).data
    assert data["projected"] is False
    np.testing.assert_array_equal(numbers(data["views"]["2D"][1], "<f4"), flat.read(["map_y"])["map_y"].to_numpy())
    assert list(read(flat, pictures=0).data["views"]) == ["2D"]


def test_pictures_are_of_the_objects_that_have_them_and_no_more_than_asked(mapped, make_spectra, make_sky, read):
    data = read(mapped).data
    there = [row is not None for row in mapped.read(["image_sdss_flux"])["image_sdss_flux"].to_pylist()]
    assert sorted(map(int, data["cards"])) == np.flatnonzero(there).tolist()
    picture, spectrum = next(iter(data["cards"].values()))
    assert base64.b64decode(picture)[8:12] == b"WEBP"
    assert spectrum is None
    assert len(read(mapped, pictures=7).data["cards"]) <= 7
    spectral = make_sky("spectral", on_a_map(make_spectra(rows=20).read()))
    assert any(one[1] is not None for one in read(spectral).data["cards"].values())


def test_nothing_is_loaded_and_nothing_runs_but_our_scripts(mapped, read):
    page = read(mapped)
    assert [tag for tag, about in page.tags if "src" in about or "href" in about] == []
    rules = policy(page)
    assert rules.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-")
    assert "unsafe-inline'; script-src" in rules
    assert "'unsafe-inline'" not in rules.split("script-src")[1]
    assert not re.search(r"https?:", rules)
    for script in page.scripts[1:]:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in rules
    assert rules.endswith(" 'unsafe-eval'")  # without it the library draws nothing in two dimensions: seen in Chromium
    assert len(page.scripts) == 3
    # The library's set of buttons has one that sends the data of a figure to its maker.
    assert "modeBarButtons: buttons" in page.scripts[2]
    assert not re.search(r"https?:|fetch\(|XMLHttp|innerHTML|insertAdjacent|document\.write|eval\(", page.scripts[2])


def test_what_comes_of_a_catalog_is_data_never_markup(make_rows, make_sky, read):
    table = on_a_map(make_rows(60))
    ids = [f"{HOSTILE}{k}" for k in range(60)]
    for name, values in (("object_id", ids), ("class", [HOSTILE, "__proto__", "GALAXY"] * 20)):
        index = table.column_names.index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(values))
    fields = label_fields(["subclass", "targets"])
    table = table.append_column(fields[0], pa.array([HOSTILE] * 60))
    table = table.append_column(fields[1], pa.array([[HOSTILE, "LRG"]] * 60, fields[1].type))
    page = read(make_sky("hostile", table), title=HOSTILE)
    assert len(page.scripts) == 3
    assert [tag for tag, about in page.tags if tag == "img"] == ["img"]
    assert not [tag for tag, about in page.tags if any(name.startswith("on") for name in about)]
    assert HOSTILE in page.text  # as the title, to be read
    data = page.data
    assert sorted(data["ids"]) == sorted(ids)
    assert HOSTILE in data["classes"]["names"]
    assert "<" not in page.scripts[0]
    assert "\u2028" not in page.scripts[0]


def test_the_same_catalog_gives_the_same_page(mapped, tmp_path):
    for name in "ab":
        write_map_page(mapped, tmp_path / name, title="a map")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_errors_are_one_sentence(mapped, tiny_sky, tmp_path, monkeypatch):
    with pytest.raises(BadInputError, match="has no map"):
        write_map_page(tiny_sky, tmp_path / "a.html")
    with pytest.raises(ConfigurationError, match="--pictures"):
        write_map_page(mapped, tmp_path / "a.html", pictures=-1)
    with pytest.raises(ConfigurationError, match="did you mean"):
        write_map_page(mapped, tmp_path / "a.html", ["redshft"])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't write"):
        write_map_page(mapped, tmp_path / "file" / "a.html", pictures=0)
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(ConfigurationError, match=r"asterism\[explore\]"):
        write_map_page(mapped, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
