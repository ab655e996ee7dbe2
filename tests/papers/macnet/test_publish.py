def test_everything_is_written(place):
    names = ["fig2_strips", "fig3_images", "fig9_10_maps_macnet", "fig9_10_maps_macnet_hirescam", "fig12_windows_blue"]
    names += ["fig11_confusion_sample", "fig11_confusion_sample_sky_subtracted"]
    for name in ("results.json", "report.html", "table.tex", *(f"figures/{n}.png" for n in names)):
        assert (place / name).stat().st_size > 500
    page = (place / "report.html").read_text()
    for title in (
        "Table 1",
        "Table 2",
        "Table 3",
        "Table 4",
        "Table 5",
        "Fig. 11",
        "(b) Sky subtracted",
        "Figs 9 and 10",
    ):
        assert title in page
    assert page.count("data:image/png") >= 7
