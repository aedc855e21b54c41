"""A row that kills the process, as a crash or a machine out of memory does, ends two runs and not a third."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attribution.batch.distributed import ROOT
from attribution.batch.engines import MOST, Deaths
from attribution.batch.output import Output
from attribution.batch.rows import Row
from attribution.errors import InputError

# Each run of the command is a process of its own, forked from one that has loaded everything: a row is read, and the
# tokenizer of the model kills the process as the system does when memory runs out.
RUNS = """
import io, json, os, signal, sys
from attribution.__main__ import main
from attribution.batch import commands
from attribution.rerankers.reranker import Reranker

encode = Reranker.encode

def deadly(self, query, document, *given, **named):
    if "deadly" in document:
        os.kill(os.getpid(), signal.SIGKILL)
    if document.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, document))
    return encode(self, query, document, *given, **named)

Reranker.encode = deadly
runs = json.loads(sys.argv[1])
commands.load_reranker(sys.argv[2])
said = []
for arguments, text in runs:
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
        os._exit(main(arguments))
    os.close(writing)
    heard = os.fdopen(reading).read()
    said.append((os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), heard))
print(json.dumps(said))
"""
PAIRS = [{"id": name, "query": "berlin", "document": f"museums of {name}"} for name in ("a", "deadly", "c")]
STOPPING = ("SIGTERM", "SIGHUP")  # of a system that shuts down, and of a terminal that is closed
OF = {"explain": ["explain", "--method", "saliency"], "probe": ["probe"]}


def test_the_third_run_names_the_row_and_goes_on(tiny_folder: Callable[[str], Path], tmp_path: Path) -> None:
    text = "".join(f"{json.dumps(pair)}\n" for pair in PAIRS)
    model = str(tiny_folder("BertForSequenceClassification"))
    runs = [
        ([*given, "--model", model, "--output", str(tmp_path / f"{task}.jsonl")], text)
        for task, given in OF.items()
        for _ in range(MOST + 2)
    ]
    stopped = tmp_path / "stopped.jsonl"
    rows = [{"query": "berlin", "document": text} for text in ("museums", *STOPPING)]
    asked = ["explain", "--method", "saliency", "--model", model, "--output", str(stopped)]
    for row in rows:
        runs += [(asked, "".join(f"{json.dumps({'id': one['document'], **one})}\n" for one in (rows[0], row)))]
    done = subprocess.run(
        [sys.executable, "-c", RUNS, json.dumps(runs), model],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for task in OF:
        *died, third, again = said[: MOST + 2]
        said = said[MOST + 2 :]
        assert [code for code, _ in died] == [-9] * MOST, died
        for code, heard in (third, again):
            assert code == 1, heard
            assert "line 2 skipped: the process died at this row 2 times" in heard
        lines = [json.loads(line) for line in (tmp_path / f"{task}.jsonl").read_bytes().splitlines()]
        assert [line.get("pairs", line["id"]) for line in lines] == ([2] if task == "probe" else ["a", "c"])
        counts = json.loads((tmp_path / f"{task}.jsonl.deaths").read_bytes())["rows"]
        assert list(counts.values()) == [MOST], "deleted, the row is tried again"
    assert [code for code, _ in said] == [0, *[130] * len(STOPPING)]
    assert all("interrupted; what is written is whole" in heard for _, heard in said[1:])
    assert len(stopped.read_bytes().splitlines()) == 1
    assert not stopped.with_name("stopped.jsonl.deaths").exists(), "who stops the command does not blame a row"


def test_only_a_death_leaves_a_count(tmp_path: Path) -> None:
    row, path = Row("a", 1, "q", ("d",)), tmp_path / "out.jsonl.deaths"
    kept = path.with_name("of another row")
    with Deaths(tmp_path / "out.jsonl").at(row):
        kept.write_bytes(path.read_bytes())  # as a death leaves it
    assert not path.exists()
    with pytest.raises(KeyboardInterrupt), Deaths(tmp_path / "out.jsonl").at(row):
        raise KeyboardInterrupt
    assert not path.exists()
    kept.rename(path)
    deaths = Deaths(tmp_path / "out.jsonl")
    assert list(deaths.counts.values()) == [1]
    with deaths.at(row):
        assert Deaths(tmp_path / "out.jsonl").skip(row)
        assert not Deaths(tmp_path / "out.jsonl").skip(Row("a", 1, "q", ("shorter",)))
    assert not path.exists(), "it went well at last"
    with Deaths(tmp_path / "out.jsonl").at(row):
        path.unlink()  # by somebody who was told to
    path.write_bytes(b"")  # the process died while it was written
    assert Deaths(tmp_path / "out.jsonl").counts == {}


@pytest.mark.parametrize("mine", [b"notes", b'{"rows": {}}', b"[1]", b'{"format": "rerank-lens deaths 1", "rows": 3}'])
def test_a_file_that_is_not_ours_stays(mine: bytes, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl.deaths").write_bytes(mine)
    with pytest.raises(InputError, match="was not written by this program"):
        Deaths(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl.deaths").read_bytes() == mine
    assert Deaths(Output(sys.stdout.buffer).path).path is None
