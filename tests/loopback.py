"""A small Hub of our own on the loopback: the part of its HTTP that the real client asks for, and its faults."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import pickle
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import close_session, constants
from safetensors.torch import load_file

from attribution.rerankers.loading import hub, load
from attribution.rerankers.memory import Loaded

SHA = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = (".safetensors", ".bin")
ANSWERS, STALLED = 2.0, 5.0  # seconds the client waits for an answer, and for the next byte of a file
HUGE = 40 * 2**30  # bytes that the repository "large" says its weights have
GOOD = ("slow", "cut", "pickled")  # repositories that load, if with trouble
FAULTS = {  # the repository's name -> what goes wrong with it
    "silent": "takes the question and says nothing",
    "silent-file": "falls silent in the middle of the weights",
    "cut": "breaks the weights off once, in the middle",
    "cut-off": "the same, and forbids to go on; the next that asks may",
    "slow": "sends the weights in small pieces",
    "login": "401 for whatever is asked",
    "gated": "403 for every file until one has accepted its terms",
    "forbidden": "403 for whatever is asked",
    "busy": "429, and five minutes to wait",
    "busy-file": "429 for the weights",
    "broken": "500 for whatever is asked",
    "broken-file": "500 for the weights",
    "portal": "a sign-in page, with 200",
    "closed": "closes the connection without an answer",
    "short": "weights of another length than announced",
    "large": "weights of 40 GB, so it says",
    "xet-forbidden": "403 for the key to the storage of large files",
    "xet-refused": "a storage of large files at a port where nobody listens",
}


class Hub(BaseHTTPRequestHandler):
    """Every folder of `root/someone` is a repository with one commit, `SHA`, on `main`; every other name is unknown."""

    protocol_version = "HTTP/1.1"

    def __init__(self, root: Path, asked: list[str], over: threading.Event, *args: Any) -> None:
        self.root, self.asked, self.over = root, asked, over
        super().__init__(*args)

    def do_GET(self) -> None:
        if "Range" in self.headers:
            self.asked.append(f"{self.headers['Range']} of {self.path}")
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        found = re.fullmatch(r"(?:/api/models)?/(someone/[\w-]+)(?:/(.+))?", path)
        folder = self.root / found[1] if found else self.root / "none"
        if not found or not folder.is_dir():
            self.answer(401, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif (found[2] or "").startswith("xet-read-token"):
            self.send_key(folder.name)
        elif not self.failed(folder.name, found[2] or ""):
            self.serve(folder, found[1], found[2] or "revision/main")

    def do_HEAD(self) -> None:
        self.do_GET()

    def serve(self, folder: Path, repo: str, rest: str) -> None:
        file = re.fullmatch(rf"resolve/(?:main|{SHA})/([\w./-]+)", rest)
        if re.fullmatch(rf"revision/(?:main|{SHA})", rest):
            files = [{"rfilename": n, "size": self.size(folder, n), "blobId": oid(folder / n)} for n in names(folder)]
            if "blobs=" not in self.path.partition("?")[2]:  # as the Hub, which tells sizes to who asks
                files = [{"rfilename": one["rfilename"]} for one in files]
            self.answer(200, json.dumps({"id": repo, "modelId": repo, "sha": SHA, "siblings": files}).encode())
        elif file and (folder / file[1]).is_file():
            self.send_file(folder, file[1])
        elif rest.startswith("revision/"):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        else:
            self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def size(self, folder: Path, name: str) -> int:
        return HUGE if folder.name == "large" and name.endswith(WEIGHTS) else (folder / name).stat().st_size

    def times(self) -> int:
        """How often this file has been got, this time with the others; 0: it is not got now."""
        return self.asked.count(f"GET {self.path}") if self.command == "GET" else 0

    def failed(self, name: str, rest: str) -> bool:
        """Whether a fault has been the answer."""
        gated = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}
        answers: dict[str, tuple[int, dict[str, str]]] = {
            "login": (401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
            "forbidden": (403, {"X-Error-Message": "No"}),
            "busy": (429, {"Retry-After": "300"}),
            "busy-file": (429, {"Retry-After": "300"}),
            "broken": (500, {}),
            "broken-file": (500, {}),
            "gated": (403, gated),
        }
        ours = not name.endswith("-file") or rest.endswith(WEIGHTS)
        if name == "gated":
            ours = rest.startswith("resolve")
        if name == "cut-off":
            answers[name] = answers["forbidden"]
            ours = rest.endswith(WEIGHTS) and self.times() == 2
        if name in answers and ours:
            status, headers = answers[name]
            self.answer(status, b"{}", headers)
        elif name == "portal":
            self.answer(200, b"<html>Please sign in to this network</html>", {"Content-Type": "text/html"})
        elif name == "closed":
            self.close_connection = True
        elif name == "silent":
            self.over.wait(600)
        else:
            return False
        return True

    def send_file(self, folder: Path, name: str) -> None:
        data = (folder / name).read_bytes()
        headers = {"ETag": f'"{oid(folder / name)}"', "X-Repo-Commit": SHA, "Content-Type": "application/octet-stream"}
        asked_from = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked_from[1]) if asked_from else 0
        if folder.name.startswith("xet") and name.endswith(WEIGHTS):
            headers["X-Xet-Hash"] = hashlib.sha256(data).hexdigest()
            headers["X-Xet-Refresh-Route"] = (
                f"http://{self.headers['Host']}/api/models/someone/{folder.name}/xet-read-token/{SHA}"
            )
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        weights, half = name.endswith(WEIGHTS) and self.command == "GET", len(data) // 2
        body = data[start:-7] if folder.name == "short" and weights else data[start:]
        self.send_response(206 if start else 200)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "GET":
            return
        if folder.name in ("cut", "cut-off") and weights and self.times() == 1:
            self.wfile.write(body[:half])
            self.close_connection = True
        elif folder.name == "silent-file" and weights:
            self.wfile.write(body[:half])
            self.over.wait(600)
        elif folder.name == "slow" and weights:
            for i in range(0, len(body), len(body) // 20):
                self.wfile.write(body[i : i + len(body) // 20])
                time.sleep(0.1)
        else:
            if folder.name == "slow" and name == "config.json":
                time.sleep(0.3)  # progress is heard of ten times a second
            self.wfile.write(body)

    def send_key(self, name: str) -> None:
        """Where large files are, and the key to them: of port 9, where nobody listens."""
        key = {"X-Xet-Cas-Url": "http://127.0.0.1:9", "X-Xet-Access-Token": "key"}
        key["X-Xet-Token-Expiration"] = str(int(time.time()) + 600)
        self.answer(403 if name == "xet-forbidden" else 200, b"{}", key)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        standard = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**standard, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Keep the test's output clean."""


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def oid(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


@contextmanager
def loopback_hub(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Serves the folders of `root/someone`; gives its address, and what it was asked."""
    asked: list[str] = []
    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, root, asked, over))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def client(**environment: str) -> Iterator[io.StringIO]:
    """The real client as a new process has it: by this environment alone, no model in memory; gives what it prints."""
    before, printed = dict(vars(constants)), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(printed):
        for name in [name for name in os.environ if name.startswith("HF_") or name.lower().endswith("_proxy")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(load, "_kept", Loaded())
        patch.setattr(hub, "SECONDS", ANSWERS)
        patch.setattr(hub, "STALLED", STALLED)
        close_session()
        importlib.reload(constants)  # by which the client reads its environment, once
        constants.DOWNLOAD_CHUNK_SIZE = 4096  # bytes; a tiny model's progress is more than one step
        try:
            yield printed
        finally:
            vars(constants).update(before)
            close_session()


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def make_repositories(tiny: Path, root: Path) -> Path:
    """Repositories of a tiny reranker: with files nobody needs, as a pickle, changed, and one for each fault."""

    def make(name: str, **config: Any) -> Path:
        folder = shutil.copytree(tiny, root / "someone" / name)
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | config))
        return folder

    for fault in FAULTS:
        make(fault)
    make("roomy")
    whole = make("tiny")
    (whole / "pytorch_model.bin").write_bytes(b"a pickle nobody should fetch")
    (whole / "README.md").write_text("words")
    (whole / "onnx").mkdir()
    (whole / "onnx" / "model.onnx").write_bytes(b"onnx")
    for module in ("1_Pooling", "2_Dense"):
        (whole / module).mkdir()
        (whole / module / "config.json").write_text(json.dumps({"module": module}))  # what is equal comes once
    (whole / "2_Dense" / "model.safetensors").write_bytes(b"a layer's, the last but one to come")
    (whole / "extra.jinja").write_text("{{ 1 }}")
    pickled = make("pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    evil = make("evil")
    (evil / "model.safetensors").unlink()
    (evil / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Evil(root / "marker")}))
    make("own-code", architectures=["OwnForSequenceClassification"], auto_map={"AutoModel": "own.Own"})
    make("embedder", architectures=["BertModel"])
    (make("adapter") / "adapter_config.json").write_text("{}")
    (make("no-config") / "config.json").unlink()
    (make("gguf") / "config.json").unlink()
    (root / "someone" / "gguf" / "model.gguf").write_bytes(b"GGUF")
    return root
