"""A model: network, heads and calibration in one module, built by name, saved and loaded whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.calibration import ConformalSets, Temperature
from asterism.models.card import Card, card_text
from asterism.models.class_mix import ClassMix
from asterism.models.configuration import parse
from asterism.models.directory import WEIGHTS_FILE, ModelConfig, read_config, read_weights, write_directory
from asterism.models.domain import LEAST_SIGNAL, DomainScore, signal_to_noise
from asterism.models.extrapolation import Extrapolation
from asterism.models.heads import HeadsConfig, make_heads
from asterism.models.inputs import ModelInputs
from asterism.models.network import Batch
from asterism.models.photometry import reference_magnitudes
from asterism.models.reading import inputs_for, reading
from asterism.models.redshift import RedshiftHead, known_redshifts, normalised
from asterism.models.redshift_calibration import RedshiftCalibration
from asterism.models.redshift_families import RedshiftConfig
from asterism.models.registry import model_names, network_class

if TYPE_CHECKING:
    import pyarrow as pa

    from asterism.catalogs.schema import Group

__all__ = ["Model", "create_model", "model_names"]


class Model(nn.Module):
    """Network + heads + calibration: what is trained, saved and loaded.

    Built by `create_model` or `Model.from_pretrained`. Statistics of the inputs are set once by `standardise`, from
    training rows, and travel with the weights; until then the model refuses to answer.

    Parameters
    ----------
    config : ModelConfig
        Name, inputs, options and heads.

    Attributes
    ----------
    network : Network
        Batch → features (B, M, D).
    heads : ModuleDict
        Task → head.
    temperature : Temperature
        Calibration of the class probabilities.
    conformal : ConformalSets
        Sets of classes.
    extrapolation : Extrapolation
        Answers beyond the labelled magnitudes.
    domain : DomainScore
        Distance from the calibration part.
    class_mix : ClassMix
        Class fractions of the training rows.
    redshift_calibration : RedshiftCalibration
        Width and place of the redshift densities.
    trained_inputs : ModelInputs
        What it was made for, also where it is reading something else.
    """

    standardised: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        cls = network_class(config.name)
        options = parse(cls.Options, config.options, f"option of model {config.name}")
        self.config = config.model_copy(update={"options": options.model_dump(mode="json")})
        self.trained_inputs = config.inputs
        self.network = cls(config.inputs, options)  # type: ignore[arg-type]
        self.network.add_heads(config.heads)
        self.heads = make_heads(config.heads, self.network.members, self.network.width)
        classes = config.heads.classification.classes if config.heads.classification else ()
        if classes:
            self.temperature = Temperature()
            self.conformal = ConformalSets(len(classes))
            self.class_mix = ClassMix(len(classes))
            self.extrapolation = Extrapolation(len(classes))
        if config.heads.redshift is not None:
            head = self.redshift_head
            self.redshift_calibration = RedshiftCalibration(head.grid, head.densities)
        if config.domain == "signal" and config.inputs.spectrum is None:
            raise ConfigurationError(
                "the domain can't go by the signal of a spectrum that the model does not read; set domain to direction"
            )
        self.domain = DomainScore(self.network.width, signal=config.domain == "signal")
        self.register_buffer("standardised", torch.zeros(1, dtype=torch.bool))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits; empty without a classification head."""
        return self.config.heads.classification.classes if self.config.heads.classification else ()

    @property
    def redshift_head(self) -> RedshiftHead:
        """The redshift head.

        Raises
        ------
        ConfigurationError
            When the model has none.
        """
        if "redshift" not in self.heads:
            raise ConfigurationError(f"model {self.config.name} was not trained for redshifts; train it for that task")
        head = self.heads["redshift"]
        assert isinstance(head, RedshiftHead)
        return head

    def standardise(self, batches: Iterable[Batch]) -> None:
        """Learn the inputs' statistics and the labels' distributions, once, from a stream of training batches.

        Memory stays bounded: a sample of the rows is kept, not the rows.

        Raises
        ------
        ConfigurationError
            When it has been done before.
        BadInputError
            When the stream is empty or holds nothing observed.
        """
        if bool(self.standardised):
            raise ConfigurationError("the model has its standardisation already; create a new one for other data")
        seen = 0
        with torch.no_grad():
            for batch in batches:
                self.network.observe(batch)
                seen += len(batch[self.config.inputs.roles[0]]["present"])
                if self.classes and "label" in batch and "class" in batch["label"]:
                    mix = ClassMix(len(self.classes)).fit(batch["label"]["class"], self.magnitudes(batch))
                    self.class_mix.counts += mix.counts
                    self.class_mix.unplaced += mix.unplaced
                if "redshift" in self.heads and "redshift" in batch.get("label", {}):
                    head, label = self.redshift_head, batch["label"]
                    known, z, index = known_redshifts(head.config, self.classes, label["redshift"], label.get("class"))
                    head.observe(z[known], index[known])
            if not seen:
                raise BadInputError("there are no training rows to learn the inputs' scale from; check the split")
            self.network.settle()
            if "redshift" in self.heads:
                self.redshift_head.settle()
            for stage in self.network.stages.values():
                stage.take_statistics(self.heads)
        self.standardised.fill_(True)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Answers of the ensemble members.

        Parameters
        ----------
        batch : mapping
            As `asterism.catalogs.stream` gives it.

        Returns
        -------
        dict of str to Tensor
            ``features`` (B, M, D); ``informed`` (B,) bool, whether anything was observed; of each embedding
            ``embedding_NAME`` (B, E), of unit length, and ``embedded_NAME`` (B,) bool, see `asterism.models.network.Embedding`;
            ``beyond`` (B,) bool, whether
            it is fainter than what the model had labels for; where the domain goes by it, and not in training, ``signal``
            (B,), the spectra's signal-to-noise; and each head's answer, e.g.
            ``classification``: logits (B, M, C), which are the log fractions of the training classes for objects of
            which nothing was observed; ``redshift``: the densities' numbers (B, M, densities, P), see
            `redshift_families`.

        Raises
        ------
        ConfigurationError
            Before `standardise`.
        """
        if not bool(self.standardised):
            raise ConfigurationError("the model has not learned its inputs' scale; call standardise with training rows")
        features, informed, embeddings = self.network.encode(batch)
        outputs = {"features": features, "informed": informed}
        for name, embedding in embeddings.items():
            outputs[f"embedding_{name}"], outputs[f"embedded_{name}"] = embedding
        if self.domain.signal and not self.training:
            no_signal = torch.full(informed.shape, LEAST_SIGNAL, device=informed.device)
            outputs["signal"] = signal_to_noise(batch["spectrum"]) if self.config.inputs.spectrum else no_signal
        for name, head in self.heads.items():
            outputs[name] = head(features)
        if "classification" in outputs:
            outputs["beyond"] = self.extrapolation.beyond(self.magnitudes(batch))
            prior = self._prior().to(features).log()
            outputs["classification"] = torch.where(informed[:, None, None], outputs["classification"], prior)
        return outputs

    def class_probabilities(self, batch: Batch) -> Tensor:
        """Calibrated class probabilities (B, C) of a batch."""
        return self.probabilities(self(batch))

    def probabilities(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Calibrated class probabilities (B, C) of what `forward` gave: the members' mean, at temperature.

        Raises
        ------
        ConfigurationError
            When the model has no classification head.
        """
        if "classification" not in outputs:
            raise ConfigurationError(
                f"model {self.config.name} was not trained for classification; train it for that task"
            )
        mean = outputs["classification"].softmax(-1).mean(1)
        answers = torch.where(outputs["beyond"][:, None], self.extrapolation(mean), self.temperature(mean))
        return torch.where(outputs["informed"][:, None], answers, mean)

    def redshift_density(self, outputs: Mapping[str, Tensor], probabilities: Tensor | None = None) -> Tensor:
        """Calibrated redshift densities (B, G) float64 of what `forward` gave, integral 1 on the head's grid.

        With a classification head p(z) = Σ p(c) p(z|c), and what of the probability belongs to classes without a
        redshift (stars) is a triangle on the grid's first cell, highest at 0. Objects of which nothing was observed get
        the distribution of the training redshifts.

        Parameters
        ----------
        outputs : mapping of str to Tensor
        probabilities : Tensor, optional
            (B, C) class probabilities to go by; by default those of `probabilities`.

        Raises
        ------
        ConfigurationError
            When the model has no redshift head.
        """
        head = self.redshift_head
        told = self.redshift_calibration(head.density(outputs["redshift"]))
        told = torch.where(outputs["informed"][:, None, None], told.double(), head.prior())
        if not head.config.classes:
            return normalised(told[:, 0], head.grid)
        p = (self.probabilities(outputs) if probabilities is None else probabilities).to(told)
        places = [self.classes.index(name) for name in head.config.classes]
        density = (p[:, places, None] * told).sum(1)
        rest = 1 - p[:, places].sum(1)
        density[:, 0] += rest.clamp_min(0) * 2 / (head.grid[1] - head.grid[0])
        return normalised(density, head.grid)

    def domain_vectors(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """What the domain score looks at, of what `forward` gave: the members' mean features, of 1D spectra also the signal."""
        features = outputs["features"].mean(1)
        return torch.cat([features, outputs["signal"][:, None].to(features)], 1) if self.domain.signal else features

    def magnitudes(self, batch: Batch) -> Tensor:
        """Magnitudes (B,) in the reference band (r where there is one), of the flux as stored.

        Asinh magnitudes where the group is in the SDSS system and the softening published, else AB ones, of at least one standard deviation of
        flux. NaN where the band was not observed, and for models without photometry.
        """
        described, band = self.config.inputs.photometry, self.config.inputs.reference_band
        if described is None or band is None:
            first = batch[self.config.inputs.roles[0]]
            return torch.full(first["present"].shape, torch.nan, device=first["present"].device)
        return reference_magnitudes(described, band, batch["photometry"])

    def reading(self, inputs: ModelInputs) -> Model:
        """A copy with the same weights, calibration and fingerprint that reads other inputs; see `asterism.models.reading`."""
        return reading(self, inputs)

    def inputs_for(
        self, schema: pa.Schema, where: str = "the catalog", inputs: str | None = None
    ) -> tuple[Model, dict[str, Group]]:
        """The model for a catalog, and which of the catalog's groups serve its roles; see `asterism.models.reading`."""
        return inputs_for(self, schema, where, inputs)

    @property
    def fingerprint(self) -> str:
        """Name of the model's content: a hash of its configuration and of every tensor, whatever it is `reading`."""
        digest = hashlib.blake2b(digest_size=16)
        config = self.config.model_copy(update={"inputs": self.trained_inputs})
        digest.update(config.model_dump_json(exclude={"asterism_version"}).encode())
        for name, tensor in sorted(self.state_dict().items()):
            values = tensor.detach().cpu().contiguous()
            digest.update(f"{name}:{values.dtype}:{tuple(values.shape)};".encode())
            digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def save_pretrained(self, directory: str | Path, card: Mapping[str, Any] | None = None) -> None:
        """Write the model directory: config.json, model.safetensors, README.md.

        Parameters
        ----------
        directory : path
            Made where it does not exist.
        card : mapping, optional
            Fields of `asterism.models.card.Card`.

        Raises
        ------
        ConfigurationError
            For an unknown field of the card, or a model that has not been standardised or is `reading` something else.
        OutputError
            When the place can't be written.
        """
        if not bool(self.standardised):
            raise ConfigurationError("the model has not learned its inputs' scale; call standardise before saving it")
        if self.config.inputs != self.trained_inputs:
            raise ConfigurationError("a model that reads another survey is not saved; save the one it was made of")
        state = {name: tensor.detach().cpu() for name, tensor in self.state_dict().items()}
        parameters = sum(p.numel() for p in self.parameters())
        text = card_text(self.config, parse(Card, card or {}, "field of the model card"), self.fingerprint, parameters)
        write_directory(Path(directory), self.config, state, text)

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> Model:
        """Read a model directory, strictly; the model is in evaluation mode.

        Raises
        ------
        BadInputError
            When anything is missing, unknown, truncated or unfit; see `asterism.models.directory`.
        """
        directory = Path(directory)
        config = read_config(directory)
        with torch.random.fork_rng():  # building draws initial weights; the caller's random state stays as it is
            try:
                model = cls(config)
            except ConfigurationError as error:
                raise BadInputError(f"{directory / 'config.json'}: {error}") from error
        model.load_state_dict(read_weights(directory, model.state_dict()))
        for name, weight in model.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                raise BadInputError(
                    f"{directory / WEIGHTS_FILE}: {name!r} is not finite; copy or train the model again"
                )
        return model.eval()

    def _prior(self) -> Tensor:
        """Fractions of the training classes (C,); equal ones where no label was seen."""
        counts = (self.class_mix.counts.sum(0) + self.class_mix.unplaced).double().clamp_min(0.5)
        return counts / counts.sum()


def create_model(
    name: str,
    inputs: ModelInputs,
    classes: Sequence[str] | None,
    options: Mapping[str, Any] | None = None,
    *,
    redshift: RedshiftConfig | None = None,
) -> Model:
    """Build a model with fresh weights, drawn from torch's random state.

    Parameters
    ----------
    name : str
        One of `model_names`.
    inputs : ModelInputs
        What it reads.
    classes : sequence of str, optional
        Class names of the classification head, in the order of the labels' indices; None for no such head.
    options : mapping, optional
        The network's options; the others take their defaults.
    redshift : RedshiftConfig, optional
        Configuration of the redshift head; None for no such head.

    Raises
    ------
    ConfigurationError
        For an unknown name or option (naming the nearest), or inputs that the network can't do with.
    """
    network = network_class(name)  # an unknown name is the first thing to say
    wanted: dict[str, Any] = {} if classes is None else {"classification": {"classes": tuple(classes)}}
    if redshift is not None:
        wanted["redshift"] = redshift
    heads = parse(HeadsConfig, wanted, "head")
    read = network.reads(inputs, parse(network.Options, options or {}, f"option of model {name}"))
    domain: Literal["direction", "signal"] = "direction" if read.spectrum is None else "signal"
    return Model(ModelConfig(name=name, inputs=read, options=dict(options or {}), heads=heads, domain=domain))
