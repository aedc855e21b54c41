"""A link to the page shows its own title, words and picture, not Gradio's."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interface.server.open_graph import OpenGraph, preview

PAGE = '<meta\n property="og:title" content="Gradio" /><meta name="twitter:image"\n  content="x" /><p>été</p>'


async def app(scope: Any, receive: Any, send: Any) -> None:
    body = PAGE.encode()
    headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[:30], "more_body": True})
    await send({"type": "http.response.body", "body": body[30:]})


def served(path: str) -> tuple[str, int]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    wrapped = OpenGraph(app, preview('A "title"', "words"))
    with ThreadPoolExecutor(1) as pool:  # Playwright keeps a loop of its own in the main thread
        pool.submit(asyncio.run, wrapped({"type": "http", "path": path}, receive, send)).result()
    body = b"".join(message.get("body", b"") for message in sent)
    return body.decode(), int(dict(sent[0]["headers"])[b"content-length"]) - len(body)


def test_the_page_and_only_the_page_gets_our_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/lens")
    page, missing = served("/")
    assert 'property="og:title" content="A &quot;title&quot;"' in page
    assert 'content="https://huggingface.co/spaces/someone/lens/resolve/main/docs/screenshot.png"' in page
    assert page.endswith("<p>été</p>")
    assert missing == 0
    assert served("/other")[0] == PAGE
