"""Ranking -> the list by rank, and the line above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from attribution.types import Explanation, Word
from attribution.views.templating import Markup, render
from attribution.views.text import Shown, scale_of, shown
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.evidence.compare.contrast import Ranked, Ranking

Which = Literal["A", "B"]
A: Which = "A"
B: Which = "B"
QUOTED = 90  # characters of a sentence that are quoted in a line


@dataclass(frozen=True)
class Names:
    """What the page calls the documents: by place, and which two are A and B."""

    by_place: Mapping[int, str]
    a: int
    b: int

    def role(self, place: int) -> str:
        """ "A", "B" or nothing."""
        return {self.b: "B", self.a: "A"}.get(place, "")

    def shown(self, place: int) -> str:
        """An id of the list's own as it is, a number with what it counts."""
        name = self.by_place[place]
        return f"doc {name}" if name.isdigit() else name


def identity_html(inputs: Sequence[object], model_label: str, ranking: Ranking) -> Markup:
    """The line above the results: what they are of. `inputs`: the boxes' values, for the page to compare with."""
    return render("compare_identity.html", inputs=list(inputs), model_label=model_label, ranking=ranking)


def rows_html(
    ranking: Ranking, names: Names, coloured: Mapping[int, Explanation], *, by: str, changed: Mapping[int, str]
) -> Markup:
    """The list by rank. `coloured`: explanations by place, for the words' colours, by the method called `by`.

    `changed`: what was done to a document (dropped, edited), by place; its logit in `ranking` is the new one.
    """
    logits = [row.logit for row in ranking.rows]
    low, high = min(0.0, *logits), max(0.0, *logits)
    reach = (high - low) or 1.0
    rows = [
        {
            "row": row,
            "name": names.shown(row.place),
            "role": names.role(row.place),
            "moved": row.place - row.rank,
            "left": round(100 * (min(0.0, row.logit) - low) / reach, 2),
            "width": round(100 * abs(row.logit) / reach, 2),
            "words": _words(coloured.get(row.place), row),
            "changed": changed.get(row.place),
        }
        for row in ranking.rows
    ]
    zero = round(100 * -low / reach, 2)
    return render("compare_rows.html", rows=rows, zero=zero, by=by, ranking=ranking, any_coloured=bool(coloured))


def quote(text: str) -> str:
    """A text on one line, its beginning where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else f"{line[:QUOTED].rsplit(' ', 1)[0]} …"


def inside(words: Sequence[Word], start: int, end: int) -> list[Word]:
    """Those whose visible part begins in [start, end): each owns the white space before it."""
    return [word for word in words if start <= word.end - len(word.text.lstrip()) < end]


def _words(explanation: Explanation | None, row: Ranked) -> list[Shown]:
    if explanation is None:
        return [Shown(row.document, "", "", "")]
    words = to_words(explanation, "document")
    return shown(words, scale_of(words))
