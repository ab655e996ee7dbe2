"""What README and docs say exists: commands parse, settings and keys are known, conditions compile, links resolve."""

import ast
import json
import re
import shlex
from pathlib import Path

import pyarrow as pa
import pytest
import typer

import asterism
from asterism.catalogs.columns import PLACES
from asterism.catalogs.schema import identity_fields, label_fields, photometry_fields, prediction_fields
from asterism.catalogs.where import compile_where
from asterism.cli.main import app
from asterism.learning.config import TrainConfig, descriptions, dotted, parse_settings
from asterism.learning.metrics import classification_metrics
from asterism.learning.redshift_metrics import redshift_metrics
from asterism.models.registry import model_names, network_class
from asterism.surveys.tables.table_map import (
    FileLayout,
    IdentityColumns,
    LabelColumns,
    PhotometryColumns,
    TableMap,
    preset_names,
    read_map,
)

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "results").glob("*.md"))]
GUIDE = {path.stem: path.read_text(encoding="utf-8") for path in PAGES}
#: Written by benchmarks and demos; a link to one may stand before it does.
MADE_LATER = (ROOT / "docs" / "results", ROOT / "docs" / "images")
SCHEMA = pa.schema(
    [
        *identity_fields(placed=True),
        *label_fields(),
        *photometry_fields(
            "sdss", "ugriz", ("flux", "ivar", "radius", "psf_probability"), dereddened=False, zero_point="sdss"
        ),
        *prediction_fields("classification,redshift", grid=[0.0, 1.0]),
        *(field for fields in PLACES.values() for field in fields),
    ]
)
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind):
    for path in PAGES:
        for language, text in FENCE.findall(path.read_text(encoding="utf-8")):
            if language == kind:
                yield path.stem, text


