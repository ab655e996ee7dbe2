"""One HTML file that says how good a model's answers are; it opens offline, with every picture inside it.

The page is generic: cards, then sections of texts, tables and figures. What stands in them for classification is put
together by `classification_report`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from asterism.inference import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asterism.inference.evaluate import Evaluation

__all__ = ["Card", "Cell", "Page", "Picture", "Section", "Table", "classification_report", "render"]


@dataclass(frozen=True)
class Card:
    """A headline figure."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A table cell; `verdict` is ``"better"``, ``"worse"`` or empty and colours it."""

    text: str
    verdict: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under column names; where `first_is_ours` the first row is set in bold, where `texts` cells are wrapped."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    first_is_ours: bool = False
    texts: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure as a data URI, with its caption."""

    data: str
    caption: str
    wide: bool = False

    @classmethod
    def of(cls, figure: Figure, caption: str, *, wide: bool = False) -> Picture:
        """Embed a matplotlib figure as SVG."""
        buffer = io.BytesIO()
        # A fixed salt and no date: the same evaluation gives the same bytes.
        import matplotlib as mpl

        with mpl.rc_context({"svg.hashsalt": "asterism"}):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        return cls("data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode(), caption, wide)


@dataclass
class Section:
    """A part of the page under a heading."""

    title: str
    texts: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Picture] = field(default_factory=list)


@dataclass
class Page:
    """All that stands on the page; `made` are (name, value) pairs saying how it was made."""

    title: str
    subtitle: str
    cards: list[Card]
    sections: list[Section]
    made: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)


def render(page: Page) -> str:
    """The page as HTML; all text is escaped, since class names and paths come from files of others."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = files("asterism.inference").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(vars(page))


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"95 % interval {ends[0]:.4f} to {ends[1]:.4f}"


def _comparison(evaluation: Evaluation) -> Table:
    """Ours and the baselines, a row a method; a baseline's cell is marked where ours is better or worse than it."""
    metrics = evaluation.metrics
    columns = ["method", "accuracy", "macro F1", "log-loss", "ECE", "ECE null 95 %"]
    if evaluation.answers.sets is not None:
        columns += ["set coverage", "set size"]
    columns += [f"recall {c}" for c in evaluation.classes]

    def row(name: str, m: Mapping[str, Any], verdicts: Mapping[str, str]) -> list[Cell]:
        cells = [Cell(name), Cell(_number(m["accuracy"]), verdicts.get("accuracy", "")), Cell(_number(m["macro_f1"]))]
        cells += [Cell(_number(m["log_loss"]), verdicts.get("log_loss", ""))]
        cells += [Cell(_number(m["ece"])), Cell(_number(m["ece_null95"]))]
        if evaluation.answers.sets is not None:
            cells += [Cell(_number(m.get("coverage"))), Cell(_number(m.get("set_size"), 3))]
        return cells + [Cell(_number(m["recall"][c])) for c in evaluation.classes]

    rows = [row(evaluation.name, metrics, {})]
    for name, m in metrics.get("baselines", {}).items():
        verdicts = {}
        for key, sign in (("accuracy", 1), ("log_loss", -1)):
            low, high = m["difference"][key]["interval"]
            # Marked from ours: green where ours is better than this baseline.
            verdicts[key] = (
                "better" if min(sign * low, sign * high) > 0 else "worse" if max(sign * low, sign * high) < 0 else ""
            )
        rows.append(row(name, m, verdicts))
    return Table(columns, rows, first_is_ours=True)


def _bins_table(evaluation: Evaluation) -> Table:
    columns = [
        f"{evaluation.band} magnitude",
        "objects",
        "accuracy",
        "95 % interval",
        "log-loss",
        "ECE",
        "ECE null 95 %",
    ]
    with_sets = evaluation.answers.sets is not None
    if with_sets:
        columns += ["set coverage", "set size"]
    rows = []
    for b in evaluation.metrics["bins"].get(evaluation.bin_name, []):
        low, high = b["accuracy_interval"]
        cells = [f"{b['lo']:g} to {b['hi']:g}", str(b["n"]), _number(b["accuracy"]), f"{low:.4f} to {high:.4f}"]
        cells += [_number(b["log_loss"]), _number(b["ece"]), _number(b["ece_null95"])]
        if with_sets:
            cells += [_number(b.get("coverage")), _number(b.get("set_size"), 3)]
        rows.append([Cell(c) for c in cells])
    return Table(columns, rows)


