"""The cache is built once, found again, never stale, bounded, and survives two builders and a killed one."""

import copy
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs import cache as module
from asterism.catalogs.cache import open_cache
from asterism.catalogs.modalities import ready_arrays
from asterism.catalogs.quantization import quantized_fields
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.schema import image_fields
from asterism.errors import OutputError


@pytest.fixture(autouse=True)
def user_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "asterism"


def files(catalog):
    return sorted((catalog.path / ".cache").glob("*.arrow"))


def test_holds_what_the_catalog_holds_and_is_built_once(make_sky, monkeypatch):
    catalog = make_sky(rows_per_partition=20)
    bindings = bind_roles(catalog.schema)
    steps = []
    opened = open_cache(catalog, bindings, progress=lambda done, total: steps.append((done, total)))
    assert [f.name.split("-")[0] for f in files(catalog)] == ["image_sdss", "photometry_sdss"]
    assert steps.count((60, 60)) == 2
    table = catalog.read()
    rows = np.array([0, 3, 3, 41, 59])
    for role, group in bindings.items():
        for quantity, values in ready_arrays(table, group).items():
            np.testing.assert_array_equal(opened[role].take(rows)[quantity], values[rows])
            assert not opened[role].arrays[quantity].flags.writeable

    def refuse(*_):
        raise AssertionError("built again")

    monkeypatch.setattr(module, "_build", refuse)
    again = open_cache(catalog, bindings)["photometry"]
    np.testing.assert_array_equal(again.take(rows)["ivar"], opened["photometry"].take(rows)["ivar"])


def test_one_record_batch_of_arrow_that_anyone_can_read(make_sky):
    catalog = make_sky(image=False)
    open_cache(catalog, bind_roles(catalog.schema))
    with pa.memory_map(str(files(catalog)[0])) as source:
        reader = pa.ipc.open_file(source)
        assert reader.num_record_batches == 1
        assert reader.get_batch(0).num_rows == 60
        assert reader.schema.field("flux").type == pa.list_(pa.float32(), 5)


def test_other_content_or_columns_have_another_file(make_sky):
    one, two = make_sky("one", image=False), make_sky("two", image=False, seed=1)
    open_cache(one, bind_roles(one.schema))
    open_cache(two, bind_roles(two.schema))
    assert files(one)[0].name != files(two)[0].name
    few = copy.copy(bind_roles(one.schema)["photometry"])
    kept = {q: f for q, f in few.quantities.items() if q in ("flux", "ivar")}
    open_cache(one, {"photometry": type(few)(few.name, few.kind, few.survey, kept)})
    assert len(files(one)) == 2


@pytest.mark.parametrize("damage", [b"", b"ARROW1\0\0 cut short"])
def test_a_damaged_file_is_built_again(make_sky, damage):
    catalog = make_sky(image=False)
    bindings = bind_roles(catalog.schema)
    open_cache(catalog, bindings)
    files(catalog)[0].write_bytes(damage)
    assert open_cache(catalog, bindings)["photometry"].take(np.array([1]))["flux"].shape == (1, 5)


def test_what_a_killed_builder_left_goes(make_sky):
    catalog = make_sky(image=False)
    left = catalog.path / ".cache" / "photometry_sdss-0.arrow.partial"
    left.parent.mkdir()
    left.write_bytes(b"x")
    open_cache(catalog, bind_roles(catalog.schema))
    assert [f.name.rpartition(".")[2] for f in sorted(left.parent.iterdir())] == ["lock", "arrow"]


def test_a_failed_build_leaves_nothing(make_sky, monkeypatch):
    catalog = make_sky(image=False)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "ready_arrays", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_cache(catalog, bind_roles(catalog.schema))
    assert [f.name for f in (catalog.path / ".cache").iterdir()] == ["lock"]


def test_several_builders_at_once(make_sky):
    catalog = make_sky()
    bindings = bind_roles(catalog.schema)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_cache(catalog, bindings), range(4)))
    first = opened[0]["image"].arrays["flux"]
    assert all(np.array_equal(o["image"].arrays["flux"], first) for o in opened)
    assert len(files(catalog)) == 2


def test_the_oldest_files_go_first_and_those_in_use_never(make_sky):
    catalog = make_sky()
    bindings = bind_roles(catalog.schema)
    home = catalog.path / ".cache"
    home.mkdir()
    for age, name in enumerate(["new.arrow", "middle.arrow", "old.arrow"]):
        (home / name).write_bytes(bytes(100_000))
        os.utime(home / name, (1e9 - age, 1e9 - age))
    opened = open_cache(catalog, bindings, limit_bytes=400_000)
    assert not (home / "old.arrow").exists()
    assert (home / "new.arrow").exists()
    (files(catalog)[0]).touch()
    fewer = open_cache(catalog, {"photometry": bindings["photometry"]}, limit_bytes=1)
    open_cache(catalog, bindings, limit_bytes=1)
    assert len(files(catalog)) >= 2
    assert opened["image"].take(np.arange(3))["flux"].shape == (3, 5, 8, 8)
    assert fewer["photometry"].take(np.arange(3))["flux"].shape == (3, 5)


