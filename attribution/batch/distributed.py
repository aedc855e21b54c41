"""The same batch on Ray Data: actors that hold the model, over blocks of rows, on this machine's cores or a cluster.

Ray reads the rows again where an actor or a machine is lost; every answer carries its row's id, and an id is written
once, so that nothing is lost and nothing is there twice. A block that has killed its actor `retries` times more is done
again row by row; the rows that kill their actors then, too, are named and skipped.
"""

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from attribution.batch.jobs import Job, answer
from attribution.batch.output import Output
from attribution.batch.rows import BadLine, OnBad, OnRow, Row
from attribution.errors import AttributionError, OptionError
from attribution.export import dumps
from attribution.rerankers.loading.load import load_reranker

BLOCK = 8  # rows an actor gets at a time: what is done again when it is lost
KILLED = (
    "its worker failed on it, even alone and after retries (out of memory, or a crash; Ray's logs say "
    "more). Shorten it, or give --max-length or fewer --workers"
)
ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """An actor: one model, and the job that is done with every row."""

    def __init__(self, job: Job) -> None:
        self._reranker, self._job = load_reranker(**job.loading), job

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        """Rows as JSON -> for each the answer as JSON, or why there is none."""
        done: dict[str, list[str]] = {"row": [], "answer": [], "reason": []}
        for text in block["row"]:
            row = _row(text)
            said, reason = "", ""
            try:
                said = dumps(answer(self._reranker, row, self._job))
            except AttributionError as error:
                reason = str(error)
            for name, value in (("row", text), ("answer", said), ("reason", reason)):
                done[name].append(value)
        return done


def start(workers: int) -> Any:
    """Ray, on the cluster that `RAY_ADDRESS` names, else on `workers` cores here. Raises `OptionError` without it."""
    try:
        import ray
    except ImportError:
        raise OptionError("--engine ray needs Ray: pip install 'rerank-lens[batch]'.") from None
    if not ray.is_initialized():
        cluster = os.environ.get("RAY_ADDRESS")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to a host that was not asked for
        path = os.pathsep.join([str(ROOT), *sys.path])
        how: dict[str, Any] = {"runtime_env": {"env_vars": {"PYTHONPATH": path}}}
        if not cluster:
            os.environ["PYTHONPATH"] = path  # who is started here inherits it; a `runtime_env` starts everybody twice
            how = {"num_cpus": workers + 1, "include_dashboard": False}
        ray.init(address=cluster, logging_level=logging.ERROR, log_to_driver=False, **how)
    return ray


def run_distributed(
    rows: Iterable[Row | BadLine],
    job: Job,
    output: Output,
    on_row: OnRow,
    on_bad: OnBad,
    *,
    workers: int,
    worker: type[Worker] = Worker,
    retries: int = 2,
) -> int:
    """As `run_local`, over `workers` actors; answers come in any order. Returns how many rows were skipped."""
    ray = start(workers)
    skipped = 0
    waiting: dict[str, str] = {}  # id -> its row as JSON
    asked = replace(output, done=dict(output.done))  # ids that are spoken for, written or not
    for row in rows:
        bad = row if isinstance(row, BadLine) else None
        try:
            if isinstance(row, Row) and not asked.has(row):
                waiting[row.id] = dumps(asdict(row))
                asked.claim(row)
        except AttributionError as error:
            bad = BadLine(row.line, str(error))
        if bad:
            on_bad(bad)
            skipped += 1
    output.used, output.repeated = asked.used, asked.repeated
    ray.data.DataContext.get_current().enable_progress_bars = False
    ray.data.DataContext.get_current().max_errored_blocks = -1  # what a lost block held is in `waiting` still
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    for size in (BLOCK, 1):
        for item in _answers(ray, list(waiting.values()), size, job, workers, worker, retries):
            row = _row(item["row"])
            if waiting.pop(row.id, None) is None:
                continue  # an actor had answered before it was lost
            if item["reason"]:
                on_bad(BadLine(row.line, item["reason"]))
                skipped += 1
            else:
                output.write(row, json.loads(item["answer"]))
            on_row()
    for text in waiting.values():
        on_bad(BadLine(_row(text).line, KILLED))
        on_row()
    return skipped + len(waiting)


def _answers(
    ray: Any, rows: list[str], size: int, job: Job, workers: int, worker: type[Worker], retries: int
) -> Iterator[dict[str, str]]:
    """What actors made of the `rows`, `size` at a time; those whose actor was lost too often are missing."""
    if rows:
        blocks = ray.data.from_items([{"row": row} for row in rows], override_num_blocks=-(-len(rows) // size))
        answers = blocks.map_batches(
            worker,
            fn_constructor_args=(job,),
            batch_size=size,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            max_restarts=-1,
            max_task_retries=retries,  # of one block; with one in flight no other block is counted along
        )
        yield from answers.iter_rows()


def _row(text: str) -> Row:
    fields: dict[str, Any] = json.loads(text)
    return Row(**{**fields, **{name: tuple(fields[name]) for name in ("documents", "document_ids")}})
