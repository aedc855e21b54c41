"""Shared by all tabs: the pair's input boxes, their limits, and errors a visitor can act on."""

from __future__ import annotations

import functools
import inspect
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import AttributionError, InputError, check_range, check_text
from attribution.rerankers.models import MODELS
from attribution.views.page import Identity, status_html
from interface.runs import SLOTS

MAX_QUERY = 2_000  # characters; the line under the document, the validator and the handler all check
MAX_DOCUMENT = 20_000
KEEP_SECONDS = 1800  # results that may still be redrawn or downloaded
PROGRESS_SECONDS = 0.25
# Budgets a visitor may choose: (least, most), for methods that sample and for Captum's nodes a path.
BUDGETS = {"n_samples": (2, 64), "n_steps": (2, 200)}
QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": SLOTS}  # on every event that touches a model

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


def _problem(name: str, text: str, limit: int) -> str:
    try:
        check_text(name, text)
    except InputError as error:
        return str(error)
    if len(text) > limit:
        return f"The {name} has {len(text):,} characters; at most {limit:,} are allowed. Shorten it."
    return ""


def identity_of(model_id: str, revision: str, query: str, document: str, settings: str = "") -> Identity:
    """What a result is of, as the page shows it."""
    return Identity(model_id, MODELS[model_id].label, revision, query, document, settings)


def check_texts(query: str, document: str) -> None:
    """Raises `InputError` for empty or too long texts: browser limits do not bind a direct request."""
    problem = _problem("query", query, MAX_QUERY) or _problem("document", document, MAX_DOCUMENT)
    if problem:
        raise InputError(problem)


def check_model(model_id: str) -> None:
    """Raises `InputError` for a model that is not on offer: no request may make the server load something else."""
    if not isinstance(model_id, str) or model_id not in MODELS:
        raise InputError("This model is not on offer here. Choose one from the list.")


def check_budgets(budgets: Mapping[str, int]) -> None:
    """Raises `OptionError` for a budget out of its bounds: nobody may hold the model for minutes."""
    for name, value in budgets.items():
        check_range(name, value, *BUDGETS[name])


def check_fields(_model: str, query: str, document: str, *others: Any) -> list[Any]:
    """A Gradio validator for handlers of `(model, query, document, ...)`: answers at the field, before the queue."""
    problems = [
        "",
        _problem("query", query, MAX_QUERY),
        _problem("document", document, MAX_DOCUMENT),
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
    """For generator handlers whose last output is a status line: an error becomes a toast, and stays in that line.

    Known errors in their own words, others in a plain sentence and a log.
    """

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        update: Any = ()
        try:
            for update in handler(*args, **kwargs):
                yield update
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
        if isinstance(update, tuple) and update:
            yield (*(gr.skip() for _ in update[1:]), status_html(str(problem.message)))
        raise problem

    return wrapped


def keep_shown(demo: gr.Blocks) -> None:
    """A handler that ends without an update leaves the page as it is; Gradio itself would empty all its outputs."""
    for event in demo.fns.values():
        if event.fn and inspect.isgeneratorfunction(event.fn):
            event.fn = skipping(event.fn, len(event.outputs))


def skipping(handler: Callable[..., Iterator[Any]], n_outputs: int) -> Callable[..., Iterator[Any]]:
    """`handler`, with one update that skips every output where it has none."""

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        updated = False
        for update in handler(*args, **kwargs):
            updated = True
            yield update
        if not updated:
            yield [gr.skip()] * n_outputs if n_outputs > 1 else gr.skip()

    return wrapped
