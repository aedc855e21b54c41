"""What a section measured, as JSON and as markdown; and the two statistics that all sections share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over pairs."""

    mean: float
    low: float
    high: float


Cell = str | int | float | Interval | None


@dataclass(frozen=True)
class Table:
    """`says` is one or two sentences on how to read it; every row has the same keys, which head the columns."""

    title: str
    says: str
    rows: Sequence[dict[str, Cell]]

    def markdown(self) -> str:
        """A heading, the sentence, the rows."""
        columns = list(self.rows[0])
        lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
        lines += [" | ".join(_text(row[column]) for column in columns) for row in self.rows]
        return "\n".join([f"### {self.title}", "", self.says, "", *(f"| {line} |" for line in lines)])

    def json(self) -> dict[str, Any]:
        """As plain lists and dicts; an interval is `{mean, low, high}`."""
        return asdict(self)


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Mean of `values` and where the means of resamples of them lie, the middle 95 %."""
    sample = np.asarray(values, dtype=float)
    means = np.random.default_rng(seed).choice(sample, (RESAMPLES, len(sample))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(fmean(sample.tolist()), float(low), float(high))


def share(flags: Sequence[bool]) -> str:
    """As a percentage."""
    return f"{100 * fmean(flags):.0f} %"


def from_json(table: dict[str, Any]) -> Table:
    """The table that `Table.json` wrote."""
    rows = [{k: Interval(**v) if isinstance(v, dict) else v for k, v in row.items()} for row in table["rows"]]
    return Table(table["title"], table["says"], rows)


def _text(cell: Cell) -> str:
    if isinstance(cell, Interval):
        return f"{cell.mean:.2f} [{cell.low:.2f}, {cell.high:.2f}]"
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) >= 0.095 or cell == 0 else f"{cell:.2g}"
    return "–" if cell is None else str(cell)
