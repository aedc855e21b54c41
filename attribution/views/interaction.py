"""Interaction -> a heat map with its numbers, and the texts linked: a query word lights up its partners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.evidence.probes.wording import is_content
from attribution.numbers import logit, signed_number
from attribution.types import Word
from attribution.views.compare import quote
from attribution.views.learn import HeatMap, cell
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.compare.interaction import Interaction

OPERATOR_WORDS = {"mask": "replaced by the mask token", "delete": "deleted"}
N_TOLD = 3


def meet_html(found: Interaction, *, name: str, label: str | None) -> Markup:
    """The whole section. `name`: the document's; `label`: the method's whose attributions were subtracted, or None.

    Of the query's and the document's words those with content, if there are any; of sentences all.
    """
    rows = _with_content(found.query_words)
    by_sentence = found.unit == "sentence"
    columns = [*range(len(found.document_words))] if by_sentence else _with_content(found.document_words)
    values = [[found.values[i][j] for j in columns] for i in rows]
    top = max((abs(value) for row in values for value in row), default=0.0) or 1.0
    query_words, across = [found.query_words[i] for i in rows], [found.document_words[j] for j in columns]
    table = [
        (word, [cell(value / top, "signed", logit(value), signed_number(value)) for value in row])
        for word, row in zip(query_words, values, strict=True)
    ]
    heat = HeatMap(
        caption=f"Query words down, {found.unit}s across: how much the two matter together, in logits",
        columns=[f"{j} {quote(word.text)}" if by_sentence else word.text for j, word in enumerate(across, start=1)],
        rows=[(word.text, cells) for word, cells in table],
        foot="alone",
        feet=[logit(word.attribution or 0.0) for word in across],
    )
    return render(
        "interaction.html",
        found=found,
        heat=heat,
        name=name,
        label=label,
        top=top,
        removed=OPERATOR_WORDS[found.operator],
        strongest=_strongest(query_words, across, values),
        links=[{"word": word, "cells": cells} for word, cells in table],
        n_columns=len(columns),
        pieces=_pieces(found.document, across),
    )


def _with_content(words: Sequence[Word]) -> list[int]:
    """The places of words with content; of all, where there are none."""
    return [i for i, word in enumerate(words) if is_content(word.text)] or [*range(len(words))]


def _strongest(
    query_words: Sequence[Word], across: Sequence[Word], values: Sequence[Sequence[float]]
) -> Sequence[tuple[str, str, float]]:
    """The pairs with the largest entries."""
    pairs = [
        (q.text, quote(d.text), value)
        for q, row in zip(query_words, values, strict=True)
        for d, value in zip(across, row, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))[:N_TOLD]


def _pieces(document: str, across: Sequence[Word]) -> list[tuple[str, str | None]]:
    """The document's text: what stands between the chosen words or sentences, and each of them."""
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for word in across:
        pieces.append((document[at : max(at, word.start)], document[max(at, word.start) : word.end]))
        at = max(at, word.end)
    return [*pieces, (document[at:], None)]
