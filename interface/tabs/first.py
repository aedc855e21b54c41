"""The first example's result: explained once for all, behind a server that already listens.

A page that opens afterwards holds it from its first byte; one that was opened before asks every second until it is
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.views.card import error_html, pending_html
from attribution.views.cards import cards_head
from attribution.views.page import identity_html
from interface.page.settings import DEFAULT_METHODS
from interface.runs.handlers import ASIDE, identity_of, log
from interface.runs.lanes import busy
from interface.server.gradio_private import refresh

STARTING = "This example is being explained: the server has just started."
FAILED = "This example could not be explained when the server started; its log says why. Press Explain to try again."


class First:
    """`parts`: `(identity, score, head, faithfulness, kept, *cards)` as a page opens now; `ready`: they are the result.

    `components`: where they stand; `timer` ticks on pages that were opened without them.
    """

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts
        self.components: Sequence[Any] = ()
        self.timer: gr.Timer | None = None
        self.ready = False

    def place(self, components: Sequence[Any]) -> None:
        """Build the timer that fills `components`, one for each part."""
        self.components, self.timer = components, gr.Timer(1)
        self.timer.tick(self.fill, components[1], [*components, self.timer], **ASIDE)

    def fill(self, score: str, request: gr.Request) -> tuple[Any, ...]:
        """The result for a page without one, once it is there; never over what its visitor has started."""
        nothing = [gr.skip() for _ in self.parts]
        if score:
            return *nothing, gr.Timer(active=False)
        if not self.ready or busy(request.session_hash or ""):
            return *nothing, gr.skip()
        return *self.parts, gr.Timer(active=False)

    def explain(self, page: gr.Blocks, result: Callable[[], tuple[Any, ...]]) -> None:
        """Ask for the `result`, and have every page from now on open with it. A failure is logged, and said on it."""
        try:
            self.parts = result()
        except Exception:
            log.exception("the first example could not be explained")
            self.parts = _parts(self.parts[0], FAILED, error_html)
        for component, part in zip(self.components, self.parts, strict=True):
            component.value = part
        if self.timer:
            self.timer.active = False
        self.ready = True
        refresh(page)


def waiting(revision: str, model_id: str, query: str, document: str) -> First:
    """What a page shows until then: what it is of, and a card's place for each method."""
    identity = identity_html(identity_of(model_id, revision, query, document))
    return First(_parts(identity, STARTING, pending_html))


def _parts(identity: str, says: str, card: Callable[[str, str, str], str]) -> tuple[Any, ...]:
    cards = [card(key, METHODS[key].label, says) for key in DEFAULT_METHODS]
    return identity, "", cards_head({}, None), "", None, *cards, *[""] * (len(METHODS) - len(cards))
