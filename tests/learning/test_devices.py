"""Where a model is fitted."""

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.learning.config import FitConfig
from asterism.learning.devices import to_device, training_device


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training_device(FitConfig()) == training_device(FitConfig(accelerator="cpu")) == torch.device("cpu")
    with pytest.raises(ConfigurationError, match="no CUDA GPU is to be seen"):
        training_device(FitConfig(accelerator="gpu"))


def test_there_must_be_a_gpu_for_each_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert training_device(FitConfig()) == torch.device("cuda")
    assert training_device(FitConfig(accelerator="cpu", devices=2)) == torch.device("cpu")
    with pytest.raises(ConfigurationError, match=r"fit\.devices is 2 and there are 1 GPUs"):
        training_device(FitConfig(devices=2))


def test_all_of_a_batch_is_moved():
    moved = to_device({"x": torch.ones(2), "image": {"flux": torch.ones(2, 3)}}, torch.device("meta"))
    assert (moved["x"].device.type, moved["image"]["flux"].device.type) == ("meta", "meta")
