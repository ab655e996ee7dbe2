import torch

from asterism.models.ensemble import EnsembleMLP, MemberLinear, SharedLinear


def test_members_share_a_matrix_up_to_its_rows_and_columns():
    torch.manual_seed(0)
    layer = SharedLinear(3, 5, 4, first=True)
    with torch.no_grad():
        layer.scale_out.uniform_(0.5, 2)
    x = torch.randn(1, 7, 5)
    out = layer(x)
    assert out.shape == (3, 7, 4)
    for m in range(3):
        expected = (x[0] * layer.scale_in[m, :, 0]) @ layer.weight * layer.scale_out[m] + layer.bias[m]
        torch.testing.assert_close(out[m], expected)


def test_the_first_layer_sets_members_apart_by_signs():
    torch.manual_seed(0)
    assert set(SharedLinear(4, 50, 2, first=True).scale_in.flatten().tolist()) == {-1.0, 1.0}
    assert (SharedLinear(4, 50, 2, first=False).scale_in == 1).all()


def test_members_with_matrices_of_their_own_are_k_linear_layers():
    torch.manual_seed(0)
    layer = MemberLinear(3, 5, 4)
    x = torch.randn(3, 7, 5)
    for m in range(3):
        torch.testing.assert_close(layer(x)[m], x[m] @ layer.weight[m] + layer.bias[m])


def test_blocks_of_objects_give_what_all_at_once_gives():
    torch.manual_seed(0)
    mlp = EnsembleMLP(4, 6, 8, 2, 0.5)
    x = torch.randn(1300, 6)
    mlp.eval()
    whole = mlp(x)
    torch.testing.assert_close(whole[:, 1000:], mlp(x[1000:]))
    with torch.inference_mode():
        torch.testing.assert_close(mlp(x), whole)
    assert not torch.equal(mlp.train()(x), whole)
