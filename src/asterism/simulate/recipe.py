"""What fixes a simulated catalog to the byte: survey, seed, modalities, stamps and spectra."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.simulate.frames.plates import frame_geometry, objects_per_spectrograph
from asterism.simulate.imaging.observing import stamp_size
from asterism.simulate.light.libraries import ROLES
from asterism.simulate.light.seds import EmbeddedSeds, SedProvider
from asterism.simulate.light.template_seds import TemplateSeds
from asterism.simulate.objects.selection import survey_named
from asterism.simulate.rows import DEFAULT_MODALITIES, check_modalities
from asterism.surveys.ccd.strip_cuts import WHOLE, StripCut
from asterism.surveys.stamps.cameras import camera_of_survey

__all__ = ["BLOCK_SIZE", "Recipe"]

BLOCK_SIZE = 256
"""Objects that share one random seed and are made together, where they are not those of one of LAMOST's spectrographs."""


@dataclass(frozen=True)
class Recipe:
    """All that the blocks of a catalog depend on, small enough to be sent to another process.

    Attributes
    ----------
    survey : str
        One of `asterism.simulate.objects.selection.SURVEYS`.
    seed : int
        Of all chance, not negative.
    modalities : tuple of str
        In the order of `asterism.simulate.rows.MODALITIES`.
    stamp : int or None
        Side of the stamps, pixels; None without images.
    templates : str or None
        Directory of template libraries; None for the embedded spectra.
    libraries : tuple of (str, str)
        By role, the library in use; empty for the embedded spectra.
    fingerprint : str
        Of the spectra's provider, as it was when the recipe was made.
    grouped : bool
        The objects of a block stand together on the sky (`asterism.simulate.frames.plates`), as files of a survey need it.
    part : str or None
        Of the templates (`asterism.simulate.light.template_parts`); None for all.
    strips : StripCut
        What is kept of strips.
    sky : bool
        Strips come with the sky that is expected in them.
    lone : int
        `BLOCK_SIZE`, sent along so that every process counts alike.
    """

    survey: str
    seed: int
    modalities: tuple[str, ...]
    stamp: int | None
    templates: str | None
    libraries: tuple[tuple[str, str], ...]
    fingerprint: str
    grouped: bool = False
    part: str | None = None
    strips: StripCut = WHOLE
    sky: bool = False
    lone: int = field(default_factory=lambda: BLOCK_SIZE)

    @classmethod
    def of(
        cls,
        survey: str,
        seed: int = 0,
        *,
        modalities: Sequence[str] = DEFAULT_MODALITIES,
        stamp: int | None = None,
        templates: str | os.PathLike[str] | None = None,
        libraries: Mapping[str, str] | None = None,
        grouped: bool = False,
        part: str | None = None,
        strips: StripCut = WHOLE,
        sky: bool = False,
    ) -> Recipe:
        """A recipe that is known to be makeable.

        Raises
        ------
        ConfigurationError
            An unknown survey, modality, library or role, a seed or stamp out of range, a part of no templates or of some
            that have none, or a cut or sky of strips that are not asked for or past their ends.
        BadInputError
            Templates that are not there or are damaged.
        """
        survey_named(survey)
        if seed < 0:
            raise ConfigurationError(f"the seed must be 0 or more, not {seed}; give another --seed")
        wanted = check_modalities(modalities)
        side = None
        if "image" in wanted:
            side = stamp_size(camera_of_survey(survey), stamp)
        elif stamp is not None:
            raise ConfigurationError("--stamp is the size of images, and none are asked for; add image to --modalities")
        chosen = tuple(sorted((libraries or {}).items()))
        for role, _ in chosen:
            if role not in ROLES:
                raise ConfigurationError(unknown_name("role of a template library", role, ROLES))
        if templates is None and chosen:
            raise ConfigurationError("libraries can only be chosen from a directory; give --templates too")
        if part is not None and templates is None:
            raise ConfigurationError("embedded spectra have no templates to deal into parts; give --templates too")
        if "spectrum2d" not in wanted and (strips != WHOLE or sky):
            raise ConfigurationError(
                "strips are cut and their sky is kept where there are any; add spectrum2d to --modalities"
            )
        geometry = frame_geometry()
        strips.check(geometry.strip, geometry.rows)
        directory = None if templates is None else os.fspath(templates)
        # A block with 2D spectra is one spectrograph.
        together = grouped or "spectrum2d" in wanted
        if directory is None:
            return cls(survey, seed, wanted, side, None, (), EmbeddedSeds.fingerprint, together, None, strips, sky)
        provider = TemplateSeds(directory, **dict(chosen), part=part)
        used = tuple(sorted(provider.libraries.items()))
        return cls(survey, seed, wanted, side, directory, used, provider.fingerprint, together, part, strips, sky)

    @property
    def block_size(self) -> int:
        """Objects that share one random seed and are made together; of a grouped LAMOST, those of one spectrograph."""
        return objects_per_spectrograph() if self.grouped and self.survey.startswith("lamost") else self.lone

    def inputs(self, size: int) -> dict[str, Any]:
        """What identifies the catalog of so many objects; where the templates stand does not matter."""
        known: dict[str, Any] = {"command": "simulate", "survey": self.survey, "size": size, "seed": self.seed}
        known |= {"modalities": ",".join(self.modalities), "stamp": self.stamp, "templates": self.fingerprint}
        if self.libraries:
            known["libraries"] = ", ".join(f"{role}={name}" for role, name in self.libraries)
        if self.grouped:
            known["positions"] = "grouped"
        # What is left as it is says nothing, as before it could be chosen.
        if self.part is not None:
            known["template_part"] = self.part
        if self.strips != WHOLE:
            known["strips"] = self.strips.text
        if self.sky:
            known["strip_sky"] = True
        return known

    def provider(self) -> SedProvider:
        """What gives the spectra.

        Raises
        ------
        BadInputError
            The templates changed since the recipe was made.
        """
        return _provider(self.templates, self.libraries, self.fingerprint, self.part)


@cache
def _provider(
    directory: str | None, libraries: tuple[tuple[str, str], ...], fingerprint: str, part: str | None
) -> SedProvider:
    """Once per process; a content that changes meanwhile has another fingerprint."""
    if directory is None:
        return EmbeddedSeds()
    provider = TemplateSeds(directory, **dict(libraries), part=part)
    if provider.fingerprint != fingerprint:
        raise BadInputError(f"the templates in {directory} changed while a sky was being made of them; start it anew")
    return provider
