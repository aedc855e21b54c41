"""What of a compared list a visitor has chosen: A and B, and what was changed in them, as a link carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attribution.views.compare import Which
from attribution.views.compare_words import Cut, apply
from interface.runs.limits import MAX_DOCUMENT

Changes = Mapping[Which, tuple[str, tuple[Cut, ...]]]  # another text, with the cuts that made it, if any


@dataclass(frozen=True)
class Picked:
    """The places of A and B, and what was changed in each."""

    a: int
    b: int
    changed: Changes = field(default_factory=dict)

    def written(self) -> str:
        """As JSON, which `read_picked` reads: of each changed text its cuts, or all of it."""
        return json.dumps([self.a, self.b, {which: cuts or text for which, (text, cuts) in self.changed.items()}])


def read_picked(text: str, documents: Sequence[str]) -> Picked | None:
    """What was `written`; None for anything else, as of another list than these `documents`."""
    try:
        a, b, given = json.loads(text)
        places = {"A": a, "B": b}
        changed = {which: _changed(documents[places[which] - 1], made) for which, made in given.items()}
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    ints = type(a) is type(b) is int and a != b and {a, b} <= {*range(1, len(documents) + 1)}
    sound = all(now.strip() and len(now) <= MAX_DOCUMENT for now, _ in changed.values())
    return Picked(a, b, changed) if ints and sound else None


def _changed(document: str, made: object) -> tuple[str, tuple[Cut, ...]]:
    """Raises `ValueError` for what is neither a text nor cuts of this document."""
    if isinstance(made, str):
        return made, ()
    cuts = tuple(Cut(*cut) for cut in made) if isinstance(made, list) else ()
    for start, end, put in cuts:
        if not (type(start) is type(end) is int and 0 <= start <= end <= len(document) and isinstance(put, str)):
            raise ValueError("no cut of this document")
    if not cuts:
        raise ValueError("neither a text nor cuts")
    return apply(document, cuts), cuts
