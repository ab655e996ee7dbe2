"""MAC-Net and its four ablations: classes from the raw 2D or the 1D spectrum of an object, and its image.

Paper: Zhang, Gao, Luo, Jiang, Zhang, Wu & Qiu 2023, "A multimodal celestial object classification network based on 2D spectrum
and photometric image", RASTI 2, 408, doi 10.1093/rasti/rzad026. No public code. Input, section 2; layers, section 3 and its
table; training, section 4; sizes and times, table 5.

===========  =====================  =====  =====  =============  ======================  ==============  =====
network      spectrum               CBAM   image  features       dense layers            parameters      MiB
===========  =====================  =====  =====  =============  ======================  ==============  =====
`SSCNN1D`    1D, two windows        –      –      2 × 8000       → 2048 → 1024 → 3       34,972,291      133.4
`MNet`       1D, two windows        –      yes    … + 4096       → 2048 → 1024 → 3       49,334,451      188.2
`CNet`       2D, two arms           –      –      2 × 8000       → 4096 → 1024 → 3       71,721,859      273.6
`MCNet`      2D, two arms           –      yes    … + 4096       → 4096 → 1024 → 3       94,472,627      360.4
`MACNet`     2D, two arms           yes    yes    … + 4096       → 4096 → 1024 → 3       94,473,985      360.4
===========  =====================  =====  =====  =============  ======================  ==============  =====

(with three classes, their head included; MiB of float32). The paper's table 5 has 133, 188, 269, 356 and 360.

*Where the paper contradicts itself, or is silent, and what was chosen*

* Table 5 gives C-Net and MC-Net 269 and 356 MiB. The text's layers make 273.6 and 360.4, as two arms of their own do in
  MAC-Net; with **one** branch for both arms they would make 269.8 and 356.6, which cut to whole numbers are the published
  ones. So their C-Net and MC-Net probably ran both arms through one branch, and the step from MC-Net to MAC-Net, the paper's case for
  attention, would then be one of unshared weights as well. Here all three have two branches, so that attention is the only difference.
* The kernel of the 1D networks is not given. 1 × 20, the published 3 × 20 on one row, makes 135.6 and 190.3 MiB; 1 × 3 makes 133.4 and
  188.2, within the published 133 and 188, and is taken.
* The text says four fully connected layers, its table three: three fit the sizes. The third is the classification head.
* The reduction of CBAM (16, as its authors), its bias, and LRN's numbers: see `cbam` and `googlenet`. CBAM adds 1,358 parameters.
* It ran on Keras 2.6, so first weights are Glorot's and batch normalisation has Keras's numbers (`keras_layers`); the heads begin as
  those of all models here do.
* The dense layers have ReLU between them, which the paper does not name; the fourth convolution of a branch has none.
* Absence is unknown to the paper: the features of an arm or image that an object lacks are zeros, which no branch gives for
  anything observed, and are left out of batch statistics; the others answer.

*Published training*: AdaGrad (learning rate 1e-3; Keras starts its accumulator at 0.1, ε 1e-7), batches of 4, at most 300 epochs,
stopped after 50 without a lower validation loss, cross-entropy weighted 1, 3, 1 for galaxies, quasars, stars.

`size="light"` keeps what goes in and how it is joined, with branches of about 10,000 parameters (`light_branches`) and dense layers
→ 128 → 64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.configuration import Strict
from asterism.models.googlenet import GoogLeNet
from asterism.models.inputs import ModelInputs
from asterism.models.keras_layers import glorot
from asterism.models.light_branches import LightBranch, LightPicture
from asterism.models.network import Batch, CamLayer, Network
from asterism.models.precision import single_on_cpu
from asterism.models.rgb import ColourPicture
from asterism.models.slit_spectra import STRIP, STRIP_ROWS, SpectrumWindow, StripWindow, window_of_strips
from asterism.models.strip_branches import PublishedBranch

__all__ = ["SSCNN1D", "CNet", "MACNet", "MCNet", "MNet", "SpectrumOptions", "StripOptions"]


class _Sized(Strict):
    """Options that all five have."""

    size: Literal["published", "light"] = Field(
        "published", description="the paper's layers, or light ones with at least 50 times fewer parameters"
    )
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="after each block and the first dense layer; 0.5 (published) or 0.2 (light) if null",
    )

    @property
    def drop(self) -> float:
        """The dropout there is."""
        published = self.size == "published"
        return self.dropout if self.dropout is not None else 0.5 if published else 0.2


class StripOptions(_Sized):
    """Options of `CNet`, `MCNet` and `MACNet`."""

    rows: int = Field(11, ge=1, le=STRIP_ROWS, description="central rows of the strips, an odd number")
    blue_window: tuple[int, int] | None = Field(
        (1000, 3000), description="pixels of the blue strips that are read; null: the arm is not"
    )
    red_window: tuple[int, int] | None = Field(
        (1500, 3500), description="pixels of the red strips that are read; null: the arm is not"
    )
    sky: Literal["keep", "subtract"] = Field(
        "keep", description="whether the sky that is expected from the sky fibres is taken off the strips"
    )

    @field_validator("rows")
    @classmethod
    def _odd(cls, rows: int) -> int:
        if rows % 2 == 0:
            raise ValueError("the fibre's light is on the middle row, so the number of rows must be odd")
        return rows

    @field_validator("blue_window", "red_window")
    @classmethod
    def _on_the_strip(cls, window: tuple[int, int] | None) -> tuple[int, int] | None:
        if window is not None and not 0 <= window[0] < window[1] - 15 <= STRIP - 15:
            raise ValueError(f"a window is two pixels of a strip of {STRIP}, the second at least 16 behind the first")
        return window


class SpectrumOptions(_Sized):
    """Options of `MNet` and `SSCNN1D`."""

    windows: tuple[tuple[float, float], ...] = Field(
        ((4100.0, 5300.0), (6590.0, 8120.0)),
        min_length=1,
        max_length=2,
        description="Å in vacuum, blue then red, each put on 2,000 pixels",
    )

    gaps: Literal["mean", "bridge"] = Field(
        "mean",
        description="where pixels stand of which nothing was observed: at the window's mean, or on a line between neighbours",
    )

    @field_validator("windows")
    @classmethod
    def _rising(cls, windows: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if any(not 0 < low < high for low, high in windows):
            raise ValueError("a window is two wavelengths, the smaller first")
        return windows


class _Branches(Network):
    """Branches for arms and image, joined by dense layers: what the five networks are.

    A subclass says its name, what it reads, whether its arms have CBAM, and the width of its first dense layer.
    """

    Options: ClassVar[type[Strict]] = StripOptions
    name: ClassVar[str]
    kernel: ClassVar[tuple[int, int]] = (3, 20)
    cbam: ClassVar[bool] = False
    dense_width: ClassVar[int] = 4096

    def __init__(self, inputs: ModelInputs, options: StripOptions | SpectrumOptions) -> None:
        super().__init__(self.name, inputs)
        published = options.size == "published"
        readers: dict[str, nn.Module] = {}
        branches: dict[str, nn.Module] = {}
        widths = []
        for reader in self._windows(inputs, options):
            readers[reader.arm] = reader
            branch = (
                PublishedBranch(reader.shape, self.kernel, self.cbam, options.drop)
                if published
                else LightBranch(reader.shape, self.cbam, options.drop)
            )
            branches[reader.arm] = branch
            widths.append(branch.width)
        if inputs.image is not None:
            readers["image"] = ColourPicture(self.name, inputs.image)
            picture = branches["image"] = GoogLeNet() if published else LightPicture()
            widths.append(picture.channels * math.prod(math.ceil(n / picture.stride) for n in inputs.image.shape))
        self.readers, self.branches = nn.ModuleDict(readers), nn.ModuleDict(branches)
        self.widths = dict(zip(branches, widths, strict=True))
        first, second = (self.dense_width, 1024) if published else (128, 64)
        self.dense = nn.Sequential(
            *(glorot(nn.Linear(sum(widths), first)), nn.ReLU(), nn.Dropout(options.drop)),
            *(glorot(nn.Linear(first, second)), nn.ReLU()),
        )
        self.members, self.width = 1, second

    @classmethod
    def reads(cls, inputs: ModelInputs, options: Strict) -> ModelInputs:
        """The windows of the strips, arms that have one, and their sky only where it is taken off."""
        strips = inputs.spectrum2d
        if strips is None or not isinstance(options, StripOptions):
            return inputs
        if options.sky == "subtract" and not strips.sky:
            raise ConfigurationError(
                f"model {cls.name} is to take the sky off {strips.group}, which has no sky columns; leave model.sky=keep, "
                "or make the catalog with the sky of its sky fibres"
            )
        windows = {"blue": options.blue_window, "red": options.red_window}
        arms = tuple(
            window_of_strips(cls.name, arm, window, options.rows)
            for arm in strips.arms
            if (window := windows[arm.name]) is not None
        )
        if not arms:
            raise ConfigurationError(
                f"model {cls.name} has no window on any arm of {strips.group}; give model.blue_window or model.red_window"
            )
        read = strips.model_copy(update={"arms": arms, "sky": options.sky == "subtract"})
        return inputs.model_copy(update={"spectrum2d": read})

    def _windows(
        self, inputs: ModelInputs, options: StripOptions | SpectrumOptions
    ) -> list[StripWindow] | list[SpectrumWindow]:
        """What is read of each arm."""
        if isinstance(options, SpectrumOptions):
            assert inputs.spectrum is not None  # it is required
            return [
                SpectrumWindow(self.name, inputs.spectrum, window, arm=arm, bridge=options.gaps == "bridge")
                for arm, window in zip(("blue", "red"), options.windows, strict=False)
            ]
        assert inputs.spectrum2d is not None
        windows = {"blue": options.blue_window, "red": options.red_window}
        subtract = options.sky == "subtract"
        return [
            StripWindow(self.name, arm, window, options.rows, subtract)
            for arm in inputs.spectrum2d.arms
            if (window := windows[arm.name]) is not None
        ]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, 1, D), D = 1024 or 64, and whether anything that is read was observed (B,)."""
        features, observed = [], []
        for name, branch in self.branches.items():
            reader = self.readers[name]
            values, there = reader(batch["image" if name == "image" else reader.role])  # type: ignore[index]
            features.append(self._features(name, branch, values, there))
            observed.append(there)
        # The published layer's 82 million weights would be copied to a lower precision for a few objects.
        joined = single_on_cpu(self.dense, torch.cat(features, 1))
        return joined[:, None], torch.stack(observed).any(0)

    def _features(self, name: str, branch: nn.Module, values: Tensor, there: Tensor) -> Tensor:
        """Features (B, width) of one branch, zeros for objects that lack what it reads."""
        if self.training and not bool(there.all()):
            # Statistics of a batch are those of what was observed.
            found = values.new_zeros(len(values), self.widths[name])
            if bool(there.any()):
                made = branch(values[there]).flatten(1)
                found = found.to(made.dtype).index_put((there,), made)
            return found
        return torch.where(there[:, None], branch(values).flatten(1), 0.0)

    @property
    def cam_layers(self) -> Mapping[str, CamLayer]:
        """The map before the last convolution of each arm, before and behind CBAM where there is one; the image's last map."""
        found = {}
        for name, branch in self.branches.items():
            if name == "image":
                ny, nx = self.inputs.image.shape  # type: ignore[union-attr]
                stride = (branch.stride, branch.stride)
                found[name] = CamLayer(branch, "image", None, (0, ny), (0, nx), stride)  # type: ignore[arg-type]
                continue
            reader = self.readers[name]
            assert isinstance(reader, StripWindow | SpectrumWindow)
            assert isinstance(branch, PublishedBranch | LightBranch)
            rows = (reader.rows[0] + branch.margin[0], reader.rows[1] - branch.margin[1])
            wavelength = reader.wavelength if isinstance(reader, SpectrumWindow) else None
            steps = {"before_attention": branch.blocks, "": branch.attention} if self.cbam else {"": branch.blocks}
            for step, module in steps.items():
                found[f"{name}_{step}" if step else name] = CamLayer(
                    module, reader.role, name, rows, reader.columns, branch.stride, wavelength
                )
        return found


