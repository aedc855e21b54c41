"""Pairs and lists to work on: from JSON lines, or from a TREC run with its topics and passages."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from attribution.batch.keys import DOCUMENT, PAIR, Ignored, find_id, kind, read_entry
from attribution.batch.lines import Tell, say
from attribution.batch.trec import RunLine, read_passages, read_run, read_topics
from attribution.batch.unfolded import json_lines, loads
from attribution.errors import HALF, InputError

Made = TypeVar("Made")
OnRow = Callable[[], object]  # hears of each row that is done
OnBad = Callable[["BadLine"], object]
DOCUMENTS = (str, dict, type(None))  # what a list may hold; null is an empty text


@dataclass(frozen=True)
class Row:
    """One query with its documents; `id` names it in the output, `line` in messages about the input."""

    id: str
    line: int
    query: str
    documents: tuple[str, ...]
    document_ids: tuple[str, ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether no text of it is empty."""
        return all(text.strip() for text in (self.query, *self.documents))


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be worked on, and why; or, of its list, the `document` alone that is left out."""

    line: int
    reason: str
    document: str = ""

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return f"{line}{f', document {self.document},' if self.document else ''} skipped: {self.reason}".lstrip(", ")


def unreadable(text: str) -> str:
    """Why no reranker reads the text; "" where one may."""
    if not text.strip():
        return "its text is empty"
    if HALF.search(text):
        return "its text holds half of a character (a lone surrogate)"
    seen = any(one.isprintable() and not one.isspace() for one in text)
    return "" if seen else "its text holds no visible character"


def read_json_lines(lines: Iterable[str], many: bool, tell: Tell = say) -> Iterator[Row | BadLine]:
    """A row a line: `{"query": ..., "document": ...}`, or `"documents": [...]` where `many`; `"id"` where given.

    A document may stand under any text key of `PAIR`, with its title; each of `documents` is a string or an object
    with the keys of `DOCUMENT`. Without an id a row is called by the number of its line. Empty lines are passed over.
    `unreadable` documents of a list are left out, each as a bad line; then one without an id has its place as its id.
    Other forms of such rows are read as `json_lines` says. Raises `InputError` for an input of no such form.
    """
    rows = read_each(lines, many, tell, partial(_list if many else _pair, Ignored("the input", tell)))
    return (one for row in rows for one in (_with_text(row) if many else [row]))


def read_each(
    lines: Iterable[str], many: bool, tell: Tell, make: Callable[[Any, int], Made]
) -> Iterator[Made | BadLine]:
    """What `make` makes of each value of `json_lines` and of its number; a bad line where it raises `InputError`."""
    for number, text in json_lines(lines, many, tell):
        try:
            yield make(loads(text), number)
        except InputError as error:
            yield BadLine(number, str(error))
        except (ValueError, RecursionError) as error:
            yield BadLine(number, f"this is not JSON: {error}")


def _pair(ignored: Ignored, value: Any, number: int) -> Row:
    query = _query(value)
    if not any(key in value for key in PAIR.texts):
        raise InputError(f"document is missing; it must be a string, under {', '.join(PAIR.texts)}. {_keys(value)}")
    entry = read_entry(value, PAIR)
    ignored.hear(number, value, entry.read | {"query"})
    return Row(entry.id or str(number), number, query, (entry.text,))


def _list(ignored: Ignored, value: Any, number: int) -> Row:
    query = _query(value)
    documents = value.get("documents")
    if not isinstance(documents, list) or not documents or not all(isinstance(d, DOCUMENTS) for d in documents):
        held = kind(documents) if "documents" in value else "missing"
        if isinstance(documents, list):
            odd = next((kind(d) for d in documents if not isinstance(d, DOCUMENTS)), None)
            held += f" that holds {odd}" if odd else " of nothing"
        raise InputError(f"documents is {held}; it must be a list of strings, at least one, or of objects with a text")
    objects = [one if isinstance(one, dict) else {"text": one} for one in documents]
    entries = [read_entry(one, DOCUMENT) for one in objects]
    for one, entry in zip(objects, entries, strict=True):
        ignored.hear(number, one, entry.read)
    named = any(entry.id for entry in entries)
    ids = tuple(entry.id or str(place) for place, entry in enumerate(entries, start=1)) if named else ()
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise InputError(f"two documents have the id {twice} (without one, a document's place is its id)")
    own, read = find_id(value, PAIR)
    ignored.hear(number, value, read | {"query", "documents"})
    return Row(own or str(number), number, query, tuple(entry.text for entry in entries), ids)


def _with_text(row: Row | BadLine) -> Iterator[Row | BadLine]:
    if isinstance(row, BadLine) or not any(map(unreadable, row.documents)):
        yield row
        return
    ids = row.document_ids or tuple(str(place) for place in range(1, 1 + len(row.documents)))
    each = [(id, text, unreadable(text)) for id, text in zip(ids, row.documents, strict=True)]
    yield from (BadLine(row.line, reason, id) for id, _, reason in each if reason)
    if held := [(text, id) for id, text, reason in each if not reason]:
        documents, document_ids = zip(*held, strict=True)
        yield replace(row, documents=documents, document_ids=document_ids)


def _query(value: Any) -> str:
    if not isinstance(value, dict):
        raise InputError(f"it holds {kind(value)}; it must be an object with query and document")
    if not isinstance(value.get("query"), str):
        held = kind(value["query"]) if "query" in value else "missing"
        raise InputError(f"query is {held}; it must be a string. {_keys(value)}")
    return value["query"]


def _keys(value: dict[str, Any]) -> str:
    return f"Its keys: {', '.join(value)[:200] or 'none'}"


def read_trec(
    run: Path, topics: Path, passages: Path, top: int, many: bool, tell: Tell = say
) -> Iterator[Row | BadLine]:
    """The `top` best passages of every query of a TREC run, by the run's score: a row a pair, or a row a query.

    The files are read by `read_run`, `read_topics` and `read_passages`; in memory are ids, and the texts of a row.
    Lines without a score, and names that have no text, are bad lines; a run's rank is not read.
    """
    entries = read_run(run, tell)
    for odd in entries:
        if not math.isfinite(odd.score):
            yield BadLine(odd.line, f"the score of {odd.query_id} {odd.passage_id} is {odd.score}, not a number")
    scored = [entry for entry in entries if math.isfinite(entry.score)]
    chosen = [entry for _, group in groupby(scored, key=lambda e: e.query_id) for entry in list(group)[:top]]
    queries = read_topics(topics, {entry.query_id for entry in chosen}, tell)
    texts = read_passages(passages, {entry.passage_id for entry in chosen}, tell)
    good: list[RunLine] = []
    for entry in chosen:
        topic, passage = entry.query_id, entry.passage_id
        asked = {f"topic {topic}": queries.get(topic), f"passage {passage}": texts.get(passage)}
        missing = " and ".join(name for name, text in asked.items() if text is None)
        bad = [f"{name}: {reason}" for name, text in asked.items() if (reason := unreadable(text or ""))]
        if missing:
            yield BadLine(entry.line, f"the run names {missing}, which {topics.name} or {passages.name} lacks")
        elif bad:
            yield BadLine(entry.line, "; ".join(bad))
        else:
            good.append(entry)
    for query_id, group in groupby(good, key=lambda e: e.query_id):
        rows = list(group)
        ids = tuple(entry.passage_id for entry in rows)
        if many:
            yield Row(query_id, rows[0].line, queries[query_id], tuple(texts[one] for one in ids), ids)
        else:
            for entry, one in zip(rows, ids, strict=True):
                yield Row(f"{query_id} {one}", entry.line, queries[query_id], (texts[one],), (one,))
