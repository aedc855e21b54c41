"""A card to post, 1200 x 630, as SVG: the text in the colours of the method that is believed, score and finding."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace

from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.faithfulness.summary import believed, summarise
from attribution.methods import METHODS
from attribution.rerankers.loading.models import MODELS
from attribution.types import Explanation, Segment
from attribution.views.cards import summary_html
from attribution.views.picture import NO_XML, Piece, lay_out
from attribution.views.templating import write
from attribution.views.text import scale_of
from attribution.words import to_words

LINES: dict[Segment, int] = {"query": 2, "document": 6}  # that there is room for
FINDING = 104, 3  # characters a line, lines


@dataclass(frozen=True)
class Block:
    """A side of the pair; `cut`: which of its lines are shown, in words, where not all are."""

    name: str
    pieces: list[Piece]
    n_lines: int
    cut: str


def share_svg(explanations: Mapping[str, Explanation], measured: Faithfulness | None = None) -> str:
    """The card of a pair's explanations by method, and what was measured of them."""
    explanation = believed(explanations, measured)
    finding, (width, n_lines) = _finding(explanations, measured), FINDING
    return write(
        "share.svg",
        explanation=explanation,
        label=METHODS[explanation.requested_method].label,
        model=MODELS[explanation.model_id].label if explanation.model_id in MODELS else explanation.model_id,
        method=METHODS[explanation.method],
        blocks=[_block(explanation, "query"), _block(explanation, "document")],
        finding=textwrap.wrap(NO_XML.sub("\ufffd", finding), width, max_lines=n_lines, placeholder=" …"),
    )


def _finding(explanations: Mapping[str, Explanation], measured: Faithfulness | None) -> str:
    """The verdict's sentence; nothing until all methods are measured."""
    if not measured or not set(explanations) <= set(measured.methods):
        return ""
    summary = replace(summarise(explanations, measured), words=())
    return " ".join(summary_html(summary).striptags().split())


def _block(explanation: Explanation, side: Segment) -> Block:
    """The side's lines, all or those around its strongest word."""
    words = to_words(explanation, side)
    pieces = lay_out(words, scale_of(words), METHODS[explanation.method])
    room, n_lines = LINES[side], pieces[-1].line + 1
    strongest = max(pieces, key=lambda piece: piece.alpha).line
    first = max(0, min(strongest - room // 2, n_lines - room))
    shown = [replace(piece, line=piece.line - first) for piece in pieces if first <= piece.line < first + room]
    cut = f", lines {first + 1} to {first + room} of {n_lines}" if n_lines > room else ""
    return Block(side.capitalize(), shown, min(room, n_lines), cut)
