"""The real field of benchmarks/real_field.py, without training: sources, reference stars, verdicts, and the cuts."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DATA = (ROOT / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not (DATA / "images" / "lsst_demo").is_dir(), reason="the real images are not here")


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("real_field", ROOT / "benchmarks" / "real_field.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def sources(benchmark, tmp_path_factory):
    return benchmark.matched(benchmark.field_catalog(DATA, tmp_path_factory.mktemp("field") / "out"), DATA)


def test_every_source_has_a_reference_star_or_a_verdict(sources):
    counts = {name: sources.verdict.count(name) for name in set(sources.verdict)}
    assert counts == {"star": 79, "galaxy": 68, "artefact": 3, "double star": 1, "asteroid": 1}
    # No source is in doubt about its star: the farthest is far inside, the nearest other far outside of 1.5 arcsec.
    near = sources.separation < 1.5
    assert sources.separation[near].max() < 0.3
    assert sources.separation[~near].min() > 5
    assert ((sources.r_mag > 15) & (sources.r_mag < 20.5)).all()


def test_stars_look_like_points_and_galaxies_do_not(benchmark, sources):
    difference = benchmark.column(sources.table, "psf_minus_model")[:, 2]
    assert np.median(np.abs(difference[sources.labels == 1])) < 0.02
    assert (difference[sources.labels == 1] < 0.145).mean() > 0.97
    assert (difference[sources.labels == 0] > 0.145).mean() > 0.93
    # The width of the PSF is what tables of objects have, not the seeing that psField tells.
    assert 0.95 < np.median(benchmark.column(sources.table, "psf_fwhm")[:, 2]) < 1.08


def test_a_source_that_was_not_looked_at_is_refused(benchmark, sources, tmp_path, monkeypatch):
    rows = benchmark.VERDICTS.read_text().splitlines()
    (tmp_path / "fewer.csv").write_text("\n".join(rows[:-1]) + "\n")
    monkeypatch.setattr(benchmark, "VERDICTS", tmp_path / "fewer.csv")
    with pytest.raises(ValueError, match="has no reference star and no verdict; look at it first"):
        benchmark.matched(benchmark.field_catalog(DATA, tmp_path / "out"), DATA)


def test_scores_and_cuts(benchmark):
    values, stars = np.array([0.0, 0.1, 0.2, 0.9, 1.0, 0.15]), np.array([True, True, True, False, False, False])
    assert 0.2 < benchmark.best_cut(values, stars) <= 0.9
    # Neither star nor galaxy counts for nothing.
    told = benchmark.score(np.array([True, False, True, True]), np.array([1, 0, 0, -1]))
    assert (told["n"], told["wrong"], told["stars_right"], told["galaxies_right"]) == (3, [2], 1, 1)
    # Wilson (1927) for 9 of 10: 0.596 to 0.982.
    assert benchmark.wilson(9, 10) == pytest.approx((0.596, 0.982), abs=1e-3)
