"""Conditions select what SQL says, and nothing else gets through."""

import sqlite3

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.schema import image_fields, label_fields, photometry_fields
from asterism.catalogs.where import compile_where
from asterism.errors import AsterismError, BadInputError, ConfigurationError

FIELDS = [
    pa.field("object_id", pa.string()),
    *label_fields(["class", "subclass", "redshift", "label_warning", "targets"]),
    pa.field("in_domain", pa.bool_()),
    pa.field("specobjid", pa.int64()),
    *photometry_fields("sdss", "ugriz", ("flux", "ivar", "radius"), dereddened=False, zero_point="sdss"),
    *image_fields("sdss", "ugriz", 2, 0.396, zero_point="sdss"),
]
SCHEMA = pa.schema(FIELDS)
STAMP = [1.0] * 20
BIG = 2**62 + 1


def table():
    flux = [[1, 1, f, 1, 1] for f in (100.0, 10.0, 1.0, float("nan"))]
    ivar = [[1, 1, i, 1, 1] for i in (1, 1, 1, 0)]
    values = {
        "object_id": list("abcd"),
        "class": ["STAR", "GALAXY", None, "QSO"],
        "subclass": ["G2", "", "it's", None],
        "redshift": [0.0, 0.5, float("nan"), None],
        "label_warning": [0, 1, 0, None],
        "targets": [["BGS"], [], None, ["QSO"]],
        "in_domain": [True, False, None, True],
        "specobjid": [BIG, BIG + 1, 3, None],
        "photometry_sdss_flux": flux,
        "photometry_sdss_ivar": ivar,
        "photometry_sdss_radius": [[1, 2, 3, 4, 5]] * 4,
        "image_sdss_flux": [STAMP, None, STAMP, STAMP],
        "image_sdss_ivar": [STAMP, None, STAMP, STAMP],
        "image_sdss_psf_fwhm": [[1.0] * 5, None, [1.0] * 5, [1.0] * 5],
    }
    return pa.table([pa.array(values[f.name], f.type) for f in FIELDS], schema=SCHEMA)


def chosen(expression):
    where = compile_where(expression, SCHEMA)
    return "".join(np.array(list("abcd"))[where.mask(table().select(list(where.columns) or ["object_id"]))])


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("class = 'STAR'", "a"),
        ("\"class\" = 'STAR'", "a"),
        ("class <> 'STAR'", "bd"),
        ("NOT class = 'STAR'", "bd"),
        ("class IN ('STAR', 'QSO')", "ad"),
        ("class NOT IN ('STAR', 'QSO')", "b"),
        ("class IS NULL", "c"),
        ("class IS NOT NULL AND class <> 'QSO'", "ab"),
        ("class = subclass OR subclass LIKE 'G%'", "a"),
        ("subclass NOT LIKE 'G%'", "bc"),
        ("subclass = 'it''s'", "c"),
        ("redshift > -1", "ab"),
        ("redshift IS NULL", "cd"),
        ("NOT redshift > 0.1", "a"),
        ("redshift BETWEEN 0.4 AND 0.6", "b"),
        ("redshift NOT BETWEEN 0.4 AND 0.6", "a"),
        ("label_warning = 0", "ac"),
        ("label_warning IN (0, 5)", "ac"),
        ("label_warning IN (0.0, -5)", "ac"),
        ("in_domain", "ad"),
        ("NOT in_domain", "b"),
        ("in_domain = TRUE", "ad"),
        ("in_domain IS TRUE", "ad"),
        ("in_domain IS NOT TRUE", "bc"),
        ("r_mag < 18", "a"),
        ("r_mag < 20.5", "ab"),
        ("photometry_sdss_r_mag > 19.9", "bc"),
        ("r_mag IS NULL", "d"),
        ("g_mag - r_mag > 2", "ab"),
        ("photometry_sdss_radius_i = 4", "abcd"),
        ("photometry_sdss_flux_r >= 10", "ab"),
        ("image_sdss_flux IS NULL", "b"),
        ("image_sdss_flux IS NOT NULL", "acd"),
        ("image_sdss_psf_fwhm_r < 2", "acd"),
        ("log10(photometry_sdss_flux_r) = 2", "a"),
        ("sqrt(photometry_sdss_flux_r) = 10 OR abs(-1) = 2", "a"),
        ("power(photometry_sdss_flux_r, 2) = 100", "b"),
        ("1 / redshift > 0", "b"),
        ("1 = 1", "abcd"),
        ("TRUE", "abcd"),
        ("1 > 2", ""),
        (f"specobjid = {BIG}", "a"),
        (f"specobjid IN ({BIG + 1}, 3)", "bc"),
        ("specobjid > 1e18", "ab"),
        ("((class = 'STAR'))", "a"),
        ("class = 'STAR';", "a"),
    ],
)
def test_rows(expression, rows):
    assert chosen(expression) == rows


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "is empty"),
        (";", "is empty"),
        ("class = 'STAR'; DROP TABLE x", "more than one condition"),
        ("redshft > 1", "did you mean 'redshift'"),
        ("rr_mag > 1", "did you mean 'r_mag'"),
        ('class = "STAR"', "single quotes"),
        ("class > 1", "compares text with a number"),
        ("redshift = 'a'", "compares a number with text"),
        ("class = NULL", "use IS NULL"),
        ("redshift", "must be true or false"),
        ("class AND in_domain", "must be true or false"),
        ("1 < redshift < 2", "compares true/false with a number"),
        ("log(redshift) > 1", "use log10"),
        ("class LIKE subclass", "pattern"),
        ("class IN ()", "empty list"),
        ("class IN (subclass)", "only numbers and text"),
        ("image_sdss_psf_fwhm > 1", "use one of image_sdss_psf_fwhm_u"),
        ("targets = 'BGS'", "only numbers, text"),
        ("-class = 1", "where a number is needed"),
        ("class ==== 1", "not a condition that can be read"),
        ("(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
        ("NOT " * 5000 + "TRUE", "nested too deeply"),
        ("x" * 70_000, "more than the 65,536"),
    ],
)
def test_one_sentence(expression, sentence):
    with pytest.raises(ConfigurationError) as caught:
        compile_where(expression, SCHEMA)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_ambiguous_magnitude():
    schema = pa.schema([*FIELDS, *photometry_fields("legacy", "grz", dereddened=False, zero_point="ab")])
    with pytest.raises(ConfigurationError, match="photometry_sdss_r_mag or photometry_legacy_r_mag"):
        compile_where("r_mag < 20", schema)
    assert compile_where("i_mag < 20", schema).columns == ("photometry_sdss_flux", "photometry_sdss_ivar")