def classification_report(evaluation: Evaluation) -> Page:
    """The page for a classification run.

    Parameters
    ----------
    evaluation : Evaluation
        From `asterism.inference.evaluate.evaluate`.

    Returns
    -------
    Page
    """
    m, answers = evaluation.metrics, evaluation.answers
    calibrated = m["ece"] <= m["ece_null95"]
    cards = [
        Card("objects scored", f"{m['n']:,}", evaluation.what),
        Card("accuracy", _number(m["accuracy"]), _interval(m["accuracy_interval"])),
        Card("log-loss", _number(m["log_loss"]), _interval(m["log_loss_interval"])),
        Card(
            "ECE",
            _number(m["ece"]),
            f"null band to {m['ece_null95']:.4f}: {'calibrated' if calibrated else 'not calibrated'}",
        ),
    ]
    if answers.sets is not None:
        cards.append(Card("set coverage", _number(m.get("coverage"), 3), f"mean size {_number(m.get('set_size'), 2)}"))
    if answers.in_domain is not None:
        cards.append(Card("in domain", f"{answers.in_domain.mean():.1%}", "objects like the training set"))

    methods = {evaluation.name: answers.of_classes} | {k: v.probabilities for k, v in evaluation.baselines.items()}
    summary = Section("Beside the baselines" if evaluation.baselines else "Figures")
    summary.tables.append(_comparison(evaluation))
    if evaluation.baselines:
        summary.texts.append(
            "Baselines were fitted on the photometric features of the same split, with the calibration part added to their "
            "training part. Green marks a figure of theirs that ours is better than, red one that ours is worse than: the 95 % "
            "interval of a bootstrap over the same test objects excludes zero."
        )
    confusion = Section("Which classes are taken for which")
    confusion.figures.append(
        Picture.of(
            figures.confusion_figure(m["confusion"]["counts"], evaluation.classes),
            "Confusion matrix: true classes along rows, the most probable class along columns.",
            wide=True,
        )
    )
    trust = Section("Do the probabilities mean what they say?")
    trust.texts.append(
        "ECE is the mean gap between confidence and accuracy over 15 equal-width bins. Its null band is what a perfectly "
        "calibrated model with the same probabilities stays under in 95 % of samples of this size: below it, no "
        "miscalibration can be seen."
    )
    trust.figures += [
        Picture.of(
            figures.reliability_figure(methods, evaluation.labels),
            "Reliability (bins of ten objects or more), with the objects in each bin below.",
        ),
        Picture.of(
            figures.completeness_purity_figure(answers.of_classes, evaluation.labels, evaluation.classes),
            "Completeness and purity of the sample chosen by p(class) at or above a threshold.",
        ),
    ]
    sections = [summary, confusion, trust]
    bins = {evaluation.name: m["bins"].get(evaluation.bin_name, [])}
    if bins[evaluation.name]:
        bins |= {k: b["bins"][evaluation.bin_name] for k, b in m.get("baselines", {}).items()}
        by_magnitude = Section(f"Against {evaluation.band} magnitude", tables=[_bins_table(evaluation)])
        for key, label in (("accuracy", "accuracy"), ("log_loss", "log-loss")):
            picture = figures.against_magnitude(bins, key, label, evaluation.band)
            by_magnitude.figures.append(Picture.of(picture, f"{label.capitalize()} in bins of one magnitude."))
        sections.append(by_magnitude)
    if answers.domain_score is not None and evaluation.domain_threshold is not None:
        domain = Section("Objects unlike the training set")
        domain.texts.append("An object beyond the dashed line is flagged out of domain, and gets no prediction set.")
        picture = figures.domain_figure(
            answers.domain_score, evaluation.domain_threshold, evaluation.labels, evaluation.classes
        )
        domain.figures.append(Picture.of(picture, "Domain score by true class."))
        sections.append(domain)
    return Page(
        title=f"{evaluation.name}: classification",
        subtitle=f"{evaluation.what} · {m['n']:,} objects",
        cards=cards,
        sections=sections,
        made=evaluation.made,
        notes=evaluation.notes,
    )
