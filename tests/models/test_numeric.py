import torch

from asterism.models.numeric import NumericEmbedding


def test_values_flags_and_embeddings_stand_in_order():
    torch.manual_seed(0)
    embedding = NumericEmbedding(3, 4, 5, 0.3)
    z = torch.randn(7, 3)
    observed = torch.rand(7, 3) > 0.3
    z = torch.where(observed, z, 0.0)
    out = embedding(z, observed)
    assert out.shape == (7, embedding.width) == (7, 18)
    assert torch.equal(out[:, :3], z)
    assert torch.equal(out[:, 3:6], (~observed).float())
    parts = out[:, 6:].unflatten(1, (3, 4))
    assert (parts[~observed] == 0).all()


def test_each_feature_is_embedded_by_itself():
    torch.manual_seed(0)
    embedding = NumericEmbedding(3, 4, 5, 0.3)
    z, observed = torch.randn(6, 3), torch.ones(6, 3, dtype=torch.bool)
    changed = z.clone()
    changed[:, 1] += 1
    before, after = (embedding(v, observed)[:, 6:].unflatten(1, (3, 4)) for v in (z, changed))
    assert torch.equal(before[:, [0, 2]], after[:, [0, 2]])
    assert not torch.equal(before[:, 1], after[:, 1])


def test_it_is_what_the_paper_writes():
    torch.manual_seed(0)
    embedding = NumericEmbedding(1, 2, 3, 0.3)
    z = torch.tensor([[0.7]])
    angle = 2 * torch.pi * 0.7 * embedding.frequency[0]
    basis = torch.cat([torch.sin(angle), torch.cos(angle), z[0]])
    expected = torch.relu(basis @ embedding.weight[0] + embedding.bias[0])
    torch.testing.assert_close(embedding(z, torch.tensor([[True]]))[0, 2:], expected)
