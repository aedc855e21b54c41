"""The rows one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attribution.batch.deaths import Deaths
from attribution.batch.jobs import Job, answer_or_reason
from attribution.batch.output import Output
from attribution.batch.rows import BadLine, Row
from attribution.errors import InputError
from attribution.rerankers.reranker import Reranker


def run_local(
    reranker: Reranker,
    rows: Iterable[Row | BadLine],
    job: Job,
    output: Output,
    on_row: Callable[[], object],
    on_bad: Callable[[BadLine], object],
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
    except InputError as error:
        return BadLine(row.line, str(error))
    if bad := deaths.skip(row):
        return bad
    with deaths.at(row):
        said, reason = answer_or_reason(reranker, row, job)
    if said is None:
        return BadLine(row.line, reason)
    output.write(row, said)
    return None