class CNet(_Branches):
    """C-Net: two arms of the 2D spectrum.

    ==========  ================================================================================
    strips      11 rows × 2000 pixels of each arm, z-scored (B, 1, 11, 2000)
    branches    8000 features each, `strip_branches.PublishedBranch`
    dense       16,000 → 4096 (ReLU, dropout 0.5) → 1024 (ReLU)
    features    (B, 1, 1024); the classification head is the paper's last dense layer
    ==========  ================================================================================

    Parameters
    ----------
    inputs : ModelInputs
        2D spectra of one arm or two; with one the dense layer reads one branch.
    options : StripOptions
    """

    name = "cnet"
    accepts: ClassVar[frozenset[str]] = frozenset({"spectrum2d"})
    requires: ClassVar[frozenset[str]] = accepts


class MCNet(_Branches):
    """MC-Net: `CNet` and a GoogLeNet for the image, whose 2 × 2 × 1024 features join those of the arms (20,096).

    Parameters
    ----------
    inputs : ModelInputs
        2D spectra and an image in g, r and i (the paper's is 64 × 64).
    options : StripOptions
    """

    name = "mcnet"
    accepts: ClassVar[frozenset[str]] = frozenset({"spectrum2d", "image"})
    requires: ClassVar[frozenset[str]] = accepts


