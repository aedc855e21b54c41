"""A card as SVG, whole or as a post: words on a grid of cells of one width, so that colour and text meet everywhere.

A text whose first strong letter reads from right to left starts at the right. Within a line, words of the other
direction stand in their own order (Unicode's UAX 9, word by word); single words are left to the program's own shaping.
"""

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.faithfulness.summary import believed, summary_of
from attribution.methods import METHODS, Method
from attribution.rerankers.loading.models import MODELS
from attribution.types import Explanation, Segment, Word, step_cap
from attribution.views.cards import summary_html
from attribution.views.score import notes_of_pair
from attribution.views.templating import write
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW, kind_of, scale_of
from attribution.words import to_words

COLUMNS = 76
CELL, LINE = 8.4, 24.0  # pixels at a font size of 14
TAB = 4
LINES: dict[Segment, int] = {"query": 2, "document": 6}  # of a post: that there is room for
FINDING = 104, 3  # characters a line, lines
WIDTH, SMALL = 104, 16  # of a card's notes: characters a line, pixels between lines


@dataclass(frozen=True)
class Piece:
    """A word or a part of it on one line; `x` and `width` in pixels, `line` from 0. `leftward`: read so."""

    text: str
    line: int
    x: float
    width: float
    fill: str
    alpha: float
    leftward: bool = False


def card_svg(explanation: Explanation) -> str:
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
    notes = _notes(explanation)
    said = [line for note in notes for line in textwrap.wrap(note, WIDTH)]
    bottom = (top + 4) * LINE
    return write(
        "card.svg",
        explanation=explanation,
        label=METHODS[explanation.requested_method].label,
        note=explanation.note or "",
        notes=" ".join(notes),
        said=said,
        said_at=bottom,
        small=SMALL,
        method=method,
        blocks=blocks,
        width=COLUMNS * CELL + 40,
        height=bottom + SMALL * len(said),
        line=LINE,
    )


def share_svg(explanations: Mapping[str, Explanation], measured: Faithfulness | None = None) -> str:
    """A card to post, 1200 x 630: the text in the colours of the method that is believed, the score and the finding."""
    explanation = believed(explanations, measured)
    notes, (width, n_lines) = _notes(explanation), FINDING
    finding = " ".join([*notes[len(explanation.notes) :], _finding(explanations, measured)])
    return write(
        "share.svg",
        explanation=explanation,
        label=METHODS[explanation.requested_method].label,
        model=MODELS[explanation.model_id].label if explanation.model_id in MODELS else explanation.model_id,
        method=METHODS[explanation.method],
        blocks=[_block(explanation, "query"), _block(explanation, "document")],
        notes=" ".join(notes),
        finding=textwrap.wrap(finding, width, max_lines=n_lines, placeholder=" …"),
    )


def _notes(explanation: Explanation) -> list[str]:
    return [*notes_of_pair(explanation), *step_cap(explanation)]


def _finding(explanations: Mapping[str, Explanation], measured: Faithfulness | None) -> str:
    """The verdict's sentence; nothing until all methods are measured."""
    summary = summary_of(explanations, measured)
    return " ".join(summary_html(replace(summary, words=())).striptags().split()) if summary else ""


