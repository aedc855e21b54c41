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
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import fsum
from pathlib import Path
from statistics import fmean, median
from typing import Any

from tqdm import tqdm

from attribution import METHODS, explain, load_reranker, sentences
from attribution.evidence.faithfulness.measure import measure, ranked_by
from attribution.removal import seen_sentences, seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from benchmarks.data import Pair, read_passages
from benchmarks.plausible import query_overlap, span_of
from benchmarks.report import Cell, Table, from_json, interval
from benchmarks.run import commit

HERE = Path(__file__).parent
STORED = HERE / "passages.json"
LINES = HERE / "passages.jsonl"
PAIRS = 120
N_RANDOM = 6
# With these budgets, which a row says; the first two on two passages of eight, one of each source.
COSTLY = ("shapley", "integrated_gradients_captum")
CHEAP: dict[str, dict[str, Any]] = {
    "shapley": {"n_samples": 2},
    "integrated_gradients_captum": {"n_steps": 16},
    "expected_gradients": {"n_samples": 8},
    "smoothgrad": {"n_samples": 8},
}
SEES = {"without": "its loss, measured", "alone": "its own score, measured", "share": "its share, measured"}
OVERLAP = "words of the query"
# column -> how it is read
SENTENCES = {
    "costliest": "its first sentence is the one whose loss really costs most",
    "marked": "its first sentence is one that humans marked as the answer",
    "faithful": "by how many logits more than a random order its first sentences lower the score when they go",
}
WORDS = {
    "word_costliest": "its first word stands in that sentence",
    "word_marked": "its first word stands in what humans marked",
    "word_faithful": "by how many logits more than a random order its first words lower the score when they go",
}
Row = dict[str, float | None]


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
    results = tables(read_lines(options.lines))
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
        **{key: ranked_by(e, seen_sentences(base)) for key, e in explanations.items()},
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
        parts = seen_sentences(base) if unit == "sentence" else seen_words(base)
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


def tables(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Two tables, by sentences and by words, the most faithful first."""
    n_words = sorted(line["words"] for line in lines)
    n_sentences = [line["sentences"] for line in lines]
    by_source = Counter(line["source"] for line in lines)
    sources = ", ".join(f"{n} {source}" for source, n in sorted(by_source.items()))
    says = (
        f"{len(lines)} passages ({sources}) of {n_words[0]} to {n_words[-1]} words, median {median(n_words):.0f}, and "
        f"{min(n_sentences)} to {max(n_sentences)} sentences"
    )
    return {
        "measured": date.today().isoformat(),
        "commits": sorted({line["commit"] for line in lines}),
        "models": sorted({f"{line['model']} {line['revision']}" for line in lines}),
        "pairs": len(lines),
        "says": says,
        "tables": [
            _table("Passages by sentences", SENTENCES, lines).json(),
            _table("Passages by words", WORDS, lines).json(),
        ],
        "against overlap": {column: _over_overlap(lines, column) for column in [*SENTENCES, *WORDS]},
    }


def _table(title: str, columns: Mapping[str, str], lines: Sequence[dict[str, Any]]) -> Table:
    keys = dict.fromkeys(key for line in lines for key, row in line["rows"].items() if columns.keys() & row.keys())
    of = {key: {column: list(_values(lines, key, column).values()) for column in columns} for key in keys}
    faithful = list(columns)[-1]
    rows: list[dict[str, Cell]] = [
        {
            "method": label(key),
            **{
                column.removeprefix("word_"): interval(values) if values else None for column, values in of[key].items()
            },
            "passages": max(map(len, of[key].values())),
        }
        for key in sorted(keys, key=lambda key: -fmean(of[key][faithful] or [0.0]))
    ]
    return Table(title, "; ".join(f"{c.removeprefix('word_')}: {says}" for c, says in columns.items()) + ".", rows)


def _values(lines: Sequence[dict[str, Any]], key: str, column: str) -> dict[int, float]:
    """Pair -> what a row has in that column, where it was measured."""
    rows = {line["pair"]: line["rows"].get(key, {}) for line in lines}
    return {pair: row[column] for pair, row in rows.items() if row.get(column) is not None}


def _over_overlap(lines: Sequence[dict[str, Any]], column: str) -> list[str]:
    """The methods that are above the words of the query by more than chance, on the same pairs."""
    overlap = _values(lines, OVERLAP, column)
    found = {key: _values(lines, key, column) for key in METHODS}
    above = {key: [value - overlap[pair] for pair, value in values.items()] for key, values in found.items()}
    return [METHODS[key].label for key, values in above.items() if values and interval(values).low > 0]


def label(key: str) -> str:
    """A row's name."""
    if key in METHODS:
        cut = ", ".join(f"{name} {value}" for name, value in CHEAP.get(key, {}).items())
        return METHODS[key].label + (f" ({cut})" if cut else "")
    return SEES.get(key, f"{key} (control)")


def stored() -> dict[str, Any]:
    """What the last run stored."""
    results: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return results


def summary(results: dict[str, Any]) -> str:
    """Markdown: both tables, what beats the words of the query, and when and on what it was measured."""
    says = [f"{results['says']}. Means with 95 % bootstrap intervals; a sentence counts by its words' sum."]
    for column, text in {**SENTENCES, **WORDS}.items():
        above = results["against overlap"][column]
        says.append(f"- {text}: above the {OVERLAP} by more than chance {', '.join(above) or 'is no method'}.")
    by = f"Measured {results['measured']} at commit {', '.join(results['commits'])}, on {', '.join(results['models'])}."
    return "\n\n".join([*(from_json(table).markdown() for table in results["tables"]), "\n".join(says), by])


if __name__ == "__main__":
    main()
