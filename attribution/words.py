"""Tokens -> words of the user's own text, by character span, by sum."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import regex

from attribution.types import Explanation, Segment, Token, TokenizedPair, Word

# Unicode's default word boundaries (UAX 29): "3.7" and "can't" are one word, Chinese and Thai go sign by sign.
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.VERSION1)


def split_words(text: str) -> list[tuple[int, int]]:
    """Spans that cover `text` without gaps; each owns the white space before it, the last also what follows it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in [*_BOUNDARY.finditer(text), None]:
        end = match.start() if match else len(text)
        if end > start and not text[start:end].isspace():
            spans.append((start, end))
            start = end
    if spans and start < len(text):
        spans[-1] = (spans[-1][0], len(text))
    return spans


def word_index(tokens: tuple[Token, ...], segment: Segment, spans: list[tuple[int, int]]) -> dict[int, int]:
    """Token position -> word: the first word that ends after the token starts, else the last."""
    ends = [end for _, end in spans]
    return {
        i: min(bisect_right(ends, token.start), len(spans) - 1)
        for i, token in enumerate(tokens)
        if token.segment == segment and token.start is not None
    }


def to_words(explanation: Explanation, segment: Segment) -> list[Word]:
    """The words of one segment's text; a word's attribution is the sum over its tokens. Past the cut: None."""
    return sum_to_words(explanation, explanation.attributions, segment)


def sum_to_words(read: Explanation | TokenizedPair, values: Sequence[float], segment: Segment) -> list[Word]:
    """As `to_words`, for any `values`, one a token of `read`."""
    text = read.query if segment == "query" else read.document
    spans = split_words(text)
    owner = word_index(read.tokens, segment, spans)
    sums = [0.0] * len(spans)
    for i, w in owner.items():
        sums[w] += values[i]
    last_seen = max(owner.values(), default=-1) if segment == "document" and read.truncated else len(spans)
    return [
        Word(text[start:end], segment, start, end, sums[w] if w <= last_seen else None)
        for w, (start, end) in enumerate(spans)
    ]


def template_sum(explanation: Explanation) -> float:
    """What fell on template tokens such as [CLS] and [SEP]: words + template = tokens."""
    pairs = zip(explanation.tokens, explanation.attributions, strict=True)
    return sum(value for token, value in pairs if token.segment == "template")
