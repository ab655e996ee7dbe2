"""All doors for survey files share: parts, blocks, quarantine, and the same bytes however often it is interrupted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import identity_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys import doors
from asterism.surveys.doors import Observation, Part, Plan, assemble, find_files, ingest_files
from asterism.surveys.formats.spectral_grids import grid_named

FIELDS = (
    *identity_fields(placed=True),
    *spectrum_fields("lamost", 3909, grid_named("lamost").text, mask_bits=None, lsf=False),
)


@dataclass(frozen=True)
class WordDoor:
    """Reads text files of lines ``name ra dec flux``."""

    survey = "word"
    suffixes = (".txt",)

    def plan(self, files):
        parts = tuple(Part(file, size=file.stat().st_size) for file in files if file.stem != "skip")
        skipped = tuple((file.name, "skipped; nothing to do") for file in files if file.stem == "skip")
        return Plan(FIELDS, True, parts, skipped)

    def read(self, part, fields):
        for k, line in enumerate(part.path.read_text().splitlines()):
            name, ra, dec, flux = line.split()
            if name == "crash":
                raise ZeroDivisionError("of the reader")
            if name == "bad":
                yield Observation(k, complaints=("says that it is bad; leave it",))
                continue
            values = np.full(3909, float(flux), np.float32)
            yield Observation(
                k,
                {
                    "object_id": name, "ra": float(ra), "dec": float(dec), "spectrum_lamost_flux": values,
                    "spectrum_lamost_ivar": np.ones(3909, np.float32),
                },
            )  # fmt: skip


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(7):
        (folder / f"f{k}.txt").write_text(f"a{k} {10 + k} 5 {k}\nb{k} {10 + k} 5 {k}.5\n")
    return folder


def data_files(path: Path):
    return {file.relative_to(path): file.read_bytes() for file in sorted((path / "dataset").rglob("*.parquet"))}


def test_one_row_per_observation_and_one_source_per_place(files, tmp_path):
    seen = []
    made = ingest_files(
        WordDoor(), [files], tmp_path / "c", workers=1, progress=lambda done, total: seen.append((done, total))
    )
    table = made.read(["object_id", "source_id", "spectrum_lamost_flux"])
    assert sorted(table["object_id"].to_pylist()) == sorted(f"{x}{k}" for x in "ab" for k in range(7))
    assert len(set(table["source_id"].to_pylist())) == 7
    assert seen[-1][0] == seen[-1][1] > 0


def test_faults_stay_with_their_files(files, tmp_path):
    (files / "f1.txt").write_text("crash 1 1 1\n")
    (files / "f2.txt").write_text("a2 12 5\n")
    (files / "f3.txt").write_text("bad 1 1 1\nc3 1 1 1\nnowhere nan 1 1\n")
    (files / "f4.txt").write_text("c4 1 1 nan\n")
    (files / "skip.txt").write_text("")
    made = ingest_files(WordDoor(), [files], tmp_path / "c", workers=1)
    assert len(made) == 2 * 3 + 1
    lines = {(line["file"], line["row"]): line["reason"] for line in made.quarantine().to_pylist()}
    assert "ZeroDivisionError" in lines["f1.txt", ""]
    assert "not enough values" in lines["f2.txt", ""]
    assert lines["f3.txt", "0"] == "says that it is bad; leave it"
    assert "position" in lines["f3.txt", "2"]
    assert "NaN" in lines["f4.txt", "0"]
    assert lines["skip.txt", ""] == "skipped; nothing to do"


def test_nothing_left_is_one_sentence(files, tmp_path):
    for file in files.iterdir():
        file.write_text("crash 1 1 1\n")
    with pytest.raises(BadInputError, match="no row is left"):
        ingest_files(WordDoor(), [files], tmp_path / "c", workers=1)
    assert not (tmp_path / "c").exists()


def test_interrupted_and_continued_gives_the_same_bytes(files, tmp_path, monkeypatch):
    monkeypatch.setattr(doors, "_BLOCK_PARTS", 2)
    whole = ingest_files(WordDoor(), [files], tmp_path / "whole", workers=1)
    read = []
    monkeypatch.setattr(WordDoor, "read", _counting(WordDoor.read, read, stop="f5"))
    with pytest.raises(KeyboardInterrupt):
        ingest_files(WordDoor(), [files], tmp_path / "c", workers=1)
    monkeypatch.undo()
    monkeypatch.setattr(doors, "_BLOCK_PARTS", 2)
    again = []
    monkeypatch.setattr(WordDoor, "read", _counting(WordDoor.read, again))
    made = ingest_files(WordDoor(), [files], tmp_path / "c", workers=1)
    assert again == ["f4", "f5", "f6"]
    assert data_files(made.path) == data_files(whole.path)


def _counting(read, names, stop=None):
    def counted(self, part, fields):
        names.append(part.path.stem)
        if part.path.stem == stop:
            raise KeyboardInterrupt
        return read(self, part, fields)

    return counted


def test_files_are_found_below_directories_in_order(tmp_path):
    for name in ("b/two.txt", "a/one.TXT", "a/other.dat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.name for path in find_files([tmp_path, tmp_path / "a/one.TXT"], (".txt",))] == ["one.TXT", "two.txt"]
    with pytest.raises(BadInputError, match="does not exist"):
        find_files([tmp_path / "c"], (".txt",))
    with pytest.raises(BadInputError, match="no file of type .fits"):
        find_files([tmp_path], (".fits",))


def test_workers_are_checked(files, tmp_path):
    with pytest.raises(ConfigurationError, match="workers"):
        ingest_files(WordDoor(), [files], tmp_path / "c", workers=0)


def test_assemble_fills_what_is_not_named():
    fields = [pa.field("object_id", pa.string()), pa.field("x", pa.list_(pa.float32(), 2)), pa.field("n", pa.int32())]
    table = assemble([{"object_id": "a", "x": np.array([[1.0], [2.0]])}, {"object_id": "b", "n": 3}], fields)
    assert table.to_pylist() == [{"object_id": "a", "x": [1.0, 2.0], "n": None}, {"object_id": "b", "x": None, "n": 3}]
    with pytest.raises(BadInputError, match="column 'x'"):
        assemble([{"x": np.zeros(3)}], fields)
