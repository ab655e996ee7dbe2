"""The state of a run is written whole, read without unpickling, and seeds its steps."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import OutputError
from asterism.learning.run_state import Epoch, RunState, load_run_state, save_run_state, step_seed


def test_what_is_saved_is_read_again(tmp_path):
    weights = {"w": torch.arange(3.0)}
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
    state = RunState(5, 1, 2, 0.25, 0.5, 0, [Epoch(1, 3, 1e-3, 0.7, 0.5)], [torch.ones(2)], {"w": torch.zeros(3)})
    path = tmp_path / "checkpoints" / "last.pt"
    save_run_state(path, state, weights, optimizer.state_dict())
    again, model, optimizer_state = load_run_state(path)
    assert again.history == state.history
    assert (again.step, again.epoch, again.batch, again.loss_sum, again.best_score) == (5, 1, 2, 0.25, 0.5)
    assert torch.equal(again.average[0], state.average[0])
    assert torch.equal(again.best["w"], state.best["w"])
    assert torch.equal(model["w"], weights["w"])
    assert optimizer_state == optimizer.state_dict()
    assert [f.name for f in path.parent.iterdir()] == ["last.pt"]


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (print, ("harm",))

    for name, content in {"damaged": b"no checkpoint", "harmful": pickle.dumps(Harm())}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(OutputError, match=f"{name} can't be read .*--overwrite"):
            load_run_state(path)
    torch.save({"state": Harm(), "history": []}, tmp_path / "harmful.pt")
    with pytest.raises(OutputError, match="can't be read"):
        load_run_state(tmp_path / "harmful.pt")


@settings(deadline=None)
@given(seed=st.integers(-(2**40), 2**40), step=st.integers(0, 2**30))
def test_step_seeds_are_their_own(seed, step):
    assert 0 <= step_seed(seed, step) < 2**63
    assert step_seed(seed, step) == step_seed(seed, step)
    assert step_seed(seed, step) != step_seed(seed, step + 1)
    assert step_seed(seed, step) != step_seed(seed + 1, step)
