"""Tokens -> units of the user's own text, by character span, by sum. A unit is what the model read as one."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

import regex

from attribution.types import Explanation, Segment, Token, TokenizedPair, Unit, Word

# Unicode's default word boundaries (UAX 29): "3.7" and "can't" are one word, Chinese and Thai go sign by sign.
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.VERSION1)
# What a reader sees: neither white space nor a control, zero-width or other character that leaves no mark.
_VISIBLE = regex.compile(r"[^\s\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]", regex.VERSION1)


def split_words(text: str) -> list[tuple[int, int]]:
    """Spans that cover `text` without gaps, a visible character in each; text of none but invisible ones is one span.

    Each owns the white space and the invisible characters before it, the last also what follows it.
    """
    spans: list[tuple[int, int]] = []
    start = end = 0
    for match in [*_BOUNDARY.finditer(text), None]:
        before, end = end, match.start() if match else len(text)
        if _VISIBLE.search(text, before, end):
            spans.append((start, end))
            start = end
    if spans:
        spans[-1] = (spans[-1][0], len(text))
    return spans or ([(0, len(text))] if text else [])


def units(read: Explanation | TokenizedPair, segment: Segment) -> list[Unit]:
    """One segment's text as the model read it, in order and without gaps: words, or several that share a token.

    Every token of the segment is in the unit whose visible characters it covers; one that covers none, or has an empty
    span, in the first that ends after it starts. A unit without `positions` was not read at all: it lies behind the
    limit, or the tokenizer drops such characters. `cut`: the limit took some of its tokens.
    """
    text = read.query if segment == "query" else read.document
    spans = split_words(text)
    covered = {
        i: _covered(text, spans, token)
        for i, token in enumerate(read.tokens)
        if token.segment == segment and token.start is not None
    }
    joined = {word for first, last in covered.values() for word in range(first, last)}  # with the word after it
    unit_of = [0, *accumulate(int(word not in joined) for word in range(len(spans) - 1))][: len(spans)]
    positions: dict[int, list[int]] = defaultdict(list)
    for i, (first, _) in covered.items():
        positions[unit_of[first]].append(i)
    words: dict[int, list[int]] = defaultdict(list)
    for word, unit in enumerate(unit_of):
        words[unit].append(word)
    cuts = [cut for cut in read.cuts if cut.segment == segment]
    found = []
    for unit, within in words.items():
        start, end = spans[within[0]][0], spans[within[-1]][1]
        lost = any(_VISIBLE.search(text, max(start, cut.start), min(end, cut.end)) for cut in cuts)
        found.append(Unit(text[start:end], segment, tuple(positions[unit]), start, end, lost and bool(positions[unit])))
    return found


def read_units(read: Explanation | TokenizedPair, segment: Segment) -> list[Unit]:
    """The `units` that have tokens: what a method can speak of, and what can be taken away."""
    return [unit for unit in units(read, segment) if unit.positions]


def to_words(explanation: Explanation, segment: Segment) -> list[Word]:
    """The units of one segment's text; a unit's attribution is the sum over its tokens, None where nothing was read."""
    return sum_to_words(explanation, explanation.attributions, segment)


def sum_to_words(read: Explanation | TokenizedPair, values: Sequence[float], segment: Segment) -> list[Word]:
    """As `to_words`, for any `values`, one a token of `read`."""
    return [
        Word(
            unit.text,
            segment,
            unit.start,
            unit.end,
            sum(values[i] for i in unit.positions) if unit.positions else None,
            unit.cut,
        )
        for unit in units(read, segment)
    ]


def template_sum(explanation: Explanation) -> float:
    """What fell on template tokens such as [CLS] and [SEP]: words + template = tokens."""
    pairs = zip(explanation.tokens, explanation.attributions, strict=True)
    return sum(value for token, value in pairs if token.segment == "template")


def _covered(text: str, spans: Sequence[tuple[int, int]], token: Token) -> tuple[int, int]:
    """First and last word whose visible characters the token covers."""
    start, end = token.start or 0, token.end or 0
    first = _VISIBLE.search(text, start, end)
    if first is None:
        word = _word_at(spans, start)
        return word, word
    last = next(i for i in range(end - 1, -1, -1) if _VISIBLE.match(text, i))
    return _word_at(spans, first.start()), _word_at(spans, last)


def _word_at(spans: Sequence[tuple[int, int]], place: int) -> int:
    """The first word that ends after `place`, else the last."""
    return min(bisect_right(spans, place, key=lambda span: span[1]), len(spans) - 1)
