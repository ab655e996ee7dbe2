"""Calibration sets temperature, sets and domain from the calibration part, and says where it can't."""

import pytest
import torch

from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.learning.calibrate import Uncalibrated, calibrate, run_over
from asterism.learning.config import CalibrateConfig
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model
from asterism.models.redshift_families import RedshiftConfig

CLASSES = ("STAR", "GALAXY", "QSO")


@pytest.fixture
def model(tiny_sky):
    bindings = bind_roles(tiny_sky.schema, "photometry")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = create_model("margformer", ModelInputs.from_bindings(bindings), CLASSES, {"members": 2, "width": 16})
    made.standardise(Stream(tiny_sky, bindings, batch_size=32, labels=("class",)))
    return made


def answers(n, seed=0, sharpness=3.0, width=16):
    """Answers that are right as often as a softer model would say."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 3, generator=generator)
    labels = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    magnitudes = 18 + 4 * torch.rand(n, generator=generator)
    return Uncalibrated(
        (sharpness * logits).softmax(-1), labels, magnitudes, 3 + torch.randn(n, width, generator=generator)
    )


def test_overconfidence_is_found_and_sets_cover(model):
    told = calibrate(model, answers(3000), CalibrateConfig(coverage=0.8), known=answers(3000, seed=2).vectors)
    assert told == []
    assert float(model.temperature.value) == pytest.approx(3, rel=0.1)
    new = answers(3000, seed=1)
    sets = model.conformal.sets(model.temperature(new.probabilities), new.magnitudes)
    covered = sets[torch.arange(3000), new.labels].double().mean()
    assert float(covered) == pytest.approx(0.8, abs=0.03)
    near = model.domain.in_domain(model.domain.score(new.vectors)).double().mean()
    far = model.domain.in_domain(model.domain.score(-new.vectors)).double().mean()
    assert float(near) > 0.95
    assert float(far) == 0


def test_the_smallest_cell_is_what_was_asked_for(model):
    calibrate(model, answers(3000), CalibrateConfig(smallest_cell=10_000), known=answers(3000).vectors)
    assert (model.conformal.thresholds == model.conformal.thresholds[:, :1]).all()
    calibrate(model, answers(3000), CalibrateConfig(smallest_cell=20), known=answers(3000).vectors)
    assert not (model.conformal.thresholds == model.conformal.thresholds[:, :1]).all()


def test_a_small_part_falls_back_and_says_so(model):
    few = answers(9)
    told = calibrate(model, few, CalibrateConfig(), known=few.vectors)
    assert float(model.temperature.value) == 1
    assert "9 labelled objects, fewer than the 100 that a temperature needs" in told[0]
    assert "too few for a threshold at 90 % coverage" in told[1]
    assert "can't say what is out of its domain" in told[-1]
    assert all(sentence.count(". ") == 0 and sentence.endswith(".") for sentence in told)
    # A class without a threshold is never ruled out.
    assert bool(model.conformal.sets(few.probabilities, few.magnitudes).all())


def test_only_observed_objects_calibrate(model, tiny_sky):
    stream = Stream(tiny_sky, bind_roles(tiny_sky.schema, "photometry"), batch_size=7, labels=("class",))
    found = run_over(model, stream)
    # Every twentieth of the 60 rows has no photometry; every twelfth has no class.
    assert len(found.labels) == 57
    assert found.vectors.shape == (57, 16)
    assert int((found.labels < 0).sum()) == sum(row % 12 == 5 and row % 20 != 7 for row in range(60))
    torch.testing.assert_close(found.probabilities.sum(1), torch.ones(57))
    assert not model.training


def test_too_few_redshifts_leave_densities_alone_and_say_of_which_class(tiny_sky):
    bindings = bind_roles(tiny_sky.schema, "photometry")
    redshift = RedshiftConfig(z_max=2.5, points=50, classes=("GALAXY", "QSO"))
    inputs = ModelInputs.from_bindings(bindings)
    with torch.random.fork_rng():
        made = create_model("margformer", inputs, CLASSES, {"members": 2, "width": 16}, redshift=redshift)
    stream = Stream(tiny_sky, bindings, batch_size=32)
    made.standardise(stream)
    found = run_over(made, stream)
    known = torch.isfinite(found.redshifts)
    assert found.densities.shape == (len(found.labels), 2, 50)
    # Stars and objects without a redshift teach no density.
    assert torch.equal(known, found.labels > 0)
    assert torch.equal(found.density_index[known], found.labels[known] - 1)
    told = calibrate(made, found, CalibrateConfig(), known=found.vectors)
    for index, name in enumerate(("GALAXY", "QSO")):
        count = int((known & (found.density_index == index)).sum())
        assert any(f"has {count} redshifts of class {name}, fewer than the 100" in line for line in told)
    assert (made.redshift_calibration.shape == 1).all()