def test_table_without_the_column():
    with pytest.raises(BadInputError, match="'redshift'"):
        compile_where("redshift > 1", SCHEMA).mask(table().select(["class"]))


def test_no_rows():
    assert compile_where("r_mag < 20 OR class = 'STAR'", SCHEMA).mask(SCHEMA.empty_table()).shape == (0,)


NUMBERS = st.sampled_from(["x", "n", "x + n", "abs(x)", "-n", "2", "-1.5", "x * 0.5", "(n - 3)"])
LEAVES = st.one_of(
    st.tuples(NUMBERS, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), NUMBERS).map(" ".join),
    NUMBERS.map(lambda n: f"{n} IS NULL"),
    NUMBERS.map(lambda n: f"{n} BETWEEN -1 AND 2"),
    st.sampled_from(["name = 'a'", "name IN ('a', 'b')", "name NOT IN ('b')", "name LIKE 'a%'", "name IS NOT NULL"]),
    st.sampled_from(["n IN (1, 2)", "x NOT IN (0.5, 1)"]),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda a: f"NOT ({a})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
@settings(deadline=None, max_examples=150)
def test_the_same_rows_as_a_database(condition):
    """SQLite is the judge of three-valued logic."""
    xs, ns, names = [0.5, 1.0, None, -2.0, 3.0, 0.0], [1, 2, 3, None, -1, 0], ["a", "b", None, "ab", "", "A"]
    data = pa.table({"x": pa.array(xs, pa.float64()), "n": pa.array(ns, pa.int32()), "name": pa.array(names)})
    with sqlite3.connect(":memory:") as base:
        base.execute("PRAGMA case_sensitive_like = ON")
        base.execute("CREATE TABLE t (row INTEGER, x REAL, n INTEGER, name TEXT)")
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", zip(range(6), xs, ns, names, strict=True))
        expected = [row for (row,) in base.execute(f"SELECT row FROM t WHERE {condition} ORDER BY row")]
    base.close()
    assert np.flatnonzero(compile_where(condition, data.schema).mask(data)).tolist() == expected


PIECES = [
    "class",
    "redshift",
    "r_mag",
    "=",
    "<",
    "(",
    ")",
    "'",
    '"',
    ";",
    "--",
    "/*",
    "AND",
    "NOT",
    "IN",
    ",",
    "1",
    "*",
]
PIECES += ["SELECT", "FROM", "\x00", "'STAR'", "NULL", "BETWEEN", "LIKE", "ABS(", "."]


def sentence_of(text):
    """The error that a text gives; None where it compiles, and then it must work."""
    try:
        where = compile_where(text, SCHEMA)
    except AsterismError as error:
        return str(error)
    assert where.mask(table()).shape == (4,)
    return None


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
@settings(deadline=None, max_examples=400)
def test_any_text_is_a_condition_or_one_sentence(text):
    said = sentence_of(text)
    assert said is None or len(said.splitlines()) == 1
