"""What every answer says to the browser: run and load nothing that is not ours, and tell nobody where you came from."""

import os
import re
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders

from attribution.errors import InputError

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
