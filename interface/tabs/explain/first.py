"""The first example's result: explained once for all visitors, after the server has started to listen, and kept.

A page that opens afterwards holds it from its first byte; one that was opened before asks every second until it is
there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.views.card import error_html, pending_html
from attribution.views.cards import cards_head
from attribution.views.what_if import unedited_html
from interface.page.settings import DEFAULT_METHODS
from interface.runs.gpu import log
from interface.runs.handlers import ASIDE, Update
from interface.runs.lanes import busy
from interface.server.gradio_private import refresh
from interface.tabs.explain.results import page_of

STARTING = "This example is being explained: the server has just started."
FAILED = "This example could not be explained when the server started; its log says why. Press Explain to try again."


def without_result(identity: str, says: str = STARTING, card: Callable[..., str] = pending_html) -> Update:
    """The page before there is a result: what it is of, and a card's place for each method."""
    cards = [card(key, METHODS[key].label, says) for key in DEFAULT_METHODS]
    return page_of(identity, cards, "", cards_head({}, None), "", None, "") | {"edited": unedited_html()}


class Opening:
    """What the tab opens with: `page`, in its `outputs`; `ready` once that is the result."""

    def __init__(self, page: Update, outputs: Mapping[str, Any]) -> None:
        self.page, self.outputs, self.ready = page, outputs, False
        self.timer = gr.Timer(1)
        self.timer.tick(self.fill, outputs["score"], [*outputs.values(), self.timer], **ASIDE)

    def fill(self, score: str, request: gr.Request) -> dict[Any, Any]:
        """The result for a page that was opened without one; never over what its visitor has started."""
        if score:
            return {self.timer: gr.Timer(active=False)}
        if not self.ready or busy(request.session_hash or ""):
            return {self.timer: gr.skip()}
        return {part: self.page[name] for name, part in self.outputs.items()} | {self.timer: gr.Timer(active=False)}

    def explain(self, demo: gr.Blocks, result: Callable[[], Update]) -> None:
        """Ask for the `result`, with which every page opens from then on. A failure is logged and said on the page."""
        try:
            self.page = result()
        except Exception:
            log.exception("the first example could not be explained")
            self.page = without_result(self.page["identity"], FAILED, error_html)
        for name, part in self.outputs.items():
            part.value = self.page[name]
        self.timer.active, self.ready = False, True
        refresh(demo)
