"""Shared fixtures: small catalogs made through the public writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.schema import (
    CLASSES,
    identity_fields,
    image_fields,
    label_fields,
    photometry_fields,
    truth_field,
)
from asterism.catalogs.spectral_schema import spectrum2d_fields, spectrum_fields
from asterism.catalogs.write import CatalogWriter

BANDS = ("u", "g", "r", "i", "z")
SIZE = 8


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile`` give the files about one paper to one process: they share tables that take a minute to make."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByPaper(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return file.rpartition("/")[0] if file.startswith("tests/papers/") else file

    return ByPaper(config, log)


def lists(values: npt.ArrayLike, absent: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Rows of numbers as a fixed-size list column; null where absent."""
    flat = np.asarray(values, np.float32).reshape(len(np.asarray(values)), -1)
    mask = None if absent is None else pa.array(absent)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), flat.shape[1], mask=mask)


def sky_fields(placed: bool = True, image: bool = True) -> list[pa.Field]:
    """Columns of `sky_table`."""
    fields = identity_fields(placed) + label_fields(["class", "redshift", "label_warning"])
    fields += photometry_fields(
        "sdss",
        BANDS,
        ("flux", "ivar", "extinction", "psf_fwhm", "radius", "psf_probability"),
        dereddened=False,
        zero_point="sdss",
        magnitude_type="model",
    )
    if image:
        fields += image_fields("sdss", BANDS, SIZE, 0.396, zero_point="sdss")
    return [*fields, truth_field("truth_redshift", pa.float32(), "", "Redshift put in")]


def sky_table(rows: int = 60, seed: int = 0, placed: bool = True, image: bool = True) -> pa.Table:
    """Stars, galaxies and quasars told apart by colour and width; some bands not observed, some modalities absent.

    Of every ten rows one lacks the image and one the u band; of every twenty one lacks the photometry; every twelfth
    has no class.
    """
    rng = np.random.default_rng(seed)
    row = np.arange(rows)
    kind = rng.integers(0, 3, rows)
    colour = np.array([[0.2, 0.6, 1.0, 1.2, 1.3], [0.1, 0.4, 1.0, 1.5, 1.9], [0.9, 0.95, 1.0, 1.05, 1.1]])[kind]
    flux = 10 ** rng.uniform(0.3, 2.0, (rows, 1)) * colour * rng.normal(1, 0.05, (rows, 5))
    ivar = np.full((rows, 5), 25.0)
    flux += rng.normal(0, 0.2, (rows, 5))
    blind = row % 10 == 3
    flux[blind, 0], ivar[blind, 0] = np.nan, 0.0
    no_light = row % 20 == 7
    redshift = np.where(kind == 0, 0.0, rng.uniform(0.05, 2.0, rows)).astype(np.float32)
    columns: dict[str, Any] = {
        "object_id": [f"object-{seed}-{index:05d}" for index in row],
        "source_id": pa.nulls(rows, pa.string()),
        "survey": ["sdss"] * rows,
        "release": ["DR17"] * rows,
        "mjd": pa.nulls(rows, pa.float64()),
        "class": [None if index % 12 == 5 else CLASSES[k] for index, k in enumerate(kind)],
        "redshift": pa.array(redshift, mask=row % 12 == 5),
        "label_warning": pa.array(np.zeros(rows, np.int32)),
        "photometry_sdss_flux": lists(flux, no_light),
        "photometry_sdss_ivar": lists(ivar, no_light),
        "photometry_sdss_extinction": lists(rng.uniform(0, 0.2, (rows, 5)), no_light),
        "photometry_sdss_psf_fwhm": lists(rng.normal(1.3, 0.1, (rows, 5)), no_light),
        "photometry_sdss_radius": lists(np.where(kind == 1, 1.2, 0.05)[:, None] * np.ones(5), no_light),
        "photometry_sdss_psf_probability": pa.array((kind != 1).astype(np.float32), mask=no_light),
        "truth_redshift": redshift,
    }
    if placed:
        columns["ra"] = rng.uniform(150.0, 170.0, rows)
        columns["dec"] = rng.uniform(0.0, 20.0, rows)
    if image:
        y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
        width = np.where(kind == 1, 2.0, 1.2)[:, None, None]
        profile = np.exp(-(x**2 + y**2) / (2 * width**2))
        profile /= profile.sum(axis=(1, 2), keepdims=True)
        stamp = np.nan_to_num(flux)[:, :, None, None] * profile[:, None] + rng.normal(0, 0.05, (rows, 5, SIZE, SIZE))
        weight = np.full_like(stamp, 400.0)
        stamp[:, :, 0, 0], weight[:, :, 0, 0] = np.nan, 0.0
        absent = row % 10 == 4
        columns["image_sdss_flux"] = lists(stamp, absent)
        columns["image_sdss_ivar"] = lists(weight, absent)
        columns["image_sdss_psf_fwhm"] = lists(np.full((rows, 5), 1.3), absent)
    schema = pa.schema(sky_fields(placed, image))
    return pa.table([pa.array(columns[name]) for name in schema.names], names=schema.names).cast(schema)


