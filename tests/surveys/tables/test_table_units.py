import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.tables.table_units import factor, parse_unit


def convert(target, in_file, in_map=None):
    return factor(target, file="t.fits", column="c", in_file=in_file, in_map=in_map)


@pytest.mark.parametrize(
    ("target", "unit", "expected"),
    [
        ("nanomaggy", "nanomaggies", 1.0),
        ("nanomaggy", "mgy", 1e9),
        ("nanomaggy", "uJy", 1 / 3.6308),
        ("nanomaggy", "erg/s/cm2/Hz", 1e29 / 3.6308),
        ("nanomaggy-2", "1/nanomaggy^2", 1.0),
        ("nanomaggy-2", "uJy-2", 3.6308**2),
        ("deg", "rad", 57.29577951),
        ("deg", "degree", 1.0),
        ("arcsec", "arcmin", 60.0),
        ("mag", "mag", 1.0),
        ("mag", "mag(AB)", 1.0),
        ("nanomaggy", None, 1.0),
    ],
)
def test_what_can_be_converted(target, unit, expected):
    assert convert(target, unit) == pytest.approx(expected, rel=1e-4)


def test_the_file_is_believed_before_the_map():
    assert convert("nanomaggy", "mgy", "uJy") == pytest.approx(1e9)
    assert convert("nanomaggy", None, "mgy") == pytest.approx(1e9)
    assert convert("nanomaggy", "made up", "mgy") == pytest.approx(1e9)


@pytest.mark.parametrize(("target", "unit"), [("nanomaggy", "mag"), ("mag", "uJy"), ("deg", "s"), ("arcsec", "pix")])
def test_a_contradiction_is_refused(target, unit):
    with pytest.raises(BadInputError, match=f"column 'c' is in '{unit}', which can't be converted into {target}"):
        convert(target, unit)


def test_units_that_do_not_exist():
    assert parse_unit("made up") is None
    with pytest.raises(BadInputError, match="'made up' of column 'c' is no unit"):
        convert("nanomaggy", "made up")
    with pytest.raises(ConfigurationError, match="unit 'made up' in the map"):
        convert("nanomaggy", None, "made up")
