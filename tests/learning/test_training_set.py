"""The objects of a run: clean labels, classes by name, parts that hold each class, and no leaks."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, ConfigurationError, LeakError
from asterism.learning.training_set import choose_objects


def choose(catalog, split=None, where=None, **more):
    return choose_objects(catalog, bind_roles(catalog.schema, "photometry"), split=split, where=where, **more)


def with_column(table, name, values):
    index = table.column_names.index(name)
    return table.set_column(index, table.schema.field(name), pa.array(values, table.schema.field(name).type))


def test_a_split_is_made_and_kept_where_none_is_named(make_sky):
    catalog = make_sky(rows=120)
    chosen = choose(catalog)
    assert catalog.split_names() == ["default"]
    assert chosen.split == "default"
    assert chosen.classes == ("STAR", "GALAXY", "QSO")
    # Every twelfth of 120 rows has no class.
    table = catalog.split("default")
    labelled = catalog.read(["object_id", "class"])
    kept = labelled.filter(pc.is_valid(labelled["class"]))["object_id"].combine_chunks()
    table = table.filter(pc.is_in(table["object_id"], value_set=kept))
    for part in ("train", "validation", "calibration"):
        assert chosen.objects(part) == pc.sum(pc.equal(table["part"], part)).as_py()
        assert chosen.stream(part, 16).objects == chosen.objects(part)
    assert choose(catalog) == chosen


def test_unclean_labels_teach_nothing(make_sky, make_rows):
    table = make_rows(rows=120)
    warnings = [4 if row % 3 == 0 else None if row % 3 == 1 else 0 for row in range(120)]
    catalog = make_sky(table=with_column(table, "label_warning", warnings))
    chosen = choose(catalog)
    rows = chosen.stream(["train", "validation", "calibration"], 16).rows
    used = catalog.read(["label_warning", "class"]).take(pa.array(rows))
    assert set(used["label_warning"].to_pylist()) == {None, 0}
    assert used["class"].null_count == 0


def test_a_condition_holds_in_every_part_and_can_leave_out_a_class(make_sky):
    chosen = choose(make_sky(rows=120), where="class = 'QSO' OR class = 'STAR'")
    assert chosen.classes == ("STAR", "QSO")
    assert set(chosen.counts["calibration"]) == {"STAR", "QSO"}
    labels = {int(c) for batch in chosen.stream("validation", 8) for c in batch["label"]["class"]}
    assert labels == {0, 1}


def test_other_class_names_follow_in_order(make_sky, make_rows):
    table = make_rows(rows=120)
    names = ["o'ddity" if name == "QSO" else name for name in table["class"].to_pylist()]
    chosen = choose(make_sky(table=with_column(table, "class", names)))
    assert chosen.classes == ("STAR", "GALAXY", "o'ddity")
    assert chosen.stream("train", 200).objects == chosen.objects("train")


def test_what_was_seen_has_its_role(make_sky):
    chosen = choose(make_sky(rows=120))
    seen = chosen.seen()
    counts = {e["values"]: e["counts"] for e in pc.value_counts(seen.table["role"]).to_pylist()}
    assert counts == {
        "labelled": chosen.objects("train"),
        "validation": chosen.objects("validation"),
        "calibration": chosen.objects("calibration"),
    }
    chosen.check_leaks(seen)


def test_a_source_of_the_test_part_that_was_seen_is_a_leak(make_sky, make_rows):
    first = make_sky("first", rows=120)
    chosen = choose(first)
    # A second observation of a test object, under another name, e.g. in a catalog to adapt to.
    tested = first.read(split="default", part="test").slice(0, 2)
    again = with_column(with_column(tested, "object_id", ["other-1", "other-2"]), "source_id", [None, None])
    other = make_sky("other", table=pa.concat_tables([again, make_rows(rows=20, seed=5)]))
    unlabelled = SourceSet.from_catalog(other, role="unlabelled")
    with pytest.raises(LeakError, match=r"the test part of split 'default'.*2 of .* were seen .*2 unlabelled"):
        chosen.check_leaks(SourceSet.union([chosen.seen(), unlabelled]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"where": "class = 'STAR'"}, "objects of one class only (STAR:"),
        ({"where": "redshift > 99"}, "no object with a clean class in the training part"),
        ({"where": "r_mga < 20"}, "did you mean 'r_mag'"),
        ({"split": "missing"}, "unknown split 'missing'"),
    ],
)
def test_nothing_to_learn_is_one_sentence(make_sky, change, says):
    catalog = make_sky(rows=120)
    make_split(catalog, "default")
    with pytest.raises((BadInputError, ConfigurationError), match=r"^[^\n]+$") as error:
        choose(catalog, **change)
    assert says in str(error.value)


def test_a_catalog_without_classes_is_refused(make_sky, make_rows):
    with pytest.raises(BadInputError, match="no column 'class'"):
        choose(make_sky(table=make_rows(rows=40).drop_columns(["class"])))


def test_a_split_without_a_calibration_part_is_refused(make_sky):
    catalog = make_sky(rows=120)
    make_split(catalog, "short", fractions={"train": 0.8, "validation": 0.2})
    with pytest.raises(ConfigurationError, match="split 'short' .* has no calibration part"):
        choose(catalog, split="short")


def test_a_class_that_a_part_lacks_is_named_with_its_counts(make_sky):
    catalog = make_sky(rows=120)
    make_split(catalog, "default")
    lacking = catalog.read(["object_id", "class"], split="default", part="calibration")
    stars = lacking.filter(pc.equal(lacking["class"], "STAR"))["object_id"].to_pylist()
    listed = ", ".join(f"'{name}'" for name in stars)
    with pytest.raises(BadInputError, match=r"class STAR is too small .* in train, .* 0 in calibration; leave it out"):
        choose(catalog, where=f"object_id NOT IN ({listed})")


def test_redshifts_need_no_class(make_sky, make_rows):
    table = make_rows(rows=120)
    z = np.where(np.arange(120) % 4 == 0, -0.5, table["redshift"].to_numpy(zero_copy_only=False))
    table = with_column(table, "redshift", z.astype(np.float32)).drop_columns(["class"])
    chosen = choose(make_sky(table=table), tasks=("redshift",))
    assert chosen.classes == ()
    assert chosen.labels == ("redshift",)
    # A redshift far below 0 is none, and NaN is null.
    good = int((np.nan_to_num(z, nan=-1) >= -0.01).sum())
    rows = np.concatenate([chosen.rows(part) for part in ("train", "validation", "calibration")])
    assert len(rows) == sum(chosen.objects(part) for part in ("train", "validation", "calibration")) < good
    (found,) = chosen.redshifts().values()
    assert len(found) == len(rows)
    assert (found >= 0).all()
    batch = next(iter(chosen.stream("train", 16)))
    assert set(batch["label"]) == {"redshift"}


def test_with_both_tasks_objects_without_a_redshift_stay(make_sky, make_rows):
    table = make_rows(rows=240)
    z = table["redshift"].to_numpy(zero_copy_only=False).copy()
    z[::3] = np.nan
    chosen = choose(make_sky(table=with_column(table, "redshift", z)), tasks=("classification", "redshift"))
    assert chosen.counts == choose(chosen.catalog).counts
    found = chosen.redshifts()
    assert set(found) == {"STAR", "GALAXY", "QSO"}
    assert 0 < len(found["QSO"]) < sum(chosen.counts[part]["QSO"] for part in chosen.counts)


def test_no_redshifts_to_learn_from_is_one_sentence(make_sky, make_rows):
    table = make_rows(rows=240)
    both = ("classification", "redshift")
    with pytest.raises(BadInputError, match="has no column 'redshift'; --task redshift needs objects with redshifts"):
        choose(make_sky("a", table=table.drop_columns(["redshift"])), tasks=("redshift",))
    with pytest.raises(BadInputError, match=r"no object with a clean redshift of -0\.01 or more in the train part"):
        choose(make_sky("b", table=with_column(table, "redshift", [None] * 240)), tasks=("redshift",))
    z = [None if c == "QSO" else 0.1 for c in table["class"].to_pylist()]
    with pytest.raises(BadInputError, match=r"no QSO of split 'default' .* has a redshift.*leave the class out"):
        choose(make_sky("c", table=with_column(table, "redshift", z)), tasks=both)
    with pytest.raises(BadInputError, match="objects of one class only"):
        choose(make_sky("d", table=table), where="class = 'QSO'", tasks=both)


def test_alignment_takes_all_objects_and_reads_no_label(make_sky, make_rows):
    table = make_rows(rows=200)
    table = with_column(table, "label_warning", np.ones(200, np.int32))
    chosen = choose(make_sky(table=table), tasks=("alignment",))
    assert chosen.without_labels
    assert chosen.labels == ()
    assert sum(counts["objects"] for counts in chosen.counts.values()) == pytest.approx(180, abs=2)
    assert next(iter(chosen.stream("train", 16)))["label"] == {}
    assert set(chosen.seen().table["role"].to_pylist()) == {"unlabelled", "validation", "calibration"}
    bare = table.drop_columns(["class", "redshift", "label_warning", "truth_redshift"])
    without = choose(make_sky("bare", bare), tasks=("alignment",))
    assert all(np.array_equal(chosen.rows(part), without.rows(part)) for part in chosen.counts)
    # With classes the split of the same catalog is another, since it is stratified.
    labelled = choose(make_sky("labelled", make_rows(rows=200)))
    assert not np.array_equal(labelled.rows("train"), chosen.rows("train"))


def test_a_condition_that_leaves_a_part_empty_is_refused(make_sky):
    catalog = make_sky(rows=60)
    one = catalog.read(["object_id"])["object_id"][0].as_py()
    with pytest.raises(BadInputError, match=r"part 'validation'.* leaves none of 60 rows"):
        choose(catalog, where=f"object_id = '{one}'", tasks=("alignment",))


def test_pairs_are_those_that_have_both(make_spectra):
    catalog = make_spectra(rows=60)
    bindings = bind_roles(catalog.schema, "image,spectrum")
    chosen = choose_objects(catalog, bindings, split=None, where=None, tasks=("alignment",))
    table = catalog.read(["image_sdss_flux", "spectrum_lamost_flux"])
    both = np.asarray(pc.and_(pc.is_valid(table["image_sdss_flux"]), pc.is_valid(table["spectrum_lamost_flux"])))
    assert chosen.pairs() == {part: int(both[chosen.rows(part)].sum()) for part in ("train", "validation")}
    assert 0 < chosen.pairs()["train"] < chosen.objects("train")
