"""README's table: one row a method, one column a question, from the stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import Cell, Table, from_json

RESULTS = Path(__file__).parent / "results.json"
# column -> the stored table's section, its place there, and its column
COLUMNS: dict[str, tuple[str, int, str]] = {
    "faithful, mask": ("faithfulness", 0, "more than random orders"),
    "beats all random, mask": ("faithfulness", 0, "beats every random order"),
    "faithful, delete": ("faithfulness", 1, "more than random orders"),
    "beats all random, delete": ("faithfulness", 1, "beats every random order"),
    "planted": ("planted", 0, "precision of the first k"),
    "plausible": ("plausibility", 0, "average precision"),
    "all layers shuffled": ("sanity", 0, "+ all layers"),
}
SAYS = (
    "faithful: by how many logits more than a random order taking the first words away lowers the score; beats all "
    "random: on how many pairs by more than each of ten random orders (9 % by chance); planted: precision where the "
    "truth is known; plausible: average precision against spans that humans marked; all layers shuffled: rank "
    "correlation with the explanation of the same model with shuffled weights, where near 1 means that the method does "
    "not explain the model. Means with 95 % bootstrap intervals; – : not measured, for its cost."
)


def stored() -> dict[str, Any]:
    """What the last `python -m benchmarks.run` stored."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def summary(results: dict[str, Any]) -> str:
    """Markdown: the table of methods, the two of completeness, and when and on what all of it was measured."""
    sections = results["sections"]
    cells: dict[str, dict[str, Cell]] = {}
    for column, (section, place, name) in COLUMNS.items():
        for row in from_json(sections[section]["tables"][place]).rows:
            cells.setdefault(str(row["method"]), dict.fromkeys(COLUMNS))[column] = row[name]
    methods = Table("Methods", SAYS, [{"method": method, **row} for method, row in cells.items()])
    tables = [methods, *(from_json(table) for table in sections["completeness"]["tables"])]
    runs = sorted({(of["date"], of["commit"]) for of in sections.values()})
    when = ", ".join(f"{date} at commit {commit}" for date, commit in runs)
    measured = f"Measured {when}, on {results['model']} {results['revision']}."
    return "\n\n".join([measured, *(table.markdown() for table in tables)])
