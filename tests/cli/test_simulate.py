"""`asterism simulate` on the command line."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.schema import metadata_of
from asterism.cli import simulate as verb
from asterism.errors import BadInputError, ConfigurationError

app = typer.Typer()
app.command()(verb.command)


def test_it_makes_a_catalog_and_prints_where(tmp_path):
    out = tmp_path / "sky"
    done = CliRunner().invoke(app, ["--size", "12", "--out", str(out), "--seed", "2", "--survey", "sdss-spectro"])
    assert done.exit_code == 0, done.output
    assert str(out) in done.stdout.replace("\n", "")
    assert len(open_catalog(out)) == 12
    again = CliRunner().invoke(
        app, ["--size", "12", "--out", str(out), "--seed", "2", "--survey", "sdss-spectro", "--quiet"]
    )
    assert again.exit_code == 0
    assert again.output == ""


def test_an_unknown_survey_is_one_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="did you mean 'sdss-spectro'"):
        CliRunner().invoke(
            app, ["--size", "12", "--out", str(tmp_path / "sky"), "--survey", "sdss-spectr"], catch_exceptions=False
        )


def test_modalities_are_chosen(tmp_path):
    out = tmp_path / "sky"
    words = ["--size", "6", "--out", str(out), "--survey", "sdss-spectro", "--modalities", "photometry,spectrum"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert set(open_catalog(out).groups) == {"photometry_sdss", "spectrum_sdss"}
    assert verb.expected_seconds(10000, 1, spectra=True) > verb.expected_seconds(10000, 1)


def test_a_directory_without_templates_is_one_sentence(tmp_path):
    with pytest.raises(
        BadInputError, match="holds no template library; give the directory that has one of the folders"
    ):
        CliRunner().invoke(
            app,
            ["--size", "12", "--out", str(tmp_path / "sky"), "--templates", str(tmp_path)],
            catch_exceptions=False,
        )
    assert not (tmp_path / "sky").exists()


def test_help_shows_an_example():
    assert "asterism simulate --size 10000" in CliRunner().invoke(app, ["--help"]).output


def test_more_workers_are_expected_to_be_quicker():
    assert verb.expected_seconds(10_000, 4) < verb.expected_seconds(10_000, 1)
    assert verb.expected_seconds(10, 4) == verb.expected_seconds(10, 1)
    assert verb.expected_seconds(10_000, 1, survey="sdss-compact") > verb.expected_seconds(10_000, 1, survey="lamost")


def test_survey_files_alone_and_beside_a_catalog(tmp_path):
    words = ["--size", "3", "--survey", "sdss-spectro", "--modalities", "photometry,spectrum", "--as-survey"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "files")])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "files") in done.stdout.replace("\n", "")
    assert len(list((tmp_path / "files").rglob("spec-*.fits"))) == 3
    done = CliRunner().invoke(app, [*words, str(tmp_path / "files"), "--out", str(tmp_path / "sky")])
    assert done.exit_code == 0, done.output
    assert len(open_catalog(tmp_path / "sky")) == 3


def test_nothing_to_make_is_one_sentence():
    with pytest.raises(ConfigurationError, match="give --out, --as-survey or both"):
        CliRunner().invoke(app, ["--size", "3"], catch_exceptions=False)


def test_frames_and_files_are_expected_to_take_longer():
    plain = verb.expected_seconds(230, 1)
    assert verb.expected_seconds(230, 1, files=True) > plain
    assert verb.expected_seconds(231, 1, frames=True) > verb.expected_seconds(230, 1, frames=True) + 60.0 > plain + 60.0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--strip-window", "blue=3000"], "write an arm and two pixels"),
        (
            ["--strip-window", "red=4000:4200"],
            "the window 4000:4200 of the red arm is not inside its strip of 4136 pixels",
        ),
        (["--strip-rows", "4"], "give an odd number to 15"),
        (["--template-part", "test"], "give --templates too"),
    ],
)
def test_cuts_that_can_not_be_made_are_one_sentence(words, sentence, tmp_path):
    start = ["--size", "3", "--survey", "lamost", "--modalities", "spectrum2d", "--out", str(tmp_path / "sky")]
    with pytest.raises(ConfigurationError, match=sentence):
        CliRunner().invoke(app, [*start, *words], catch_exceptions=False)
    assert not (tmp_path / "sky").exists()


def test_strips_need_a_catalog_to_stand_in(tmp_path):
    with pytest.raises(ConfigurationError, match="give --out too"):
        CliRunner().invoke(
            app,
            ["--size", "3", "--survey", "lamost", "--strip-sky", "--as-survey", str(tmp_path)],
            catch_exceptions=False,
        )


def test_pixels_are_rounded_to_their_noise_on_request(tmp_path):
    out = tmp_path / "sky"
    words = ["--size", "6", "--out", str(out), "--survey", "desi-even", "--stamp", "64", "--quantize", "10"]
    done = CliRunner().invoke(app, [*words, "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert metadata_of(open_catalog(out).schema.field("image_legacy_flux"))["noise_steps"] == "10"
    with pytest.raises(ConfigurationError, match="--quantize rounds what a catalog holds"):
        CliRunner().invoke(
            app, ["--size", "3", "--quantize", "10", "--as-survey", str(tmp_path / "files")], catch_exceptions=False
        )
