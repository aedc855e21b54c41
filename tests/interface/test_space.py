"""The handlers on a ZeroGPU Space, see `tests/space.py`: nothing hangs, errors speak, and a GPU is held no longer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_zerogpu_space(tiny_folder: Callable[[str], Path], tmp_path: Path) -> None:
    said = tmp_path / "said.txt"  # no pipe: the forked workers would hold it open
    with said.open("w") as output:
        space = subprocess.Popen(
            [sys.executable, "-m", "tests.space", str(tiny_folder("BertForSequenceClassification"))],
            cwd=ROOT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            assert space.wait(200) == 0, said.read_text()[-4000:]
        finally:
            os.killpg(space.pid, signal.SIGKILL)  # its workers too
    seen: dict[str, Any] = json.loads(said.read_text().splitlines()[-1])
    assert seen["cards"] == 2
    assert seen["unsaid"] == "so long, 1 passes", "an endpoint without a number of passes"
    assert seen["api"] == pytest.approx(seen["logit"], abs=1e-5)
    assert seen["kept"] == {"cards": 2, "says": True, "asked": 0}
    assert "document is empty" in seen["empty"]
    assert seen["asked for an empty document"] == 0
    assert "Unknown baseline 'noise'" in seen["baseline"]
    assert seen["stop says"] == "running"
    for name in ("stopped", "closed"):
        assert seen[f"{name} kept"]
        assert seen[f"{name} released"] == 1, "the GPU was not given back"
    short, *_, long = seen["seconds asked"]
    assert 3 <= short < long <= 75  # 50 s at most, and half as much again on the newest cards
    compare = seen["compare"]
    assert (compare["rows"], compare["picked"], compare["dropped"]) == (3, True, 1)
    assert compare["met"] > 3
    assert (compare["stop says"], compare["after stop"]) == ("running", 0)
    assert not compare["busy after"], "what was claimed waits for ever"
    assert not compare["busy in the end"]
