from asterism.papers.macnet.catalog_tables import count_objects


def test_objects_are_counted_by_plan(paper):
    told = {(e["catalog"], e["plan"]): e for e in count_objects(paper)}
    assert sum(told["sample", None]["counts"].values()) == 160
    assert sum(told["sample", 1]["counts"].values()) + sum(told["sample", 2]["counts"].values()) == 160
    assert told["sample", 1]["mjd"] == [56549.6, 56549.6]
    assert {plan for catalog, plan in told if catalog == "test"} == {None}
