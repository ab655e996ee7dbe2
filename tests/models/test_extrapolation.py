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
    made = Extrapolation(3).fit(P, limit=20.0, temperature=2.0)
    expected = P.sqrt() / P.sqrt().sum(1, keepdim=True)
    assert torch.allclose(made(P), expected, atol=1e-6)


def test_what_is_beyond_is_fainter_than_the_limit_and_known():
    made = Extrapolation(3).fit(P, limit=20.0, temperature=2.0)
    assert made.beyond(torch.tensor([19.9, 20.1, torch.nan])).tolist() == [False, True, False]


def test_a_temperature_that_is_not_above_zero_is_refused():
    with pytest.raises(BadInputError, match="above 0"):
        Extrapolation(3).fit(P, limit=20.0, temperature=0.0)


def test_nothing_to_adapt_to_is_an_error():
    with pytest.raises(BadInputError, match="nothing to go to"):
        Extrapolation(3).fit(P[:0], limit=20.0, temperature=1.0)


def test_the_fractions_are_those_of_the_softened_answers():
    made = Extrapolation(3).fit(P, limit=20.0, temperature=2.0)
    assert torch.allclose(made.fractions, made(P).mean(0), atol=1e-6)
    assert torch.allclose(made.fractions.sum(), torch.ones(()))
