def test_everything_is_written(place):
    for name in (
        "results.json",
        "report.html",
        "table.tex",
        "figures/confusion_counts.png",
        "figures/confusion_shares.png",
    ):
        assert (place / name).stat().st_size > 500
    page = (place / "report.html").read_text()
    assert "Confusion matrices" in page
    assert "ours against LightGBM" in page
    assert page.count("data:image/svg+xml") >= 2
