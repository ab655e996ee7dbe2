"""A run trained once on a small sky, for all tests of what is done with runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.splits import make_split
from asterism.learning.config import parse_settings
from asterism.learning.train import train


@dataclass(frozen=True)
class SmallRun:
    """A run and the catalog that it was trained on (split ``default``)."""

    path: Path
    catalog: Catalog


@pytest.fixture(scope="session")
def write_sky_file():
    """The writer of conftest's small sky, as a function of path and its options."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("sky_conftest", Path(__file__).parents[1] / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_sky


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, write_sky_file) -> SmallRun:
    """margformer on photometry of 900 objects, a few epochs, with baselines."""
    folder = tmp_path_factory.mktemp("small-run")
    catalog = write_sky_file(folder / "sky", rows=900, image=False, rows_per_partition=300)
    make_split(catalog, "default", fractions={"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2})
    catalog = open_catalog(catalog.path)
    settings = parse_settings({"fit.epochs": 8, "model.members": 2, "model.width": 32})
    train(catalog, folder / "run", inputs="photometry", config=settings, baselines=True)
    return SmallRun(folder / "run", catalog)
