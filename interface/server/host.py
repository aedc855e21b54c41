"""What the host may ask and say: is it up, an example of an audit, who may log in, who may frame the page, end now.

And what every answer says to the browser: run and load nothing that is not ours, and tell nobody where you came from.
See docs/deploy.md.
"""

import os
import re
import signal
from collections.abc import Callable
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
# As strict as Gradio allows: its page has inline scripts and styles, and `js_on_load` is compiled in the browser.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self' https://huggingface.co https://*.hf.space",
}
SPACE = {  # Gradio puts a header of the Hub's, with the owner's picture, over a Space that is opened by itself
    "img-src": f"{POLICY['img-src']} https://huggingface.co https://cdn-avatars.huggingface.co",
    "connect-src": "'self' https://huggingface.co",
}
ANCESTORS = "RERANK_LENS_FRAME_ANCESTORS"
FULL = 503  # Gradio's status for a queue that takes no more


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


def headers() -> dict[str, str]:
    """What every answer says here. Raises `InputError` for a wrong list of the pages that may frame this one."""
    ancestors = os.environ.get(ANCESTORS, "").strip() or POLICY["frame-ancestors"]
    if not re.fullmatch(r"[^\s;,]+( [^\s;,]+)*", ancestors):
        raise InputError(f"{ANCESTORS} is {ancestors!r}; it must be addresses with one space between them, or 'none'.")
    policy = POLICY | (SPACE if os.environ.get("SPACE_ID") else {}) | {"frame-ancestors": ancestors}
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }


class Headers:
    """ASGI middleware that adds `headers()` to every HTTP answer.

    `wait()`: in how many seconds there is a place in a full queue again.
    """

    def __init__(self, app: Any, wait: Callable[[], int]) -> None:
        self.app, self.wait, self.ours = app, wait, headers()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, with our headers."""

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.update(self.ours)
                if message["status"] == FULL:
                    answer["retry-after"] = str(self.wait())
            await send(message)

        await self.app(scope, receive, send_with_headers)


def end_by_sigterm() -> None:
    """SIGTERM ends the process at once, with all runs; Linux would not end the first one of a container by itself."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
