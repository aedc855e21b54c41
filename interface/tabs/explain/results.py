"""What the Explain tab shows: what a run has so far; and the first example's result, made once for all visitors.

That is explained after the server has started to listen. A page that opens afterwards holds it from its first byte; one
that was opened before asks every second until it is there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.errors import AttributionError, Stopped
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.sentences import Sentences
from attribution.numbers import counted
from attribution.types import Explanation
from attribution.views.card import error_html, pending_html
from attribution.views.cards import cards_head, each_card, sentences_html
from attribution.views.page import status_html
from attribution.views.score import score_html
from attribution.views.templating import render
from interface.page.settings import DEFAULT_METHODS
from interface.runs.gpu import log
from interface.runs.handlers import ASIDE, Update
from interface.runs.lanes import busy
from interface.server.gradio_private import refresh

CARDS = [f"card {i}" for i in range(1, len(METHODS) + 1)]  # a place for each method
STARTING = "This example is being explained: the server has just started."
FAILED = "This example could not be explained when the server started; its log says why. Press Explain to try again."


@dataclass
class Results:
    """What a run has so far. `of`: the line that says which pair and model; `section`: the faithfulness, as HTML.

    `found`: the document's sentences, None where it has fewer than three.
    """

    of: str
    chosen: Sequence[str]
    done: dict[str, Explanation] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    measured: Faithfulness | None = None
    section: str = ""
    found: Sentences | None = None

    @property
    def ordered(self) -> dict[str, Explanation]:
        """The finished explanations, in the order of the cards."""
        return {key: self.done[key] for key in self.chosen if key in self.done}

    @property
    def n_ran(self) -> int:
        """How many methods have ended, with a result or an error."""
        return len(self.done) + len(self.failed)

    @property
    def whole(self) -> bool:
        """Nothing is left to run or to measure."""
        known = self.measured is not None and set(self.done) <= set(self.measured.methods)
        return known and self.n_ran == len(self.chosen)

    def page(self, status: str) -> Update:
        """The tab's outputs so far; Gradio sends only those that differ from the update before."""
        cards = each_card(self.chosen, self.done, self.measured, failed=self.failed, growing=not self.whole)
        return {
            "identity": self.of,
            "score": score_html(next(iter(self.done.values()))) if self.done else "",
            "head": cards_head(self.done, self.measured if self.whole else None, self.found),
            "sentences": sentences_html(self.found),
            **dict(zip(CARDS, [*cards, *[""] * (len(CARDS) - len(cards))], strict=True)),
            "faithfulness": self.section,
            "results": (self.ordered, self.measured, self.found, dict(self.failed), self.of),
            "status": status_html(status),
        }

    def read(self, stream: Iterator[Sentences], most: int | None = None) -> Iterator[Update]:
        """Shows the next `most` sentences of the `stream`, or all; an error is the status, and the methods go on."""
        try:
            for self.found in islice(stream, most):
                yield self.page(f"Sentences: {counted(self.found.n_forward, 'pass')}.")
        except Stopped:
            raise
        except AttributionError as error:
            yield self.page(str(error))


def shown(results: Any, identity: str) -> tuple[Any, ...]:
    """What was kept of the page whose line is `identity`: explanations, faithfulness, sentences and errors, or nothing.

    Of a visitor whose results are forgotten, in time or by a new server, Gradio has those that every page opens with.
    """
    *kept, of = results or ((),)
    return tuple(kept) if of == identity else ()


def without_result(identity: str, says: str = STARTING, card: Callable[..., str] = pending_html) -> Update:
    """The page before there is a result: what it is of, and a card's place for each method."""
    cards = {name: card(key, METHODS[key].label, says) for name, key in zip(CARDS, DEFAULT_METHODS, strict=False)}
    none = {"results": None, "edited": render("edited.html", edit=None)}
    return Results(identity, DEFAULT_METHODS).page("") | cards | none


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
