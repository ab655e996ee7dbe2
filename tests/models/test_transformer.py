import torch

from asterism.models.transformer import Pool, Transformer


def test_tokens_that_were_not_observed_change_nothing():
    torch.manual_seed(0)
    net, pool = Transformer(16, 4, 2), Pool(16, 4)
    tokens = torch.randn(3, 7, 16)
    valid = torch.ones(3, 7, dtype=torch.bool)
    valid[1, 4:] = False
    other = tokens.clone()
    other[1, 4:] = 50.0
    first, second = (pool(net(x, valid), valid) for x in (tokens, other))
    torch.testing.assert_close(first, second)
    everything = torch.ones_like(valid)
    assert not torch.allclose(pool(net(other, everything), everything)[1], second[1], atol=1e-2)


def test_without_what_was_not_observed_the_rest_is_the_same():
    torch.manual_seed(0)
    net = Transformer(16, 4, 1)
    tokens, valid = torch.randn(2, 5, 16), torch.tensor([[True, True, True, False, False]] * 2)
    short = net(tokens[:, :3], torch.ones(2, 3, dtype=torch.bool))
    torch.testing.assert_close(net(tokens, valid)[:, :3], short)