def _block(explanation: Explanation, side: Segment) -> dict[str, object]:
    """The side's lines, all or those around its strongest word; `cut` says which of them, in words."""
    words = to_words(explanation, side)
    pieces = lay_out(words, scale_of(words), METHODS[explanation.method])
    room, n_lines = LINES[side], pieces[-1].line + 1
    strongest = max(pieces, key=lambda piece: piece.alpha).line
    first = max(0, min(strongest - room // 2, n_lines - room))
    shown = [replace(piece, line=piece.line - first) for piece in pieces if first <= piece.line < first + room]
    cut = f", lines {first + 1} to {first + room} of {n_lines}" if n_lines > room else ""
    return {"name": side.capitalize(), "pieces": shown, "n_lines": min(room, n_lines), "cut": cut}


def lay_out(words: Sequence[Word], scale: float, method: Method) -> list[Piece]:
    """The words on lines of at most `COLUMNS` cells; a word longer than a line is cut over several."""
    lines: list[list[Piece]] = [[]]  # with the white space as pieces
    column = 0
    for word in words:
        fill, alpha = _paint(word, scale, method)
        for part in re.findall(r"\n|[^\S\n]+|\S+", word.text):
            if part == "\n":
                lines.append([])
                column = 0
                continue
            for chunk in [part] if part.isspace() else _chunks(part):
                width = _cells(chunk)
                if column + width > COLUMNS and not part.isspace():
                    lines.append([])
                    column = 0
                lines[-1].append(Piece(chunk, len(lines) - 1, 0.0, width * CELL, fill, alpha))
                column += width
    base = int(_direction("".join(word.text for word in words)) == "R")
    return [piece for line in lines for piece in _placed(line, base) if not piece.text.isspace()]


def _placed(line: Sequence[Piece], base: int) -> list[Piece]:
    """The pieces with their `x`, in the order they were typed: each run of a level is turned round, UAX 9, L2."""
    levels = _levels([piece.text for piece in line], base)
    order = list(range(len(line)))
    for level in range(max(levels, default=0), 0, -1):
        high = [of >= level for of in levels]
        runs = [(turned, list(run)) for turned, run in groupby(order, high.__getitem__)]
        order = [i for turned, run in runs for i in (run[::-1] if turned else run)]
    x = base * (COLUMNS * CELL - sum(piece.width for piece in line))
    starts = dict(zip(order, accumulate((line[i].width for i in order), initial=x), strict=False))
    return [replace(piece, x=starts[i], leftward=levels[i] % 2 == 1) for i, piece in enumerate(line)]


def _levels(texts: Sequence[str], base: int) -> list[int]:
    """The embedding level of each word: odd reads leftward. A number follows the letters before it (W2, W7)."""
    own = "LR"[base]
    kinds = [_direction(text) for text in texts]
    strong = own
    for i, kind in enumerate(kinds):
        strong = kind if kind in ("L", "R") else strong
        if kind == "N" and strong == "L":
            kinds[i] = "L"
    for i in range(1, len(kinds) - 1):  # W4: one separator between two numbers is part of them
        if kinds[i - 1] == kinds[i + 1] == "N" and texts[i] in ("-", "+", ".", ",", ":", "/"):
            kinds[i] = "N"
    sides = ["R" if kind == "N" else kind for kind in kinds]
    for i, side in enumerate(sides):  # N1, N2: the rest lies with its neighbours where they agree, else with the text
        if not side:
            before = sides[i - 1] if i else own
            after = next((later for later in sides[i:] if later), own)
            sides[i] = before if before == after else own
    return [2 if kind == "N" else 1 if side == "R" else 2 * base for kind, side in zip(kinds, sides, strict=True)]


def _paint(word: Word, scale: float, method: Method) -> tuple[str, float]:
    value = word.attribution or 0.0
    strength = min(1.0, abs(value) / scale)
    kind = "unseen" if word.attribution is None else kind_of(value, method.colours)
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
    """Wide East Asian characters and emoji take two cells, tabs four, combining marks none; at least one in all."""
    wide = (TAB if c == "\t" else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return max(1, sum(n for n, c in zip(wide, text, strict=True) if not unicodedata.combining(c)))


def _direction(text: str) -> str:
    """Of the first strong letter, "L" or "R"; "N" of a number, "" where there is neither."""
    kinds = [unicodedata.bidirectional(c) for c in text]
    strong = next((kind for kind in kinds if kind in ("L", "R", "AL")), "")
    return "R" if strong == "AL" else strong or ("N" if {"EN", "AN"} & set(kinds) else "")
