"""The networks by name. A new model is a file in this room and a line here."""

from __future__ import annotations

from importlib import import_module

from asterism.errors import look_up
from asterism.models.network import Network

__all__ = ["model_names", "network_class"]

_NETWORKS = {
    "avis": ("asterism.models.avis", "AVIS"),
    "cnet": ("asterism.models.macnet", "CNet"),
    "macnet": ("asterism.models.macnet", "MACNet"),
    "margformer": ("asterism.models.margformer", "MargFormer"),
    "margformer-published": ("asterism.models.margformer_published", "MargFormerPublished"),
    "margnet-ann": ("asterism.models.margnet", "MargNetANN"),
    "margnet-cnn": ("asterism.models.margnet", "MargNetCNN"),
    "margnet-ensemble": ("asterism.models.margnet_ensemble", "MargNetEnsemble"),
    "mcnet": ("asterism.models.macnet", "MCNet"),
    "mnet": ("asterism.models.macnet", "MNet"),
    "sscnn1d": ("asterism.models.macnet", "SSCNN1D"),
}


def model_names() -> tuple[str, ...]:
    """Names of the models there are."""
    return tuple(sorted(_NETWORKS))


def network_class(name: str) -> type[Network]:
    """The network of a name.

    Raises
    ------
    ConfigurationError
        When there is none, naming the nearest.
    """
    module, cls = look_up("model", name, _NETWORKS)
    return getattr(import_module(module), cls)
