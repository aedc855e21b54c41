"""What the load is made of: visitors of the page and of the API, who stop, vanish, and ask the same things at times."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from attribution import METHODS
from interface.page.settings import DEFAULTS, groups

SLOW = {"query": "who counts all of these words", "document": "many words to count one by one " * 40}
PATIENCE = 120.0  # seconds that a visitor waits for the end of an answer
LOGIT = re.compile(r'data-n="logit">([^<]+)<')


@dataclass(frozen=True)
class Ask:
    """What somebody asks for: `explain` by the API, `rank` by the API, or `page`, a click on Explain."""

    kind: str
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
    saved: float = 0.0


@dataclass
class Server:
    """The address, an HTTP client, and the page's handlers by name."""

    url: str
    http: httpx.AsyncClient
    handlers: dict[str, int] = field(default_factory=dict)

    async def learn(self) -> None:
        """Read the handlers' numbers from the page's configuration, as a browser does."""
        config = (await self.http.get(f"{self.url}/config")).json()
        self.handlers = {one["api_name"]: one["id"] for one in config["dependencies"]}

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """A JSON body to one of Gradio's paths."""
        return await self.http.post(f"{self.url}/gradio_api/{path}", json=body)

    async def events(self, path: str) -> AsyncIterator[tuple[str, Any]]:
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
    if ask.kind == "explain":
        given = [ask.query, ask.documents[0], *ask.methods, ask.model]
    asked = await server.post(f"call/{ask.kind}", {"data": given})
    if asked.status_code == 503:
        return _refused(ask, asked, began)
    async for event, data in server.events(f"call/{ask.kind}/{asked.json()['event_id']}"):
        if event == "complete":
            answer = data[0]
            saved = answer.get("seconds", 0.0) if answer["kept"] else 0.0
            return Seen(ask, "answered", time.perf_counter() - began, answer, answer["kept"], saved)
        if event == "error":
            outcome = "capped" if "this server's limit of" in str(data) else "wrong"
            return Seen(ask, outcome, time.perf_counter() - began, data)
    return Seen(ask, "wrong", time.perf_counter() - began, "the stream ended without an answer")


def _refused(ask: Ask, answer: httpx.Response, began: float) -> Seen:
    """A refusal has to say for how long."""
    wait = answer.headers.get("retry-after", "")
    outcome = "refused" if wait.isdecimal() else "wrong"
    return Seen(ask, outcome, time.perf_counter() - began, answer.text)


@or_unanswered
async def ask_page(server: Server, ask: Ask, stop: bool) -> Seen:
    """A click on Explain and, if `stop`, one on Stop as soon as a card is there."""
    began = stopped = time.perf_counter()
    session = f"load{random.getrandbits(60):x}"
    lists = [[key for key in keys if key in ask.methods] for keys in groups().values()]
    data = [ask.model, ask.query, ask.documents[0], *lists, *DEFAULTS.values()]
    claim = {"data": data, "fn_index": server.handlers["claim_explain"], "session_hash": session}
    await server.post("run/predict", claim)
    joined = await server.post(
        "queue/join",
        {**claim, "data": [*data[1:3], None], "fn_index": server.handlers["run_explain"], "trigger_id": 1},
    )
    if joined.status_code == 503:
        await server.post("run/predict", {**claim, "data": [], "fn_index": server.handlers["halt"]})
        return _refused(ask, joined, began)
    sent: list[Any] = []
    shown: list[Any] = [""] * (6 + len(METHODS))
    async for _, message in server.events(f"queue/data?session_hash={session}"):
        if message["msg"] in ("process_generating", "process_completed") and not message.get("success", True):
            return Seen(ask, "wrong", time.perf_counter() - began, message["output"])
        if message["msg"] == "process_generating":
            new = message["output"]["data"]
            sent = [_applied(*pair) for pair in zip(sent, new, strict=True)] if sent else new
            shown = [old if isinstance(part, dict) else part for old, part in zip(shown, sent, strict=True)]  # a skip
            if stop and "data-method=" in str(shown[5:-1]):
                stop, stopped = False, time.perf_counter()
                await server.post("run/predict", {**claim, "data": [], "fn_index": server.handlers["halt"]})
        if message["msg"] == "process_completed":
            status = str(shown[-1])
            kept = "kept from an earlier run" in status
            saved = float(re.search(r"which took ([\d.]+) s", status)[1]) if kept else 0.0  # type: ignore[index]
            outcome = "answered" if "Done" in status else "capped" if "this server's limit" in status else "stopped"
            since = began if outcome == "answered" else stopped
            return Seen(ask, outcome, time.perf_counter() - since, shown, kept, saved)
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
    return await _vanish(server, Ask("explain", model, SLOW["query"], (SLOW["document"],), ("shapley",)), after)


@or_unanswered
async def _vanish(server: Server, ask: Ask, after: float) -> Seen:
    began = time.perf_counter()
    data = [ask.query, ask.documents[0], "shapley", ask.model, "", "", random.randint(40, 64)]
    asked = await server.post("call/explain", {"data": data})
    if asked.status_code == 503:
        return _refused(ask, asked, began)

    async def listen() -> None:
        async for _ in server.events(f"call/explain/{asked.json()['event_id']}"):
            pass

    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(listen(), after)
    return Seen(ask, "vanished", time.perf_counter() - began)
