"""What a link to the page shows elsewhere: our preview in place of the one that Gradio writes into every page."""

import os
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.datastructures import MutableHeaders

TAG = re.compile(r'((?:property|name)="(?:og|twitter):(title|description|image|url)"\s+content=)"[^"]*"')
SPACE = "https://huggingface.co/spaces/{}"
FILES = [
    ("Model card", "blob/main/models/demo-reranker/README.md"),
    ("Papers", "blob/main/docs/methods.md"),
    ("Code", "tree/main"),
]


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
