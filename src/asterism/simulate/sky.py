"""`simulate`: a catalog of a sky with known truth, in blocks that are made alone, in any order and by any worker."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.write import CatalogWriter
from asterism.errors import ConfigurationError
from asterism.simulate.images import Conditions, add_noise, draw_conditions, noiseless_stamps
from asterism.simulate.measurement import Measurement, measure
from asterism.simulate.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.population import Population, draw
from asterism.simulate.rows import simulated_fields, table_of
from asterism.simulate.seds import EmbeddedSeds, SedProvider
from asterism.simulate.selection import Survey, survey_named

__all__ = ["BLOCK_SIZE", "available_cores", "observe", "simulate", "simulate_block"]

BLOCK_SIZE = 256
"""Objects that share one random seed and are made together."""

_ROUNDS = 200  # of drawing again what a measured selection refuses

Progress = Callable[[int, int], None]


def simulate(
    size: int,
    out: str | os.PathLike[str],
    *,
    survey: str = "sdss-compact",
    seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Simulate a survey of the sky: photometry and stamps measured with noise, the truth beside in ``truth_*``.

    The catalog depends on `size`, `survey` and `seed` only, to the byte. An interrupted run is continued block by
    block; memory holds a few blocks.

    Parameters
    ----------
    size : int
        Number of objects.
    out : path-like
        Catalog to make.
    survey : str
        One of `asterism.simulate.selection.SURVEYS`.
    seed : int
        Of all chance, not negative.
    workers : int, optional
        Processes; all cores by default. One works in this process.
    overwrite : bool
        Start anew where something of Asterism stands at `out`.
    progress : callable, optional
        Called with the number of objects made and `size`.

    Returns
    -------
    Catalog
        Placed; survey ``simulated``, groups ``photometry_sdss`` and ``image_sdss``.

    Raises
    ------
    ConfigurationError
        An unknown survey, or a size, seed or number of workers out of range.
    OutputError
        The place holds something else.
    """
    chosen = survey_named(survey)
    if size < 1:
        raise ConfigurationError(f"the number of objects must be 1 or more, not {size}; give another --size")
    if seed < 0:
        raise ConfigurationError(f"the seed must be 0 or more, not {seed}; give another --seed")
    if workers is not None and workers < 1:
        raise ConfigurationError(f"the number of workers must be 1 or more, not {workers}; give another --workers")
    blocks = -(-size // BLOCK_SIZE)
    processes = min(workers or available_cores(), blocks)
    recipe = {"command": "simulate", "survey": chosen.name, "size": size, "seed": seed}
    with CatalogWriter(
        Path(out), simulated_fields(), placed=True, made_by=recipe, inputs=recipe, overwrite=overwrite
    ) as writer:
        if not writer.complete:
            left = [block for block in range(blocks) if block not in writer.done_blocks]
            made = size - sum(_rows_in(block, size) for block in left)
            for block, table in _tables(chosen, seed, size, left, processes):
                writer.add(table, block=block)
                made += len(table)
                if progress is not None:
                    progress(made, size)
        return writer.close()


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _rows_in(block: int, size: int) -> int:
    return min(BLOCK_SIZE, size - block * BLOCK_SIZE)


def _tables(survey: Survey, seed: int, size: int, blocks: list[int], processes: int) -> Iterator[tuple[int, pa.Table]]:
    """Blocks as they come."""
    if processes <= 1 or len(blocks) <= 1:
        for block in blocks:
            yield block, simulate_block(survey.name, seed, block, _rows_in(block, size))
        return
    # Fresh processes, since forking one that runs threads (BLAS, Arrow) can hang.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    waiting = list(reversed(blocks))
    running: dict[Future[pa.Table], int] = {}
    try:
        while waiting or running:
            # Two blocks a process are under way, no more: memory stays bounded however slow the disk is.
            while waiting and len(running) < 2 * processes:
                block = waiting.pop()
                running[pool.submit(simulate_block, survey.name, seed, block, _rows_in(block, size))] = block
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def simulate_block(survey: str, seed: int, block: int, rows: int) -> pa.Table:
    """One block of a simulated catalog.

    Parameters
    ----------
    survey : str
        Name of the survey.
    seed : int
        Of the catalog.
    block : int
        Its number: with survey and seed it fixes all chance.
    rows : int
        Objects in it.

    Returns
    -------
    pyarrow.Table
        Columns of `asterism.simulate.rows.simulated_fields`.
    """
    chosen = survey_named(survey)
    rng = np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(survey.encode()), block]))
    names = tuple(chosen.fractions)
    shares = np.array([chosen.fractions[name] for name in names])
    kinds = np.array(names)[rng.choice(len(names), size=rows, p=shares / shares.sum())]
    objects, fluxes, conditions, stamps, measured = observe(rng, kinds, chosen, EmbeddedSeds())
    first = block * BLOCK_SIZE
    ids = [f"sim-{survey}-{seed}-{number:09d}" for number in range(first, first + rows)]
    templates = EmbeddedSeds().template_ids(objects)
    return table_of(rng, ids, chosen, objects, templates, fluxes, conditions, stamps, measured)


def observe(
    rng: np.random.Generator, kinds: np.ndarray, survey: Survey, provider: SedProvider
) -> tuple[Population, np.ndarray, Conditions, np.ndarray, Measurement]:
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

    Returns
    -------
    objects : Population
        The truth.
    fluxes : ndarray, shape (n, 5)
        True total fluxes as observed (with extinction), nanomaggy.
    conditions : Conditions
        How each was observed.
    stamps : ndarray of float32, shape (n, 5, 32, 32)
        Noisy stamps, nanomaggy.
    measured : Measurement
        What was found on these stamps.

    Raises
    ------
    ConfigurationError
        The selection takes next to nothing of what is drawn.
    """
    n = len(kinds)
    objects, measured = Population.empty(n), Measurement.empty(n)
    fluxes = np.empty((n, 5))
    conditions = Conditions(np.empty((n, 5)), np.empty((n, 5)), np.empty((n, 5)), np.empty((n, 2)))
    stamps = np.empty((n, 5, 32, 32), np.float32)
    pending = np.arange(n)
    for _ in range(_ROUNDS):
        drawn = draw(rng, kinds[pending], survey)
        light = observed_fluxes(provider.seds(drawn, grid_wavelength()), drawn.r_mag, drawn.ebv)
        seen = draw_conditions(rng, len(drawn))
        images = add_noise(rng, noiseless_stamps(drawn, light, seen), seen)
        found = measure(images, seen.fwhm, seen.sky_sigma, seen.gain)
        good = np.ones(len(drawn), bool)
        if survey.max_compactness is not None:
            good = found.compactness <= survey.max_compactness
        chosen, rows = np.flatnonzero(good), pending[good]
        objects.put(rows, drawn.take(chosen))
        measured.put(rows, found, chosen)
        conditions.put(rows, seen, chosen)
        fluxes[rows], stamps[rows] = light[chosen], images[chosen]
        pending = pending[~good]
        if len(pending) == 0:
            return objects, fluxes, conditions, stamps, measured
    raise ConfigurationError(
        f"the selection of survey {survey.name!r} refused {len(pending)} of {n} objects in {_ROUNDS} draws; "
        "widen its compactness or its samples"
    )
