"""Interaction -> a heat map with its numbers, and the texts linked: a query word lights up its partners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.views.inside import Cell, HeatMap
from attribution.views.numbers import coordinate, logit, number
from attribution.views.templating import Markup, render
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW

if TYPE_CHECKING:
    from attribution.evidence.compare.interaction import Interaction

OPERATOR_WORDS = {"mask": "replaced by the mask token", "delete": "deleted"}
N_TOLD = 3


def meet_html(found: Interaction, *, name: str, label: str | None) -> Markup:
    """The whole section. `name`: the document's; `label`: the method's whose attributions were subtracted, or None."""
    top = max((abs(value) for row in found.values for value in row), default=0.0) or 1.0
    heat = HeatMap(
        caption="Query words down, document words across: how much the two matter together, in logits",
        columns=[word.text for word in found.document_words],
        rows=[
            (word.text, [_cell(value, top) for value in row])
            for word, row in zip(found.query_words, found.values, strict=True)
        ],
        foot="alone",
        feet=[logit(word.attribution or 0.0, signed=True) for word in found.document_words],
    )
    return render(
        "interaction.html",
        found=found,
        heat=heat,
        name=name,
        label=label,
        top=top,
        removed=OPERATOR_WORDS[found.operator],
        strongest=_strongest(found),
        links=[
            {"word": word, "cells": [_cell(value, top) for value in row]}
            for word, row in zip(found.query_words, found.values, strict=True)
        ],
        pieces=_pieces(found),
    )


def _cell(value: float, top: float) -> Cell:
    strength = abs(value) / top
    kind = None if strength < PLAIN_BELOW else "lowers" if value < 0 else "raises"
    return Cell(kind, coordinate(MAX_ALPHA * strength, 2), logit(value, signed=True), number(value, signed=True))


def _strongest(found: Interaction) -> Sequence[tuple[str, str, float]]:
    """The pairs of words with the largest entries."""
    pairs = [
        (q.text, d.text, value)
        for q, row in zip(found.query_words, found.values, strict=True)
        for d, value in zip(found.document_words, row, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))[:N_TOLD]


def _pieces(found: Interaction) -> list[tuple[str, str | None]]:
    """The document's text: what stands between the chosen words, and each of them."""
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for word in found.document_words:
        pieces.append((found.document[at : max(at, word.start)], found.document[max(at, word.start) : word.end]))
        at = max(at, word.end)
    return [*pieces, (found.document[at:], None)]
