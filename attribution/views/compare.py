"""Ranking and contrast -> the list, the waterfalls from B's logit to A's, and the sentence made from their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from attribution.types import Explanation, Word
from attribution.views.numbers import logit
from attribution.views.templating import Markup, render
from attribution.views.text import Shown, scale_of, shown
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.evidence.compare.contrast import Bar, Contrast, Ranked, Ranking, Side

Which = Literal["A", "B"]
N_BARS = 6  # words of each text that have a bar of their own
N_TOLD = 3  # words that the sentence names, a side
FLAT = 0.005  # logits: shown as 0.00, so neither ahead nor behind


@dataclass(frozen=True)
class Names:
    """What the page calls the documents: by place, and which two are A and B."""

    by_place: Mapping[int, str]
    a: int
    b: int

    def role(self, place: int) -> str:
        """ "A", "B" or nothing."""
        return {self.b: "B", self.a: "A"}.get(place, "")


@dataclass(frozen=True)
class Step:
    """A row of a waterfall; `start`, `width` and `end` in per cent of its width, `end` where the sum stands after it.

    `kind`: "total" (a logit), "raises", "lowers", or "other" for what is no single word.
    """

    label: str
    of: str
    kind: Literal["total", "raises", "lowers", "other"]
    value: float
    start: float
    width: float
    end: float


def title_html(text: str) -> Markup:
    """A section's heading."""
    return render("title.html", text=text)


def lists_html(lists: Sequence[Mapping[str, str]]) -> Markup:
    """Example lists to choose from: `label`, `reason`, `query`, the documents' `text`, the boxes' `mode`."""
    return render("compare_lists.html", lists=lists)


def identity_html(inputs: Sequence[object], model_label: str, revision: str, query: str, n: int) -> Markup:
    """The line above the results: what they are of. `inputs`: the boxes' values, for the page to compare with."""
    return render(
        "compare_identity.html", inputs=list(inputs), model_label=model_label, revision=revision, query=query, n=n
    )


def rows_html(
    ranking: Ranking, names: Names, coloured: Mapping[int, Explanation], *, by: str, changed: Mapping[int, str]
) -> Markup:
    """The list by rank. `coloured`: explanations by place, for the words' colours, by the method called `by`.

    `changed`: what was done to a document (words dropped, edited), by place; its logit in `ranking` is the new one.
    """
    logits = [row.logit for row in ranking.rows]
    low, high = min(0.0, *logits), max(0.0, *logits)
    reach = (high - low) or 1.0
    rows = [
        {
            "row": row,
            "name": names.by_place[row.place],
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


def why_html(contrast: Contrast, label: str) -> Markup:
    """The sentence, and a waterfall for each side. `label`: the method's."""
    falls = [(side.segments[0], waterfall(contrast, side), side) for side in contrast.sides]
    return render("compare_why.html", contrast=contrast, label=label, sentence=sentence(contrast), falls=falls)


def sentence(contrast: Contrast) -> str:
    """Who is ahead and by which words, from the numbers alone."""
    difference = contrast.difference
    if abs(difference) < FLAT:
        lead = "A and B are level"
    else:
        lead = f"A is {'ahead' if difference > 0 else 'behind'} by {logit(abs(difference))}"
    told = []
    for side in contrast.sides:
        words = [f"{_quoted(bar)} {logit(bar.value, signed=True)}" for bar in _largest(side.bars)[:N_TOLD] if bar.value]
        whose = "by the documents’ words" if side.segments[0] == "document" else "by the query’s, which both share"
        told.append(f"{whose}, {', '.join([*words, f'baseline {logit(side.baseline, signed=True)}'])}")
    return f"{lead}: {'; '.join(told)}."


def waterfall(contrast: Contrast, side: Side) -> list[Step]:
    """From B's logit, word by word, to A's; words without a bar of their own are one step.

    Nothing is left out but a remainder that would be shown as 0.00.
    """
    pieces: list[tuple[str, str, float]] = []
    if "document" in side.segments:
        pieces += _pieces(side.bars, "second", "B")
        pieces.append(("baseline: no document", "", side.baseline))
        pieces += _pieces(side.bars, "first", "A")
    else:
        pieces += _pieces(side.bars, "query", "query")
        pieces.append(("baseline: no query", "", side.baseline))
    if abs(side.remainder) >= FLAT:
        pieces.append(("what the integrals missed", "", side.remainder))
    ends = [contrast.second.logit]
    for _, _, value in pieces:
        ends.append(ends[-1] + value)
    low, high = min(ends), max(ends)
    reach = (high - low) or 1.0

    def place(value: float) -> float:
        return round(2 + 96 * (value - low) / reach, 2)

    steps = [Step("B", "", "total", ends[0], place(ends[0]), 0.0, place(ends[0]))]
    for (label, of, value), before, after in zip(pieces, ends, ends[1:], strict=False):
        kind: Literal["raises", "lowers", "other"] = "other" if not of else "lowers" if value < 0 else "raises"
        start = place(min(before, after))
        steps.append(Step(label, of, kind, value, start, round(place(max(before, after)) - start, 2), place(after)))
    return [*steps, Step("A", "", "total", contrast.first.logit, place(ends[-1]), 0.0, place(ends[-1]))]


def words_html(contrast: Contrast, dropped: Mapping[Which, frozenset[int]]) -> Markup:
    """Both texts, each word a button that drops it or puts it back; coloured by its attribution in its own text."""
    side = next(side for side in contrast.sides if "document" in side.segments)
    panels = []
    for which, of, explanation in (("A", "first", contrast.first), ("B", "second", contrast.second)):
        sign = 1 if of == "first" else -1
        words = [Word(b.text, "document", b.start, b.end, sign * b.value) for b in side.bars if b.of == of]
        gone = dropped.get("A" if which == "A" else "B", frozenset())
        panels.append(
            {
                "which": which,
                "logit": explanation.logit,
                "truncated": explanation.truncated,
                "pieces": _buttons(explanation.document, words, gone),
            }
        )
    return render("compare_words.html", panels=panels)


def _buttons(text: str, words: Sequence[Word], gone: frozenset[int]) -> list[dict[str, object]]:
    """The text in pieces: what stands between the words as it is, then each word for a button."""
    pieces: list[dict[str, object]] = []
    at = 0
    for i, word in enumerate(shown(words, scale_of(words), signed=True)):
        start, end = words[i].start, words[i].end
        pieces.append({"between": text[at : max(at, start)], "word": word, "i": i, "gone": i in gone})
        at = max(at, end)
    return [*pieces, {"between": text[at:], "word": None}]


def _words(explanation: Explanation | None, row: Ranked) -> list[Shown]:
    if explanation is None:
        return [Shown(row.document, "", "", "")]
    words = to_words(explanation, "document")
    return shown(words, scale_of(words), signed=True)


def _pieces(bars: Sequence[Bar], of: str, name: str) -> list[tuple[str, str, float]]:
    """`(label, whose, value)` of the largest words, and of the rest together."""
    mine = _largest([bar for bar in bars if bar.of == of])
    pieces = [(bar.text, name, bar.value) for bar in mine[:N_BARS]]
    rest = mine[N_BARS:]
    if rest:
        text = f"{len(rest)} other word{'s' if len(rest) > 1 else ''}"
        pieces.append((text, name, sum(bar.value for bar in rest)))
    return pieces


def _largest(bars: Sequence[Bar]) -> list[Bar]:
    return sorted(bars, key=lambda bar: -abs(bar.value))


def _quoted(bar: Bar) -> str:
    whose = {"first": "", "second": "B’s ", "query": ""}[bar.of]
    return f"{whose}‘{bar.text}’"
