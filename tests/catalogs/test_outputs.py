"""Outputs are whole or absent; interrupted ones continue, changed ones are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from asterism.catalogs.outputs import Output, atomic_write, file_identity, read_inputs
from asterism.errors import BadInputError, OutputError


def make(path: Path, inputs: dict | None = None, text: str = "whole", overwrite: bool = False) -> Output:
    with Output(path, inputs or {"seed": 1}, overwrite) as out:
        if not out.complete:
            (out.directory / "data").write_text(text)
    return out


def interrupt(path: Path, inputs: dict | None = None, error: type[BaseException] = KeyboardInterrupt) -> None:
    with pytest.raises(error), Output(path, inputs or {"seed": 1}) as out:
        (out.directory / "half").write_text("half")
        raise error("stop")


def test_an_output_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with Output(tmp_path / "deep" / "out", {"seed": 1}) as out:
        assert out.directory == tmp_path / "deep" / "out.partial"
        assert not out.resumed
        assert not (tmp_path / "deep" / "out").exists()
        (out.directory / "data").write_text("x")
    assert sorted(os.listdir(tmp_path / "deep")) == ["out"]
    assert sorted(os.listdir(tmp_path / "deep" / "out")) == ["data", "inputs.json"]
    assert read_inputs(out.path) == out.inputs


def test_the_same_inputs_again_find_it_complete(tmp_path: Path) -> None:
    make(tmp_path / "out")
    again = make(tmp_path / "out", text="other")
    assert again.complete
    assert again.directory == tmp_path / "out"
    assert (tmp_path / "out" / "data").read_text() == "whole"


def test_an_interrupted_output_continues(tmp_path: Path) -> None:
    interrupt(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out.partial" / ".data.1.tmp.parquet").write_text("what a killed process was writing")
    with Output(tmp_path / "out", {"seed": 1}) as out:
        assert out.resumed
        assert (out.directory / "half").exists()
        assert not (out.directory / ".data.1.tmp.parquet").exists()
    assert (tmp_path / "out" / "half").exists()


def test_bad_input_leaves_nothing(tmp_path: Path) -> None:
    interrupt(tmp_path / "out", error=BadInputError)
    assert os.listdir(tmp_path) == []


def test_other_inputs_are_refused_and_named(tmp_path: Path) -> None:
    interrupt(tmp_path / "out", {"seed": 1, "files": [{"name": "a", "bytes": 3}]})
    with pytest.raises(OutputError, match=r"files\[0\]\.bytes: 3 before, 4 now") as caught:
        Output(tmp_path / "out", {"seed": 1, "files": [{"name": "a", "bytes": 4}]}).begin()
    assert "--overwrite" in str(caught.value)
    make(tmp_path / "done", {"seed": 1})
    with pytest.raises(OutputError, match=r"seed: 1 before, 2 now.*new: nothing before, \"x\" now"):
        Output(tmp_path / "done", {"seed": 2, "new": "x"}).begin()


def test_many_changes_are_counted(tmp_path: Path) -> None:
    make(tmp_path / "out", {key: 1 for key in "abcdefg"})
    with pytest.raises(OutputError, match="and 4 more"):
        Output(tmp_path / "out", {key: "x" * 100 for key in "abcdefg"}).begin()


def test_overwrite_starts_anew_and_replaces(tmp_path: Path) -> None:
    make(tmp_path / "out", {"seed": 1})
    make(tmp_path / "out", {"seed": 2}, text="new", overwrite=True)
    assert (tmp_path / "out" / "data").read_text() == "new"
    interrupt(tmp_path / "two", {"seed": 1})
    out = make(tmp_path / "two", {"seed": 2}, overwrite=True)
    assert not out.resumed
    assert not (tmp_path / "two" / "half").exists()
    assert sorted(os.listdir(tmp_path)) == ["out", "two"]


def test_a_failed_overwrite_leaves_the_old_one(tmp_path: Path) -> None:
    make(tmp_path / "out")
    with pytest.raises(ValueError, match="stop"), Output(tmp_path / "out", {"seed": 2}, overwrite=True):
        raise ValueError("stop")
    assert (tmp_path / "out" / "data").read_text() == "whole"


def test_what_others_made_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "thesis.tex").write_text("x")
    for name in ("mine", "file", "new"):
        for overwrite in (False, True):
            with pytest.raises(OutputError, match="choose another output"):
                Output(tmp_path / name, {}, overwrite).begin()
    assert (tmp_path / "mine" / "thesis.tex").exists()
    assert (tmp_path / "new.partial" / "thesis.tex").exists()


def test_names_that_look_like_ours_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "inputs.json").write_text('{"a": 1}')
    with pytest.raises(OutputError, match="did not make"):
        Output(tmp_path / "mine", {}, overwrite=True).begin()
    assert (tmp_path / "mine" / "inputs.json").read_text() == '{"a": 1}'
    make(tmp_path / "out", {"seed": 1})
    (tmp_path / "out.replaced").mkdir()
    (tmp_path / "out.replaced" / "thesis.tex").write_text("x")
    make(tmp_path / "out", {"seed": 2}, text="new", overwrite=True)
    assert (tmp_path / "out.replaced" / "thesis.tex").exists()
    assert sorted(os.listdir(tmp_path / "out")) == ["data", "inputs.json"]


def test_an_overwrite_cut_between_its_renames_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "out", {"seed": 1})
    replace = os.replace

    def cut(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "out":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "out", {"seed": 2}, text="new", overwrite=True)
    monkeypatch.undo()
    assert make(tmp_path / "out", {"seed": 2}, text="new").resumed
    assert os.listdir(tmp_path) == ["out"]
    assert sorted(os.listdir(tmp_path / "out")) == ["data", "inputs.json"]


def test_an_output_goes_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    make(tmp_path / "out")
    make(tmp_path / "out", {"seed": 2}, text="new", overwrite=True)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "out" / "data").read_text() == "new"
    assert os.listdir(tmp_path / "disk") == ["out"]


def test_what_another_command_made_is_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "sky", {"command": "simulate"})
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="'asterism simulate', not by 'asterism train'"):
            Output(tmp_path / "sky", {"command": "train"}, overwrite).begin()
    assert (tmp_path / "sky" / "data").exists()


def test_the_root_is_refused() -> None:
    with pytest.raises(OutputError, match="choose another output"):
        Output("/", {})


def test_an_empty_directory_is_a_free_place(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out.partial").mkdir()
    make(tmp_path / "out")
    assert (tmp_path / "out" / "data").exists()


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no file locks here")
    with Output(tmp_path / "out", {}), pytest.raises(OutputError, match="another process is writing"):
        Output(tmp_path / "out", {}).begin()


def test_a_killed_process_leaves_what_can_be_continued(tmp_path: Path) -> None:
    code = (
        "import os, sys; from asterism.catalogs.outputs import Output\n"
        "out = Output(sys.argv[1], {'seed': 1}); out.begin()\n"
        "(out.directory / 'half').write_text('half'); os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert done.returncode == 9
    assert not (tmp_path / "out").exists()
    assert make(tmp_path / "out").resumed


def test_a_damaged_record_is_not_taken_for_ours(tmp_path: Path) -> None:
    make(tmp_path / "out")
    (tmp_path / "out" / "inputs.json").write_text("[1]")
    with pytest.raises(OutputError, match="did not make"):
        Output(tmp_path / "out", {}).begin()


def test_a_place_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="can't make"):
        Output(tmp_path / "file" / "out", {}).begin()


def test_atomic_write_shows_whole_files_only(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "table.json"
    with pytest.raises(ValueError, match="stop"), atomic_write(target) as file:
        file.write_text("half")
        raise ValueError("stop")
    assert os.listdir(target.parent) == []
    with atomic_write(target) as file:
        assert file.suffix == ".json"
        file.write_text("[]")
    assert json.loads(target.read_text()) == []
    assert os.listdir(target.parent) == ["table.json"]


def test_file_identity_goes_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    before = file_identity(tmp_path / "a.csv")
    assert before["name"] == "a.csv"
    assert before["bytes"] == 1
    (tmp_path / "a.csv").write_text("2")
    assert file_identity(tmp_path / "a.csv")["sha256"] != before["sha256"]
    with pytest.raises(BadInputError, match="can't read"):
        file_identity(tmp_path / "b.csv")
