"""Is whoever asked still there? Gradio notices when a request's stream is closed, but only generators hear of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import gradio as gr
from gradio.context import LocalContext

_left: deque[str] = deque(maxlen=1000)  # events of clients who left a stream that others read too, as MCP's is


def leave(event_id: str) -> None:
    """Whoever asked for this event of the queue is not there any more."""
    _left.append(event_id)


def gone(request: gr.Request | None) -> Callable[[], bool]:
    """Whether the client of `request` has closed its connection; never, where there is no server to ask."""
    app = getattr(request.request, "scope", {}).get("app") if request and request.request else None
    if request is None or app is None or not hasattr(app, "get_blocks"):
        return lambda: False
    queue, session, event_id = app.get_blocks()._queue, request.session_hash, LocalContext.event_id.get(None)

    def is_gone() -> bool:
        running = [event for job in queue.active_jobs for event in job or ()]
        ours = [event.alive for event in running if event.session_hash == session]
        return event_id in _left or (bool(ours) and not any(ours))

    return is_gone
