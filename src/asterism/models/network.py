"""What every network promises: the roles it reads, features of members, and statistics learned once from a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.spectral_inputs import ARMS

if TYPE_CHECKING:
    from asterism.models.heads import HeadsConfig
    from asterism.models.stages import Stage

__all__ = ["Batch", "CamLayer", "Embedding", "Encoded", "Network", "present", "select", "take_over", "unit"]

Batch = Mapping[str, Any]

_WEIGHTS = ("ivar", *(f"{arm}_ivar" for arm in ARMS))


@dataclass(frozen=True)
class CamLayer:
    """A layer whose map (B, C, h, w) a class activation map can be made of, and which input pixels it looks at.

    Attributes
    ----------
    module : nn.Module
        Gives the map. In evaluation mode it is run once for a batch, with all of its objects in their order; the map of an
        object that lacks the role or arm has no influence on the answer.
    role : str
        Of the batch: ``"image"``, ``"spectrum"`` or ``"spectrum2d"``.
    arm : str or None
        Of a spectrum, ``"blue"`` or ``"red"``.
    rows, columns : (int, int)
        Half-open ranges of pixels that the map covers: of the stamp; of the whole strip of 15 × 4136 (a catalog may hold a part
        of it, see `asterism.models.spectral_inputs.ArmInputs`); of a 1D window's own pixels, (0, 1) and (0, 2000).
    stride : (int, int)
        Pixels down and across that one pixel of the map stands for: that in row i, column j covers rows
        ``rows[0] + stride[0] i`` to ``rows[0] + stride[0] (i + 1)`` and columns likewise, less what is behind the end.
    wavelength : (float, float) or None
        Å in vacuum at the two ends of `columns`, of 1D windows: they have equal steps in Å.
    """

    module: nn.Module
    role: str
    arm: str | None
    rows: tuple[int, int]
    columns: tuple[int, int]
    stride: tuple[int, int]
    wavelength: tuple[float, float] | None = None


class Embedding(NamedTuple):
    """Objects as points on a sphere, near each other where a network takes them for alike.

    Attributes
    ----------
    values : Tensor
        (B, E) of unit length, 0 where not `present`.
    present : Tensor
        (B,) bool: whether anything of what the embedding is made from was observed.
    """

    values: Tensor
    present: Tensor


class Encoded(NamedTuple):
    """What a network makes of a batch.

    Attributes
    ----------
    features : Tensor
        (B, M, D), what heads read.
    informed : Tensor
        (B,) bool: whether anything at all was observed.
    embeddings : mapping of str to Embedding
        By name: ``"joint"``, of all that was observed, and those of single roles where the network has them.
    """

    features: Tensor
    informed: Tensor
    embeddings: Mapping[str, Embedding]


class Network(nn.Module, ABC):
    """Base of all networks: everything of a model but its heads and calibration.

    A network is built from what it reads (`ModelInputs`) and its own options, a strict pydantic class. It maps a batch
    to features of `members` members, of `width` numbers each; heads turn these into answers, and the answers of
    members are averaged.

    Attributes
    ----------
    Options : type of Strict
        The network's options.
    accepts, requires : frozenset of str
        Roles it can read, and roles it can't do without.
    any_grid : bool
        Whether, once trained, it reads other surveys' spectra and bands as well, and does without a role; see `turn_to`.
    members, width : int
        M and D of the features; set by the constructor.
    """

    Options: ClassVar[type[Strict]]
    accepts: ClassVar[frozenset[str]]
    requires: ClassVar[frozenset[str]] = frozenset()
    any_grid: ClassVar[bool] = False
    members: int
    width: int

    def __init__(self, name: str, inputs: ModelInputs) -> None:
        super().__init__()
        roles = set(inputs.roles)
        if unread := sorted(roles - self.accepts):
            raise ConfigurationError(
                f"model {name} does not read {unread[0]} (it reads: {', '.join(sorted(self.accepts))}); "
                f"name its inputs, or choose another model"
            )
        if missing := sorted(self.requires - roles):
            raise ConfigurationError(
                f"model {name} needs {missing[0]} among its inputs and has only {', '.join(sorted(roles))}; "
                f"add it, or choose another model"
            )
        self.inputs = inputs

    @classmethod
    def reads(cls, inputs: ModelInputs, options: Strict) -> ModelInputs:
        """What of the described inputs a network with these options reads, so that the rest is never streamed.

        Parameters
        ----------
        inputs : ModelInputs
            What the catalog has.
        options : Strict
            Of the network.

        Returns
        -------
        ModelInputs
            The same, unless a network says otherwise.
        """
        return inputs

    @abstractmethod
    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, M, D), and whether anything at all was observed of each object (B,) bool."""

    def encode(self, batch: Batch) -> Encoded:
        """Features and embeddings of a batch.

        Parameters
        ----------
        batch : mapping
            As `asterism.catalogs.stream` gives it.

        Returns
        -------
        Encoded
            With one embedding, ``"joint"``: the mean of the members' features, at unit length, unless a network says
            otherwise.
        """
        features, informed = self(batch)
        return Encoded(features, informed, {"joint": unit(features.mean(1), informed)})

    def turn_to(self, inputs: ModelInputs) -> None:
        """Read other inputs from now on with the same weights, for networks that say so by `any_grid`.

        Parameters
        ----------
        inputs : ModelInputs
            Some of the roles that the network was built for.

        Raises
        ------
        ConfigurationError
            The network can't read them.
        """
        raise ConfigurationError(
            f"{type(self).__name__} reads only what it was trained on; train a model on such data, or choose model avis"
        )

    def begin_with(self, other: Network) -> tuple[str, ...]:
        """Take over another network's weights and statistics, before anything is learned.

        Parameters
        ----------
        other : Network
            Of the same class.

        Returns
        -------
        tuple of str
            Roles whose weights were taken over: all, unless a network says otherwise.

        Raises
        ------
        ConfigurationError
            It reads other inputs, or is of another size.
        """
        if other.inputs != self.inputs:
            raise ConfigurationError(
                f"the run to start from reads {', '.join(other.inputs.roles)} of another description (bands, quantities or grid)"
                f" than {', '.join(self.inputs.roles)} here; give inputs as it has them, or leave --start out"
            )
        take_over(self, other)
        return self.inputs.roles

    def add_heads(self, heads: HeadsConfig) -> None:
        """Told once, after it was built, what heads its model has; only networks with `stages` need to know."""

    @property
    def stages(self) -> Mapping[str, Stage]:
        """Parts that are fitted before the rest, by name and in their order; empty for most networks."""
        return {}

    @property
    def cam_layers(self) -> Mapping[str, CamLayer]:
        """Layers whose class activation maps can be shown, by name (``"blue"``, ``"image"``, …); empty for networks without such."""
        return {}

    def attention(self, batch: Batch) -> Tensor:
        """Where in the image the queries look, for networks that attend to an image.

        Returns
        -------
        Tensor
            (B, blocks, heads, M, gy, gx): the weight of each patch in what query m takes from the image, rows and columns
            of patches as those of the stamp; NaN for objects without an image.

        Raises
        ------
        ConfigurationError
            The network does not attend to an image.
        """
        raise ConfigurationError(
            f"{type(self).__name__} has no attention over an image to show; choose model margformer with an image"
        )

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the statistics that `settle` sets; networks without any ignore it."""

    def settle(self) -> None:
        """Set the buffers of what was observed, once, before training."""


def present(role: Mapping[str, Tensor]) -> Tensor:
    """Objects (B,) bool of which a role's group holds at least one observed value, in one arm at least.

    Parameters
    ----------
    role : mapping of str to Tensor
        ``present`` and ``ivar``, or of 2D spectra ``blue_ivar`` and ``red_ivar``, or one of them.
    """
    seen = [(values > 0).flatten(1).any(1) for name, values in role.items() if name in _WEIGHTS]
    return role["present"] & torch.stack(seen).any(0)


def unit(values: Tensor, present: Tensor) -> Embedding:
    """Vectors (B, E) at unit length, 0 where not `present` (B,) bool."""
    return Embedding(torch.where(present[:, None], F.normalize(values, dim=-1), 0.0), present)


def select(role: Mapping[str, Tensor], which: Tensor) -> dict[str, Tensor]:
    """The objects `which` (indices) of a role's tensors."""
    return {name: values[which] for name, values in role.items()}


def take_over(mine: nn.Module, theirs: nn.Module) -> None:
    """Copy weights and buffers of a module of the same class.

    Raises
    ------
    ConfigurationError
        Their shapes differ.
    """
    state, known = theirs.state_dict(), mine.state_dict()
    for name, value in known.items():
        if name not in state or state[name].shape != value.shape:
            raise ConfigurationError(
                "the run to start from is of another size than the model here; set the options of model.* as it has them"
            )
    mine.load_state_dict({name: state[name] for name in known})
