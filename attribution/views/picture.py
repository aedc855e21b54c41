"""A card as SVG: the words on a grid of cells of one width, so that colour and text meet in every program.

Lines whose first strong letter reads from right to left start at the right; single words are left to the program's own
shaping.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attribution.methods import METHODS
from attribution.types import Explanation, Word
from attribution.views.templating import Markup, render
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW, scale_of
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.methods import Method

COLUMNS = 76
CELL, LINE = 8.4, 24.0  # pixels at a font size of 14
TAB = 4
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


@dataclass(frozen=True)
class Piece:
    """A word or a part of it on one line; `x` and `width` in pixels, `line` from 0."""

    text: str
    line: int
    x: float
    width: float
    fill: str
    alpha: float


def card_svg(explanation: Explanation) -> Markup:
    """The query and the document in the colours of the page's cards, with the method, the score and the scale."""
    method = METHODS[explanation.method]
    sides = {"Query": to_words(explanation, "query"), "Document": to_words(explanation, "document")}
    blocks: list[dict[str, object]] = []
    top = 0
    for name, words in sides.items():
        scale = scale_of(words)  # of its own, as on the cards
        pieces = lay_out(words, scale, method)
        n_lines = pieces[-1].line + 1  # no text is without a piece
        blocks.append({"name": name, "top": top, "pieces": pieces, "scale": scale})
        top += n_lines + 1
    return render(
        "card.svg",
        explanation=explanation,
        label=METHODS[explanation.requested_method].label,
        note=NO_XML.sub("\ufffd", explanation.note or ""),
        method=method,
        blocks=blocks,
        width=COLUMNS * CELL + 40,
        height=(top + 4) * LINE,
        line=LINE,
    )


def lay_out(words: Sequence[Word], scale: float, method: Method) -> list[Piece]:
    """The words on lines of at most `COLUMNS` cells; a word longer than a line is cut over several."""
    pieces: list[Piece] = []
    line, column = 0, 0
    right_to_left = _reads_from_right("".join(word.text for word in words))
    for word in words:
        fill, alpha = _paint(word, scale, method)
        for part in re.findall(r"\n|[^\S\n]+|\S+", word.text):
            if part == "\n":
                line, column = line + 1, 0
                continue
            if part.isspace():
                column += TAB * part.count("\t") + len(part) - part.count("\t")
                continue
            for chunk in _chunks(NO_XML.sub("\ufffd", part)):
                if column + (width := _cells(chunk)) > COLUMNS:
                    line, column = line + 1, 0
                start = COLUMNS - column - width if right_to_left else column
                pieces.append(Piece(chunk, line, start * CELL, width * CELL, fill, alpha))
                column += width
    return pieces


def _paint(word: Word, scale: float, method: Method) -> tuple[str, float]:
    strength = min(1.0, abs(word.attribution or 0.0) / scale)
    direction = "lowers" if (word.attribution or 0.0) < 0 else "raises"
    kind = "control" if method.control else direction if method.signed else "strength"
    kind = "unseen" if word.attribution is None else kind
    return kind, MAX_ALPHA * strength if strength >= PLAIN_BELOW else 0.0


def _chunks(text: str) -> list[str]:
    """`text` in parts of at most a line."""
    parts, part = [], ""
    for character in text:
        if part and _cells(part + character) > COLUMNS:
            parts.append(part)
            part = ""
        part += character
    return [*parts, part]


def _cells(text: str) -> int:
    """Wide East Asian characters and emoji take two cells, combining marks none; at least one in all."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))
    return max(1, wide)


def _reads_from_right(text: str) -> bool:
    strong = (unicodedata.bidirectional(c) for c in text)
    return next((kind != "L" for kind in strong if kind in ("L", "R", "AL")), False)
