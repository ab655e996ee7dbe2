import json

from asterism.inference.report import render
from asterism.papers.margformer.report import report_page


def test_the_page_says_what_must_be_known_first(place):
    results = json.loads((place / "results.json").read_text())
    page = report_page(results, {}, "asterism reproduce margformer --out DIR")
    notes = " ".join(page.notes)
    assert "simulated twins" in notes
    assert "were seen in training, knowingly; in the published data 7,728 of 28,532" in notes
    assert "rows of the table are not run yet" in notes
    html = render(page)
    assert "98.10" in html  # published MargFormer, experiment 1 SG
    assert "ours against LightGBM" in html
    assert "MNRAS 518, 3123" in html
