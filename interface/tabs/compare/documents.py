"""A pasted list of documents, and the same list in boxes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from attribution.batch.keys import read_id
from attribution.errors import InputError
from interface.runs.limits import MAX_DOCUMENT

LEAST, MOST = 2, 20  # documents that are compared
HOW = "one a line, or separated by a blank line, or JSON lines with text or document and an optional id"


@dataclass(frozen=True)
class Document:
    """One document of a list. `name`: its `id`, or its place, counted from 1."""

    name: str
    text: str


def read_list(pasted: str) -> list[Document]:
    """The documents of a pasted text, as `HOW` says. Raises `InputError` for what cannot be compared."""
    return check_list(pieces(pasted or ""))


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
    first = next((line for line in plain.split("\n") if line.strip()), "")
    if _json(first) is None and pieces(plain) == texts:
        return plain
    return "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)


def pieces(pasted: str) -> list[str] | list[tuple[str, str]]:
    """The texts of a list, however many, of JSON lines with their names. `static/documents.js` does the same."""
    pasted = pasted.replace("\r\n", "\n")
    lines = [(n, line) for n, line in enumerate(pasted.split("\n"), start=1) if line.strip()]
    if lines and _json(lines[0][1]) is not None:
        return [_from_json(i, n, line) for i, (n, line) in enumerate(lines, start=1)]
    pasted = pasted.strip("\n")
    parts = re.split(r"\n[^\S\n]*\n\s*", pasted) if re.search(r"\n[^\S\n]*\n", pasted) else pasted.split("\n")
    return [part for part in parts if part.strip()]


def _json(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # nested too deep to be a list of documents
        return None
    return value if isinstance(value, dict) else None


def _from_json(place: int, n: int, line: str) -> tuple[str, str]:
    value = _json(line)
    if value is None:
        raise InputError(f"Line {n} is no JSON object, as the first line is. Give every document as one JSON line.")
    text = value.get("text", value.get("document"))
    if not isinstance(text, str):
        raise InputError(f"Line {n} has no string under text or document. Its keys: {', '.join(value) or 'none'}.")
    try:
        return read_id(value.get("id", place)), text
    except InputError as error:
        raise InputError(f"Line {n}: {error}.") from None
