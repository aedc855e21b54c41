"""Connections on which no request comes: uvicorn, which Gradio starts, waits for the end of a head for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from interface.server.body import PATIENCE


def close_half_sent(server: Any, patience: float = PATIENCE) -> None:
    """`server`, uvicorn's, from now on closes connections on which no request began `patience` s after a byte."""
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
