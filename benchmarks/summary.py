"""The tables of README and docs/benchmarks.md: one row a method, one column a question, from the stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attribution.methods import METHODS
from benchmarks.passage_tables import word_orders
from benchmarks.report import Cell, Table, from_json

NOT_MEASURED = "not measured"
RESULTS = Path(__file__).parent / "results.json"
# column -> the stored table's section, its place there, and its column
SHORT: dict[str, tuple[str, int, str]] = {
    "short: faithful, mask": ("short documents", 0, "more than random orders"),
    "short: beats all random, mask": ("short documents", 0, "beats every random order"),
    "short: faithful, delete": ("short documents", 1, "more than random orders"),
    "short: beats all random, delete": ("short documents", 1, "beats every random order"),
}
COSTLY = ("faithfulness", 2, "more than random orders")  # of all methods, on few pairs
COLUMNS: dict[str, tuple[str, int, str]] = {
    **SHORT,
    "planted": ("planted", 0, "precision of the first k"),
    "plausible": ("plausibility", 0, "average precision"),
    "all layers shuffled": ("sanity", 0, "+ all layers"),
}
SAYS = (
    "faithful: how many logits further the score falls without the top words than with random orders, mean over the "
    "top 5, 10, 20 and 50 %; beats all random: on how many pairs it falls further than with each of ten random orders "
    "(9 % by chance); planted: precision of the top words on models whose score is made by known words; plausible: "
    "average precision against spans that humans marked; all layers shuffled: rank correlation with the explanation of "
    "the same model with shuffled weights, where near 1 means that the method does not depend on the weights. "
    "Means with 95 % bootstrap intervals; –: not measured."
)


def stored() -> dict[str, Any]:
    """What the last `python -m benchmarks.run` stored."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def summary(results: dict[str, Any]) -> str:
    """Markdown: the table of methods, and when and on what it was measured."""
    sections = results["sections"]
    short = from_json(sections["short documents"]["tables"][0]).says.split(";")[0]
    methods = Table("Methods", f"{SAYS} Short: {short}.", _rows(sections, COLUMNS))
    runs = sorted({(of["date"], of["commit"]) for of in sections.values()})
    when = ", ".join(f"{date} (commit {commit})" for date, commit in runs)
    measured = f"Measured on {results['model']} {results['revision']}: {when}."
    return "\n\n".join([measured, methods.markdown()])


def believe(results: dict[str, Any], passages: dict[str, Any]) -> list[tuple[str, str, str]]:
    """`(method, score falls by on passages, on short documents)`, best on passages first; – for what was not measured
    there, "not measured" for a method that no stored table has."""
    short = {key: cell.mean for key, cell in _column(results["sections"], *SHORT["short: faithful, delete"]).items()}
    long = word_orders(passages)
    known = {*short, *long, *_column(results["sections"], *COSTLY)}
    others = [method.label for method in METHODS.values() if method.label not in {*short, *long}]
    best_first = sorted({*short, *long}, key=lambda method: (-long.get(method, -1.0), method))
    measured = [(method, _cell(long.get(method)), _cell(short.get(method))) for method in best_first]
    without = {label: "–" if label in known else NOT_MEASURED for label in others}
    return [*measured, *((label, cell, cell) for label, cell in without.items())]


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _column(sections: dict[str, Any], section: str, place: int, name: str) -> dict[str, Any]:
    """Method -> cell."""
    return {str(row["method"]): row[name] for row in from_json(sections[section]["tables"][place]).rows}


def _rows(sections: dict[str, Any], columns: dict[str, tuple[str, int, str]]) -> list[dict[str, Cell]]:
    """One row for each method of the first column's table, and for each that no table has."""
    stored = {column: _column(sections, *place) for column, place in columns.items()}
    methods = next(iter(stored.values()))
    known = {*methods, *_column(sections, *COSTLY)}
    rows: list[dict[str, Cell]] = [
        {"method": method, **{column: of.get(method) for column, of in stored.items()}} for method in methods
    ]
    unknown = [method.label for method in METHODS.values() if method.label not in known]
    rows += [{"method": label, **dict.fromkeys(columns, NOT_MEASURED)} for label in unknown]
    return rows
