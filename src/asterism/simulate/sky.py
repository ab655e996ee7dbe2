"""`simulate`: a catalog of a sky with known truth, in blocks that are made alone, in any order and by any worker."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.blocks import Progress, check_workers, make_blocks
from asterism.catalogs.catalog import Catalog
from asterism.catalogs.quantization import quantized_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import ConfigurationError
from asterism.simulate.frames.plate_frames import PlateObservation, observe_plate
from asterism.simulate.frames.plates import dates_of, generator, place_block, plan_of
from asterism.simulate.imaging.observing import expose
from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.seds import SedProvider
from asterism.simulate.objects.passing import are_blended, could_pass, is_kept, is_worth_a_spectrum, passes
from asterism.simulate.objects.population import Population, draw
from asterism.simulate.objects.selection import Survey, survey_named
from asterism.simulate.published.survey_files import Block, SurveyFiles, check_published, simulated_cards, write_block
from asterism.simulate.recipe import BLOCK_SIZE, Recipe
from asterism.simulate.rows import DEFAULT_MODALITIES, simulated_fields, table_of
from asterism.simulate.spectroscopy.spectra import Spectra, survey_spectra
from asterism.simulate.spectroscopy.spectrum_columns import spectrum_columns, strip_columns
from asterism.surveys.ccd.strip_cuts import WHOLE, StripCut
from asterism.surveys.stamps.cameras import camera_of_survey
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.stamp_measurement import Measurement

__all__ = ["BLOCK_SIZE", "observe", "simulate", "simulate_block", "simulate_files"]

_ROUNDS = 5000  # of drawing again what a measured selection refuses
_PATIENCE = 25  # rounds with one sample
_LATE, _HASTE = (
    200,
    5,
)  # from this round on, so many: what is still open then is of samples of which next to nothing passes
_TELESCOPE = 0  # seed of the spectrographs: another seed of a catalog gives another sky, seen with the same telescope
# Candidates of a round: over the objects of a block; for one object, at most; for one object, that are observed.
_MANY, _MOST, _LOOKED_AT = 2, 24, 2


def simulate(
    size: int,
    out: str | os.PathLike[str],
    *,
    survey: str = "sdss-compact",
    seed: int = 0,
    modalities: Sequence[str] = DEFAULT_MODALITIES,
    stamp: int | None = None,
    templates: str | os.PathLike[str] | None = None,
    libraries: Mapping[str, str] | None = None,
    part: str | None = None,
    strips: StripCut = WHOLE,
    sky: bool = False,
    quantize: float | None = None,
    as_survey: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Simulate a survey of the sky: photometry and stamps measured with noise, spectra, the truth beside in ``truth_*``.

    The catalog depends on `size`, `survey`, `seed`, `modalities`, `stamp`, `quantize` and the templates' contents only, to the byte;
    spectra do not change what the other modalities hold. An interrupted run is continued block by block; memory holds a
    few blocks. Without images photometry is still measured on noisy stamps, which are no larger than that takes and are
    not kept.

    Parameters
    ----------
    size : int
        Number of objects.
    out : path-like
        Catalog to make.
    survey : str
        One of `asterism.simulate.objects.selection.SURVEYS`.
    seed : int
        Of all chance, not negative.
    modalities : sequence of str
        Of `asterism.simulate.rows.MODALITIES`: photometry, image, spectrum, spectrum2d (LAMOST's only, and slow).
    stamp : int, optional
        Side of the stamps, pixels; the first of the survey's camera by default.
    templates : path-like, optional
        Directory of template libraries (`asterism.simulate.light.template_seds.TemplateSeds`); embedded spectra by default.
    libraries : mapping of str to str, optional
        By role (``stars``, ``white_dwarfs``, ``galaxies``, ``quasars``) the library to take; the first that is there
        by default.
    part : {"train", "test"}, optional
        Only templates of this part, which has none in common with the other (`asterism.simulate.light.template_parts`).
    strips : StripCut
        What is kept of strips; whole ones by default.
    sky : bool
        With the sky that the sky fibres let expect in each pixel of the strips.
    quantize : float, optional
        Steps in one sigma of noise to which the pixels of images and 1D spectra are rounded in the catalog
        (`asterism.catalogs.quantization`); not rounded by default.
    as_survey : path-like, optional
        Directory for the files that the survey would publish (`asterism.simulate.published.survey_files`): the catalog holds the
        same objects, which then stand together block by block as on plates and fields.
    workers : int, optional
        Processes; all cores by default. One works in this process.
    overwrite : bool
        Start anew where something of Asterism stands at `out`.
    progress : callable, optional
        Called with the number of objects made and `size`.

    Returns
    -------
    Catalog
        Placed; survey ``simulated``, groups ``photometry_…`` and ``image_…`` of the survey's camera (``sdss``,
        ``legacy``, ``lsst``), and for spectra that of the survey's spectrographs.

    Raises
    ------
    ConfigurationError
        An unknown survey, modality, library, role or part, spectra of a survey that takes none, or a size, seed, stamp,
        cut, number of steps or of workers out of range.
    BadInputError
        Templates that are not there or are damaged.
    OutputError
        The place holds something else, or what was begun there had another recipe, e.g. other templates.
    """
    recipe = _checked(
        size, workers, survey, seed, modalities=modalities, stamp=stamp, templates=templates, libraries=libraries, part=part,
        strips=strips, sky=sky, grouped=as_survey is not None,
    )  # fmt: skip
    columns = simulated_fields(recipe.survey, recipe.modalities, recipe.stamp, recipe.strips, recipe.sky)
    columns = quantized_fields(columns, quantize)
    # Of the catalog only: survey files have all digits.
    inputs = recipe.inputs(size) | ({} if quantize is None else {"quantize": quantize})
    with CatalogWriter(Path(out), columns, placed=True, made_by=inputs, inputs=inputs, overwrite=overwrite) as writer:
        _make(recipe, size, writer, as_survey, workers, overwrite, progress)
        return writer.close()