def test_the_users_cache_where_the_catalog_is_not_writable(make_sky, user_cache):
    catalog = make_sky(image=False)
    (catalog.path / ".cache").write_text("a file where a directory should be")
    opened = open_cache(catalog, bind_roles(catalog.schema))
    assert opened["photometry"].path.parent == user_cache
    assert opened["photometry"].take(np.array([5]))["present"].tolist() == [True]


def test_nowhere_to_write(make_sky, user_cache):
    catalog = make_sky(image=False)
    (catalog.path / ".cache").write_text("")
    user_cache.parent.write_text("")
    with pytest.raises(OutputError, match="XDG_CACHE_HOME") as caught:
        open_cache(catalog, bind_roles(catalog.schema))
    assert "\n" not in str(caught.value)


def test_no_room(make_sky, monkeypatch):
    catalog = make_sky(image=False)
    full = type("Usage", (), {"free": 10})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: full)
    with pytest.raises(OutputError, match="has no room"):
        open_cache(catalog, bind_roles(catalog.schema))


def test_another_process_maps_the_file_itself(make_sky):
    catalog = make_sky(image=False)
    opened = open_cache(catalog, bind_roles(catalog.schema))["photometry"]
    values = opened.take(np.arange(60))["flux"]
    # Copying goes by the same state as sending an object to another process.
    sent = copy.copy(opened)
    assert not any(isinstance(value, np.ndarray) for value in opened.__getstate__().values())
    np.testing.assert_array_equal(sent.take(np.arange(60))["flux"], values)
    assert not np.shares_memory(sent.arrays["flux"], opened.arrays["flux"])
    assert isinstance(opened.path, Path)


def test_half_precision_comes_out_single(make_sky, tmp_path, make_rows):
    rows = make_rows(rows=4, image=False)
    stamp = np.arange(8, dtype=np.float16).reshape(4, 2)
    flux = pa.FixedSizeListArray.from_arrays(pa.array(stamp.ravel()), 2)
    weight = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(8, np.float32)), 2)
    for name, values in (("flux", flux), ("ivar", weight)):
        meta = {"bands": "g", "shape": "1,1,2", "zero_point": "ab", "pixel_scale": "1.0"}
        rows = rows.append_column(pa.field(f"image_legacy_{name}", values.type, metadata=meta), values)
    catalog = make_sky("half", rows)
    opened = open_cache(catalog, bind_roles(catalog.schema, "image"))["image"]
    assert opened.arrays["flux"].dtype == np.float16
    assert opened.take(np.array([3]))["flux"].dtype == np.float32


def rounded_sky(make_sky, make_rows, spoil=None):
    """A catalog whose stamps are rounded to their noise; `spoil` (flux, ivar) changes what is in them."""
    rows = make_rows(rows=40, image=False)
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.004, 0.03, (40, 2))
    flux = (sigma[:, :, None] * rng.standard_normal((40, 2, 9)) + rng.lognormal(-4, 2, (40, 2, 1))).astype(np.float32)
    ivar = np.repeat(sigma**-2.0, 9, axis=1).astype(np.float32)
    flux[3, 1], ivar[3, 9:] = np.nan, 0.0
    if spoil is not None:
        spoil(flux, ivar)
    fields = image_fields("legacy", ("g", "r"), 3, 0.262, psf_fwhm=False, zero_point="ab")
    for field, values in zip(quantized_fields(fields, 10), (flux, ivar), strict=True):
        rows = rows.append_column(field, pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), type=field.type))
    return make_sky("rounded", rows)


def test_rounded_pixels_take_two_bytes_and_lose_nothing_to_it(make_sky, make_rows):
    catalog = rounded_sky(make_sky, make_rows)
    opened = open_cache(catalog, bind_roles(catalog.schema, "image"))["image"]
    assert {opened.arrays[name].dtype for name in ("flux", "ivar")} == {np.dtype(np.float16)}
    table, rows = catalog.read(), np.arange(40)
    whole = ready_arrays(table, bind_roles(catalog.schema, "image")["image"])
    taken = opened.take(rows)
    np.testing.assert_array_equal(taken["ivar"], whole["ivar"])
    faint = np.abs(whole["flux"]) < 100 * 0.004
    np.testing.assert_array_equal(taken["flux"][faint], whole["flux"][faint])
    np.testing.assert_allclose(taken["flux"], whole["flux"], rtol=2.0**-11, atol=0)
    assert (~faint).any()


def bright(flux, ivar):
    flux[7, 0, 4] = 1e5


def deep(flux, ivar):
    ivar[7, :9] *= 1e6


@pytest.mark.parametrize(("spoil", "kept"), [(bright, "flux"), (deep, "ivar")])
def test_what_does_not_fit_half_precision_is_kept_single(make_sky, make_rows, spoil, kept):
    catalog = rounded_sky(make_sky, make_rows, spoil)
    bindings = bind_roles(catalog.schema, "image")
    opened = open_cache(catalog, bindings)["image"]
    assert opened.arrays[kept].dtype == np.float32
    np.testing.assert_array_equal(
        opened.take(np.arange(40))[kept], ready_arrays(catalog.read(), bindings["image"])[kept]
    )
    assert len(files(catalog)) == 1
    assert open_cache(catalog, bindings)["image"].path == opened.path
    assert not list((catalog.path / ".cache").glob("*.partial"))
