import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.models.calibration import ConformalSets, Temperature


def drawn(n, seed=0, classes=3, sharpness=2.0):
    """Probabilities, labels drawn from them, magnitudes: a perfectly calibrated classifier."""
    generator = torch.Generator().manual_seed(seed)
    probabilities = (sharpness * torch.randn(n, classes, generator=generator)).softmax(-1)
    labels = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
    return probabilities, labels, 15 + 7 * torch.rand(n, generator=generator)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.4, 3.0))
def test_the_temperature_that_was_put_in_is_found(true):
    probabilities, labels, _ = drawn(20_000)
    distorted = (probabilities.log() * true).softmax(-1)
    fitted = Temperature().fit(distorted, labels)
    assert float(fitted.value) == pytest.approx(true, rel=0.05)
    torch.testing.assert_close(fitted(distorted).sum(1), torch.ones(20_000))


def test_no_other_temperature_has_a_lower_log_loss():
    probabilities, labels, _ = drawn(3000)
    distorted = (probabilities.log() * 1.7).softmax(-1)
    fitted = Temperature().fit(distorted, labels)

    def loss(temperature):
        fitted.value.fill_(temperature)
        return torch.nn.functional.nll_loss(fitted(distorted).double().log(), labels)

    best = float(fitted.value)
    assert all(loss(best) <= loss(best * factor) + 1e-9 for factor in (0.8, 0.95, 1.05, 1.25))


def test_temperature_of_one_changes_nothing_and_certainty_stays_finite():
    certain = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    torch.testing.assert_close(Temperature()(certain), certain)
    hot = Temperature()
    hot.value.fill_(2.0)
    assert torch.isfinite(hot(certain)).all()


@pytest.mark.parametrize("level", [0.68, 0.9, 0.95])
def test_sets_cover_in_every_class_and_bin(level):
    sets = ConformalSets(3).fit(*drawn(30_000, 1), level)
    probabilities, labels, magnitudes = drawn(60_000, 2)
    covered = sets.sets(probabilities, magnitudes).gather(1, labels[:, None])[:, 0]
    for c in range(3):
        for low in range(15, 22):
            cell = (labels == c) & (magnitudes >= low) & (magnitudes < low + 1)
            n, n_fit = int(cell.sum()), int(sets.counts[c, low - 8])
            error = np.sqrt(level * (1 - level) * (1 / n + 1 / n_fit))
            assert abs(float(covered[cell].float().mean()) - level) < 4 * error


def test_small_cells_and_unknown_magnitudes_take_their_classs_threshold():
    probabilities, labels, magnitudes = drawn(2000)
    faint = (labels == 2).nonzero()[:, 0]
    magnitudes[faint] = 17.5
    magnitudes[faint[:60]] = 18.5
    magnitudes[faint[60:63]] = torch.nan
    sets = ConformalSets(3, minimum=100).fit(probabilities, labels, magnitudes, 0.9)
    overall = sets.thresholds[2, -1]
    assert sets.thresholds[2, 17 - 8] != overall  # enough objects for a threshold of its own
    assert sets.thresholds[2, 18 - 8] == overall  # 60 objects are too few
    assert sets.thresholds[2, 21 - 8] == overall  # none at all
    assert sets.counts[2].tolist()[17 - 8 : 19 - 8] == [len(faint) - 63, len(faint)]
    unknown = torch.full((2000,), torch.nan)
    assert sets.sets(probabilities, unknown).float().sum(1).mean() > 0.8


def test_a_class_without_calibration_objects_is_never_ruled_out():
    probabilities, labels, magnitudes = drawn(2000)
    keep = labels != 1
    sets = ConformalSets(3).fit(probabilities[keep], labels[keep], magnitudes[keep])
    assert sets.sets(probabilities, magnitudes)[:, 1].all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_an_objects_set_depends_on_the_object_alone(seed):
    sets = ConformalSets(3).fit(*drawn(1000, 1))
    probabilities, _, magnitudes = drawn(50, seed)
    whole = sets.sets(probabilities, magnitudes)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(sets.sets(probabilities[order], magnitudes[order]), whole[order])
    jitter = probabilities * (1 + 1e-7)
    assert (sets.sets(jitter, magnitudes) == whole).float().mean() > 0.97


def test_unlabelled_objects_do_not_count():
    probabilities, labels, magnitudes = drawn(1000)
    more = torch.cat([labels, torch.full((1000,), -1)])
    twice = (torch.cat([probabilities] * 2), more, torch.cat([magnitudes] * 2))
    one, two = ConformalSets(3).fit(probabilities, labels, magnitudes), ConformalSets(3).fit(*twice)
    assert torch.equal(one.thresholds, two.thresholds)
    a, b = Temperature().fit(probabilities, labels), Temperature().fit(twice[0], more)
    assert torch.equal(a.value, b.value)


def test_what_can_not_be_fitted_is_refused():
    probabilities, labels, magnitudes = drawn(20)
    with pytest.raises(BadInputError, match="between 0 and 1 and is 90"):
        ConformalSets(3).fit(probabilities, labels, magnitudes, 90)
    with pytest.raises(BadInputError, match="no object of the calibration part has a label"):
        ConformalSets(3).fit(probabilities, labels * 0 - 1, magnitudes)
    with pytest.raises(BadInputError, match="no object of the calibration part has a label"):
        Temperature().fit(probabilities, labels * 0 - 1)
    with pytest.raises(BadInputError, match="no conformal thresholds"):
        ConformalSets(3).sets(probabilities, magnitudes)
