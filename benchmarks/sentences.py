"""How long sentences take: `python -m benchmarks.sentences --data FOLDER [--passages 10]`.

`ratio`: the time of `without` and `alone` together by that of `Reranker.score` on the same texts, the best of three of
each, in turn. Prints the table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from attribution import load_reranker
from attribution.evidence.sentences import Sentences, sentences_stream
from attribution.rerankers.reranker import Reranker
from benchmarks.data import Pair, read_passages
from benchmarks.report import Cell, Table

ROUNDS = 3
COLUMNS = ("words", "sentences", "first answer, s", "passes", "end, s", "all passes", "ratio")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with evidence_spans.jsonl.gz and scifact_*")
    parser.add_argument("--passages", type=int, default=10)
    parser.add_argument("--model", help="a key of MODELS, a folder or a Hub id; default: the bundled reranker")
    options = parser.parse_args()
    reranker = load_reranker(options.model)
    rows = [measured(reranker, pair) for pair in read_passages(options.data, options.passages)]
    middle: dict[str, Cell] = {column: median(float(str(row[column])) for row in rows) for column in COLUMNS}
    print(Table("Sentences", "The last row is the median of each column.", [*rows, middle]).markdown())


def measured(reranker: Reranker, pair: Pair) -> dict[str, Cell]:
    """One passage."""
    first, last = sentences_stream(reranker, pair.query, pair.document)
    texts = [pair.document, *_texts(first)]
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: next(sentences_stream(reranker, pair.query, pair.document))))
        plain.append(_seconds(lambda: reranker.score(pair.query, texts)))
    numbers: tuple[Cell, ...] = (
        len(pair.document.split()),
        len(first.sentences),
        first.seconds,
        first.n_forward,
        last.seconds,
        last.n_forward,
        min(ours) / min(plain),
    )
    return dict(zip(COLUMNS, numbers, strict=True))


def _texts(found: Sentences) -> list[str]:
    """The document without each sentence, and each sentence alone."""
    parts = [s.text for s in found.sentences if s.read]
    return [
        text for i, part in enumerate(parts) for text in ("".join(parts[:i] + parts[i + 1 :]), part) if text.strip()
    ]


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
