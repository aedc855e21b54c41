"""A pasted list of documents, and the same list in boxes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from attribution.batch.lines import Tell, say
from attribution.batch.pasted import Piece, read_pasted
from attribution.errors import InputError
from interface.runs.limits import MAX_DOCUMENT

LEAST, MOST = 2, 20  # documents that are compared
HOW = "one a line, or separated by a blank line; also JSON, a numbered or bulleted list, or cells of a table"


@dataclass(frozen=True)
class Document:
    """One document of a list. `name`: its `id`, or its place, counted from 1."""

    name: str
    text: str


def read_list(pasted: str, tell: Tell = say) -> list[Document]:
    """The documents of a pasted text, as `read_pasted` reads it. Raises `InputError` for what cannot be compared."""
    return check_list(read_pasted(pasted or "", tell))


def check_list(documents: Sequence[Piece]) -> list[Document]:
    """The documents, each named. Raises `InputError` for too few, too many, too long or empty ones."""
    named = [
        Document(str(i), item) if isinstance(item, str) else Document(*item)
        for i, item in enumerate(documents, start=1)
    ]
    if not LEAST <= len(named) <= MOST:
        given = "1 document was" if len(named) == 1 else f"{len(named)} documents were"
        raise InputError(f"{given} given; {LEAST} to {MOST} can be compared. Give them {HOW}.")
    for document in named:
        if not document.text.strip():
            raise InputError(f"Document {document.name} is empty. Type or paste some text, or remove it.")
        if len(document.text) > MAX_DOCUMENT:
            raise InputError(
                f"Document {document.name} has {len(document.text):,} characters; at most {MAX_DOCUMENT:,} are "
                "allowed. Shorten it."
            )
    return named


def of_boxes(names: Sequence[str], boxes: Sequence[str]) -> list[Piece]:
    """What the boxes hold, but the empty ones; `names`: the ids of the first of them, empty where there is none."""
    named = zip([*names, *[""] * (len(boxes) - len(names))], boxes, strict=False)
    return [(name, text) if name else text for name, text in named if text.strip()]


def write_list(pieces: Sequence[Piece]) -> str:
    """A pasted list that `read_list` reads as these texts, with the ids of those that have one."""
    texts = [piece for piece in pieces if isinstance(piece, str)]
    plain = ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)
    if holds(plain, pieces):
        return plain
    entries = [{"text": piece} if isinstance(piece, str) else {"id": piece[0], "text": piece[1]} for piece in pieces]
    return "\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)


def holds(pasted: str, pieces: Sequence[Piece]) -> bool:
    """Whether a pasted list is read as just these texts and ids."""
    try:
        return read_pasted(pasted, _nobody) == [*pieces]
    except InputError:
        return False


def _nobody(_said: str) -> None:
    """Ignores what is told of a list that nobody asked about."""