def command_lines():
    for page, text in blocks("console"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("$ asterism"):
                yield page, line.removeprefix("$ ")


ROOT_COMMAND = typer.main.get_command(app)
COMMANDS = sorted(set(command_lines()))


def parsed(line):
    """The command that a line calls, and its parameters; nothing is run."""
    words = shlex.split(line, comments=True)[1:]
    command = ROOT_COMMAND
    context = command.make_context("asterism", list(words), resilient_parsing=True)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    context = command.make_context(line, words, parent=context)
    return command, context.params


def leaf_commands(command=ROOT_COMMAND, path=()):
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaf_commands(child, (*path, name))
    else:
        yield " ".join(path), command


OPTIONS = {option for _, command in leaf_commands() for parameter in command.params for option in parameter.opts} | {
    "--help",
    "--version",
}


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_command_lines_parse(page, line):
    _, params = parsed(line)
    parse_settings(params.get("settings") or [])
    if params.get("where"):
        compile_where(params["where"], SCHEMA)
    if params.get("preset"):
        assert params["preset"] in preset_names()
    if params.get("model") and "inputs" in params:
        network_class(params["model"])


def test_every_command_has_an_example():
    shown = {" ".join(shlex.split(line, comments=True)[1:3]) for _, line in COMMANDS}
    for name, _ in leaf_commands():
        assert any(text == name or text.startswith(name + " ") for text in shown), f"no page shows asterism {name}"


def test_options_that_pages_speak_of_exist():
    for page, text in GUIDE.items():
        for option in re.findall(r"`(--[a-z][a-z0-9-]*)", FENCE.sub("", text)):
            assert option in OPTIONS, f"{page}: there is no option {option}"


def test_settings_that_pages_speak_of_exist():
    known = set(dotted(TrainConfig())) | {"classification.class_weights.NAME"}
    known |= {f"model.{name}" for model in model_names() for name in network_class(model).Options.model_fields}
    sections = "|".join(TrainConfig.model_fields)
    for page, text in GUIDE.items():
        for key in re.findall(rf"`((?:{sections})\.[a-z_.A-Z]+)[`=]", text):
            # Files of a model directory begin like its settings.
            if not key.endswith((".safetensors", ".py", ".pt")):
                assert key in known, f"{page}: there is no setting {key}"


def test_the_table_of_settings_is_that_of_the_code():
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-zA-Z_.]+)` \| `([^`]*)` \|", GUIDE["train"], re.MULTILINE))
    rows.pop("classification.class_weights.NAME")
    model = network_class("margformer").Options().model_dump(mode="json")
    wanted = dotted(TrainConfig()) | {f"model.{key}": value for key, value in model.items()}
    assert rows == {key: json.dumps(value) for key, value in wanted.items()}
    for key, meaning in descriptions().items():
        assert key not in wanted or meaning in GUIDE["train"], f"the meaning of {key} has changed"


def test_every_key_of_a_table_map_is_explained():
    for section in (FileLayout, IdentityColumns, LabelColumns, PhotometryColumns, TableMap):
        for name, field in section.model_fields.items():
            assert f"`{field.alias or name}`" in GUIDE["ingest"] or section is TableMap
    for name in ("description", "survey", "release", "missing"):
        assert f"| `{name}` |" in GUIDE["ingest"]
    for name in preset_names():
        assert f"| `{name}` |" in GUIDE["ingest"]


@pytest.mark.parametrize("text", [text for _, text in blocks("toml")])
def test_maps_are_read(text, tmp_path):
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    read_map(path)


def test_the_worked_example_is_read_as_the_page_says(tmp_path):
    from asterism.surveys.table import ingest_table

    table = next(text for page, text in blocks("text") if page == "ingest")
    (tmp_path / "survey.csv").write_text(table, encoding="utf-8")
    (tmp_path / "survey.toml").write_text(next(text for _, text in blocks("toml")), encoding="utf-8")
    made = ingest_table([tmp_path / "survey.csv"], tmp_path / "out", map_file=tmp_path / "survey.toml")
    assert len(made) == 3
    ivar = dict(zip(*made.read(["object_id", "photometry_sdss_ivar"]).to_pydict().values(), strict=True))
    assert (ivar["A1"][0] > 0, ivar["A4"][0], ivar["A5"][0]) == (True, 0, 0)
    assert ["corrupt" in reason for reason in made.quarantine()["reason"].to_pylist()] == [True]


def test_the_example_of_a_prior_is_read(tmp_path):
    from asterism.inference.prior import read_prior

    path = tmp_path / "prior.csv"
    path.write_text(next(text for page, text in blocks("text") if page == "answers"), encoding="utf-8")
    assert read_prior(path, ("STAR", "GALAXY", "QSO")).band == "r"


def test_every_figure_is_defined():
    found = classification_metrics(
        [[0.9, 0.1], [0.2, 0.8]], [0, 1], ["STAR", "QSO"], sets=[[1, 0], [0, 1]], resamples=2
    )
    for key in found:
        assert f"`{key}`" in GUIDE["answers"]
    for column in prediction_fields("classification,redshift", grid=[0.0, 1.0]):
        assert f"`{column.name}`" in GUIDE["answers"]
    for key in redshift_metrics([0, 1], [[1, 1], [1, 2]], [0.3, 0.4], resamples=2):
        assert key.endswith("_interval") or f"`{key}`" in GUIDE["answers"]


@pytest.mark.parametrize(("page", "text"), list(blocks("python")))
def test_python_examples_use_what_there_is(page, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "asterism":
            assert node.attr in asterism.__all__


def slug(heading):
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


LINKS = sorted(
    {
        (path.relative_to(ROOT).as_posix(), target)
        for path in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", path.read_text(encoding="utf-8")))
        if not re.match(r"[a-z]+:", target)
    }
)


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_resolve(page, target):
    file, _, anchor = target.partition("#")
    path = ((ROOT / page).parent / file).resolve() if file else ROOT / page
    if not path.exists() and any(place in path.parents for place in MADE_LATER):
        pytest.skip(f"{file} is not made yet")
    assert path.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
        assert anchor in {slug(heading) for heading in headings}


def test_files_that_pages_name_exist():
    for page, text in GUIDE.items():
        for name in re.findall(r"`((?:catalogs|surveys|simulate|models|learning|inference|cli)/[\w.]+\.py)`", text):
            assert (ROOT / "src" / "asterism" / name).is_file(), f"{page} names {name}"


def test_pages_are_in_the_table_of_contents():
    listed = set(re.findall(r"^([a-z]+)$", GUIDE["index"], re.MULTILINE))
    for path in (ROOT / "docs").glob("*.md"):
        assert path.stem == "index" or path.stem in listed
