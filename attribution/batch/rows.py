"""Pairs and lists to work on: from JSON lines, or from a TREC run with its topics and passages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from attribution.errors import InputError


@dataclass(frozen=True)
class Row:
    """One query with its documents; `id` names it in the output, `line` in messages about the input."""

    id: str
    line: int
    query: str
    documents: tuple[str, ...]
    document_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be worked on, and why."""

    line: int
    reason: str


def read_json_lines(lines: Iterable[str | bytes], many: bool) -> Iterator[Row | BadLine]:
    """A row a line: `{"query": ..., "document": ...}`, or `"documents": [...]` where `many`; `"id"` where given.

    Without an id a row is called by the number of its line. Empty lines are passed over.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _row(json.loads(line), number, many)
        except InputError as error:
            yield BadLine(number, str(error))
        except (ValueError, RecursionError) as error:
            yield BadLine(number, f"this is not JSON: {error}")


def _row(value: Any, number: int, many: bool) -> Row:
    if not isinstance(value, dict):
        raise InputError(f"it holds {_kind(value)}; it must be an object with query and document")
    name = "documents" if many else "document"
    documents: Any = value.get(name)
    if not isinstance(value.get("query"), str):
        raise InputError(f"query is {_held(value, 'query')}; it must be a string")
    if many and (not isinstance(documents, list) or not documents or not all(isinstance(d, str) for d in documents)):
        raise InputError(f"documents is {_held(value, name)}; it must be a list of strings, at least one")
    if not many and not isinstance(documents, str):
        raise InputError(f"document is {_held(value, name)}; it must be a string")
    return Row(read_id(value.get("id", number)), number, value["query"], tuple(documents) if many else (documents,))


def read_id(value: Any) -> str:
    """An id, as JSON has it. Raises `InputError` unless it is a string or a whole number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InputError(f"id is {_kind(value)}; it must be a string or a whole number")
    return str(value)


def _held(value: dict[str, Any], name: str) -> str:
    return _kind(value[name]) if name in value else "missing"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def read_trec(run: Path, topics: Path, passages: Path, top: int, many: bool) -> Iterator[Row | BadLine]:
    """The `top` best passages of every query of a TREC run, by the run's score: a row a pair, or a row a query.

    `run`: lines `query-id Q0 passage-id rank score tag`. `topics`, `passages`: `id<TAB>text`, or JSON lines with an
    id (`id`, `_id`, `docid`, `qid`) and a text (`text`, `contents`, `query`, `passage`). Only passages that are
    needed are kept in memory. Raises `InputError` for a file that cannot be read so.
    """
    ranked = sorted(_read_run(run), key=lambda entry: (entry[1], -entry[3]))
    chosen = [entry for _, group in groupby(ranked, key=lambda e: e[1]) for entry in list(group)[:top]]
    queries = _read_texts(topics, {entry[1] for entry in chosen})
    texts = _read_texts(passages, {entry[2] for entry in chosen})
    good = []
    for line, query_id, passage_id, _ in chosen:
        missing = [f"topic {query_id}"] * (query_id not in queries) + [f"passage {passage_id}"] * (
            passage_id not in texts
        )
        if missing:
            yield BadLine(line, f"the run names {' and '.join(missing)}, which {topics.name} or {passages.name} lacks")
        else:
            good.append((line, query_id, passage_id))
    if not many:
        yield from (Row(f"{q} {p}", line, queries[q], (texts[p],), (p,)) for line, q, p in good)
        return
    for query_id, group in groupby(good, key=lambda e: e[1]):
        entries = list(group)
        ids = tuple(p for _, _, p in entries)
        yield Row(query_id, entries[0][0], queries[query_id], tuple(texts[p] for p in ids), ids)


def _read_run(path: Path) -> Iterator[tuple[int, str, str, float]]:
    for number, line in _lines(path):
        fields = line.split()
        if not fields:
            continue
        try:
            query_id, _, passage_id, _, score, _ = fields
            yield number, query_id, passage_id, float(score)
        except ValueError:
            raise InputError(
                f"Line {number} of {path.name} is not of a TREC run. It must be: query-id Q0 passage-id rank score tag."
            ) from None


def _read_texts(path: Path, wanted: set[str]) -> Mapping[str, str]:
    return {key: text for key, text in _texts(path) if key in wanted}


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        if line.startswith("{"):
            value = _object(line)
            key = next((value[name] for name in ("id", "_id", "docid", "qid") if name in value), None)
            text = next((value[name] for name in ("text", "contents", "query", "passage") if name in value), None)
        else:
            key, _, text = line.rstrip("\n").partition("\t")
        if key is None or not isinstance(text, str) or not text:
            raise InputError(f"Line {number} of {path.name} has no id and text. It must be id<TAB>text, or JSON.")
        try:
            yield read_id(key), text
        except InputError as error:
            raise InputError(f"Line {number} of {path.name}: {error}.") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as file:
        try:
            yield from enumerate(file, start=1)
        except UnicodeDecodeError as error:
            raise InputError(f"{path.name} is not UTF-8: {error}. Convert it first.") from None


def _object(line: str) -> dict[str, Any]:
    """Empty for what is not JSON."""
    try:
        value: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value
