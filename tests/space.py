"""A ZeroGPU Space on this machine: the real `spaces` package, its forks and its pickling; only the GPU is missing.

The device API that schedules GPUs is a small server on the loopback, and the weights stay on the CPU.
`tests/interface/test_space.py` runs it on a checkpoint's folder; prints what was seen as one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

calls: list[tuple[str, dict[str, list[str]]]] = []


class DeviceApi(BaseHTTPRequestHandler):
    """Grants every request for a GPU."""

    def do_POST(self) -> None:
        path = urlsplit(self.path)
        calls.append((path.path, parse_qs(path.query)))
        grant = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "none", "allowToken": "token"}
        body = json.dumps(grant).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def main() -> dict[str, Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), DeviceApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "SPACES_ZERO_GPU": "1",
        "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}",
        "RERANK_LENS_BUDGET_SECONDS": "50",
    }
    import torch

    if not torch.version.cuda:  # a wheel without CUDA lacks what `spaces` puts its own in place of
        torch.version.cuda = "13.0"
        setattr(torch._C, "_cuda_init", lambda: None)  # noqa: B010
        torch.cuda._is_in_bad_fork = bool

    import interface.runs.gpu

    assert interface.runs.gpu.ON_ZEROGPU
    import gradio as gr
    from spaces.zero import torch as lent

    lent.unpatch()  # nothing pretends to be on a GPU
    lent.unpatch = lent.enter_mode = lambda: None
    lent.init = lent.size = lambda *_: 0
    lent.move = lambda **_: None

    from attribution import MODELS, load_reranker
    from attribution.rerankers.loading.models import Checkpoint
    from interface.programs import api
    from interface.programs.endpoints import endpoint
    from interface.runs.lanes import end, in_a_word
    from interface.tabs.explain import tab as explain_tab

    MODELS["tiny"] = Checkpoint(label="tiny", path=sys.argv[1], licence="", about="")
    load_reranker("tiny")
    pair = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants . " * 9)
    seen: dict[str, Any] = {}

    def run(methods: list[str], n_samples: int, session: str) -> Any:
        asked = explain_tab.Asked("tiny", *pair, tuple(methods), n_samples=n_samples, n_steps=5)
        return explain_tab.run(asked, gr.Request(None, session_hash=session), gr.Progress())

    def released() -> int:
        return sum(path == "/release" for path, _ in calls)

    def asked() -> list[float]:
        return [float(query["durationSeconds"][0]) for path, query in calls if path == "/schedule"]

    def cards(step: Any) -> str:
        return "".join(part for name, part in step.items() if name.startswith("card"))

    seen["cards"] = cards(list(run(["saliency", "occlusion"], 2, "a"))[-3]).count("data-method=")
    before = len(asked())
    again, _end = run(["saliency", "occlusion"], 2, "b")
    seen["kept"] = {
        "cards": cards(again).count("data-method="),
        "says": "kept from an earlier run" in again["status"],
        "asked": len(asked()) - before,
    }
    answer = api.explain(*pair, method="saliency", model="tiny")
    seen["api"] = answer["logit"]
    seen["unsaid"] = endpoint(unsaid)(lambda query, model: {"query": query, "model": model})("so long", "tiny")["said"]
    seen["logit"] = load_reranker("tiny").score(pair[0], [pair[1]])[0]

    def error_of(call: Any) -> str:
        try:
            call()
        except gr.Error as error:
            return str(error.message)
        return "no error"

    before = len(asked())
    seen["empty"] = error_of(lambda: api.explain("x", " ", model="tiny"))
    seen["asked for an empty document"] = len(asked()) - before
    seen["baseline"] = error_of(lambda: api.explain(*pair, model="tiny", baselines="noise"))

    for name in ("stopped", "closed"):
        before = released()
        with closing(run(["saliency", "shapley"], 64, name)) as steps:
            first = next(step for step in steps if "data-method=" in cards(step))
            began = time.perf_counter()
            if name == "stopped":
                seen["stop says"] = in_a_word(end(name))
                seen["after stop"] = len(list(steps))
        seen[f"{name} after"] = time.perf_counter() - began
        seen[f"{name} kept"] = 'data-method="saliency"' in cards(first)
        while released() == before and time.perf_counter() - began < 20:
            time.sleep(0.01)
        seen[f"{name} released"] = released() - before
    seen["seconds asked"] = asked()
    seen["compare"] = compare(pair[0])
    return seen


def unsaid(reranker: Any, query: str, on_pass: Any) -> dict[str, str]:
    """The task of an endpoint that does not say how many passes it takes."""
    return {"said": f"{query}, {len(reranker.score(query, ['x']))} passes"}


def compare(query: str) -> dict[str, Any]:
    """A list, another A, a word dropped, the order turned, words that met, and a stop, as the Compare tab asks."""
    import gradio as gr

    from interface.runs.lanes import busy, claim, end, in_a_word
    from interface.tabs.compare import runs as compare_runs
    from interface.tabs.compare import what_if as compare_what_if
    from interface.tabs.compare.documents import check_list
    from interface.tabs.compare.runs import LANE
    from interface.tabs.compare.state import Asked, Change, Meet, More, pick
    from tests.interface.conftest import shown

    texts = ["berlin has about 3.7 million inhabitants .", "paris is in france .", "the museums of berlin ."]
    asked = Asked("tiny", query, tuple(check_list(texts)), "", "integrated_gradients", "layerwise_relevance")
    seen: dict[str, Any] = {}

    def visitor() -> Any:  # of each event its own, as Gradio gives it
        return gr.Request(None, session_hash="compare")

    page = shown(compare_runs.run_list(asked, visitor(), None, claim("compare", LANE)[0]))
    seen["rows"] = page["rows"].count("rl-rank-row")
    seen["busy after"] = busy("compare")
    state = page["state"]
    third = state.ranking.rows[2].place
    state = shown(compare_runs.run_pick(More(pick(state, third, state.b)), visitor()))["state"]
    seen["picked"] = state.a == third and state.why is not None
    page = shown(compare_what_if.run_change(Change(state, {"A": ("berlin", ())}), visitor()))
    seen["dropped"] = page["status"].count("1 forward pass.")
    seen["met"] = shown(compare_what_if.run_meet(Meet(state, "A", 3, "difference"), visitor()))["meet"].count("<tr>")
    asked = dataclasses.replace(asked, query=f"{query} now")  # nothing of it is kept
    stopped: Any = compare_runs.run_list(asked, visitor())
    with closing(stopped) as steps:
        next(steps)
        seen["stop says"] = in_a_word(end("compare", LANE))
        seen["after stop"] = len(shown(steps))
    seen["busy in the end"] = busy("compare")
    return seen


if __name__ == "__main__":
    print(json.dumps(main()))
    sys.stdout.flush()
    os._exit(0)  # the workers are daemons