def simulate_files(
    size: int,
    as_survey: str | os.PathLike[str],
    *,
    survey: str = "sdss-compact",
    seed: int = 0,
    modalities: Sequence[str] = DEFAULT_MODALITIES,
    stamp: int | None = None,
    templates: str | os.PathLike[str] | None = None,
    libraries: Mapping[str, str] | None = None,
    part: str | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the files that a simulated survey would publish, and no catalog: parameters and errors as for `simulate`.

    Returns
    -------
    Path
        The directory.
    """
    recipe = _checked(
        size, workers, survey, seed, modalities=modalities, stamp=stamp, templates=templates, libraries=libraries, part=part,
        grouped=True,
    )  # fmt: skip
    _make(recipe, size, None, as_survey, workers, overwrite, progress)
    return Path(as_survey)


def _checked(size: int, workers: int | None, survey: str, seed: int, **options: Any) -> Recipe:
    """A recipe, size and number of workers that can be."""
    recipe = Recipe.of(survey, seed, **options)
    if options["grouped"]:
        check_published(recipe)
    if size < 1:
        raise ConfigurationError(f"the number of objects must be 1 or more, not {size}; give another --size")
    check_workers(workers)
    return recipe


def _make(
    recipe: Recipe,
    size: int,
    writer: CatalogWriter | None,
    as_survey: str | os.PathLike[str] | None,
    workers: int | None,
    overwrite: bool,
    progress: Progress | None,
) -> None:
    """Make what lacks of a catalog, of survey files, or of both."""
    blocks = range(-(-size // recipe.block_size))
    with nullcontext() if as_survey is None else SurveyFiles(as_survey, recipe.inputs(size), overwrite) as files:
        rows = set() if writer is None or writer.complete else set(blocks) - set(writer.done_blocks)
        written = set() if files is None or files.complete else set(blocks) - files.done
        left = sorted(rows | written)
        made = size - sum(_rows_in(block, size, recipe) for block in left)
        folders = {block: files.directory for block in written} if files is not None else {}
        jobs = {block: (recipe, block, _rows_in(block, size, recipe), folders.get(block)) for block in left}
        # Strips make a block of hundreds of MB: one a process is enough. What flat and arc say of a camera takes a process longer
        # than a block of spectra, and serves all blocks of one spectrograph.
        frames = "spectrum2d" in recipe.modalities
        kin = (lambda block: plan_of(recipe.survey, recipe.seed, block)[1]) if frames else None
        for block, table in make_blocks(simulate_block, jobs, workers, ahead=1 if frames else 2, kin=kin):
            if block in rows and writer is not None:
                writer.add(table, block=block)
            if block in written and files is not None:
                files.mark(block)
            made += len(table)
            if progress is not None:
                progress(made, size)


def _rows_in(block: int, size: int, recipe: Recipe) -> int:
    return min(recipe.block_size, size - block * recipe.block_size)


def simulate_block(recipe: Recipe, block: int, rows: int, files: Path | None = None) -> pa.Table:
    """One block of a simulated catalog.

    Parameters
    ----------
    recipe : Recipe
        What the catalog is made from.
    block : int
        Its number: with survey and seed it fixes all chance.
    rows : int
        Objects in it.
    files : Path, optional
        Directory for its files, as the survey would publish them; the recipe must be grouped.

    Returns
    -------
    pyarrow.Table
        Columns of `asterism.simulate.rows.simulated_fields`.
    """
    survey, seed = survey_named(recipe.survey), recipe.seed
    provider = recipe.provider()
    key = [seed, zlib.crc32(recipe.survey.encode()), block]
    rng = np.random.default_rng(np.random.SeedSequence(key))
    names = tuple(survey.fractions)
    shares = np.array([survey.fractions[name] for name in names])
    kinds = np.array(names)[rng.choice(len(names), size=rows, p=shares / shares.sum())]
    objects, fluxes, conditions, stamps, measured = observe(rng, kinds, survey, provider, recipe.stamp)
    place = None
    if recipe.grouped:
        place = place_block(recipe.survey, seed, block, rows, "image" in recipe.modalities)
        objects.ra[:], objects.dec[:] = place.ra, place.dec
    plate = _frames(recipe, block, objects, provider, files) if "spectrum2d" in recipe.modalities else None
    columns = {} if plate is None else strip_columns(plate.strips, plate.fibres)
    spectra: dict[str, Spectra] = {}
    took = None
    if "spectrum" in recipe.modalities:
        if plate is not None:
            spectra, took = {"lamost": plate.spectra}, np.full(rows, "lamost")
        else:
            # Chance of their own: photometry and stamps are the same with spectra and without.
            own = np.random.default_rng(np.random.SeedSequence([*key, 1]))
            spectra, took = survey_spectra(own, objects, provider, recipe.survey)
        columns |= spectrum_columns(spectra, took)
    first = block * recipe.block_size
    ids = [f"sim-{recipe.survey}-{seed}-{number:09d}" for number in range(first, first + rows)]
    templates = provider.template_ids(objects)
    table = table_of(
        rng, ids, survey, objects, templates, fluxes, conditions, stamps, measured, recipe.modalities, columns,
        recipe.strips, recipe.sky,
    )  # fmt: skip
    if place is not None:
        dates = pa.array(dates_of(recipe.survey, seed, block, rows, took))
        table = table.set_column(table.column_names.index("mjd"), table.schema.field("mjd"), dates)
        if files is not None:
            took = np.full(rows, "") if took is None else took
            whole = Block(recipe.survey, seed, block, table, objects, fluxes, place, spectra, took, plate)
            write_block(files, recipe, whole)
    return table


def _frames(
    recipe: Recipe, block: int, objects: Population, provider: SedProvider, files: Path | None
) -> PlateObservation:
    """Raw frames of a block, written where there is a place for them, and what they give."""
    from asterism.simulate.published.lamost_files import raw_directory

    plan, spid, seen = plan_of(recipe.survey, recipe.seed, block)
    raw = None if files is None else raw_directory(files, plan.name)
    rng = generator(recipe.survey, recipe.seed, block, 6)
    return observe_plate(
        rng, objects, provider, plan, spid, seen, _TELESCOPE, raw, simulated_cards(recipe), cut=recipe.strips,
        with_sky=recipe.sky,
    )  # fmt: skip


def _first(rows: np.ndarray, good: np.ndarray, most: int) -> np.ndarray:
    """Of candidates `good` those that are among the first `most` of their object; `rows` rise."""
    of = rows[good]
    return good[np.arange(len(of)) - np.searchsorted(of, of) < most]


def observe(
    rng: np.random.Generator, kinds: np.ndarray, survey: Survey, provider: SedProvider, size: int | None = None
) -> tuple[Population, np.ndarray, Conditions, np.ndarray | None, Measurement]:
    """Draw objects, put them on stamps with noise and measure them, until each passes the survey's measured selection.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    kinds : ndarray of str, shape (n,)
        Class of each object; what is refused is replaced by another of its class.
    survey : Survey
        What is taken.
    provider : SedProvider
        Spectra.
    size : int, optional
        Side of the stamps that are kept, pixels; none are kept by default, and photometry is measured on stamps of the
        least size.

    Returns
    -------
    objects : Population
        The truth.
    fluxes : ndarray, shape (n, bands)
        True total fluxes as observed (with extinction), nanomaggy.
    conditions : Conditions
        How each was observed.
    stamps : ndarray of float32, shape (n, bands, size, size), or None
        Noisy stamps, nanomaggy.
    measured : Measurement
        What was found on these stamps.

    Raises
    ------
    ConfigurationError
        The selection takes next to nothing of what is drawn.
    """
    n = len(kinds)
    camera = camera_of_survey(survey.name)
    bands = len(camera.bands)
    objects, measured, conditions = Population.empty(n), Measurement.empty(n, camera), Conditions.empty(n, camera)
    fluxes = np.empty((n, bands))
    stamps = None if size is None else np.empty((n, bands, size, size), np.float32)
    pending = np.arange(n)
    # An object that fails its sample's own cut is drawn again from this sample, so that the shares of the samples are
    # the survey's; one that fails the survey's cut, from any sample of its class.
    targets = np.full(n, "", "U32")
    for number in range(_ROUNDS):
        patience = _PATIENCE if number < _LATE else _HASTE
        if number % patience == patience - 1:
            targets[pending] = ""
        # A candidate names the sample; later, since what is left is hard to get, more of it follow, and the first counts.
        many = min(_MOST, _MANY * n // len(pending)) if number else 1
        rows = np.repeat(pending, many)
        drawn, more = Population.empty(len(rows)), np.flatnonzero(np.arange(len(rows)) % many)
        drawn.put(np.arange(len(pending)) * many, draw(rng, kinds[pending], survey, targets[pending]))
        targets[pending] = drawn.target[::many]
        drawn.put(more, draw(rng, kinds[rows[more]], survey, targets[rows[more]]))
        worth = _first(rows, np.flatnonzero(is_worth_a_spectrum(rng, survey, drawn, camera)), 2 * _LOOKED_AT)
        if len(worth) == 0:
            continue
        rows, drawn = rows[worth], drawn.take(worth)
        seds = provider.seds(drawn, grid_wavelength(camera))
        light = observed_fluxes(seds, drawn.r_mag, drawn.ebv, camera)
        hopeful = _first(rows, np.flatnonzero(could_pass(rng, survey, drawn, light, camera)), _LOOKED_AT)
        if len(hopeful) == 0:
            continue
        rows, drawn, light = rows[hopeful], drawn.take(hopeful), light[hopeful]
        seen, images, found = expose(rng, drawn, light, seds[hopeful], camera, size, are_blended(survey, drawn))
        passed = np.flatnonzero(passes(survey, drawn, found, camera))
        rows, first = np.unique(rows[passed], return_index=True)
        chosen = passed[first]
        kept = is_kept(survey, found, camera)[chosen]
        targets[rows[~kept]] = ""
        rows, chosen = rows[kept], chosen[kept]
        objects.put(rows, drawn.take(chosen))
        measured.put(rows, found, chosen)
        conditions.put(rows, seen, chosen)
        fluxes[rows] = light[chosen]
        if stamps is not None:
            stamps[rows] = images[chosen]
        pending = np.setdiff1d(pending, rows)
        if len(pending) == 0:
            return objects, fluxes, conditions, stamps, measured
    raise ConfigurationError(
        f"the selection of survey {survey.name!r} refused {len(pending)} of {n} objects in {_ROUNDS} draws; "
        "widen its compactness or its samples"
    )