class MACNet(MCNet):
    """MAC-Net: `MCNet` with CBAM behind the third block of each arm. Parameters of the same name are the same layers.

    Parameters
    ----------
    inputs : ModelInputs
        2D spectra and an image in g, r and i (the paper's is 64 × 64).
    options : StripOptions
    """

    name = "macnet"
    cbam = True


class SSCNN1D(_Branches):
    """1D SSCNN: two windows of the 1D spectrum, each on 2000 pixels, through branches with kernels of 1 × 3.

    Parameters
    ----------
    inputs : ModelInputs
        1D spectra of any survey.
    options : SpectrumOptions
    """

    Options: ClassVar[type[Strict]] = SpectrumOptions
    name = "sscnn1d"
    accepts: ClassVar[frozenset[str]] = frozenset({"spectrum"})
    requires: ClassVar[frozenset[str]] = accepts
    kernel = (1, 3)
    dense_width = 2048


class MNet(SSCNN1D):
    """M-Net: `SSCNN1D` and a GoogLeNet for the image.

    Parameters
    ----------
    inputs : ModelInputs
        1D spectra and an image in g, r and i (the paper's is 64 × 64).
    options : SpectrumOptions
    """

    name = "mnet"
    accepts: ClassVar[frozenset[str]] = frozenset({"spectrum", "image"})
    requires: ClassVar[frozenset[str]] = accepts
