"""Sources: rows joined by id, place or light, under names that do not depend on where they stand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.schema import photometry_fields
from asterism.catalogs.sources import assign_sources, neighbours, photometry_hash, unit_vectors

ARCSEC = 1 / 3600


def same(sources: np.ndarray) -> list[list[int]]:
    """Groups of rows with the same source."""
    return sorted(sorted(np.flatnonzero(sources == name).tolist()) for name in set(sources))


def test_places_within_an_arcsecond_are_one_source() -> None:
    ra = np.array([10.0, 10.0 + 0.9 * ARCSEC, 10.0 + 2.1 * ARCSEC, 200.0, 359.99999, 0.00001])
    dec = np.array([0.0, 0.0, 0.0, 89.99999, 0.0, 0.0])
    assert same(assign_sources(list("abcdef"), ra=ra, dec=dec)) == [[0, 1], [2], [3], [4, 5]]
    # Across the pole, where right ascensions differ by half a turn.
    pole = assign_sources(["a", "b"], ra=[10.0, 190.0], dec=[90 - 0.4 * ARCSEC, 90 - 0.4 * ARCSEC])
    assert len(set(pole)) == 1


def test_chains_and_given_ids_connect() -> None:
    ra = np.array([10.0, 10.0 + 0.8 * ARCSEC, 10.0 + 1.6 * ARCSEC, 50.0, 90.0])
    sources = assign_sources(list("abcde"), [None, None, "S2", "S2", "S1"], ra, np.zeros(5))
    assert same(sources) == [[0, 1, 2, 3], [4]]
    assert set(sources) == {"S2", "S1"}
    assert set(assign_sources(["a", "b"], ["S9", "S1"], [5.0, 5.0], [0.0, 0.0])) == {"S1"}


def test_light_counts_only_without_a_place() -> None:
    nan = np.nan
    sources = assign_sources(list("abcd"), None, [1.0, 2.0, nan, nan], [0.0, 0.0, nan, nan], ["x", "x", "x", "x"])
    assert same(sources) == [[0], [1], [2, 3]]
    assert same(assign_sources(list("abc"), photometry=[None, None, "x"])) == [[0], [1], [2]]


def test_many_rows_at_one_place_are_no_burden() -> None:
    n = 20_000
    sources = assign_sources([str(i) for i in range(n)], ra=np.full(n, 12.5), dec=np.full(n, -3.0))
    assert len(set(sources)) == 1


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(12)), st.integers(0, 100))
def test_names_do_not_depend_on_the_order_of_rows(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.array([f"o{i}" for i in range(12)], dtype=object)
    given_ids = np.where(rng.random(12) < 0.3, rng.choice(["A", "B"], 12).astype(object), None)
    ra = np.where(rng.random(12) < 0.4, np.nan, 20 + rng.integers(0, 4, 12) * 0.7 * ARCSEC)
    dec = np.where(np.isnan(ra), np.nan, 5.0)
    light = np.where(rng.random(12) < 0.5, rng.choice(["x", "y"], 12).astype(object), None)
    straight = assign_sources(ids, given_ids, ra, dec, light)
    moved = assign_sources(ids[order], given_ids[order], ra[order], dec[order], light[order])
    assert moved.tolist() == straight[order].tolist()


def test_the_same_place_or_light_has_the_same_name_in_another_catalog() -> None:
    first = assign_sources(["a", "b"], ra=[1.0, 2.0], dec=[3.0, 4.0], photometry=["x", "y"])
    second = assign_sources(["q", "z"], ra=[2.0, 7.0], dec=[4.0, 4.0])
    assert first[1] == second[0]
    assert assign_sources(["a"], photometry=["x"])[0] == assign_sources(["q", "z"], photometry=["y", "x"])[1]
    assert assign_sources([]).tolist() == []


def test_neighbours_between_two_lists() -> None:
    first, second = unit_vectors([10.0, 20.0], [0.0, 0.0]), unit_vectors([20.0 + 0.5 * ARCSEC, 30.0], [0.0, 0.0])
    assert neighbours(first, second).tolist() == [[1, 0]]
    assert neighbours(first, second[:0]).shape == (0, 2)
    assert neighbours(first, second, arcsec=0.1).shape == (0, 2)
    assert neighbours(first[:0]).shape == (0, 2)


def light_of(bands: str, flux: list[list[float] | None], ivar: list[list[float] | None]) -> list[str | None]:
    fields = photometry_fields("sdss", bands, dereddened=False, zero_point="sdss")
    columns = [pa.array(values, field.type) for values, field in zip((flux, ivar), fields, strict=True)]
    return photometry_hash(pa.table(columns, schema=pa.schema(fields))).tolist()


def test_light_is_exact_and_knows_its_bands() -> None:
    nan = np.nan
    hashes = light_of("gr", [[1, 2], [1, 2], [1, nan], [nan, nan], None, [0.0, 2], [-0.0, 2]], [[1, 1]] * 2 + [
        [1, 0], [0, 0], None, [1, 1], [1, 1]])  # fmt: skip
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[3] is None
    assert hashes[4] is None
    assert hashes[5] == hashes[6]
    assert light_of("rg", [[2, 1]], [[1, 1]]) == hashes[:1]
    assert light_of("ri", [[1, 2]], [[1, 1]]) != hashes[:1]
    assert light_of("gr", [[1, np.nextafter(np.float32(2), np.float32(3))]], [[1, 1]]) != hashes[:1]


def test_tables_without_photometry_have_no_light(make_rows: Callable[..., pa.Table]) -> None:
    rows = make_rows(rows=20)
    assert photometry_hash(rows.select(["object_id"])).tolist() == [None] * 20
    assert sum(name is None for name in photometry_hash(rows)) == 1
