"""Is whoever asked still there? Gradio notices when a request's stream is closed, but only generators hear of it."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr


def gone(request: gr.Request | None) -> Callable[[], bool]:
    """Whether the client of `request` has closed its connection; never, where there is no server to ask."""
    app = getattr(request.request, "scope", {}).get("app") if request and request.request else None
    if request is None or app is None or not hasattr(app, "get_blocks"):
        return lambda: False
    queue, session = app.get_blocks()._queue, request.session_hash

    def is_gone() -> bool:
        running = [event for job in queue.active_jobs for event in job or ()]
        ours = [event.alive for event in running if event.session_hash == session]
        return bool(ours) and not any(ours)

    return is_gone