#: What the strips of `spectral_table` hold of the whole CCD: pixels along the dispersion, the first of them.
STRIPS = {"blue": (64, 1000), "red": (48, 1500)}


def spectral_table(
    rows: int = 60,
    seed: int = 0,
    *,
    strips: Mapping[str, tuple[int, int]] = STRIPS,
    sky: bool = False,
    spoil: Callable[[dict[str, Any]], None] | None = None,
) -> pa.Table:
    """`sky_table` with LAMOST's 1D spectra (a tenth of the pixels) and strips of 13 rows, as bright as the objects.

    Of every ten rows one lacks the spectrum, one the strips, one the red arm; of every twenty one has nothing at all.
    ``spoil`` is given the arrays by quantity (``flux``, ``ivar``, ``blue``, ``blue_ivar``, …) before they are written.
    """
    table = sky_table(rows, seed)
    rng = np.random.default_rng(seed + 1)
    row = np.arange(rows)
    z = table["truth_redshift"].to_numpy()
    kind = np.where(z == 0, 0, np.where(table["photometry_sdss_psf_probability"].fill_null(1.0).to_numpy() == 0, 1, 2))
    grid = 10 ** (3.5682 + 0.001 * np.arange(391))

    def light(wavelength: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x = wavelength[None] / 100
        star = 1 - 0.7 * np.exp(-(((x - 48.6) / 0.8) ** 2))
        galaxy = np.where(x < 50 + 4 * z[:, None], 0.4, 1.2)
        quasar = 0.8 + 3 * np.exp(-(((x - 44 - 4 * z[:, None]) / 1.5) ** 2)) + 2 * np.exp(-(((x - 70) / 2) ** 2))
        return np.choose(kind[:, None], [star, galaxy, quasar])

    made: dict[str, Any] = {"flux": light(grid) + rng.normal(0, 0.1, (rows, len(grid)))}
    made["ivar"] = np.full(made["flux"].shape, 100.0)
    for arm, (pixels, _) in strips.items():
        across = np.exp(-((np.arange(13) - 6.0) ** 2) / 6)[:, None]
        sky_light = 30 + 20 * rng.random((rows, 1, pixels)) * np.ones((1, 13, 1))
        ends = {"blue": (4100, 5300), "red": (6590, 8120)}[arm]
        mean = 60 * light(np.linspace(*ends, pixels))[:, None] * across + sky_light
        made |= {arm: rng.normal(mean, np.sqrt(mean)), f"{arm}_ivar": 1 / mean, f"{arm}_sky": sky_light}
        made[f"{arm}_wavelength"] = np.broadcast_to(np.linspace(*ends, pixels), mean.shape)
    nothing = row % 20 == 19
    made["no_line"], made["no_strips"] = (row % 10 == 2) | nothing, (row % 10 == 6) | nothing
    if spoil is not None:
        spoil(made)
    for name in ("flux", *strips):
        weight = made["ivar" if name == "flux" else f"{name}_ivar"]
        made[name][weight == 0] = np.nan
    fields = spectrum_fields("lamost", 391, "log10,3.5682,0.001,391", relative=True, lsf=False)
    columns = [lists(made[name], made["no_line"]) for name in ("flux", "ivar")]
    for arm, (pixels, first) in strips.items():
        told = spectrum2d_fields("lamost", pixels, 13, (arm,), first_pixel=first, first_row=1, sky=sky)
        fields += told
        lacking = made["no_strips"] | ((row % 10 == 8) & (arm == "red"))
        columns += [lists(made[field.name.removeprefix("spectrum2d_lamost_")], lacking) for field in told]
    for field, column in zip(fields, columns, strict=True):
        table = table.append_column(field, column)
    for role in ("photometry_sdss", "image_sdss"):  # nothing at all
        for name in [name for name in table.column_names if name.startswith(role)]:
            kept = pc.if_else(pa.array(nothing), pa.scalar(None, table[name].type), table[name])
            table = table.set_column(table.column_names.index(name), table.schema.field(name), kept)
    return table


def write_sky(
    path: Path, table: pa.Table | None = None, *, inputs: dict[str, Any] | None = None, **kind: Any
) -> Catalog:
    """Write `sky_table` (or another table of its columns) as a catalog.

    ``rows``, ``seed``, ``placed``, ``image`` are `sky_table`'s; the rest go to `CatalogWriter`.
    """
    made = {name: kind.pop(name) for name in ("rows", "seed", "placed", "image") if name in kind}
    table = sky_table(**made) if table is None else table
    placed = "ra" in table.column_names
    fields = [table.schema.field(name) for name in table.column_names]
    with CatalogWriter(
        path, fields, placed=placed, made_by={"command": "a test"}, inputs=inputs or {"made": made}, **kind
    ) as writer:
        writer.add(table)
        return writer.close()


@pytest.fixture
def make_sky(tmp_path: Path) -> Callable[..., Catalog]:
    """Write catalogs under the test's folder: ``make_sky("name", rows=60, placed=False, …)``, see `write_sky`."""

    def make(name: str = "sky", table: pa.Table | None = None, **kind: Any) -> Catalog:
        return write_sky(tmp_path / name, table, **kind)

    return make


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., pa.Table]:
    """Tables of a small sky: ``make_rows(rows=60, seed=0, placed=True, image=True)``, see `sky_table`."""
    return sky_table


