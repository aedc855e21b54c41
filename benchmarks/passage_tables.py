"""The tables of `benchmarks.passages`, from its lines: by sentences and by words, beside what never sees the score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, median
from typing import Any

from attribution import METHODS
from attribution.methods.defaults import BEST_ON
from benchmarks.report import Cell, Table, from_json, interval

STORED = Path(__file__).parent / "passages.json"
# With these budgets, which a row says; the first two on two passages of eight, one of each source.
COSTLY = ("shapley", "integrated_gradients_captum")
CHEAP: dict[str, dict[str, Any]] = {
    "shapley": {"n_samples": 2},
    "integrated_gradients_captum": {"n_steps": 16},
    "expected_gradients": {"n_samples": 8},
    "smoothgrad": {"n_samples": 8},
}
SEES = {
    "without": "sentence removed, measured",
    "alone": "sentence alone, measured",
    "share": "Shapley value, measured",
}
OVERLAP = "words of the query"
# column -> how it is read
SENTENCES = {
    "costliest": "how often the sentence ranked first is the one whose removal lowers the score most",
    "marked": "how often the sentence ranked first is one that humans marked as the answer",
    "faithful": "how many logits further the score falls without the top sentences than with random orders",
}
WORDS = {
    "word_costliest": "how often the word ranked first is in the sentence whose removal lowers the score most",
    "word_marked": "how often the word ranked first is in what humans marked as the answer",
    "word_faithful": "how many logits further the score falls without the top words than with random orders",
}
UNITS = {"sentences": SENTENCES, "words": WORDS}
BEST = "how often the score falls furthest of all methods; ties count for each"
Row = dict[str, float | None]


def tables(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Two tables, by sentences and by words, the most faithful first; two more on the passages that all methods ran on.

    Every row of a table was measured on the same passages.
    """
    few = [line for line in lines if line["rows"].keys() >= set(COSTLY)]
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
        "words": [n_words[0], n_words[-1]],
        "says": says,
        "tables": [_table(f"Passages by {unit}", of, lines).json() for unit, of in UNITS.items()],
        "all methods": [
            _table(f"On the {len(few)} of these passages that every method ran on, by {unit}", of, few).json()
            for unit, of in UNITS.items()
            if 0 < len(few) < len(lines)
        ],
        "against overlap": {column: _over_overlap(lines, column) for column in [*SENTENCES, *WORDS]},
    }


def _table(title: str, columns: Mapping[str, str], lines: Sequence[dict[str, Any]]) -> Table:
    some = dict.fromkeys(key for line in lines for key, row in line["rows"].items() if columns.keys() & row.keys())
    first, *_, faithful = columns
    keys = [key for key in some if len(_values(lines, key, first) or _values(lines, key, faithful)) == len(lines)]
    of = {key: {column: list(_values(lines, key, column).values()) for column in columns} for key in keys}
    best = _best_on(lines, faithful)
    rows: list[dict[str, Cell]] = [
        {
            "method": label(key),
            **{
                column.removeprefix("word_"): interval(values) if values else None for column, values in of[key].items()
            },
            BEST_ON: interval(best[key]) if key in best else None,
        }
        for key in sorted(keys, key=lambda key: -fmean(of[key][faithful] or [0.0]))
    ]
    says = {**{c.removeprefix("word_"): text for c, text in columns.items()}, BEST_ON: BEST}
    return Table(title, "; ".join(f"{column}: {text}" for column, text in says.items()) + ".", rows)


def _best_on(lines: Sequence[dict[str, Any]], column: str) -> dict[str, list[float]]:
    """Method measured on every passage -> 1 where no other of them has more in `column`, else 0, a passage each."""
    values = {key: _values(lines, key, column) for key in METHODS}
    pairs = {line["pair"] for line in lines}
    everywhere = {key: of for key, of in values.items() if of.keys() == pairs}
    most = {pair: max((of[pair] for of in everywhere.values()), default=0.0) for pair in sorted(pairs)}
    return {key: [float(of[pair] == most[pair]) for pair in most] for key, of in everywhere.items()}


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


def believe(results: dict[str, Any], which: str = "tables") -> list[tuple[str, ...]]:
    """`(method, finds the costliest, faithful by sentences, by words)`, the most faithful first."""
    sentences_of, words_of = ({row["method"]: row for row in table["rows"]} for table in results[which])
    found = []
    for method, row in sentences_of.items():
        faithful = [of["faithful"]["mean"] if of and of["faithful"] else None for of in (row, words_of.get(method))]
        cells = ["–" if value is None else f"{value:.2f}" for value in faithful]
        found.append((method, f"{100 * row['costliest']['mean']:.0f} %", *cells))
    return found


def word_orders(results: dict[str, Any]) -> dict[str, float]:
    """Method, or control -> how many logits further the score falls without its top words than with random orders."""
    rows = {row["method"].split(" (n_")[0]: row["faithful"] for row in results["tables"][1]["rows"]}
    return {method: faithful["mean"] for method, faithful in rows.items() if faithful}


def summary(results: dict[str, Any]) -> str:
    """Markdown: both tables, which methods beat the words of the query, and when and on what it was measured."""
    head = f"{results['says']}. Means with 95 % bootstrap intervals; a method's value of a sentence is its words' sum."
    above = [
        f"Better than the control \u201c{OVERLAP}\u201d, with the interval of the paired difference above 0, not "
        "corrected for many methods:",
        "",
    ]
    for unit, columns in UNITS.items():
        for column in columns:
            better = "; ".join(results["against overlap"][column]) or "none"
            above.append(f"- by {unit}, {column.removeprefix('word_')}: {better}.")
    by = f"Measured {results['measured']} at commit {', '.join(results['commits'])}, on {', '.join(results['models'])}."
    both = [*results["tables"], *results["all methods"]]
    return "\n\n".join([head, *(from_json(table).markdown() for table in both), "\n".join(above), by])
