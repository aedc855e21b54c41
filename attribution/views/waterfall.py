"""A waterfall: the terms that lead from one logit to another, drawn to scale."""

from collections.abc import Sequence
from typing import NamedTuple

from attribution.views.text import Shown

FLAT = 0.005  # logits: shown as 0.00


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
