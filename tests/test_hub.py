"""A Hub id loads over HTTP like a folder: a server on the loopback speaks the part of the Hub's API that this takes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from attribution import MODELS, load_reranker

REPO = "someone/tiny-reranker"
SHA = "0123456789abcdef0123456789abcdef01234567"
ROOT = Path(__file__).resolve().parent.parent
PAIR = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants .", "museums"])
LOAD = """
import json, sys
from attribution import load_reranker
from attribution.errors import ModelError
answers = []
for model_id, revision in json.loads(sys.argv[1]):
    try:
        reranker = load_reranker(model_id, revision=revision, device="cpu")
        answers.append([reranker.model_id, reranker.revision, reranker.score(*json.loads(sys.argv[2]))])
    except ModelError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


class Hub(BaseHTTPRequestHandler):
    """`folder` as the repository `REPO` with one commit, `SHA`, on `main`; every other name is unknown."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def __init__(self, folder: Path, asked: list[str], *args: Any) -> None:
        self.folder, self.asked = folder, asked
        super().__init__(*args)

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if not path.startswith((f"/api/models/{REPO}/", f"/{REPO}/")):
            self.answer(401, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif re.fullmatch(rf"/api/models/{REPO}/revision/(main|{SHA})", path):
            names = [{"rfilename": file.name} for file in self.files()]
            self.answer(200, json.dumps({"id": REPO, "modelId": REPO, "sha": SHA, "siblings": names}).encode())
        elif re.fullmatch(rf"/api/models/{REPO}/tree/{SHA}", path):
            entries = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": oid(f)} for f in self.files()]
            self.answer(200, json.dumps(entries).encode())
        elif (found := re.fullmatch(rf"/{REPO}/resolve/{SHA}/([\w.]+)", path)) and (self.folder / found[1]).is_file():
            file = self.folder / found[1]
            self.answer(200, file.read_bytes(), {"ETag": f'"{oid(file)}"', "X-Repo-Commit": SHA})
        elif "/revision/" in path:
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        else:
            self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        kind = "application/json" if body[:1] in (b"{", b"[") else "application/octet-stream"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Keep the test's output clean."""


def oid(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def served(tiny_folder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT with a file beside it that no reranker needs."""
    folder = tmp_path_factory.mktemp("repository")
    for file in tiny_folder("BertForSequenceClassification").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "pytorch_model.bin").write_bytes(b"a pickle nobody should fetch")
    return folder


@pytest.fixture(scope="module")
def hub(served: Path) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, served, asked))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def load_in_new_process(requests: list[tuple[str, str | None]], home: Path, endpoint: str) -> list[Any]:
    """One answer a request: `[model_id, revision, scores]`, or the `ModelError`'s message."""
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("HF_")}
    environment = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(requests), json.dumps(PAIR)],
        env={**inherited, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_hub_id_loads_like_a_folder(hub: tuple[str, list[str]], served: Path, tmp_path: Path) -> None:
    """Its revision is the commit served, each file is fetched once, unknown names and revisions are answered."""
    endpoint, asked = hub
    requests = [(REPO, None), (REPO, SHA), (REPO, "no-such-branch"), ("someone/private", None)]
    main, pinned, no_branch, private = load_in_new_process(requests, tmp_path, endpoint)
    scores = load_reranker(str(served), device="cpu").score(*PAIR)
    for answer in (main, pinned):
        assert answer == [REPO, SHA, pytest.approx(scores, rel=1e-5)]
    for message, named in ((no_branch, REPO), (private, "someone/private")):
        assert named in message
        assert "Hub id" in message
        assert all(key in message for key in MODELS)
    fetched = [line.rsplit("/", 1)[1] for line in asked if line.startswith("GET /someone/")]
    assert sorted(fetched) == sorted({file.name for file in served.iterdir()} - {"pytorch_model.bin"})
