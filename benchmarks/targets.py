"""What was aimed at beside what the stored run of the yardsticks reached: one row a target, met or by how far not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.app_cost import APP_FIRST, LIBRARIES
from benchmarks.peers import BOTH, FIRST, ONE, PAGES_DEFAULT
from benchmarks.report import Cell, Table
from benchmarks.run import HERE

STORED = HERE / "speed.json"
CAPTUM = "Integrated gradients against Captum's defaults"
NODES, MEDIAN = "nodes a path: median", "ratio to the first: median"
Sections = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """`read` finds the number in the stored sections; `at_most` it may be, or `at_least`."""

    what: str
    read: Callable[[Sections], float]
    at_most: float = float("inf")
    at_least: float = float("-inf")

    @property
    def goal(self) -> str:
        """As the table says it."""
        return f"at most {self.at_most:g}" if self.at_most < float("inf") else f"at least {self.at_least:g}"


def cell(sections: Sections, title: str, column: str, **row: Any) -> float:
    """The number in `column` of the table's row with these cells. Raises `LookupError`."""
    for section in sections.values():
        for table in section["tables"]:
            for cells in table["rows"] if table["title"] == title else []:
                if all(cells[name] == value for name, value in row.items()):
                    return float(cells[column])
    raise LookupError(f"no row {row} in a table {title!r}: run that section of benchmarks.speed")


def worst(sections: Sections, title: str, column: str) -> float:
    """The largest number in `column`."""
    tables = [table for section in sections.values() for table in section["tables"] if table["title"] == title]
    if not tables:
        raise LookupError(f"no table {title!r}: run that section of benchmarks.speed")
    return max(float(row[column]) for table in tables for row in table["rows"])


def at_128(sections: Sections, column: str) -> float:
    """Of the page's default run of the bundled reranker, at the length of about 128 tokens."""
    rows = [
        row
        for section in sections.values()
        for table in section["tables"]
        for row in table["rows"]
        if table["title"] == "The limit" and (row["model"], row["job"]) == ("bundled", "the page's default")
    ]
    if not rows:
        raise LookupError("no default run of the page: run the section limit of benchmarks.speed")
    return float(min(rows, key=lambda row: abs(row["tokens"] - 128))[column])


TARGETS = (
    Target("time to the first card, in forwards", lambda s: worst(s, "The page", "ratio to a forward"), 2.2),
    Target("of which in the handler, in forwards", lambda s: worst(s, "The page", "of it the handler, ratio"), 2.2),
    Target("bytes streamed, in final pages", lambda s: worst(s, "The page", "ratio to the final page"), 1.5),
    Target("integrated gradients: nodes per path, median", lambda s: cell(s, CAPTUM, NODES, what=BOTH), 17),
    Target(
        "integrated gradients: relative L1 error at 17 nodes, median",
        lambda s: cell(s, "At 17 nodes", "ratio of L1 error, median", what="errors given back (ours)"),
        0.01,
    ),
    Target("both paths: time relative to Captum's, median", lambda s: cell(s, CAPTUM, MEDIAN, what=BOTH), 0.6),
    Target("one path: time relative to Captum's, median", lambda s: cell(s, CAPTUM, MEDIAN, what=ONE), 0.35),
    Target(
        "both paths: time relative to Captum's, worst pair",
        lambda s: cell(s, CAPTUM, "ratio to the first: worst", what=BOTH),
        1,
    ),
    Target(
        "default run at 128 tokens: share of the machine's matrix-product rate",
        lambda s: at_128(s, "share of the rate"),
        at_least=0.6,
    ),
    Target("default run at 128 tokens: time, in gradients", lambda s: at_128(s, "ratio to a gradient"), 25),
    Target("speedup of batches over one at a time, 32 tokens", lambda s: _gain(s, 32), at_least=3),
    Target("speedup of batches over one at a time, 128 tokens", lambda s: _gain(s, 128), at_least=1.8),
    Target(
        "Shapley values with the page's default, 100 words, s",
        lambda s: cell(s, "Shapley at 100 words", "s", what=PAGES_DEFAULT),
        20,
    ),
    Target(
        "time with a busy process on each core, relative to a quiet machine",
        lambda s: worst(s, "A busy machine", "ratio to alone"),
        2.5,
    ),
    Target("peak memory at 512 tokens, MB", lambda s: worst(s, "Peak memory", "MB"), 1200),
    Target(
        "start: first byte minus the imports alone, s",
        lambda s: _start(s, APP_FIRST) - _start(s, f"imports of {LIBRARIES}"),
        1.5,
    ),
)


def table(sections: Sections) -> Table:
    """One row a target; one that the stored run lacks says so."""
    rows: list[dict[str, Cell]] = []
    for target in TARGETS:
        try:
            found: float | None = target.read(sections)
        except LookupError:
            found = None
        met = found is not None and target.at_least <= found <= target.at_most
        says = "not measured" if found is None else "yes" if met else "no"
        rows.append({"what": target.what, "aimed at": target.goal, "reached": found, "met": says})
    says = f"The bundled reranker. Captum's defaults: {FIRST}."
    return Table("Targets", says, rows)


def summary(sections: Sections) -> str:
    """The table, and what it was measured on."""
    used = [section for name, section in sections.items() if name != "peers"]  # of which no target is
    dates, commits, machines = (sorted({str(s[key]) for s in used}) for key in ("date", "commit", "machine"))
    threads = sorted({s["threads"] for s in used})
    measured = f"{' and '.join(dates)}, commits {', '.join(commits)}, {' and '.join(machines)}, {threads[-1]} threads"
    if len(threads) > 1:
        measured += f" ({threads[0]} where speed.md says so)"
    return "\n".join([*table(sections).markdown().splitlines()[4:], "", f"<sub>{measured}.</sub>"])


def stored() -> Sections:
    """The sections of the last run."""
    sections: Sections = json.loads(STORED.read_text(encoding="utf-8"))["sections"]
    return sections


def _gain(sections: Sections, tokens: int) -> float:
    return cell(sections, "Scale", "gain", what="sets of words", tokens=tokens)


def _start(sections: Sections, what: str) -> float:
    return cell(sections, "Start-up", "s", what=what)
