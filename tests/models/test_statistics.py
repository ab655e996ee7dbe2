import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.models.statistics import RobustScale, RowSample


def test_a_short_stream_is_kept_whole():
    sample = RowSample(100)
    rows = torch.arange(60.0).reshape(30, 2)
    for part in rows.split(7):
        sample.add(part)
    assert torch.equal(sample.rows(), rows)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 50), st.integers(1, 200))
def test_the_sample_depends_on_the_rows_and_not_on_the_batches(capacity, size):
    rows = torch.arange(300.0)[:, None]
    samples = []
    for cut in (size, 300):
        sample = RowSample(capacity)
        for part in rows.split(cut):
            sample.add(part)
        samples.append(sample.rows())
    assert len(samples[0]) == capacity
    assert torch.equal(*samples)


def test_a_long_stream_is_sampled_evenly():
    sample = RowSample(2000)
    for part in torch.arange(100_000.0)[:, None].split(4096):
        sample.add(part)
    kept = sample.rows()[:, 0].numpy()
    assert len(np.unique(kept)) == 2000
    counts, _ = np.histogram(kept, bins=10, range=(0, 100_000))
    assert abs(counts - 200).max() < 5 * np.sqrt(200)


def test_the_middle_half_becomes_unit_width_and_the_tails_stay_below_three():
    rows = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0)) * 7 + 20
    scale = RobustScale(1)
    scale.fit(rows)
    z = scale(rows, torch.ones_like(rows, dtype=torch.bool))
    quarter, middle, three = z.quantile(torch.tensor([0.25, 0.5, 0.75]))
    assert abs(middle) < 1e-5
    assert 1.2 < three - quarter < 1.349
    far = scale(torch.tensor([[1e30], [-1e30]]), torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(far, torch.tensor([[3.0], [-3.0]]))


def test_yes_or_no_constant_and_unseen_quantities_are_scaled_sensibly():
    rows = torch.tensor([[0.0, 5.0, torch.nan]] * 9 + [[1.0, 5.0, torch.nan]])
    scale = RobustScale(3)
    scale.fit(rows)
    assert scale.scale.tolist() == [0.5, 1.0, 1.0]
    assert scale.centre.tolist() == [0.0, 5.0, 0.0]


def test_what_was_not_observed_is_zero():
    scale = RobustScale(2)
    scale.fit(torch.rand(50, 2))
    assert scale(torch.tensor([[torch.nan, 9.0]]), torch.tensor([[False, False]])).tolist() == [[0.0, 0.0]]
