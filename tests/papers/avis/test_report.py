import json

from asterism.inference.report import render
from asterism.papers.avis.report import report_page


def test_a_part_that_was_not_run_is_left_out(place):
    results = json.loads((place / "results.json").read_text())
    results["parts"] = {"redshift": results["parts"]["redshift"]}
    page = render(report_page({**results, "missing": ["x"]}, {}, "asterism reproduce avis"))
    assert "(a) Redshifts" in page
    assert "(d) Clusters" not in page
    assert "1 rows of the table are not run yet" in page
    assert "not run" in page
