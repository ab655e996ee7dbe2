def test_everything_is_written(place):
    names = ["redshift", "few_labels", "recall_all", "maps"]
    for name in ("results.json", "avis.json", "report.html", "table.tex", *(f"figures/{n}.png" for n in names)):
        assert (place / name).stat().st_size > 500
    page = (place / "report.html").read_text()
    for title in (
        "Aims",
        "(a) Redshifts",
        "(b) Does an image",
        "(c) Classes",
        "(d) Clusters",
        "(f) The spectrum",
        "(g) The obj",
    ):
        assert title in page
    assert page.count("data:image/png") >= 6
