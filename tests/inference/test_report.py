import re

from matplotlib.figure import Figure

from asterism.inference.evaluate import evaluate
from asterism.inference.report import Card, Cell, Page, Picture, Section, Table, render


def page(**changes):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1])
    section = Section(
        "A section",
        ["A text."],
        [Table(["a", "b"], [[Cell("1"), Cell("2", "better")]])],
        [Picture.of(figure, "A picture")],
    )
    parts = {"title": "T", "subtitle": "S", "cards": [Card("n", "5")], "sections": [section], "made": [("k", "v")]}
    return Page(**(parts | changes))


def test_the_page_holds_everything_and_asks_for_nothing_from_outside():
    html = render(page(notes=["Mind this."]))
    for text in ("<h1>T</h1>", "A section", "A text.", "A picture", 'class="better"', "Mind this."):
        assert text in html
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', html)
    assert sources
    assert all(source.startswith("data:image/svg+xml") for source in sources)
    assert "<script" not in html


def test_tables_that_are_wider_than_the_page_are_set_small():
    narrow, wide = "0.0415 ± 0.0016", "-0.0097 (-0.0113 to -0.0080), and so on, to the right"
    assert not Table(["of", "a", "b"], [[Cell(narrow)] * 3]).dense
    assert Table(["of", "a", "b"], [[Cell(narrow)] * 3, [Cell(wide)] * 3]).dense
    assert Table(["of"] * 8, [[Cell("1")] * 8]).dense
    assert not Table(["of"] * 8, [[Cell(wide)] * 8], texts=True).dense
    section = Section("S", tables=[Table(["of"] * 3, [[Cell(wide)] * 3])])
    assert 'class="scroll dense"' in render(page(sections=[section]))
    assert 'class="scroll dense"' not in render(page())


def test_names_from_outside_are_escaped():
    html = render(page(title="<script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_same_picture_gives_the_same_bytes():
    assert render(page()) == render(page())


def test_a_runs_report_shows_figures_baselines_and_bins(small_run, tmp_path):
    evaluate(small_run.path, small_run.catalog, tmp_path / "r", split="default", baselines=True)
    html = (tmp_path / "r" / "report.html").read_text()
    for text in (
        "lightgbm",
        "Reliability",
        "Completeness and purity",
        "Confusion matrix",
        "Against r magnitude",
        "ECE",
    ):
        assert text in html
    assert html.count("<figure") >= 6
