"""What the load is made of: visitors who click on the page as a browser does, or call the API; some stop, some vanish.

Buttons and boxes are found by their names in the page's configuration, so any version of the app can be asked.
"""

from __future__ import annotations

import asyncio
import functools
import html
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

SLOW = {"query": "who counts all of these words", "document": "many words to count one by one " * 40}
PATIENCE = 120.0  # seconds that a visitor waits for the end of an answer
AGAIN = "again to start it", "Start anyway"  # what versions say before a long run, which a second click starts


@dataclass(frozen=True)
class Ask:
    """What somebody asks for. `kind`: a line of the mix; `start`: what is clicked, or the endpoint that is called."""

    kind: str
    start: str
    model: str
    query: str
    documents: tuple[str, ...]
    methods: tuple[str, ...] = ()


@dataclass
class Seen:
    """What came of a visit. `outcome`: answered, refused, capped, stopped, vanished or wrong, with what was `said`."""

    ask: Ask
    outcome: str
    seconds: float
    said: Any = None
    kept: bool = False


@dataclass
class Server:
    """The address, an HTTP client, and the page's configuration, as a browser has it; `session`: of whose page."""

    url: str
    http: httpx.AsyncClient
    config: dict[str, Any] = field(default_factory=dict)
    session: str = ""

    async def learn(self) -> None:
        """Read the configuration."""
        self.config = (await self.http.get(f"{self.url}/config")).json()

    def component(self, elem_id: str) -> int:
        """The number of a component."""
        return next(int(one["id"]) for one in self.config["components"] if one["props"].get("elem_id") == elem_id)

    def events(self, elem_id: str, event: str) -> list[dict[str, Any]]:
        """An event of a component, and all that follows it."""
        target = [self.component(elem_id), event]
        chain = [next(one for one in self.config["dependencies"] if target in one["targets"])]
        for one in self.config["dependencies"]:
            if one["trigger_after"] in [before["id"] for before in chain]:
                chain.append(one)
        return chain

    def start(self, elem_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a click on a button or a tab calls: the handler that claims a run, and the queued one after it."""
        chain = self.events(elem_id, "select" if elem_id.endswith("-tab") else "click")
        run = next(one for one in chain if one["queue"] is not False)
        return next(one for one in chain if one["id"] == run["trigger_after"]), run

    def values(self, numbers: list[int], filled: Mapping[str, str]) -> list[Any]:
        """What stands in these components: as `filled` by name, the rest as the page opens."""
        by_number = {one["id"]: one["props"] for one in self.config["components"]}
        return [filled.get(str(by_number[i].get("elem_id")), by_number[i].get("value")) for i in numbers]

    def names(self, numbers: list[int]) -> list[str]:
        """The names of these components; empty for one without."""
        by_number = {one["id"]: one["props"].get("elem_id") or "" for one in self.config["components"]}
        return [by_number[i] for i in numbers]

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """A JSON body to one of Gradio's paths."""
        return await self.http.post(f"{self.url}/gradio_api/{path}", json=body)

    async def stream(self, path: str) -> AsyncIterator[tuple[str, Any]]:
        """`(event, data)` of a stream as they come."""
        event = ""
        async with self.http.stream("GET", f"{self.url}/gradio_api/{path}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    yield event, json.loads(line[6:])


Visit = Callable[..., Awaitable[Seen]]


def or_unanswered(visit: Visit) -> Visit:
    """For visits `(server, ask, ...)`: an answer that does not come within the client's patience is a result too."""

    @functools.wraps(visit)
    async def waiting(server: Server, ask: Ask, *more: Any) -> Seen:
        began = time.perf_counter()
        try:
            return await asyncio.wait_for(visit(server, ask, *more), PATIENCE)
        except TimeoutError:
            said = "no end"
        except httpx.TransportError as error:
            said = f"{type(error).__name__} at {error.request.url.path.rpartition('gradio_api/')[2]}"
        return Seen(ask, "unanswered", time.perf_counter() - began, said)

    return waiting


@or_unanswered
async def ask_api(server: Server, ask: Ask) -> Seen:
    """One request, answered or refused."""
    began = time.perf_counter()
    given: list[Any] = [ask.query, list(ask.documents), ask.model]
    if ask.start == "explain":
        given = [ask.query, ask.documents[0], *ask.methods, ask.model]
    asked = await server.post(f"call/{ask.start}", {"data": given})
    if not asked.is_success:
        return _refused(ask, asked, began)
    async for event, data in server.stream(f"call/{ask.start}/{asked.json()['event_id']}"):
        if event == "complete":
            return Seen(ask, "answered", time.perf_counter() - began, data[0], data[0]["kept"])
        if event == "error":
            outcome = "capped" if "this server's limit of" in str(data) else "wrong"
            return Seen(ask, outcome, time.perf_counter() - began, data)
    return Seen(ask, "wrong", time.perf_counter() - began, "the stream ended without an answer")


def _refused(ask: Ask, answer: httpx.Response, began: float) -> Seen:
    """A refusal is a 503 and has to say for how long; any other error is wrong."""
    says_when = answer.headers.get("retry-after", "").isdecimal()
    outcome = "refused" if answer.status_code == 503 and says_when else "wrong"
    return Seen(ask, outcome, time.perf_counter() - began, f"{answer.status_code} {answer.text}")


@or_unanswered
async def ask_page(server: Server, ask: Ask, filled: Mapping[str, str], status: str, stop: bool = False) -> Seen:
    """A click on `ask.start` with these boxes filled and, if `stop`, one on Stop as soon as a card is there.

    `said`: what the page shows in the end, by the names of its parts; `status` names the line that says how it went.
    """
    began = stopped = time.perf_counter()
    who = {"session_hash": server.session}
    claim, run = server.start(ask.start)
    halt = {"data": [], "fn_index": server.events("stop", "click")[0]["id"], **who}
    claiming = {"data": server.values(claim["inputs"], filled), "fn_index": claim["id"], **who}
    said = (await server.post("run/predict", claiming)).text
    if any(again in said for again in AGAIN):
        await server.post("run/predict", claiming)
    running = {"data": server.values(run["inputs"], filled), "fn_index": run["id"], "trigger_id": 1, **who}
    joined = await server.post("queue/join", running)
    if not joined.is_success:
        await server.post("run/predict", halt)
        return _refused(ask, joined, began)
    sent: list[Any] = []
    shown: list[Any] = [""] * len(run["outputs"])
    async for _, message in server.stream(f"queue/data?session_hash={who['session_hash']}"):
        if message["msg"] in ("process_generating", "process_completed") and not message.get("success", True):
            return Seen(ask, "wrong", time.perf_counter() - began, message["output"])
        if message["msg"] == "process_generating":
            new = message["output"]["data"]
            sent = [_applied(*pair) for pair in zip(sent, new, strict=True)] if sent else new
            shown = [old if isinstance(part, dict) else part for old, part in zip(shown, sent, strict=True)]  # a skip
            if stop and stopped == began and "<article" in str(shown):
                stopped = time.perf_counter()
                await server.post("run/predict", halt)
        if message["msg"] == "process_completed":
            names = server.names(run["outputs"])
            line = html.unescape(str(shown[names.index(status)]))
            page = {"line": line, **dict(zip(names, map(str, shown), strict=True)), "all": html.unescape(str(shown))}
            outcome = "answered" if "Done" in line else "capped" if "this server's limit" in line else ""
            outcome = outcome or ("stopped" if stop else "wrong")
            since = stopped if outcome == "stopped" else began
            return Seen(ask, outcome, time.perf_counter() - since, page, "kept from an earlier run" in line)
    return Seen(ask, "wrong", time.perf_counter() - began, "the stream ended without an answer")


def _applied(old: Any, changes: Any) -> Any:
    """Gradio sends the first update whole, then changes: here whole values, or text that is appended."""
    for action, path, value in changes:
        if path:
            raise ValueError(f"a change within a value: {action} {path}")
        old = f"{old}{value}" if action == "append" else value
    return old


async def vanish(server: Server, model: str, after: float) -> Seen:
    """Ask for minutes of work and be gone."""
    return await _vanish(
        server, Ask("own text", "explain", model, SLOW["query"], (SLOW["document"],), ("shapley",)), after
    )


@or_unanswered
async def _vanish(server: Server, ask: Ask, after: float) -> Seen:
    began = time.perf_counter()
    data = [ask.query, ask.documents[0], "shapley", ask.model, "", "", random.randint(40, 64)]
    asked = await server.post("call/explain", {"data": data})
    if not asked.is_success:
        return _refused(ask, asked, began)

    async def listen() -> None:
        async for _ in server.stream(f"call/explain/{asked.json()['event_id']}"):
            pass

    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(listen(), after)
    return Seen(ask, "vanished", time.perf_counter() - began)
