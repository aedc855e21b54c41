"""How much a request may send, and for how long: too long, half sent or not begun, it costs the server nothing."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

PATIENCE = 30.0  # seconds until a request has to be there
FILES = ("/gradio_api/upload", "/gradio_api/process_recording", "/gradio_api/stream")  # a POST there is a file
NO_FILES = "Files are not accepted: put texts into the boxes, or into the request itself."
TOO_LONG = "The request is too long: at most {:,} bytes are taken. Shorten the texts."
TOO_SLOW = "The request did not arrive within {:.0f} s. Send it again."


class Body:
    """ASGI middleware: the app hears of a request once its body is here, of at most `limit` bytes, within `patience` s.

    Else 408 or 413 say why not, and 403 that no files are taken.
    """

    def __init__(self, app: Any, limit: int, patience: float = PATIENCE) -> None:
        self.app = app
        self.limit = limit
        self.patience = patience

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the body and hand it on in one piece."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self.patience
        if scope["path"].startswith(FILES):
            await refuse(403, NO_FILES, receive, send, until)
        elif length_of(scope) > self.limit:
            await refuse(413, TOO_LONG.format(self.limit), receive, send, until)
        else:
            await self._pass_on(scope, receive, send, until)

    async def _pass_on(self, scope: Any, receive: Any, send: Any, until: float) -> None:
        body, more = bytearray(), True
        while more and len(body) <= self.limit:
            message = await within(receive, until)
            if message is None:
                await refuse(408, TOO_SLOW.format(self.patience), receive, send, until)
            if message is None or message["type"] == "http.disconnect":
                return
            body.extend(message.get("body", b""))
            more = message.get("more_body", False)
        if more or len(body) > self.limit:
            await refuse(413, TOO_LONG.format(self.limit), receive, send, until)
            return
        kept = [{"type": "http.request", "body": bytes(body), "more_body": False}]
        del body

        async def receive_kept() -> Any:
            return kept.pop() if kept else await receive()

        await self.app(scope, receive_kept, send)


def length_of(scope: Mapping[str, Any]) -> int:
    """The body's length as the request gives it; 0 if it does not."""
    given = dict(scope["headers"]).get(b"content-length", b"0")
    return int(given) if given.isdigit() else 0


async def within(receive: Any, until: float) -> Any:
    """The next message, or None once the loop's clock says `until`."""
    try:
        return await asyncio.wait_for(receive(), until - asyncio.get_running_loop().time())
    except TimeoutError:
        return None


async def refuse(status: int, error: str, receive: Any, send: Any, until: float) -> None:
    """Answer at once, then let the client finish until `until`: cut off in the middle, it would not read the answer."""
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    message: Any = {"more_body": True}
    while message and message.get("more_body"):
        message = await within(receive, until)
    await send({"type": "http.response.body", "body": b""})


def close_half_sent(server: Any, patience: float = PATIENCE) -> None:
    """From now on `server`, uvicorn's, which by itself waits for ever for the end of a head, closes connections where
    no request began `patience` s after a byte.
    """
    protocol = server.config.http_protocol_class

    class Patient(protocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._await_request()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._await_request()

        def _await_request(self) -> None:
            if self.cycle is None or self.cycle.response_complete:
                self.loop.call_later(patience, self._close_unless_later_than, self.cycle)

        def _close_unless_later_than(self, cycle: Any) -> None:
            if self.cycle is cycle and self.transport.get_protocol() is self:  # not one of a WebSocket's
                self.transport.close()

    server.config.http_protocol_class = Patient
