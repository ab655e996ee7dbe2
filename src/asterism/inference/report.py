"""One HTML file that says how good a model's answers are; it opens offline, with every picture inside it.

The page is generic: cards, then sections of texts, tables and figures. What stands in them is put together by
`asterism.inference.classification_results` and `asterism.inference.redshift_results`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Card", "Cell", "Page", "Picture", "Section", "Table", "interval", "number", "render"]


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


_MANY, _LETTER, _PADDING, _PAGE = 7, 8.4, 24, 1032  # columns; pixels, as the page sets them


@dataclass(frozen=True)
class Table:
    """Rows of cells under column names; where `first_is_ours` the first row is set in bold, where `texts` cells are wrapped."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    first_is_ours: bool = False
    texts: bool = False

    @property
    def dense(self) -> bool:
        """Whether it wants small letters, and the margin: it has many columns, or its cells are wider than the page."""
        if self.texts or len(self.columns) > _MANY:
            return not self.texts
        columns = zip_longest(
            *([cell.text for cell in row] for row in (map(Cell, self.columns), *self.rows)), fillvalue=""
        )
        return sum(max(map(len, texts)) * _LETTER + _PADDING for texts in columns) > _PAGE


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

    @classmethod
    def png(cls, content: bytes, caption: str, *, wide: bool = False) -> Picture:
        """Embed a PNG file's content."""
        return cls("data:image/png;base64," + base64.b64encode(content).decode(), caption, wide)


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


def number(value: float | None, digits: int = 4) -> str:
    """A figure as text; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(ends: Sequence[float] | None) -> str:
    """A 95 % interval in words."""
    return "" if ends is None else f"95 % interval {ends[0]:.4f} to {ends[1]:.4f}"
