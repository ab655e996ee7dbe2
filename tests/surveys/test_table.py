from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import AsterismError, BadInputError, ConfigurationError, OutputError
from asterism.surveys.table import ingest_table

MAP = """
survey = "sdss"
missing = [-9999]
[identity]
object_id = "objid"
ra = "ra"
dec = "dec"
[labels]
class = "class"
[[photometry]]
bands = ["g", "r"]
magnitude = "mag_{band}"
error = "err_{band}"
system = "asinh"
dereddened = false
"""
N = 40


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    return Table(
        {
            "objid": 1237648720142401611 + np.arange(N),
            "ra": rng.uniform(0, 360, N),
            "dec": rng.uniform(-80, 80, N),
            "class": np.array(["STAR", "GALAXY"])[np.arange(N) % 2],
            "mag_g": rng.uniform(15, 22, N),
            "mag_r": rng.uniform(15, 22, N),
            "err_g": rng.uniform(0.01, 0.1, N),
            "err_r": rng.uniform(0.01, 0.1, N),
        }
    )


@pytest.fixture
def map_file(tmp_path):
    (tmp_path / "map.toml").write_text(MAP)
    return tmp_path / "map.toml"


def quarantine(catalog):
    return pq.read_table(catalog.path / "quarantine.parquet").to_pylist()


def test_all_formats_give_the_same_catalog(tmp_path, table, map_file):
    names = {"t.csv": "ascii.csv", "t.fits": "fits", "t.ecsv": "ascii.ecsv", "t.vot": "votable", "t.parquet": "parquet"}
    found = {}
    for name, kind in names.items():
        if kind == "parquet":
            import pyarrow as pa

            pq.write_table(pa.table({c: table[c].tolist() for c in table.colnames}), tmp_path / name)
        else:
            table.write(tmp_path / name, format=kind)
        catalog = ingest_table([tmp_path / name], tmp_path / f"out-{name}", map_file=map_file)
        assert len(catalog) == N
        assert catalog.placed
        assert not quarantine(catalog)
        found[name] = catalog.fingerprint
    assert len(set(found.values())) == 1, found


@settings(deadline=None, max_examples=12)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["STAR", "qso", "", "x"]),
            st.sampled_from(["18.5", "-9999", "", "nan", "abc", "inf", "24.9", "33"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_row_is_lost_without_a_word(tmp_path_factory, rows):
    place = tmp_path_factory.mktemp("t")
    (place / "map.toml").write_text(MAP)
    lines = [f"{k},{k},{k},{kind},{g},19,0.1,0.1" for k, (kind, g) in enumerate(rows)]
    (place / "t.csv").write_text("\n".join(["objid,ra,dec,class,mag_g,mag_r,err_g,err_r", *lines]) + "\n")
    try:
        catalog = ingest_table([place / "t.csv"], place / "out", map_file=place / "map.toml")
    except AsterismError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert "\n" not in refused
        assert not (place / "out").exists()
        return
    told = {int(line["row"]) for line in quarantine(catalog)}
    bad = {k + 1 for k, (kind, g) in enumerate(rows) if kind == "x" or g in ("abc", "inf", "33")}
    assert told == bad
    assert len(catalog) == len(rows)  # r was observed in every row
    flux, ivar = (np.array(catalog.read()[f"photometry_sdss_{q}"].to_pylist()) for q in ("flux", "ivar"))
    assert (np.isfinite(flux) == (ivar > 0)).all()


def test_several_files_and_repeated_ids(tmp_path, table, map_file):
    table[:25].write(tmp_path / "a.csv")
    table[20:].write(tmp_path / "b.csv")
    steps = []
    catalog = ingest_table(
        [tmp_path / "a.csv", tmp_path / "b.csv"],
        tmp_path / "out",
        map_file=map_file,
        progress=lambda *a: steps.append(a),
    )
    assert len(catalog) == N
    lines = quarantine(catalog)
    assert [(line["row"], line["file"]) for line in lines] == [(str(k), "b.csv") for k in range(1, 6)]
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    again = ingest_table([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out", map_file=map_file)
    assert again.fingerprint == catalog.fingerprint
    with pytest.raises(OutputError):
        ingest_table([tmp_path / "a.csv"], tmp_path / "out", map_file=map_file)
    assert len(ingest_table([tmp_path / "a.csv"], tmp_path / "out", map_file=map_file, overwrite=True)) == 25


def test_units_of_the_file_are_converted_or_refused(tmp_path, table, map_file):
    table["ra"] = np.radians(table["ra"])
    table["ra"].unit = "rad"
    table["mag_g"].unit = "mag"
    table.write(tmp_path / "t.fits")
    catalog = ingest_table([tmp_path / "t.fits"], tmp_path / "out", map_file=map_file)
    ids = [int(i) - 1237648720142401611 for i in catalog.read()["object_id"].to_pylist()]
    np.testing.assert_allclose(catalog.read()["ra"].to_numpy(), np.degrees(table["ra"])[ids])
    table["mag_r"].unit = "uJy"
    table.write(tmp_path / "u.fits")
    with pytest.raises(BadInputError, match="u.fits: column 'mag_r' is in 'uJy', which can't be converted into mag"):
        ingest_table([tmp_path / "u.fits"], tmp_path / "out2", map_file=map_file)


def test_bad_positions_go_to_quarantine_with_their_rows(tmp_path, table, map_file):
    table["dec"][3] = 95.0
    table["ra"][5] = np.nan
    table.write(tmp_path / "t.fits")
    catalog = ingest_table([tmp_path / "t.fits"], tmp_path / "out", map_file=map_file)
    assert len(catalog) == N - 2
    assert sorted((line["row"], line["file"]) for line in quarantine(catalog)) == [("4", "t.fits"), ("6", "t.fits")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "objid,ra,dec,class,mag_g,mag_r,err_g\n1,1,1,STAR,1,1,1\n",
            r"unknown column 'err_r' \(known: class, dec, err_g",
        ),
        ("objid,ra,dec,class,mag_g,mag_r,err_g,err_r\n", "has no rows"),
        ("objid,ra,dec,class,mag_g,mag_r,err_g,err_r\n1,2\n", r"has no rows that can be read \(the line has 2 cells"),
        ("objid,ra,dec,class,mag_g,mag_r,err_g,err_r\n1,1,1,STAR,-9999,-9999,1,1\n", "no row is left"),
        (
            "objid,ra,dec,class,mag_g,mag_r,err_g,err_r\n1,1,1,STAR,a,9,1,1\n2,1,1,STAR,b,9,1,1\n",
            "holds text, not numbers",
        ),
    ],
)
def test_hostile_tables_leave_nothing_behind(tmp_path: Path, map_file, text, sentence):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BadInputError, match=sentence) as caught:
        ingest_table([tmp_path / "t.csv"], tmp_path / "out", map_file=map_file)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["map.toml", "t.csv"]


def test_options_that_do_not_fit(tmp_path, table, map_file):
    table.write(tmp_path / "t.csv")
    with pytest.raises(ConfigurationError, match="one of --preset"):
        ingest_table([tmp_path / "t.csv"], tmp_path / "out")
    with pytest.raises(ConfigurationError, match="no table is given"):
        ingest_table([], tmp_path / "out", map_file=map_file)
    with pytest.raises(ConfigurationError, match="--dust needs positions"):
        ingest_table([tmp_path / "t.csv"], tmp_path / "out", preset="2slaq", dust=tmp_path)
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "thesis.tex").write_text("x")
    with pytest.raises(OutputError):
        ingest_table([tmp_path / "t.csv"], tmp_path / "busy", map_file=map_file, overwrite=True)
