"""Imports point one way, start-up stays quick, and every module has its test file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "asterism"
#: What each room may import from; `errors` is open to all.
MAY_IMPORT = {
    "catalogs": {"catalogs"},
    "surveys": {"surveys", "catalogs"},
    "simulate": {"simulate", "surveys", "catalogs"},
    "models": {"models", "catalogs"},
    "learning": {"learning", "models", "catalogs"},
    "inference": {"inference", "learning", "models", "catalogs"},
    "explore": {"explore", "inference", "learning", "models", "catalogs"},
    "papers": {"papers", "explore", "inference", "learning", "models", "catalogs", "simulate", "surveys"},
    "cli": {"cli", "papers", "explore", "inference", "learning", "models", "catalogs", "simulate", "surveys"},
}
MODULES = sorted(SOURCE.rglob("*.py"))
#: Heavy enough that `asterism --help` must not pay for them.
HEAVY = {
    "torch",
    "lightning",
    "lsdb",
    "hats",
    "galsim",
    "pandas",
    "astropy",
    "pyarrow",
    "dask",
    "scipy",
    "matplotlib",
    "numpy",
}


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{a.name}" for a in node.names if node.module == "asterism"]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "asterism" and len(parts) > 1 and (SOURCE / parts[1]).is_dir():
                yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_one_way(path):
    room = path.relative_to(SOURCE).parts[0]
    if room in MAY_IMPORT:
        assert set(imported_rooms(path)) <= MAY_IMPORT[room]


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name != "__init__.py"], ids=lambda p: str(p.relative_to(SOURCE))
)
def test_every_module_has_its_test_file(path):
    relative = path.relative_to(SOURCE)
    assert (ROOT / "tests" / relative.parent / f"test_{relative.name}").exists()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_person_can_hold_the_file_in_mind(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


@pytest.mark.parametrize("what", ["asterism", "asterism.cli.main"])
def test_start_up_loads_nothing_heavy(what):
    code = f"import sys, {what}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
