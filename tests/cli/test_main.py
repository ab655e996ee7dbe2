import subprocess
import sys

import pytest

from asterism import __version__
from asterism.cli.main import VERBS


def run(*arguments, code="from asterism.cli.main import main; main()"):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_help_names_every_verb():
    done = run("--help")
    assert done.returncode == 0
    for verbs in VERBS.values():
        for verb in verbs:
            assert verb in done.stdout


@pytest.mark.parametrize("verb", [verb for verbs in VERBS.values() for verb in verbs])
def test_every_verb_has_help_with_an_example(verb):
    arguments = [verb, "table", "--help"] if verb == "ingest" else [verb, "--help"]
    done = run(*arguments)
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert f"asterism {verb}" in done.stdout


def test_the_version_is_printed():
    assert run("--version").stdout.strip() == f"asterism {__version__}"


def test_an_error_is_one_sentence_with_an_exit_code(tmp_path):
    done = run("info", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no catalog at")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_misspelt_verb_names_the_nearest():
    done = run("predikt")
    assert done.returncode == 2
    assert "predict" in done.stderr


def test_an_interruption_says_how_to_go_on(tmp_path):
    code = (
        "import asterism.catalogs.catalog as c\n"
        "def stop(*a): raise KeyboardInterrupt\n"
        "c.open_catalog = stop\n"
        "from asterism.cli.main import main; main()"
    )
    done = run("info", str(tmp_path), code=code)
    assert done.returncode == 130
    assert "run the same command again" in done.stderr
