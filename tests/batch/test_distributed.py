"""The batch on Ray: an actor killed in the middle loses nothing and doubles nothing."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from attribution.__main__ import main
from attribution.batch.auditing import FAILURES, SCORED
from attribution.batch.distributed import ROOT, Worker, run_distributed, start
from attribution.batch.engines import run_local
from attribution.batch.jobs import Job
from attribution.batch.output import Output
from attribution.batch.rows import BadLine, Row
from attribution.errors import OptionError
from attribution.rerankers.reranker import Reranker
from tests.conftest import Folder

ray = pytest.importorskip("ray")


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


def test_without_ray_the_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"--engine ray needs Ray: pip install 'rerank-lens\[batch\]'"):
        start(2)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray of these tests' own, started by the first and ended behind the last."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RAY_ADDRESS", "RAY_USAGE_STATS_ENABLED", "PYTHONPATH"):
            patch.setenv(name, "")  # as it was, afterwards
            patch.delenv(name)
        patch.chdir(tmp_path_factory.mktemp("away"))  # from where a worker finds the package by its path alone
        yield
        ray.shutdown()


def test_the_answers_are_those_of_one_process(
    tiny_bert: Reranker, tiny_folder: Callable[[str], Path], alone: None
) -> None:
    rows: list[Row | BadLine] = [Row(str(i), i, "berlin", (f"museums of berlin {i}",)) for i in range(10)]
    rows += [Row("empty", 11, "berlin", (" ",)), rows[0], BadLine(13, "no JSON")]
    job = Job("rank", (), {}, loading={"model_id": str(tiny_folder("BertForSequenceClassification"))})
    expected, got = io.BytesIO(), io.BytesIO()
    bad: list[int] = []
    run_local(tiny_bert, rows, job, Output(expected), lambda: None, lambda line: None)
    skipped = run_distributed(rows, job, Output(got), lambda: None, lambda line: bad.append(line.line), workers=1)
    assert skipped == 2
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"  # Ray tells nobody of its use
    assert sorted(bad) == [11, 13]

    def answers(stream: io.BytesIO) -> dict[str, float]:
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line["rows"][0]["logit"] for line in lines}

    assert answers(got) == pytest.approx(answers(expected), abs=1e-5)
    assert len(answers(got)) == 10


def test_a_killed_actor_loses_nothing_and_a_row_that_always_kills_is_named(alone: None, tmp_path: Path) -> None:
    """The first actor dies in the middle of its second block, once; a row kills whoever has it.

    The row's block is done again row by row, so that its neighbours are answered. The worker here needs no model.
    """
    marker = tmp_path / "killed"

    class Dying:  # by value, so that an actor starts without torch
        def __init__(self, job: str) -> None:
            self.given, self.blocks = job, 0

        def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
            self.blocks += 1
            ids = [json.loads(text)["id"] for text in block["row"]]
            once = self.blocks == 2 and not marker.exists()
            if once:
                marker.touch()
            if once or "killer" in ids:
                os._exit(1)
            answers = [json.dumps({"id": id_, "of": self.given}) for id_ in ids]
            return {"row": list(block["row"]), "answer": answers, "reason": [""] * len(ids)}

    rows: list[Row] = [Row(str(i), i, "berlin", (f"museums of berlin {i}",)) for i in range(1, 21)]
    rows[18] = Row("killer", 19, "berlin", ("museums",))
    got, bad, seen = io.BytesIO(), list[BadLine](), list[int]()
    output, job, worker = Output(got), cast(Job, "a job"), cast(type[Worker], Dying)
    skipped = run_distributed(
        rows, job, output, lambda: seen.append(1), bad.append, workers=1, worker=worker, retries=0
    )
    assert marker.exists(), "no actor was killed"
    assert (skipped, len(seen)) == (1, len(rows))
    assert [(one.line, one.reason.split(" (")[0]) for one in bad] == [
        (19, "its worker failed on it, even alone and after retries")
    ]
    lines = [json.loads(line) for line in got.getvalue().splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(row.id for row in rows if row.id != "killer")
    assert {line["of"] for line in lines} == {"a job"}


def test_an_audit_whose_worker_is_killed_ends_with_the_same_bytes(
    alone: None, tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Callable[[bytes], None]
) -> None:
    """An actor dies at the second block of each step, once. The worker needs no model: it has one process's answers."""
    texts = ["berlin has 3.7 million inhabitants .", "paris is the capital .", "museums . of the city ."]
    graded = [[{"text": text, "grade": int(j == i % 3)} for j, text in enumerate(texts)] for i in range(20)]
    lines = [json.dumps({"id": f"q{i}", "query": f"berlin {i}", "documents": one}) for i, one in enumerate(graded)]

    def audit(name: str, *more: str) -> dict[str, bytes]:
        typed("\n".join(lines).encode())
        model = str(tiny_folder("BertForSequenceClassification"))
        assert main(["audit", "--model", model, "--output", str(tmp_path / name), *more]) == 0
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    whole = audit("whole")
    steps = {"score": SCORED, "failure": FAILURES}
    known = {
        task: {json.loads(line)["id"]: line.decode() for line in whole[name].splitlines()}
        for task, name in steps.items()
    }

    class Dying:
        def __init__(self, task: str) -> None:
            self.task, self.blocks = task, 0

        def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
            self.blocks += 1
            marker = tmp_path / f"{self.task} killed"
            if self.blocks == 2 and not marker.exists():
                marker.touch()
                os._exit(1)
            rows = list(block["row"])
            answers = [known[self.task][json.loads(text)["id"]] for text in rows]
            return {"row": rows, "answer": answers, "reason": [""] * len(rows)}

    def distributed(rows: Any, job: Job, *given: Any, workers: int) -> int:
        worker = cast(type[Worker], Dying)
        return run_distributed(rows, cast(Job, job.task), *given, workers=workers, worker=worker)

    monkeypatch.setattr("attribution.batch.engines.run_distributed", distributed)
    assert audit("killed", "--engine", "ray", "--workers", "1") == whole
    assert [(tmp_path / f"{task} killed").exists() for task in steps] == [True, True]
