"""Contrast -> who is ahead and by what, in a line, and waterfalls from B's logit to A's: by words, or by sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from attribution.evidence.probes.wording import is_content
from attribution.numbers import counted, fixed
from attribution.types import Word
from attribution.views.compare import A, B, Which, inside, quote
from attribution.views.templating import Markup, render
from attribution.views.text import Shown, scale_of, shown

if TYPE_CHECKING:
    from attribution.evidence.compare.contrast import Bar, Contrast, Side
    from attribution.evidence.compare.passages import SentenceContrast
    from attribution.evidence.sentences import Sentences

FLAT = 0.005  # logits: shown as 0.00
N_BARS = 6  # words or sentences of each text that have a bar of their own; more where the rest would be the longest
N_TOLD = 3  # that the line names
Words = Mapping[Which, Sequence[Word]]  # each text in words, with their attributions


class Piece(NamedTuple):
    """A term; `of`: whose it is, empty for what is no single word or sentence.

    What it opens into: the `words` of a sentence, or the sentences that it stands for, `listed`.
    """

    label: str
    of: str
    value: float
    words: Sequence[Shown] = ()
    listed: Sequence[str] = ()


class Step(NamedTuple):
    """A row: a `Piece`, or a logit at one end. `start`, `width` and `end` in per cent of the waterfall's width.

    `end`: where the sum stands after it. `kind`: "total" (a logit), "raises", "lowers", or "other" (of nobody).
    """

    label: str
    of: str
    value: float
    words: Sequence[Shown]
    listed: Sequence[str]
    kind: str
    start: float
    width: float
    end: float


def steps(pieces: Sequence[Piece], first: Piece, last: Piece) -> list[Step]:
    """From the logit of `first` to that of `last`; the pieces add up to their difference, or nearly."""
    ends = [first.value]
    for piece in pieces:
        ends.append(ends[-1] + piece.value)
    low, reach = min(ends), (max(ends) - min(ends)) or 1.0
    places = [round(2 + 96 * (end - low) / reach, 2) for end in ends]
    found = [Step(*first, "total", places[0], 0.0, places[0])]
    for piece, before, after in zip(pieces, places, places[1:], strict=False):
        kind = "other" if not piece.of else "lowers" if piece.value < 0 else "raises"
        found.append(Step(*piece, kind, min(before, after), round(abs(after - before), 2), after))
    return [*found, Step(*last, "total", places[-1], 0.0, places[-1])]


def why_html(contrast: Contrast, label: str, now: float | None = None) -> Markup:
    """By words: the line, and a waterfall for each side. `label`: the method's.

    `now`: A's logit minus B's after what-ifs, if there are any.
    """
    falls = [(side.segments[0], waterfall(contrast, side), side) for side in contrast.sides]
    ahead = lead(contrast.difference, now)
    return render(
        "compare_why.html", contrast=contrast, label=label, lead=ahead, told=told_words(contrast), falls=falls
    )


def passages_html(
    contrast: SentenceContrast | None,
    without: Mapping[Which, Sentences],
    words: Words,
    label: str,
    now: float | None = None,
) -> Markup:
    """By sentences: the line, what removing one costs, and the waterfall once it is there; `now` as in `why_html`.

    `words`: of both texts, for the bars to open into, with attributions by the method called `label`, if any.
    """
    return render(
        "compare_passages.html",
        lead=lead(without[A].logit - without[B].logit, now),
        told=told(contrast) if contrast else [],
        losses=_losses(without),
        contrast=contrast,
        steps=passages_waterfall(contrast, words) if contrast else [],
        label=label if any(word.attribution is not None for which in words for word in words[which]) else "",
    )


def lead(before: float, now: float | None) -> str:
    """Who is ahead, by A's logit minus B's: as the texts are, and as they were `before` what-ifs, if there are any."""
    if now is None:
        return _ahead(before, "is", "are")
    return f"With the edit, {_ahead(now, 'is', 'are')}. As given, {_ahead(before, 'was', 'were')}"


def _ahead(difference: float, one: str, both: str) -> str:
    if abs(difference) < FLAT:
        return f"A and B {both} level"
    return f"A {one} {'ahead' if difference > 0 else 'behind'} by {fixed(abs(difference), 2)}"


def told_words(contrast: Contrast) -> dict[str, list[tuple[str, str, float]]]:
    """Side -> `(whose, word, value)` of the words that count most: content words, unless there are none."""
    found: dict[str, list[tuple[str, str, float]]] = {"document": [], "query": []}
    for side in contrast.sides:
        largest = sorted(side.bars, key=lambda bar: -abs(bar.value))
        bars = [bar for bar in largest if abs(bar.value) >= FLAT]
        most = [bar for bar in bars if is_content(bar.text)] or bars
        found[side.segments[0]] = [("B’s " if bar.of == "second" else "", bar.text, bar.value) for bar in most[:N_TOLD]]
    return found


def told(contrast: SentenceContrast) -> list[tuple[str, str, str]]:
    """`(whose, sentence, what it does to that text)` for those that count most."""
    largest = sorted(contrast.bars, key=lambda bar: -abs(bar.value))[:N_TOLD]
    said = []
    for bar in largest:
        whose, share = ("A", bar.value) if bar.of == "first" else ("B", -bar.value)
        if abs(share) >= FLAT:
            does = f"lifts {whose}" if share > 0 else f"holds {whose} down"
            does = f"{does} by {fixed(abs(share), 2)}"
            said.append((whose, quote(bar.text), does))
    return said


def waterfall(contrast: Contrast, side: Side) -> list[Step]:
    """From B's logit, word by word, to A's; words without a bar of their own are one step.

    Nothing is left out but a remainder that would be shown as 0.00.
    """
    pieces: list[Piece] = []
    if "document" in side.segments:
        pieces += named(_of_words(side.bars, "second", "B"), "word", "B")
        pieces.append(Piece("baseline: no document", "", side.baseline))
        pieces += named(_of_words(side.bars, "first", "A"), "word", "A")
    else:
        pieces += named(_of_words(side.bars, "query", "query"), "word", "query")
        pieces.append(Piece("baseline: no query", "", side.baseline))
    if abs(side.remainder) >= FLAT:
        pieces.append(Piece("remainder", "", side.remainder))
    return steps(pieces, Piece("B", "", contrast.second.logit), Piece("A", "", contrast.first.logit))


def passages_waterfall(contrast: SentenceContrast, words: Words) -> list[Step]:
    """From B's logit, sentence by sentence, to A's; what both hold is one step, and so is the remainder."""
    pieces: dict[str, list[Piece]] = {"first": [], "second": []}
    for bar in contrast.bars:
        whose = A if bar.of == "first" else B
        own = inside(words[whose], bar.start, bar.end)
        opened = shown(own, scale_of(own))
        pieces[bar.of].append(Piece(" ".join(bar.text.split()), whose, bar.value, opened))
    both = [contrast.first[slice(*pair.first)].strip() for pair in contrast.common]
    name = f"{counted(len(both), 'sentence')} in both" if both else "baseline: no document"
    middle = [Piece(name, "", contrast.common_value, (), both)] if both or abs(contrast.common_value) >= FLAT else []
    if abs(contrast.remainder) >= FLAT:
        middle.append(Piece("remainder", "", contrast.remainder))
    every = [*named(pieces["second"], "sentence", "B"), *middle, *named(pieces["first"], "sentence", "A")]
    return steps(every, Piece("B", "", contrast.second_logit), Piece("A", "", contrast.first_logit))


def named(pieces: Sequence[Piece], unit: str, of: str) -> list[Piece]:
    """The largest, each by itself, and the others as one, which is never longer than the longest of the named."""
    largest = sorted(pieces, key=lambda piece: -abs(piece.value))
    n = N_BARS
    while n < len(largest) and abs(sum(piece.value for piece in largest[n:])) > abs(largest[0].value):
        n += 1
    rest = largest[n:]
    if not rest:
        return largest
    text = counted(len(rest), f"other {unit}")
    return [*largest[:n], Piece(text, of, sum(piece.value for piece in rest), (), [piece.label for piece in rest])]


def _losses(without: Mapping[Which, Sentences]) -> list[dict[str, object]]:
    """Each text without its costliest sentence, if it has one; `below`: which other text it then falls below.

    `alone`: what that sentence alone scores, None while it is not measured.
    """
    found: list[dict[str, object]] = []
    for which, other in ((A, B), (B, A)):
        of, rival = without[which], without[other].logit
        if of.costliest:
            lost = of.sentences[of.costliest - 1]
            after = of.logit - (lost.without or 0.0)
            below = other if after < rival < of.logit else ""
            logits = {"before": of.logit, "after": after, "alone": lost.alone}
            found.append({"which": which, "quoted": quote(lost.text), **logits, "below": below})
    return found


def _of_words(bars: Sequence[Bar], of: str, name: str) -> list[Piece]:
    return [Piece(bar.text, name, bar.value) for bar in bars if bar.of == of]
