import pytest
import torch

from asterism.errors import BadInputError
from asterism.models.extrapolation import Extrapolation

P = torch.tensor([[0.90, 0.09, 0.01], [0.6, 0.3, 0.1], [0.98, 0.01, 0.01]])


def test_without_adaptation_nothing_is_beyond():
    fresh = Extrapolation(3)
    assert not fresh.beyond(torch.tensor([10.0, 40.0, torch.nan])).any()
    assert torch.allclose(fresh(P), P)


def test_a_temperature_softens_and_keeps_the_order():
    made = Extrapolation(3).fit(P, limit=20.0, temperature=2.0, evening=0.0)
    expected = P.sqrt() / P.sqrt().sum(1, keepdim=True)
    assert torch.allclose(made(P), expected, atol=1e-6)


def test_evening_out_raises_the_rare_classes_and_one_makes_their_means_alike():
    p = torch.distributions.Dirichlet(torch.tensor([6.0, 2.0, 0.5])).sample((2000,))
    plain = Extrapolation(3).fit(p, limit=20.0, temperature=1.0, evening=0.0)
    some = Extrapolation(3).fit(p, limit=20.0, temperature=1.0, evening=0.5)
    assert (some(p)[:, 2] >= plain(p)[:, 2]).all()
    assert some(p).argmax(1).eq(2).sum() > plain(p).argmax(1).eq(2).sum()
    assert torch.allclose(some(p).sum(1), torch.ones(len(p)))


def test_what_is_beyond_is_fainter_than_the_limit_and_known():
    made = Extrapolation(3).fit(P, limit=20.0, temperature=2.0, evening=0.0)
    assert made.beyond(torch.tensor([19.9, 20.1, torch.nan])).tolist() == [False, True, False]


@pytest.mark.parametrize(("temperature", "evening"), [(0.0, 0.5), (1.0, 1.5), (1.0, -0.1)])
def test_numbers_out_of_range_are_refused(temperature, evening):
    with pytest.raises(BadInputError, match="make sense"):
        Extrapolation(3).fit(P, limit=20.0, temperature=temperature, evening=evening)


def test_nothing_to_adapt_to_is_an_error():
    with pytest.raises(BadInputError, match="nothing to go to"):
        Extrapolation(3).fit(P[:0], limit=20.0, temperature=1.0, evening=0.0)


def test_the_stated_fractions_run_from_the_estimated_to_equal_ones():
    plain = Extrapolation(3).fit(P, limit=20.0, temperature=1.0, evening=0.0)
    assert torch.allclose(plain.stated_fractions(), P.mean(0), atol=1e-6)
    even = Extrapolation(3).fit(P, limit=20.0, temperature=1.0, evening=1.0)
    assert torch.allclose(even.stated_fractions(), torch.full((3,), 1 / 3))
