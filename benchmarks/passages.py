"""Which method to believe on a passage of 100 to 300 words: by words, and by sentences, against what is really so.

    python -m benchmarks.passages --data FOLDER [--pairs 120]     # pair by pair; goes on where it stopped
    python -m benchmarks.passages                                 # from the pairs measured so far: passages.json
    python -m tests.readme                                        # the tables of the docs

Each pair is one line of `--lines`, so that a run can be stopped at any time.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from attribution import METHODS, explain, load_reranker, sentences
from attribution.evidence.faithfulness.measure import measure, ranked_by
from attribution.removal import parts_of, seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from benchmarks.data import Pair, read_passages
from benchmarks.passage_tables import CHEAP, COSTLY, OVERLAP, SEES, STORED, Row, summary, tables
from benchmarks.plausible import query_overlap, span_of
from benchmarks.run import commit

LINES = Path(__file__).parent / "passages.jsonl"
PAIRS = 120
N_RANDOM = 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, then store and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with evidence_spans.jsonl.gz, scifact_*; none: only tables")
    parser.add_argument("--model", help="a key of MODELS, a folder or a Hub id; default: the bundled reranker")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--lines", type=Path, default=LINES)
    parser.add_argument("--out", type=Path, default=STORED)
    options = parser.parse_args(arguments)
    if options.data:
        reranker = load_reranker(options.model)
        done = {line["pair"] for line in read_lines(options.lines) if line["revision"] == reranker.revision}
        pairs, at = list(enumerate(read_passages(options.data, options.pairs))), commit()
        with options.lines.open("a", encoding="utf-8") as lines:
            for i, pair in tqdm([numbered for numbered in pairs if numbered[0] not in done], unit="pair"):
                print(json.dumps({**measured(reranker, i, pair), "commit": at}), file=lines, flush=True)
    if not (found := read_lines(options.lines)):
        parser.error(f"{options.lines} has no passage that was measured. Give --data to measure some.")
    results = tables(found)
    options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(summary(results))


def read_lines(file: Path) -> list[dict[str, Any]]:
    """What was measured so far, one pair a line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def measured(reranker: Reranker, i: int, pair: Pair) -> dict[str, Any]:
    """One pair by every method, by words and by sentences, beside what each sentence's loss really costs."""
    truth = [s for s in sentences(reranker, pair.query, pair.document, seed=i).sentences if s.read]
    explanations, seconds = {}, {}
    for key in (key for key in METHODS if i % 8 < 2 or key not in COSTLY):
        explanations[key] = explain(reranker, pair.query, pair.document, key, **CHEAP.get(key, {}))
        seconds[key] = explanations[key].seconds
    base = explanations["saliency"]
    by_sentence = {
        **{key: ranked_by(e, parts_of(base, "sentence")) for key, e in explanations.items()},
        **{key: [getattr(s, key) for s in truth] for key in SEES},
        **controls(pair, [s.text for s in truth]),
    }
    spans = [span_of(base, positions) for positions in seen_words(base)]
    by_word = {
        **{key: ranked_by(e, seen_words(base)) for key, e in explanations.items()},
        **controls(pair, [pair.document[span] for span in spans]),
    }
    costs = [s.without or 0.0 for s in truth]
    costly = [cost == max(costs) for cost in costs]
    where = [next(k for k, s in enumerate(truth) if span.start < s.end or s is truth[-1]) for span in spans]
    marked = [_overlap(pair.spans, s.start, s.start + len(s.text.rstrip())) for s in truth]
    marked_words = [_overlap(pair.spans, span.start, span.stop) for span in spans]
    rows: dict[str, Row] = {key: {"seconds": seconds.get(key)} for key in [*by_sentence, "random"]}
    for unit, prefix, values, right, evidence in (
        ("sentence", "", by_sentence, costly, marked),
        ("word", "word_", by_word, [costly[k] for k in where], marked_words),
    ):
        parts = parts_of(base, unit)
        saying = {key: _saying(base, parts, of) for key, of in values.items()}
        scores = measure(reranker, saying, operator="delete", unit=unit, n_random=N_RANDOM, seed=i).methods
        for key, of in values.items():
            rows[key][f"{prefix}costliest"] = _first(of, right, i)
            rows[key][f"{prefix}marked"] = _first(of, evidence, i) if pair.spans else None
            rows[key][f"{prefix}faithful"] = scores[key].over_random.value
        rows["random"][f"{prefix}costliest"] = fmean(right)
        rows["random"][f"{prefix}marked"] = fmean(evidence) if pair.spans else None
    return {
        "pair": i,
        "revision": reranker.revision,
        "model": reranker.model_id,
        "source": pair.source,
        "words": len(pair.document.split()),
        "sentences": len(truth),
        "truncated": base.truncated,
        "rows": rows,
    }


def controls(pair: Pair, texts: Sequence[str]) -> dict[str, list[float]]:
    """Orders that never see the score: longest first, first first, those that share most words with the query."""
    return {
        "longest": [float(len(text)) for text in texts],
        "first": [-float(i) for i in range(len(texts))],
        OVERLAP: [fsum(query_overlap(pair.query, sorted(set(re.findall(r"\w+", text))))) for text in texts],
    }


def _saying(base: Explanation, parts: Sequence[Sequence[int]], values: Sequence[float]) -> Explanation:
    """An explanation, of a method with a sign, that gives each part this value."""
    attributions = [0.0] * len(base.tokens)
    for positions, value in zip(parts, values, strict=True):
        attributions[positions[0]] = value
    return replace(base, attributions=tuple(attributions), method="occlusion")


def _first(values: Sequence[float], right: Sequence[bool], seed: int) -> float:
    """Whether the largest value is on a right one; among equal ones by chance, seeded."""
    best = [i for i, value in enumerate(values) if value == max(values)]
    return float(right[random.Random(seed).choice(best)])


def _overlap(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether half of it or more was marked."""
    return 2 * sum(max(0, min(b, end) - max(a, start)) for a, b in spans) >= end - start > 0


if __name__ == "__main__":
    main()
