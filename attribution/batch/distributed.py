"""The same batch on Ray Data: actors that hold the model, over blocks of rows, on this machine's cores or a cluster.

Ray reads the rows again where an actor or a machine is lost; every answer carries its row's id, and an id is written
once, so that nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from attribution.batch.jobs import Job, answer
from attribution.batch.output import Output
from attribution.batch.rows import BadLine, Row
from attribution.errors import AttributionError, OptionError
from attribution.export import dumps
from attribution.rerankers.loading.load import load_reranker

BLOCK = 8  # rows an actor gets at a time: what is done again when it is lost
ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """An actor: one model, and the job that is done with every row."""

    def __init__(self, model_id: str | None, job: Job) -> None:
        self._reranker = load_reranker(model_id, **job.loading)
        self._job = job

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        """Rows as JSON -> for each the answer as JSON, or why there is none."""
        done: dict[str, list[str]] = {"row": [], "answer": [], "reason": []}
        for text in block["row"]:
            fields = json.loads(text)
            row = Row(**{**fields, "documents": tuple(fields["documents"])})
            try:
                said, reason = dumps(answer(self._reranker, row, self._job)), ""
            except AttributionError as error:
                said, reason = "", str(error)
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
    model_id: str | None,
    rows: Iterable[Row | BadLine],
    job: Job,
    output: Output,
    on_row: Callable[[], object],
    on_bad: Callable[[BadLine], object],
    *,
    workers: int,
    worker: type[Worker] = Worker,
) -> int:
    """As `run_local`, over `workers` actors; answers come in any order. Returns how many rows were skipped."""
    ray = start(workers)
    skipped = 0
    waiting: list[dict[str, str]] = []
    asked = Output(output.stream, dict(output.done))  # ids that are spoken for, written or not
    for row in rows:
        bad = row if isinstance(row, BadLine) else None
        try:
            if isinstance(row, Row) and not asked.has(row):
                waiting.append({"row": dumps(asdict(row))})
                asked.claim(row)
        except AttributionError as error:
            bad = BadLine(row.line, str(error))
        if bad:
            on_bad(bad)
            skipped += 1
    if not waiting:
        return skipped
    ray.data.DataContext.get_current().enable_progress_bars = False
    answers = ray.data.from_items(waiting, override_num_blocks=max(1, len(waiting) // BLOCK)).map_batches(
        worker,
        fn_constructor_args=(model_id, job),
        batch_size=BLOCK,
        compute=ray.data.ActorPoolStrategy(size=workers),
        max_restarts=-1,
        max_task_retries=-1,
    )
    for item in answers.iter_rows():
        fields = json.loads(item["row"])
        row = Row(**{**fields, "documents": tuple(fields["documents"])})
        if item["reason"]:
            on_bad(BadLine(row.line, item["reason"]))
            skipped += 1
        elif not output.has(row):
            output.write(row, json.loads(item["answer"]))
        on_row()
    return skipped
