"""Splits: no source in two parts, fractions kept in every class, the same for any order of rows."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs import splits as module
from asterism.catalogs.leaks import check_split
from asterism.catalogs.splits import PARTS, make_split, read_split, split_made_by
from asterism.catalogs.where import compile_where
from asterism.errors import BadInputError, ConfigurationError, OutputError

CLASSES = ("STAR", "GALAXY", "QSO", None)


class Rows:
    """As much of a catalog as a split reads, without files: so that hypothesis can make many."""

    def __init__(self, path, source, label, warning=None, ra=None, dec=None, order=None, fingerprint="f"):
        n = len(source)
        columns = {
            "object_id": [f"o{i:04d}" for i in range(n)],
            "source_id": [f"s{s}" for s in source],
            "class": pa.array(label, pa.string()),
            "label_warning": pa.array(np.zeros(n, np.int32) if warning is None else warning),
        }
        if ra is not None:
            columns |= {"ra": ra, "dec": dec}
        table = pa.table(columns)
        self.all = table if order is None else table.take(pa.array(order))
        self.path, self.parent, self.fingerprint = path, None, fingerprint
        self.placed, self.schema = ra is not None, table.schema

    def __len__(self):
        return len(self.all)

    def read(self, columns, *, where=None):
        rows = (
            self.all if where is None else self.all.filter(pa.array(compile_where(where, self.schema).mask(self.all)))
        )
        return rows.select(columns)


def parts_of(table):
    return dict(zip(table["object_id"].to_pylist(), table["part"].to_pylist(), strict=True))


SOURCES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(CLASSES)), min_size=30, max_size=120)


@given(
    rows=SOURCES, seed=st.integers(0, 99), mix=st.randoms(use_true_random=False), folds=st.none() | st.integers(2, 4)
)
@settings(deadline=None, max_examples=60)
def test_laws(tmp_path_factory, rows, seed, mix, folds):
    source = [s for s, _ in rows]
    kind = {}
    for s, label in rows:
        kind[s] = kind.get(s) or label
    label = [kind[s] for s in source]
    order = list(range(len(rows)))
    mix.shuffle(order)
    path = tmp_path_factory.mktemp("splits")
    counts = [sum(k == name for k in kind.values()) for name in CLASSES[:3]]
    if any(0 < count < max(4, folds or 0) for count in counts):
        with pytest.raises(BadInputError, match="too few for"):
            make_split(Rows(path / "a", source, label), "x", seed=seed, folds=folds)
        return
    table = make_split(Rows(path / "a", source, label), "x", seed=seed, folds=folds)
    check_split(table, "x")
    assert len(table) == len(rows)
    assert set(parts_of(table).values()) <= set(PARTS)
    again = make_split(Rows(path / "b", source, label, order=order), "x", seed=seed, folds=folds)
    assert parts_of(again) == parts_of(table)
    if folds is not None:
        for fold in range(folds):
            one = read_split(Rows(path / "a", source, label), "x", fold=fold)
            check_split(one, "x")
            tested = [f == fold for f in one["fold"].to_pylist()]
            assert [p == "test" for p in one["part"].to_pylist()] == tested
            assert read_split(Rows(path / "a", source, label), f"x@{fold}").equals(one)
        assert parts_of(read_split(Rows(path / "a", source, label), "x", fold=0)) == parts_of(table)
        return
    part_of_source = dict(zip(source, [parts_of(table)[f"o{i:04d}"] for i in range(len(source))], strict=True))
    for name in CLASSES:
        members = [part_of_source[s] for s, k in kind.items() if k == name]
        for part, fraction in module.DEFAULT_FRACTIONS.items():
            # To rounding, and at least one of every class.
            assert abs(members.count(part) - fraction * len(members)) <= (
                1 if len(members) >= 10 or name is None else 3
            )


def test_seeds_differ_and_classes_do_not_disturb_each_other(tmp_path):
    source, label = list(range(90)), [CLASSES[i % 3] for i in range(90)]
    first = parts_of(make_split(Rows(tmp_path / "a", source, label), "x", seed=1))
    assert first != parts_of(make_split(Rows(tmp_path / "b", source, label), "x", seed=2))
    label[89] = "STAR"
    second = parts_of(make_split(Rows(tmp_path / "c", source, label), "x", seed=1))
    galaxies = [f"o{i:04d}" for i in range(90) if i % 3 == 1]
    assert [first[g] for g in galaxies] == [second[g] for g in galaxies]


def test_a_source_has_the_class_of_its_first_clean_row(tmp_path):
    # Every source was observed twice; the first label is wrong and says so.
    source = np.repeat(np.arange(40), 2)
    label = ["QSO", "STAR"] * 40
    warning = np.tile(np.array([1, 0], np.int32), 40)
    make_split(Rows(tmp_path / "a", source, label, warning), "x")
    only = make_split(Rows(tmp_path / "b", source, ["STAR"] * 80), "x")
    assert parts_of(read_split(Rows(tmp_path / "a", source, label), "x")) == parts_of(only)


def test_a_class_too_small(tmp_path):
    rows = Rows(tmp_path, list(range(33)), ["STAR"] * 30 + ["QSO"] * 3)
    with pytest.raises(BadInputError, match=r"class 'QSO' .* has 3 sources, too few for 4 parts") as caught:
        make_split(rows, "x")
    assert "--where \"class <> 'QSO'\"" in str(caught.value)
    assert not (tmp_path / "splits").exists()
    assert len(make_split(rows, "x", where="class <> 'QSO'")) == 30
    assert len(make_split(rows, "y", stratify="none")) == 33
    with pytest.raises(BadInputError, match="too few for 40 folds"):
        make_split(rows, "z", stratify="none", folds=40)


def test_tiles(tmp_path):
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 40, 400), rng.uniform(-20, 20, 400)
    rows = Rows(tmp_path, list(range(400)), ["STAR"] * 400, ra=ra, dec=dec)
    for order, folds in ((3, None), (None, 5)):
        name = f"n{order}"
        table = make_split(rows, name, by="tile", order=order, folds=folds)
        from hats.pixel_math.spatial_index import compute_spatial_index

        tile = compute_spatial_index(ra, dec) >> (2 * (29 - (order or 5)))
        for one in np.unique(tile):
            inside = table.filter(pa.array(tile == one))
            assert len(set(inside["part"].to_pylist())) == 1
            assert len(set(inside["fold"].to_pylist())) == 1
        assert set(table["part"].to_pylist()) == set(PARTS)
        check_split(table, name)
    share = [p == "train" for p in read_split(rows, "n3")["part"].to_pylist()]
    assert 0.6 < np.mean(share) < 0.8
    with pytest.raises(BadInputError, match="covers 1 tiles of order 0"):
        make_split(Rows(tmp_path, [1, 2], ["STAR"] * 2, ra=[1.0, 1.0], dec=[0.0, 0.0]), "few", by="tile", order=0)


def test_kept_in_the_catalog(make_sky):
    catalog = make_sky(rows=60, image=False)
    table = make_split(catalog, "mine", seed=3, fractions={"train": 0.5, "test": 0.5})
    assert table.column_names == ["object_id", "source_id", "part", "fold"]
    assert table["fold"].null_count == 60
    assert table["object_id"].to_pylist() == catalog.read(["object_id"])["object_id"].to_pylist()
    assert catalog.split_names() == ["mine"]
    assert catalog.split("mine").select(table.column_names).equals(table)
    how = split_made_by(catalog, "mine")
    assert (how["seed"], how["fractions"], how["stratify"]) == (3, {"train": 0.5, "test": 0.5}, "class")
    assert how["fingerprint"] == catalog.fingerprint
    path = catalog.path / "splits" / "mine.parquet"
    before = path.stat().st_mtime_ns
    assert make_split(catalog, "mine", seed=3, fractions={"test": 0.5, "train": 0.5}).equals(table)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="made otherwise \\(seed\\)"):
        make_split(catalog, "mine", seed=4, fractions={"train": 0.5, "test": 0.5})
    assert read_split(catalog, "mine").equals(table)
    changed = make_split(catalog, "mine", seed=4, fractions={"train": 0.5, "test": 0.5}, overwrite=True)
    assert not changed.equals(table)
    assert [f.name for f in path.parent.iterdir()] == ["mine.parquet"]


def test_where_leaves_rows_out(make_sky):
    catalog = make_sky(rows=60, image=False)
    table = make_split(catalog, "bright", where="class <> 'STAR'", stratify="none")
    assert 0 < len(table) < 60
    expected = catalog.read(["object_id"], where="class <> 'STAR'")["object_id"].to_pylist()
    assert table["object_id"].to_pylist() == expected
    with pytest.raises(BadInputError, match="no row meets"):
        make_split(catalog, "none", where="redshift > 99")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"name": "../x"}, ConfigurationError, "may hold only"),
        ({"name": ""}, ConfigurationError, "may hold only"),
        ({"name": ".x"}, ConfigurationError, "may hold only"),
        ({"by": "sorce"}, ConfigurationError, "did you mean 'source'"),
        ({"order": 3}, ConfigurationError, "--by tile"),
        ({"by": "tile", "order": 13}, ConfigurationError, "order 13"),
        ({"by": "tile", "stratify": "class"}, ConfigurationError, "can't be stratified"),
        ({"fractions": {"trian": 1.0}}, ConfigurationError, "did you mean 'train'"),
        ({"fractions": {"train": 0.7}}, ConfigurationError, "sum to 0.7"),
        ({"fractions": {"train": 1.5, "test": -0.5}}, ConfigurationError, "-0.5"),
        ({"fractions": {"train": float("nan")}}, ConfigurationError, "nan"),
        ({"folds": 1}, ConfigurationError, "1 folds"),
        ({"folds": 3, "fractions": {"test": 1.0}}, ConfigurationError, "with folds"),
        ({"stratify": "clas"}, ConfigurationError, "did you mean 'class'"),
        ({"stratify": "redshift"}, ConfigurationError, "unknown column to stratify by 'redshift'"),
        ({"where": "cls = 'STAR'"}, ConfigurationError, "unknown column 'cls'"),
    ],
)
def test_one_sentence(tiny_sky, arguments, error, sentence):
    with pytest.raises(error) as caught:
        make_split(tiny_sky, **({"name": "x"} | arguments))
    assert sentence in str(caught.value)
    assert not (tiny_sky.path / "splits").exists()


def test_tiles_need_positions(tiny_table_sky):
    with pytest.raises(BadInputError, match="no positions"):
        make_split(tiny_table_sky, "x", by="tile")


def test_reading_what_is_not_there_or_is_no_split(make_sky):
    catalog = make_sky(rows=60, image=False)
    make_split(catalog, "plain")
    with pytest.raises(ConfigurationError, match="did you mean 'plain'"):
        read_split(catalog, "plane")
    with pytest.raises(ConfigurationError, match="unknown split"):
        split_made_by(catalog, "../splits/plain")
    with pytest.raises(ConfigurationError, match="without folds"):
        read_split(catalog, "plain@1")
    with pytest.raises(ConfigurationError, match="does not name a fold; .* plain@0"):
        read_split(catalog, "plain@first")
    with pytest.raises(ConfigurationError, match="unknown split 'plane'"):
        read_split(catalog, "plane@1")
    with pytest.raises(ConfigurationError, match="without folds"):
        read_split(catalog, "plain", fold=0)
    make_split(catalog, "folded", folds=3)
    with pytest.raises(ConfigurationError, match="folds 0 to 2, not 3"):
        read_split(catalog, "folded", fold=3)
    pq.write_table(pa.table({"object_id": ["a"]}), catalog.path / "splits" / "other.parquet")
    with pytest.raises(BadInputError, match="lacks the column"):
        read_split(catalog, "other")
    (catalog.path / "splits" / "cut.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInputError, match="can't be read"):
        read_split(catalog, "cut")
    assert json.dumps(split_made_by(catalog, "other")) == "{}"


def test_a_narrow_catalog_has_its_parents_splits(make_sky, tmp_path):
    from asterism.catalogs.schema import prediction_fields
    from asterism.catalogs.write import NarrowWriter

    parent = make_sky(rows=60, image=False)
    made = make_split(parent, "default")
    fields = [f for f in prediction_fields("classification") if f.name == "p_star"]
    with NarrowWriter(parent, tmp_path / "narrow", fields, made_by={}, inputs={}) as writer:
        for partition in parent.partitions:
            ids = parent.read_partition(partition, ["object_id"])
            writer.write(partition, ids.append_column(fields[0], pa.array(np.zeros(len(ids), np.float32))))
        narrow = writer.close()
    assert read_split(narrow, "default").equals(made)
    with pytest.raises(OutputError):
        make_split(narrow, "default", seed=1)
