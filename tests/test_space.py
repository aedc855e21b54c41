"""The handlers on a ZeroGPU Space, see `tests/space.py`: nothing hangs, errors speak, and a GPU is held no longer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def seen(tiny_folder: Callable[[str], Path]) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.space", str(tiny_folder("BertForSequenceClassification"))],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-4000:]
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def test_results_come_through_the_worker(seen: dict[str, Any]) -> None:
    assert seen["cards"] == 2
    assert seen["api"] is True or seen["api"] == pytest.approx(seen["logit"], abs=1e-5)


def test_errors_keep_their_sentence_and_bad_input_asks_for_no_gpu(seen: dict[str, Any]) -> None:
    assert "document is empty" in seen["empty"]
    assert seen["asked for an empty document"] == 0
    assert "Unknown baseline 'noise'" in seen["baseline"]


def test_stop_and_a_closed_tab_end_the_run_within_a_batch(seen: dict[str, Any]) -> None:
    assert seen["stop says"] == "running"
    for name in ("stopped", "closed"):
        assert seen[f"{name} kept"]
        assert seen[f"{name} released"] == 1, "the GPU was not given back"


def test_the_gpu_is_asked_for_as_long_as_the_work_takes(seen: dict[str, Any]) -> None:
    short, *_, long = seen["seconds asked"]
    assert 3 <= short < long <= 75  # 50 s at most, and half as much again on the newest cards
