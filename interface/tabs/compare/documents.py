"""A pasted list of documents, and the same list in boxes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from attribution.batch.lines import Tell, say
from attribution.batch.pasted import read_pasted
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


def check_list(documents: Sequence[str | tuple[str, str]]) -> list[Document]:
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


def write_list(texts: Sequence[str]) -> str:
    """A pasted list that `read_list` reads as these texts."""
    texts = [text for text in texts if text.strip()]
    plain = ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)
    if holds(plain, texts):
        return plain
    return "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)


def holds(pasted: str, texts: Sequence[str]) -> bool:
    """Whether a pasted list is read as just these texts, without names of their own."""
    try:
        return read_pasted(pasted, _nobody) == [*texts]
    except InputError:
        return False


def _nobody(_said: str) -> None:
    """Hears what is told of a list that nobody asked about."""
