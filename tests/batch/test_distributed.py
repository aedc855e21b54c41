"""The batch on Ray: an actor killed in the middle loses nothing and doubles nothing."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from attribution.batch.distributed import ROOT, Worker, run_distributed, start
from attribution.batch.jobs import Job
from attribution.batch.local import run_local
from attribution.batch.output import Output
from attribution.batch.rows import BadLine, Row
from attribution.rerankers.reranker import Reranker

ray = pytest.importorskip("ray")


class Dying(Worker):
    """Kills its process in the middle of its second block, once."""

    blocks = 0

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        done = super().__call__(block)
        self.blocks += 1
        marker = Path(self._job.options["baselines"][5:])
        if self.blocks == 2 and not marker.exists():
            marker.touch()
            os._exit(1)
        return done


@pytest.mark.parametrize("cluster", [None, "ray://elsewhere:10001"])
def test_a_cluster_brings_its_own_cores(cluster: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray refuses their number for a cluster that runs; there only its workers are told where the package lies."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(ray, "init", lambda **given: asked.update(given))
    for name, value in (("RAY_ADDRESS", cluster or ""), ("PYTHONPATH", "before")):
        monkeypatch.setenv(name, value)
    start(2)
    assert asked["address"] == (cluster or "")
    assert asked.get("num_cpus") == (None if cluster else 3)
    told = asked["runtime_env"]["env_vars"]["PYTHONPATH"] if cluster else os.environ["PYTHONPATH"]
    assert told.split(os.pathsep)[0] == str(ROOT)
    assert ("runtime_env" in asked, os.environ["PYTHONPATH"] == "before") == (bool(cluster), bool(cluster))


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Ray of the test's own, started and ended."""
    for name in ("RAY_ADDRESS", "RAY_USAGE_STATS_ENABLED", "PYTHONPATH"):
        monkeypatch.setenv(name, "")  # as it was, afterwards
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # from where a worker finds the package by its path alone
    yield
    ray.shutdown()


def test_a_killed_actor_loses_nothing_and_doubles_nothing(
    tiny_bert: Reranker, tiny_folder: Callable[[str], Path], tmp_path: Path, alone: None
) -> None:
    rows: list[Row | BadLine] = [Row(str(i), i, "berlin", (f"museums of berlin {i}",)) for i in range(40)]
    rows += [Row("empty", 41, "berlin", (" ",)), rows[0], BadLine(43, "no JSON")]
    job = Job("rank", (), {"baselines": f"file:{tmp_path / 'killed'}"})
    expected, got = io.BytesIO(), io.BytesIO()
    bad: list[int] = []
    run_local(tiny_bert, rows, job, Output(expected), lambda: None, lambda line: None)
    folder = str(tiny_folder("BertForSequenceClassification"))
    skipped = run_distributed(
        folder, rows, job, Output(got), lambda: None, lambda line: bad.append(line.line), workers=1, worker=Dying
    )
    assert (tmp_path / "killed").exists(), "no actor was killed"
    assert skipped == 2
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"  # Ray tells nobody of its use
    assert sorted(bad) == [41, 43]

    def answers(stream: io.BytesIO) -> dict[str, float]:
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line["rows"][0]["logit"] for line in lines}

    assert answers(got) == pytest.approx(answers(expected), abs=1e-5)
    assert len(answers(got)) == 40


def test_a_row_that_always_kills_its_worker_is_named_and_skipped(alone: None) -> None:
    """Its block is done again row by row, so that its neighbours are answered. The worker here needs no model."""

    class Killed:  # by value, so that an actor starts without torch
        def __init__(self, *_given: Any) -> None: ...

        def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
            if any('"id": "killer"' in text for text in block["row"]):
                os._exit(1)
            n = len(block["row"])
            return {"row": list(block["row"]), "answer": ['{"id": "of it"}'] * n, "reason": [""] * n}

    rows: list[Row] = [Row(str(i), i, "berlin", (f"museums of berlin {i}",)) for i in range(1, 11)]
    rows[4] = Row("killer", 5, "berlin", ("museums",))
    got, bad, seen = io.BytesIO(), list[BadLine](), list[int]()
    output, nothing, worker = Output(got), cast(Job, None), cast(type[Worker], Killed)
    skipped = run_distributed(None, rows, nothing, output, lambda: seen.append(1), bad.append, workers=1, worker=worker)
    assert (skipped, len(seen)) == (1, len(rows))
    assert [(one.line, one.reason.split(" (")[0]) for one in bad] == [
        (5, "its worker failed with it, also when it was alone and tried again")
    ]
    assert got.getvalue().count(b"\n") == len(rows) - 1
    assert output.done.keys() == {row.id for row in rows if row.id != "killer"}
