import pytest

from asterism.errors import ConfigurationError
from asterism.models.network import Network
from asterism.models.registry import model_names, network_class


def test_every_name_leads_to_a_network():
    assert {"margformer", "margformer-published"} <= set(model_names())
    for name in model_names():
        assert issubclass(network_class(name), Network)


def test_a_wrong_name_is_told_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'margformer'"):
        network_class("margforner")
