import torch

from asterism.models.attention import CrossAttention, CrossAttentionBlock


def test_its_weights_are_those_it_attends_with():
    torch.manual_seed(0)
    block = CrossAttentionBlock(6, 8, 2, 0.0)
    queries, context = torch.randn(3, 4, 6), torch.randn(3, 5, 8)
    valid = torch.tensor([[True] * 5, [True, False, True, False, True], [True] * 5])
    weights = block.weights(queries, context, valid)
    assert weights.shape == (3, 2, 4, 5)
    assert (weights[1, :, :, [1, 3]] == 0).all()
    values = block.attention.key_value(block.norm_context(context))[..., 8:].unflatten(-1, (2, 4)).transpose(1, 2)
    taken = block.attention.out((weights @ values).transpose(1, 2).flatten(2))
    expected = block.attention(block.norm_query(queries), block.norm_context(context), valid)
    torch.testing.assert_close(taken, expected)


def test_it_is_softmax_attention_of_several_heads():
    torch.manual_seed(0)
    layer = CrossAttention(6, 8, 2)
    queries, context, valid = torch.randn(3, 4, 6), torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool)
    k, v = layer.key_value(context).split(8, -1)
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        weights = (layer.query(queries)[..., h] @ k[..., h].transpose(1, 2) / 2).softmax(-1)
        heads.append(weights @ v[..., h])
    torch.testing.assert_close(layer(queries, context, valid), layer.out(torch.cat(heads, -1)))


def test_a_token_that_is_not_valid_is_never_read():
    torch.manual_seed(0)
    block = CrossAttentionBlock(6, 8, 2, 0.0)
    queries, context = torch.randn(2, 3, 6), torch.randn(2, 5, 8)
    valid = torch.tensor([[True, True, False, True, True], [True, False, False, False, False]])
    other = torch.where(valid[..., None], context, 9.0)
    assert torch.equal(block(queries, other, valid), block(queries, context, valid))
    alone = block(queries[1:], context[1:, :1], valid[1:, :1])
    torch.testing.assert_close(block(queries, context, valid)[1:], alone)


def test_the_order_of_context_tokens_does_not_matter():
    torch.manual_seed(0)
    block = CrossAttentionBlock(6, 8, 2, 0.0)
    queries, context, valid = torch.randn(2, 3, 6), torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(block(queries, context.flip(1), valid), block(queries, context, valid))
