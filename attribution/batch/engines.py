"""Who answers the rows: this process, one after another, or Ray where it is asked for; and what a terminal hears.

Rows at which the process died are counted in a file beside the answers, so that no row ends one run after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attribution.batch.distributed import run_distributed
from attribution.batch.jobs import FORMAT, Job, answer
from attribution.batch.lines import naming, printable
from attribution.batch.output import Output, digests
from attribution.batch.rows import BadLine, OnBad, OnRow, Row
from attribution.errors import AttributionError, InputError
from attribution.export import dumps
from attribution.rerankers.reranker import Reranker

MOST = 2  # deaths at one row, then it is skipped


def complaining(bar: Any) -> OnBad:
    """Says a bad line on stderr, beside the `bar` of tqdm."""
    return lambda bad: bar.write(printable(str(bad)), file=sys.stderr)


def run_rows(
    args: argparse.Namespace, reranker: Reranker, rows: Iterable[Row | BadLine], job: Job, output: Output, bar: Any
) -> int:
    """As `run_local` or `run_distributed`, as `args` say; `bar` counts the rows."""
    hear = (lambda: bar.update(), complaining(bar))
    if args.engine == "ray":
        return run_distributed(rows, job, output, *hear, workers=args.workers)
    return run_local(reranker, rows, job, output, *hear)


def run_local(
    reranker: Reranker, rows: Iterable[Row | BadLine], job: Job, output: Output, on_row: OnRow, on_bad: OnBad
) -> int:
    """Answer every row that `output` lacks; returns how many were skipped, each told to `on_bad`.

    A row at which the process died twice, here and in earlier runs into the same file, is skipped.
    """
    skipped, deaths = 0, Deaths(output.path)
    for row in rows:
        bad = row if isinstance(row, BadLine) else _answer(reranker, row, job, output, deaths)
        if bad:
            on_bad(bad)
            skipped += 1
        on_row()
    return skipped


def _answer(reranker: Reranker, row: Row, job: Job, output: Output, deaths: Deaths) -> BadLine | None:
    try:
        if output.has(row):
            return None
        if bad := deaths.skip(row):
            return bad
        with deaths.at(row):
            said = answer(reranker, row, job)
    except AttributionError as error:
        return BadLine(row.line, str(error))
    output.write(row, said)
    return None


class Deaths:
    """How often the process died at each row: a count rises before the row and falls after it, so a death leaves it.

    `answers`: the file of the answers; the counts are kept beside it. None, for a stream that no later run reads: they
    are not kept, as in a folder that cannot be written to.
    """

    def __init__(self, answers: Path | None) -> None:
        beside = answers and answers.with_name(f"{answers.name}.deaths")
        self.path = beside if beside and os.access(beside.parent, os.W_OK) else None
        self.counts = _read(self.path) if self.path and self.path.exists() else {}

    def skip(self, row: Row) -> BadLine | None:
        """Why the row is not tried again; None if it may be."""
        if self.counts.get(_key(row), 0) < MOST:
            return None
        return BadLine(
            row.line,
            f"the process died at this row {MOST} times (out of memory, a crash, or killed). Shorten it, or give "
            f"--max-length; to have it tried again as it is, delete {self.path}",
        )

    @contextmanager
    def at(self, row: Row) -> Iterator[None]:
        """Counts the row as fatal while it is being worked on."""
        key = _key(row)
        others = {other: n for other, n in self.counts.items() if other != key}
        self._keep({**others, key: self.counts.get(key, 0) + 1})
        try:
            yield
        finally:
            self._keep(others)

    def _keep(self, counts: dict[str, int]) -> None:
        self.counts = counts
        with naming(self.path):
            if self.path and counts:
                self.path.write_text(dumps({"format": FORMAT.format(task="deaths"), "rows": counts}), encoding="utf-8")
            elif self.path:
                self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Watched:
    """Each row's query and document, counted by `deaths` while it is worked on; can be iterated more than once."""

    rows: Sequence[Row]
    deaths: Deaths

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for row in self.rows:
            with self.deaths.at(row):
                yield row.query, row.documents[0]


def _key(row: Row) -> str:
    return " ".join((row.id, *digests(row.query, row.documents)[:2]))


def _read(path: Path) -> dict[str, int]:
    try:
        if not (text := path.read_text(encoding="utf-8")):
            return {}  # the process died while it was written
        held = json.loads(text)
        if held["format"] != FORMAT.format(task="deaths"):
            raise ValueError
        return {str(key): int(n) for key, n in held["rows"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(f"{path} was not written by this program. Give another --output.") from None
