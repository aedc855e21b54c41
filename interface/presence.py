"""Is whoever asked still there? Gradio notices when a request's stream is closed, but only generators hear of it."""

from __future__ import annotations

import gradio as gr

from attribution.errors import Stopped


class Presence:
    """Of one request; `check` ends what nobody waits for any more."""

    def __init__(self, request: gr.Request | None) -> None:
        request_app = getattr(request, "app", None) if request else None
        self._queue = request_app.get_blocks()._queue if request_app else None
        self._session = request.session_hash if request else None

    def check(self) -> None:
        """Raises `Stopped` once the client has closed its connection."""
        if self._queue is None:
            return
        events = [
            event for job in self._queue.active_jobs for event in job or () if event.session_hash == self._session
        ]
        if events and not any(event.alive for event in events):
            raise Stopped("the client is gone")
