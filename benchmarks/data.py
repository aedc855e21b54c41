"""Pairs to explain. All documents are relevant to their query, none of them trained on; a third are passages."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = (15, 35)  # a short document: at least and at most so many
LONG = (50, 150)  # a passage, as people paste them
PASTED = (100, 300)  # a passage as long as people really paste them
PASSAGE = 110  # words of a passage with marked evidence, at most
SCIFACT_SHARE = 0.25


@dataclass(frozen=True)
class Pair:
    """`spans`: the characters of the document that a human marked as the evidence, if anyone did."""

    query: str
    document: str
    source: str
    spans: tuple[tuple[int, int], ...] = ()


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def read_pairs(folder: Path, n: int, seed: int = 0, *, passages: bool = True) -> list[Pair]:
    """`n` pairs, mixed, so that the first few are a sample of all; every third document a passage, unless told not to.

    Short ones are from SelQA's dev split and SciFact, passages from OneStopQA (whole paragraphs) and SciFact (whole
    abstracts) in turn.
    """
    draw = random.Random(seed)
    selqa, scifact = list(_selqa(folder)), list(_scifact(folder))
    paragraphs, abstracts = (list(_paragraphs(folder)), list(_abstracts(folder))) if passages else ([], [])
    for pairs in (selqa, scifact, paragraphs, abstracts):
        draw.shuffle(pairs)
    n_long = n // 3 if passages else 0
    n_scifact = round(SCIFACT_SHARE * (n - n_long))
    short = selqa[: n - n_long - n_scifact] + scifact[:n_scifact]
    draw.shuffle(short)
    long = [pair for both in zip(paragraphs, abstracts, strict=False) for pair in both][:n_long]
    for i, pair in enumerate(long):
        short.insert(3 * i + 2, pair)
    return short


def lengths(pairs: Sequence[Pair]) -> str:
    """How many pairs, and how long their documents are, for a table's sentence."""
    words = sorted(_length(pair.document) for pair in pairs)
    passages = sum(n >= LONG[0] for n in words)
    middle = words[len(words) // 2]
    return f"{len(pairs)} pairs, documents of {words[0]} to {words[-1]} words, median {middle}; {passages} are passages"


def read_evidence(folder: Path, n: int, seed: int = 0) -> list[Pair]:
    """`n` questions on passages of OneStopQA of at most `PASSAGE` words, one question a passage while they last."""
    rows = [row for row in read_jsonl(folder / "evidence_spans.jsonl.gz") if _length(row["passage"]) <= PASSAGE]
    random.Random(seed).shuffle(rows)
    seen: dict[str, int] = {}
    for row in rows:
        row["turn"] = seen[row["passage"]] = seen.get(row["passage"], -1) + 1
    rows.sort(key=lambda row: row["turn"])
    return [Pair(r["query"], r["passage"], "onestopqa", tuple((a, b) for a, b in r["spans"])) for r in rows[:n]]


def read_passages(folder: Path, n: int, seed: int = 0) -> list[Pair]:
    """`n` pairs of `PASTED` words: OneStopQA paragraphs, with what humans marked, and SciFact abstracts, in turn."""
    draw = random.Random(seed)
    paragraphs, abstracts = list(_paragraphs(folder, PASTED)), list(_abstracts(folder, PASTED, "\n"))
    for pairs in (paragraphs, abstracts):
        draw.shuffle(pairs)
    return [pair for both in zip(paragraphs, abstracts, strict=False) for pair in both][:n]


def _selqa(folder: Path) -> Iterator[Pair]:
    """The first relevant sentence with as many sentences around it as fit."""
    for row in read_jsonl(folder / "candidates.jsonl.gz"):
        if row["split"] == "dev":
            document = _grow(row["candidates"], row["relevant"][0])
            if WORDS[0] <= _length(document) <= WORDS[1]:
                yield Pair(row["query"], document, "selqa")


def _scifact(folder: Path) -> Iterator[Pair]:
    """The title of the first relevant abstract and the beginning of its text, cut after `WORDS[1]` words."""
    corpus: dict[str, dict[str, Any]] = {row["doc_id"]: row for row in read_jsonl(folder / "scifact_corpus.jsonl.gz")}
    for row in read_jsonl(folder / "scifact_queries.jsonl.gz"):
        abstract = corpus[row["relevant"][0]]
        words = f"{abstract['title']} {abstract['text']}".split()
        yield Pair(row["query"], " ".join(words[: WORDS[1]]), "scifact")


def _paragraphs(folder: Path, words: tuple[int, int] = LONG) -> Iterator[Pair]:
    """The first question on each paragraph of OneStopQA, with the spans that answer it."""
    seen: set[str] = set()
    for row in read_jsonl(folder / "evidence_spans.jsonl.gz"):
        if row["passage"] not in seen and words[0] <= _length(row["passage"]) <= words[1]:
            seen.add(row["passage"])
            yield Pair(row["query"], row["passage"], "onestopqa", tuple((a, b) for a, b in row["spans"]))


def _abstracts(folder: Path, words: tuple[int, int] = LONG, between: str = " ") -> Iterator[Pair]:
    """Title and whole text of the first relevant abstract."""
    corpus: dict[str, dict[str, Any]] = {row["doc_id"]: row for row in read_jsonl(folder / "scifact_corpus.jsonl.gz")}
    for row in read_jsonl(folder / "scifact_queries.jsonl.gz"):
        abstract = corpus[row["relevant"][0]]
        document = f"{abstract['title']}{between}{abstract['text']}"
        if words[0] <= _length(document) <= words[1]:
            yield Pair(row["query"], document, "scifact abstract")


def _grow(sentences: list[str], centre: int) -> str:
    first, last = centre, centre + 1
    for start, end in ((centre, centre + 2), (centre - 1, centre + 2), (centre - 1, centre + 1)):
        inside = start >= 0 and end <= len(sentences)
        if inside and end - start > last - first and _length(" ".join(sentences[start:end])) <= WORDS[1]:
            first, last = start, end
    return " ".join(sentences[first:last])


def _length(text: str) -> int:
    return len(text.split())
