from pathlib import Path

import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.tables.table_map import load_map, preset_names, read_map

MAP = """
survey = "sdss"
missing = [-9999, 99.9]
[identity]
ra = "RA"
dec = "DEC"
[[photometry]]
bands = ["g", "r"]
magnitude = "mag_{band}"
system = "asinh"
dereddened = false
psf_fwhm = ["w1", "w2"]
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "map.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_preset_loads_and_is_named_as_its_table():
    assert preset_names() == ["2slaq", "ast596", "cosmophotoz", "mlz", "sdss17", "sdss_balanced"]
    for name in preset_names():
        assert load_map(preset=name).description


def test_patterns_and_lists_give_one_column_per_band(tmp_path):
    table_map = read_map(written(tmp_path, MAP))
    group = table_map.photometry[0]
    assert group.columns("magnitude") == ["mag_g", "mag_r"]
    assert group.columns("psf_fwhm") == ["w1", "w2"]
    assert group.columns("radius") is None
    assert table_map.group_survey(group) == "sdss"
    assert table_map.numeric_columns() == ["RA", "DEC", "mag_g", "mag_r", "w1", "w2"]
    assert table_map.missing == [-9999.0, 99.9]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('survey = "sdss"', 'surveys = "sdss"', "unknown key 'surveys'; did you mean 'survey'"),
        ("psf_fwhm", "psf_fhwm", r"unknown key 'psf_fhwm'; did you mean 'psf_fwhm'.*\[photometry\]"),
        ('ra = "RA"', 'r_a = "RA"', r"unknown key 'r_a'; did you mean 'ra'.*\[identity\]"),
        ('dec = "DEC"', "", "ra and dec are given together"),
        ("dereddened = false", "", "photometry.0.dereddened is missing"),
        ("dereddened = false", 'dereddened = "no"', "photometry.0.dereddened: input should be a valid boolean"),
        ('system = "asinh"', "", "magnitude needs system"),
        ('system = "asinh"', 'system = "vega"', "'asinh' or 'ab'"),
        ('"mag_{band}"', '"mag"', "must hold {band}"),
        ('["w1", "w2"]', '["w1"]', "psf_fwhm has 1 entries for 2 bands"),
        ('["g", "r"]', '["g", "g"]', "names one band twice"),
        ('magnitude = "mag_{band}"', 'magnitude = "m{band}"\nflux = "f{band}"', "either magnitude or flux"),
        ("dereddened = false", 'dereddened = false\nivar = "i{band}"', "ivar goes with flux"),
        ("dereddened = false", "dereddened = false\ndereddening = [1, 2]", "dereddening goes with dereddened = true"),
        ("dereddened = false", "dereddened = false\noffsets = [1, 2]", "offsets goes with"),
        ("[identity]", "[file]\nheader = false\n[identity]", "header = false needs columns"),
        ("[identity]", '[file]\ncolumns = ["a", "a"]\n[identity]', "names one column twice"),
        ("[identity]", '[labels]\nclass = "c"\nclass_of_all = "STAR"\n[identity]', "exclude each other"),
        ("[identity]", '[labels]\nblank_zero_redshift = ["GALAXY"]\n[identity]', "needs redshift"),
        (
            "[[photometry]]",
            MAP.partition("[[photometry]]")[2].join(["[[photometry]]", "[[photometry]]"]),
            "same survey",
        ),
    ],
)
def test_a_wrong_map_is_refused_in_one_sentence(tmp_path, old, new, sentence):
    assert old in MAP
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        read_map(written(tmp_path, MAP.replace(old, new, 1)))
    assert "\n" not in str(caught.value)
    assert "map.toml" in str(caught.value)


def test_a_file_that_is_no_map(tmp_path):
    with pytest.raises(BadInputError, match="not TOML"):
        read_map(written(tmp_path, "survey = "))
    with pytest.raises(BadInputError, match="can't read the map"):
        read_map(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="can't read the map"):
        read_map(tmp_path / "binary.toml")


def test_one_of_preset_and_map(tmp_path):
    with pytest.raises(ConfigurationError, match="one of --preset NAME and --map FILE"):
        load_map()
    with pytest.raises(ConfigurationError, match="one of --preset NAME and --map FILE"):
        load_map("mlz", tmp_path / "x.toml")
    with pytest.raises(ConfigurationError, match="unknown preset 'sdss_17'; did you mean 'sdss17'"):
        load_map("sdss_17")
