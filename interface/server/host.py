"""What the host may ask and say: is it up, an example of an audit, who may log in, end now; see docs/deploy.md.

And what a link to the page shows elsewhere: our preview in place of the one that Gradio writes into every page.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from attribution.errors import InputError

AUTH = "RERANK_LENS_AUTH"
AUDIT = Path(__file__).resolve().parents[2] / "docs" / "audit-selqa.html"
LINK = "Example audit", "example-audit"  # its place is told by the page's own, whatever a proxy calls that
TAG = re.compile(r'((?:property|name)="(?:og|twitter):(title|description|image|url)"\s+content=)"[^"]*"')
SPACE = "https://huggingface.co/spaces/{}"
FILES = [
    ("Model card", "blob/main/models/demo-reranker/README.md"),
    ("Papers", "blob/main/docs/methods.md"),
    ("Code", "tree/main"),
]


async def health(_request: Request) -> JSONResponse:
    """The server answers, and its models are loaded: it is not up before."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def example_audit(_request: Request) -> FileResponse:
    """The report that docs/audit.md reads."""
    return FileResponse(AUDIT, media_type="text/html")


ROUTES = [Route("/healthz", health), Route(f"/{LINK[1]}", example_audit)]


def accounts() -> list[tuple[str, str]] | None:
    """Names and passwords of `RERANK_LENS_AUTH`, `name:password,name:password`; None: no login. Raises `InputError`."""
    given = os.environ.get(AUTH, "").strip()
    pairs = [part.partition(":") for part in given.split(",") if part.strip()]
    if any(not name.strip() or not password.strip() for name, _, password in pairs):
        raise InputError(f"{AUTH} is not of the form name:password,name:password: a name or a password is missing.")
    return [(name.strip(), password.strip()) for name, _, password in pairs] or None


def end_by_sigterm() -> None:
    """SIGTERM ends the process at once, with all runs; Linux would not end the first one of a container by itself."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


def space_address() -> str | None:
    """The Space this runs in, if it runs in one."""
    space = os.environ.get("SPACE_ID")
    return SPACE.format(space) if space else None


def about() -> list[tuple[str, str]]:
    """The title line's links to what this Space is made of; none where the Space is not known."""
    space = space_address()
    return [(text, f"{space}/{path}") for text, path in FILES] if space else []


def preview(title: str, description: str) -> dict[str, str]:
    """Open Graph's names and ours, for `<head>`; picture and address where the Space is known."""
    space = space_address()
    tags = {"title": title, "description": description}
    return tags | ({"image": f"{space}/resolve/main/docs/screenshot.png", "url": space} if space else {})


class OpenGraph:
    """ASGI middleware: rewrites the preview of the page itself and touches nothing else."""

    def __init__(self, app: Any, tags: Mapping[str, str]) -> None:
        self.app = app
        self.tags = tags

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hold the page's start back until its body is there, and send both anew."""
        if scope["type"] != "http" or scope["path"] not in ("", "/"):
            await self.app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        body = bytearray()

        async def rewrite(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=start)
            html = "text/html" in headers.get("content-type", "")
            whole = rewritten(body.decode(), self.tags).encode() if html else bytes(body)
            headers["content-length"] = str(len(whole))
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, rewrite)


def rewritten(page: str, tags: Mapping[str, str]) -> str:
    """`page` with the content of each of its `og:` and `twitter:` tags replaced; those without ours are emptied."""

    def content(match: re.Match[str]) -> str:
        return f'{match[1]}"{escape(tags.get(match[2], ""))}"'

    return TAG.sub(content, page)
