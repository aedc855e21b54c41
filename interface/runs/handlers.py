"""Shared by all tabs: the pair's input boxes, how a handler runs, and errors a visitor can act on."""

from __future__ import annotations

import functools
import inspect
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import AttributionError
from attribution.rerankers.loading.models import MODELS
from attribution.views.page import Identity, status_html
from interface.runs.lanes import MAIN, SLOTS, withdrawn
from interface.runs.limits import MAX_DOCUMENT, MAX_QUERY, text_problem
from interface.server.gradio_private import events_of

KEEP_SECONDS = 1800  # results that may still be redrawn or downloaded
PROGRESS_SECONDS = 0.25
QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": SLOTS}  # on every event that touches a model
# Not queued, and no progress shown: at each step of any run Gradio reads again every output that shows progress.
ASIDE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "show_progress_on": [],
    "api_visibility": "private",
}

log = logging.getLogger("rerank_lens")


@dataclass(frozen=True)
class PairInputs:
    """The components every tab reads."""

    model: gr.Dropdown
    query: gr.Textbox
    document: gr.Textbox
    counter: gr.HTML
    size: gr.JSON  # `[tokens, words of query, of document]`, about, as the browser counts: the texts stay there

    @property
    def components(self) -> list[Any]:
        """In the order `(model, query, document)` that handlers take them."""
        return [self.model, self.query, self.document]


def identity_of(model_id: str, revision: str, query: str, document: str, settings: str = "") -> Identity:
    """What a result is of, as the page shows it."""
    return Identity(model_id, MODELS[model_id].label, revision, query, document, settings)


def check_fields(_model: str, query: str, document: str, *others: Any) -> list[Any]:
    """A Gradio validator for handlers of `(model, query, document, ...)`: answers at the field, before the queue."""
    problems = [
        "",
        text_problem("query", query, MAX_QUERY),
        text_problem("document", document, MAX_DOCUMENT),
        *("" for _ in others),
    ]
    return [gr.validate(not problem, problem) for problem in problems]


def sparingly(progress: Callable[..., Any]) -> Callable[..., None]:
    """`progress`, told at most every `PROGRESS_SECONDS`: a message a batch is a good part of a short run's stream."""
    told = -math.inf

    def tell(*args: Any, **kwargs: Any) -> None:
        nonlocal told
        now = time.perf_counter()
        if now - told >= PROGRESS_SECONDS:
            told = now
            progress(*args, **kwargs)

    return tell


def answer_errors(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """For generator handlers: an error becomes a toast, ours in its own words, another in a sentence and a log."""

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from handler(*args, **kwargs)
            return
        except gr.Error as error:
            problem = error
        except AttributionError as error:
            problem = gr.Error(str(error), print_exception=False)
        except Exception:
            log.exception("handler failed")
            problem = gr.Error(
                "Something went wrong on our side; your text is still in the boxes. Try again, or another model.",
                print_exception=False,
            )
        raise problem

    return wrapped


def unless_withdrawn(handler: Callable[..., Iterator[Any]], lane: str = MAIN) -> Callable[..., Iterator[Any]]:
    """`handler`, which has a claim in `lane`; a claim that was withdrawn before it came leaves the page as it is."""

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        request = next(value for value in (*args, *kwargs.values()) if isinstance(value, gr.Request))
        if not withdrawn(request.session_hash or "", lane):
            yield from handler(*args, **kwargs)

    return wrapped


def end_in_sight(demo: gr.Blocks) -> None:
    """Every generator handler of the page ends as `ending` says; build this after all events."""
    for event in events_of(demo):
        if event.fn and inspect.isgeneratorfunction(event.fn):
            event.fn = ending(event.fn, len(event.outputs))


def ending(handler: Callable[..., Iterator[Any]], n_outputs: int) -> Callable[..., Iterator[Any]]:
    """`handler`, of which the last of `n_outputs` is a status line, where an error stays after its toast has gone.

    What ends without an update leaves the page as it is; Gradio by itself would empty all its outputs.
    """

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        skipped, updated = [gr.skip()] * n_outputs, False
        try:
            for update in handler(*args, **kwargs):
                updated = True
                yield update
        except gr.Error as error:
            yield [*skipped[1:], status_html(str(error.message))]
            raise
        if not updated:
            yield skipped

    return wrapped
