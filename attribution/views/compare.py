"""The Compare tab: the list by rank, A's and B's texts as buttons, and what came of what-ifs.

A sentence, or a word of it, is dropped, put back, or something stands in its place; what that did is measured, beside
what the attribution had predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from attribution.types import Explanation, Word
from attribution.views.templating import Markup, render
from attribution.views.text import Shown, scale_of, shown
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.evidence.compare.contrast import Ranked, Ranking
    from attribution.evidence.compare.counterfactual import Counterfactual
    from attribution.evidence.compare.raising import Raised
    from attribution.evidence.sentences import Sentences

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


class Cut(NamedTuple):
    """Characters [start, end) of a text gone, and `text` in their place, between the white space that was there."""

    start: int
    end: int
    text: str = ""


@dataclass(frozen=True)
class Panel:
    """One text. `sentences`: where it has so many that they are what is dropped, else None; `words`: all of it.

    `cuts`: what was done to it; `edited`: another text as a whole, None for this one.
    """

    which: Which
    place: int
    document: str
    logit: float
    truncated: bool
    words: Sequence[Word]
    sentences: Sentences | None = None
    cuts: Sequence[Cut] = ()
    edited: str | None = None


class Part(NamedTuple):
    """A button: what it shows, its span, whether it is gone, and what stands in its place."""

    word: Shown
    start: int
    end: int
    gone: bool
    put: str


def apply(document: str, cuts: Sequence[Cut]) -> str:
    """The text after the cuts, which do not overlap."""
    parts, at = [], 0
    for cut in sorted(cuts):
        piece = document[cut.start : cut.end]
        parts.append(document[at : cut.start])
        if cut.text:
            before = len(piece) - len(piece.lstrip())
            parts += [piece[:before], cut.text, piece[max(before, len(piece.rstrip())) :]]
        at = max(at, cut.end)
    return "".join([*parts, document[at:]])


def words_html(panels: Sequence[Panel]) -> Markup:
    """Both texts; words coloured by their attributions, sentences by what their removal costs, each text for itself."""
    fronts = ["".join(cut.text for cut in sorted(panel.cuts) if cut.end == 0) for panel in panels]  # what was put there
    every = zip(panels, map(stretches, panels), fronts, strict=True)
    return render("compare_words.html", panels=list(every))


def stretches(panel: Panel) -> list[dict[str, object]]:
    """The panel's text in order: each sentence as a `whole` and its `words`, which are shown where it is `zoomed`.

    `loss`: how the logit changes when the sentence goes; None where the model read nothing of it. Where only words can
    be dropped all of them are one stretch, and its `whole` is None.
    """
    if panel.sentences is None:
        return [{"whole": None, "words": _parts(panel, panel.words), "zoomed": True}]
    losses = [Word(s.text, "document", s.start, s.end, s.without) for s in panel.sentences.sentences]
    found = []
    for whole, of in zip(_parts(panel, losses), losses, strict=True):
        parts = _parts(panel, inside(panel.words, whole.start, whole.end))
        zoomed = not whole.gone and any(part.gone for part in parts)
        loss = None if of.attribution is None else -of.attribution
        found.append({"whole": whole, "words": parts, "zoomed": zoomed, "loss": loss})
    return found


def _parts(panel: Panel, words: Sequence[Word]) -> list[Part]:
    """Each with its colour, by a scale of their own, and with what was done to it."""
    done = {(cut.start, cut.end): cut.text for cut in panel.cuts}
    return [
        Part(of, word.start, word.end, (word.start, word.end) in done, done.get((word.start, word.end), ""))
        for word, of in zip(words, shown(words, scale_of(words)), strict=True)
    ]


@dataclass(frozen=True)
class Outcome:
    """One document as it was and as it is now; `predicted`: the change that its attributions had said, None if none.

    `done`: what was there and what is there now, either may be empty; nothing for a text edited as a whole.
    """

    which: str
    done: tuple[tuple[str, str], ...]
    before: float
    after: float
    predicted: float | None
    rank_before: int
    rank_after: int
    n_documents: int

    @property
    def dropped(self) -> list[str]:
        """What went and left nothing in its place."""
        return [quote(was) for was, now in self.done if not now]

    @property
    def replaced(self) -> list[tuple[str, str]]:
        """What something else stands for now, and what was put in, beside nothing."""
        return [(quote(was), quote(now)) for was, now in self.done if now]


def what_if_html(
    outcomes: Sequence[Outcome],
    *,
    unit: str = "word",
    flip: Counterfactual | None = None,
    raised: Raised | None = None,
    names: tuple[str, str] = (A, B),
) -> Markup:
    """A line a changed document, with what became of its prediction; without any, what one can do with a `unit`.

    `flip`: what has to go so that the first of `names` falls below the second. `raised`: the smallest edit that lifts
    the first above the second, and every single edit that was tried.
    """
    unit = flip.unit if flip else unit
    return render("what_if.html", outcomes=outcomes, unit=unit, flip=flip, raised=raised, names=names)
