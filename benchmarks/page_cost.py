"""What Explain costs over HTTP: to the first card and to the end, in plain forwards, and the bytes streamed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import httpx
from gradio_client.utils import apply_diff

from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import side_by_side
from benchmarks.plain_model import forward, gradient
from benchmarks.report import Cell, Table
from benchmarks.serve import CARD, PATIENCE, ROOT, serve
from interface.runs.run import Run as PageRun
from interface.tabs.explain import tab


@dataclass(frozen=True)
class Event:
    """What a click sends: the numbers of its claim and run, and the inputs as `(name, value)` as the page opens."""

    claim: int
    run: int
    inputs: list[tuple[str, Any]]


@dataclass
class Run:
    """One run of the page: seconds to its first card and to its end, bytes of its stream, the outputs at its end."""

    first: float = 0.0
    total: float = 0.0
    streamed: int = 0
    last: list[Any] = field(default_factory=list)  # the stream's newest values, which the next differences are from
    shown: dict[int, Any] = field(default_factory=dict)

    @property
    def final(self) -> int:
        """Bytes of what the page shows at the end."""
        return len(json.dumps(list(self.shown.values())))


def run(reranker: Reranker, rounds: int) -> list[Table]:
    """The page's default run on the shortest and the longest example."""
    examples = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
    by_length = sorted(examples[:4], key=lambda example: len(example["document"]))
    rows: list[dict[str, Cell]] = []
    with app() as client:
        explain = _explain_event(client)
        for example in (by_length[0], by_length[-1]):
            pair = reranker.encode(example["query"], example["document"])
            texts = [{**example, "document": example["document"] + " " * i} for i in range(rounds + 1)]  # none is kept
            runs = [press(client, explain, text, f"page{i}") for i, text in enumerate(texts)][1:]  # one to warm up
            jobs = {f.__name__: partial(f, reranker, pair) for f in (forward, gradient)}
            one = side_by_side({**jobs, "card": partial(first_card, reranker, pair)}, rounds)
            first, total = (median(getattr(run, what) for run in runs) for what in ("first", "total"))
            rows.append(
                {
                    "what": example["query"],
                    "tokens": len(pair.tokens),
                    "first card, ms": 1000 * first,
                    "ratio to a forward": first / one["forward"],
                    "of it the handler, ratio": one["card"] / one["forward"],
                    "end, s": total,
                    "ratio to a gradient": total / one["gradient"],
                    "kB streamed": runs[-1].streamed / 1000,
                    "ratio to the final page": runs[-1].streamed / runs[-1].final,
                }
            )
    says = (
        "Explain as the page opens, faithfulness included, from the request to what the browser gets, over HTTP. The "
        "handler: from its start to the first card, without Gradio's queue, streams and checks; in forwards, too."
    )
    return [Table("The page", says, rows)]


@contextmanager
def app() -> Iterator[httpx.Client]:
    """The app in a process of its own, and a client of it."""
    with serve("app.py", shows=CARD) as (_, url), httpx.Client(base_url=url, timeout=PATIENCE) as client:
        yield client


def first_card(reranker: Reranker, pair: TokenizedPair) -> None:
    """What the handler does until the first card is written."""
    steps = tab.run.work(tab.Asked(reranker.model_id, pair.query, pair.document), PageRun())
    next(step for step in steps if any(CARD.removesuffix('\\"') in str(part) for part in step.values()))


def press(client: httpx.Client, event: Event, example: dict[str, str], session: str) -> Run:
    """Send what the browser sends for Explain with `example` in the boxes, and read the stream to its end."""
    data = [example.get(name, value) for name, value in event.inputs]
    run, began = Run(), time.perf_counter()
    asked = {"data": data, "fn_index": event.claim, "session_hash": session, "trigger_id": None, "event_data": None}
    client.post("/gradio_api/run/predict", json=asked).raise_for_status()
    asked |= {"data": [example["query"], example["document"], None], "fn_index": event.run}
    client.post("/gradio_api/queue/join", json=asked).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            run.streamed += len(line.encode()) + 1
            if not run.first and CARD in line:
                run.first = time.perf_counter() - began
            message: dict[str, Any] = json.loads(line[len("data: ") :]) if line.startswith("data: ") else {"msg": ""}
            if message["msg"] == "process_generating":
                _take(run, message["output"]["data"])
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(f"the page's run failed: {message['output']}")
                break
    run.total = time.perf_counter() - began
    if not run.first:
        raise RuntimeError(f"no card came for {example}")
    return run


def _explain_event(client: httpx.Client) -> Event:
    """What a click on Explain sends."""
    config = client.get("/config").raise_for_status().json()
    props = {component["id"]: component["props"] for component in config["components"]}
    events = {event["api_name"]: event for event in config["dependencies"]}
    claim, run = events["claim_explain"], events["run_explain"]
    inputs = [(props[i].get("elem_id"), props[i].get("value")) for i in claim["inputs"]]
    return Event(claim["id"], run["id"], inputs)


def _take(run: Run, outputs: Sequence[Any]) -> None:
    """One message's outputs: whole values at first, then differences; a skip leaves what is shown."""
    run.last = [apply_diff(*both) for both in zip(run.last, outputs, strict=True)] if run.last else list(outputs)
    for i, value in enumerate(run.last):
        if not (isinstance(value, dict) and value.get("__type__") == "update"):
            run.shown[i] = value