@pytest.fixture(scope="session")
def make_spectra(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Catalog]:
    """Write catalogs with spectra: ``make_spectra(rows=60, seed=0, strips=…, sky=False, spoil=…)``, see `spectral_table`."""

    def make(**kind: Any) -> Catalog:
        return write_sky(tmp_path_factory.mktemp("spectra") / "sky", spectral_table(**kind), inputs={"made": str(kind)})

    return make


@pytest.fixture(scope="session")
def tiny_sky(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A placed catalog of 60 rows with photometry, images and labels, in several partitions; not to be changed."""
    return write_sky(tmp_path_factory.mktemp("sky") / "tiny", rows=60, rows_per_partition=25)


@pytest.fixture(scope="session")
def tiny_table_sky(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """An unplaced catalog of 60 rows with photometry and labels, in several parts; not to be changed."""
    return write_sky(
        tmp_path_factory.mktemp("sky") / "unplaced", rows=60, placed=False, image=False, rows_per_partition=25
    )


@dataclass(frozen=True)
class SmallRun:
    """A run and the catalog that it was trained on (split ``default``)."""

    path: Path
    catalog: Catalog


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """margformer on the photometry of 900 objects, a few epochs, with baselines; not to be changed."""
    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.splits import make_split
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    folder = tmp_path_factory.mktemp("small-run")
    catalog = write_sky(folder / "sky", rows=900, image=False, rows_per_partition=300)
    make_split(catalog, "default", fractions={"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2})
    catalog = open_catalog(catalog.path)
    settings = parse_settings({"fit.epochs": 8, "model.members": 2, "model.width": 32})
    train(catalog, folder / "run", inputs="photometry", config=settings, baselines=True)
    return SmallRun(folder / "run", catalog)


@pytest.fixture(scope="session")
def fresh_run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """margformer with fresh weights that knows the scale of the photometry of 300 objects; not to be changed."""
    import torch

    from asterism.catalogs.roles import bind_roles
    from asterism.catalogs.stream import batch_from_table
    from asterism.models.inputs import ModelInputs
    from asterism.models.model import create_model

    folder = tmp_path_factory.mktemp("fresh-run")
    catalog = write_sky(folder / "sky", rows=300, image=False, rows_per_partition=100)
    bindings = bind_roles(catalog.schema, "photometry")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        options = {"members": 2, "width": 32}
        model = create_model("margformer", ModelInputs.from_bindings(bindings), ("STAR", "GALAXY", "QSO"), options)
    model.standardise([batch_from_table(catalog.read(["class", *bindings["photometry"].columns]), bindings)])
    model.save_pretrained(folder / "run")
    return SmallRun(folder / "run", catalog)


@pytest.fixture(scope="session")
def redshift_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SmallRun]:
    """Runs for ``redshift`` and for ``both`` tasks with baselines, where each class has its redshift; not to be changed.

    Galaxies are at 0.3 and quasars at 1.2, give or take 0.03, so that colours tell redshifts.
    """
    from asterism.catalogs.splits import make_split
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    folder = tmp_path_factory.mktemp("redshift-runs")
    table = sky_table(rows=900, image=False)
    kind = np.array(table["truth_redshift"].to_numpy())
    kind = np.select(
        [kind == 0, table["photometry_sdss_psf_probability"].to_numpy(zero_copy_only=False) == 0], [0, 1], 2
    )
    z = np.array([0.0, 0.3, 1.2])[kind] + np.where(kind == 0, 0.0, np.random.default_rng(5).normal(0, 0.03, 900))
    index = table.column_names.index("redshift")
    given = pa.array(z.astype(np.float32), mask=np.asarray(table["redshift"].is_null()))
    table = table.set_column(index, table.schema.field(index), given)
    catalog = write_sky(folder / "sky", table, rows_per_partition=300)
    make_split(catalog, "default", fractions={"train": 0.4, "validation": 0.1, "calibration": 0.4, "test": 0.1})
    small = {"fit.epochs": 12, "fit.batch_size": 24, "model.members": 2, "model.width": 32, "redshift.points": 120}
    more: dict[str, dict[str, Any]] = {
        "redshift": {"task": "redshift", "where": "class <> 'STAR'"},
        "both": {"task": "classification,redshift"},
    }
    for name, options in more.items():
        train(catalog, folder / name, inputs="photometry", config=parse_settings(small), baselines=True, **options)
    return {name: SmallRun(folder / name, catalog) for name in more}


def blob_vectors(
    kinds: npt.NDArray[np.int64], length: int, seed: int = 0, width: float = 0.1
) -> npt.NDArray[np.float32]:
    """Vectors of unit length around one random direction for each kind, as wide as said; the directions are always the same."""
    centres = np.random.default_rng(99).normal(size=(20, length))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = centres[kinds] + width * np.random.default_rng(seed).normal(size=(len(kinds), length))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def make_embedded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Catalog]:
    """Write catalogs of embeddings: ``make_embedded(rows=240, seed=0, model="abc", length=16, rare=0)``.

    Joint, image and spectrum embeddings of one space, in three blobs by class (``truth_redshift`` and the light say which);
    every twentieth row has none, every tenth no image. The first `rare` rows are far from all blobs.
    """
    from asterism.catalogs.embeddings import embedding_array, embedding_field
    from asterism.catalogs.narrow import NarrowWriter

    def make(rows: int = 240, seed: int = 0, model: str = "abc", length: int = 16, rare: int = 0) -> Catalog:
        folder = tmp_path_factory.mktemp("embedded")
        table = sky_table(rows, seed, image=False)
        parent = write_sky(folder / "sky", table, rows_per_partition=100)
        redshift = parent.read(["truth_redshift"])["truth_redshift"].to_numpy()
        wide = parent.read(["photometry_sdss_psf_probability"])["photometry_sdss_psf_probability"].fill_null(1.0)
        kinds = np.where(redshift == 0, 0, np.where(wide.to_numpy() == 0, 1, 2))
        kinds[:rare] = 3 + np.arange(rare) % 17
        none = np.arange(rows) % 20 == 7
        there = {"joint": ~none, "image": ~none & (np.arange(rows) % 10 != 3), "spectrum": ~none}
        vectors = {name: blob_vectors(kinds, length, seed + i) for i, name in enumerate(there)}
        fields = [embedding_field(name, length, model) for name in there]
        made = {"command": "embed", "model_fingerprint": model}
        inputs = {"command": "embed", "model": model}
        with NarrowWriter(parent, folder / "embedded", fields, made_by=made, inputs=inputs) as writer:
            for p in parent.partitions:
                here = slice(p.start, p.start + p.rows)
                columns = [embedding_array(vectors[name][here], there[name][here]) for name in there]
                writer.write(p, pa.table(columns, schema=pa.schema(fields)))
            return writer.close()

    return make
