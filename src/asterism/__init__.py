"""Asterism: one object seen across photometry, images and spectra, with answers that can be trusted.

The public names load on first use, so that ``import asterism`` stays quick (torch alone takes over a second).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asterism.errors import unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog, open_catalog
    from asterism.inference.predictor import Predictor

__version__ = "0.1.0"
__all__ = ["Catalog", "Predictor", "__version__", "open_catalog"]

_HOMES = {
    "Catalog": "asterism.catalogs.catalog",
    "open_catalog": "asterism.catalogs.catalog",
    "Predictor": "asterism.inference.predictor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'asterism': {unknown_name('attribute', name, _HOMES)}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
