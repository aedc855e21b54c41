"""The tables of README and docs/benchmarks.md: one row a method, one column a question, from the stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attribution.methods import METHODS
from benchmarks.report import Cell, Table, from_json

NOT_MEASURED = "not measured"
RESULTS = Path(__file__).parent / "results.json"
# column -> the stored table's section, its place there, and its column
FAITHFUL: dict[str, tuple[str, int, str]] = {
    "faithful, mask": ("faithfulness", 0, "more than random orders"),
    "beats all random, mask": ("faithfulness", 0, "beats every random order"),
    "faithful, delete": ("faithfulness", 1, "more than random orders"),
    "beats all random, delete": ("faithfulness", 1, "beats every random order"),
}
SHORT = {f"short: {column}": ("short documents", place, name) for column, (_, place, name) in FAITHFUL.items()}
COLUMNS: dict[str, tuple[str, int, str]] = {
    **SHORT,
    "faithful, mask": FAITHFUL["faithful, mask"],
    "beats all random, mask": FAITHFUL["beats all random, mask"],
    "planted": ("planted", 0, "precision of the first k"),
    "plausible": ("plausibility", 0, "average precision"),
    "all layers shuffled": ("sanity", 0, "+ all layers"),
}
COSTLY = {column: (section, place + 2, name) for column, (section, place, name) in FAITHFUL.items()}
SAYS = (
    "faithful: by how many logits more than a random order taking the first words away lowers the score; beats all "
    "random: on how many pairs by more than each of ten random orders (9 % by chance); planted: precision where the "
    "truth is known; plausible: average precision against spans that humans marked; all layers shuffled: rank "
    "correlation with the explanation of the same model with shuffled weights, where near 1 means that the method does "
    "not explain the model. Means with 95 % bootstrap intervals; –: not measured, because it costs too much."
)


def stored() -> dict[str, Any]:
    """What the last `python -m benchmarks.run` stored."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def summary(results: dict[str, Any]) -> str:
    """Markdown: the table of methods, that of all methods on fewer pairs, and when and on what it was measured."""
    sections = results["sections"]
    lengths = [from_json(table).says.split(". ")[0] for table in sections["faithfulness"]["tables"]]
    short = from_json(sections["short documents"]["tables"][0]).says.split(". ")[0]
    methods = Table("Methods", f"{SAYS} Short: {short}. Else: {lengths[0]}.", _rows(sections, COLUMNS))
    says = f"Two methods cost too much for every pair. All of them, on the same {lengths[2]}."
    tables = [methods, Table("With the costly methods", says, _rows(sections, COSTLY))]
    runs = sorted({(of["date"], of["commit"]) for of in sections.values()})
    when = ", ".join(f"{date} at commit {commit}" for date, commit in runs)
    measured = f"Measured {when}, on {results['model']} {results['revision']}."
    return "\n\n".join([measured, *(table.markdown() for table in tables)])


def believe(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """`(method, score falls by, beats all random)` of the short documents, best first; of a method that was too costly
    for them –, of one that no stored table has "not measured"."""
    rows = _column(results["sections"], *SHORT["short: faithful, mask"])
    beats = _column(results["sections"], *SHORT["short: beats all random, mask"])
    best_first = sorted(rows, key=lambda method: -rows[method].mean)
    measured = [(method, f"{rows[method].mean:.2f}", str(beats[method])) for method in best_first]
    known = _column(results["sections"], *next(iter(COSTLY.values())))
    others = [method.label for method in METHODS.values() if method.label not in rows]
    without = {label: "–" if label in known else NOT_MEASURED for label in others}
    return [*measured, *((label, cell, cell) for label, cell in without.items())]


def _column(sections: dict[str, Any], section: str, place: int, name: str) -> dict[str, Any]:
    """Method -> cell."""
    return {str(row["method"]): row[name] for row in from_json(sections[section]["tables"][place]).rows}


def _rows(sections: dict[str, Any], columns: dict[str, tuple[str, int, str]]) -> list[dict[str, Cell]]:
    """One row for each method of the first column's table, and for each that no table has."""
    stored = {column: _column(sections, *place) for column, place in columns.items()}
    methods = next(iter(stored.values()))
    known = {*methods, *_column(sections, *next(iter(COSTLY.values())))}
    rows: list[dict[str, Cell]] = [
        {"method": method, **{column: of.get(method) for column, of in stored.items()}} for method in methods
    ]
    unknown = [method.label for method in METHODS.values() if method.label not in known]
    rows += [{"method": label, **dict.fromkeys(columns, NOT_MEASURED)} for label in unknown]
    return rows
