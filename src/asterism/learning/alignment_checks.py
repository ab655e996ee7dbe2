"""What alignment can't be: requests refused in one sentence before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.augment import Augmentation
from asterism.learning.config import AlignmentConfig, AugmentConfig, FitConfig
from asterism.models.alignment import CONTRASTS
from asterism.models.network import Network
from asterism.models.registry import network_class

__all__ = ["check_objective", "check_pairs"]

_PAIR = ("image", "spectrum")


def check_objective(
    config: AlignmentConfig,
    model: str,
    roles: Sequence[str],
    fit: FitConfig,
    augment: AugmentConfig,
    begun: Sequence[str] = (),
) -> None:
    """Refuse an objective that can't be had.

    Parameters
    ----------
    config : AlignmentConfig
    model : str
        Name of the model.
    roles : sequence of str
        What it reads.
    fit : FitConfig
    augment : AugmentConfig
        Without any augmentation two views of an object are one.
    begun : sequence of str
        What the run to start from reads.

    Raises
    ------
    ConfigurationError
        The model embeds no images or spectra apart, or models nothing masked; an input is missing; a step is one object; a
        setting that the objective has no use for.
    """
    objective, network = config.objective, network_class(model)
    apart = network.encode is not Network.encode
    models = hasattr(network, "masked_loss")
    if not apart or ((objective not in CONTRASTS or config.pretrain_epochs) and not models):
        raise ConfigurationError(
            f"model {model} does not embed images and spectra apart, which --task alignment needs; choose --model avis"
        )
    if objective not in CONTRASTS:
        for name in ("pretrain_epochs", "pretrain_batch_size", "pretrain_learning_rate", "lock", "views"):
            if getattr(config, name):
                raise ConfigurationError(
                    f"objective {objective} compares no objects, so alignment.{name} would do nothing; leave it out, or set"
                    f" alignment.objective to one of {', '.join(CONTRASTS)}"
                )
        _check_views(config, augment)
        return
    for name in ("pretrain_batch_size", "pretrain_learning_rate", "lock"):
        begins = name == "lock" and config.lock in begun
        if getattr(config, name) and not config.pretrain_epochs and not begins:
            raise ConfigurationError(
                f"alignment.{name} goes with masked modelling before the alignment, and there is none; set"
                " alignment.pretrain_epochs, or leave it out"
            )
    if config.lock and augment.brightness:
        raise ConfigurationError(
            f"augment.brightness scales all that is measured of an object, and the {config.lock}, which alignment.lock names, is"
            " embedded once, as observed; set augment.brightness=0"
        )
    if config.whiten_by == "views" and not config.lock:
        raise ConfigurationError(
            "alignment.whiten_by goes with what is whitened, and nothing will be; set alignment.lock or"
            " alignment.objective=masked, or leave it out"
        )
    _check_views(config, augment)
    for role in _PAIR:
        if role not in roles:
            raise ConfigurationError(
                f"objective {objective} compares images with spectra and the inputs are {', '.join(roles)} alone;"
                f" add {role} to --inputs, or set alignment.objective=masked"
            )
    if fit.batch_size * fit.accumulate * fit.devices < 2:
        raise ConfigurationError(
            f"objective {objective} compares objects with each other and a step has one; raise fit.batch_size"
        )


def _check_views(config: AlignmentConfig, augment: AugmentConfig) -> None:
    """Refuse what goes by views of an object where they do not differ."""
    if Augmentation(augment).active:
        return
    for name, told, instead in (
        ("views", config.views, "0"),
        ("whiten_by", config.whiten_by == "views", "objects"),
    ):
        if told:
            raise ConfigurationError(
                f"alignment.{name} goes by views of an object and nothing under augment. varies them; set"
                f" alignment.{name}={instead}"
            )


def check_pairs(pairs: Mapping[str, int], where: str) -> None:
    """Refuse parts of a catalog without two objects that have both an image and a spectrum.

    Parameters
    ----------
    pairs : mapping of str to int
        Objects with both, by part.
    where : str
        Catalog and split, for the message.

    Raises
    ------
    BadInputError
        Fewer than two in a part.
    """
    for part, count in pairs.items():
        if count < 2:
            raise BadInputError(
                f"{where} has {count} {'object' if count == 1 else 'objects'} with both image and spectrum in its {part}"
                " part and aligning them needs two or more; crossmatch more, or set alignment.objective=masked"
            )
