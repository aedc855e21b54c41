"""Shared by all tabs: the pair's input boxes, their limits, and errors a visitor can act on."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import AttributionError, InputError

MAX_QUERY = 2_000  # characters; the browser, the validator and the handler all check
MAX_DOCUMENT = 20_000
QUEUE = {"concurrency_id": "model", "concurrency_limit": 2}  # on every event that touches a model

log = logging.getLogger("rerank_lens")


@dataclass(frozen=True)
class PairInputs:
    """The components every tab reads."""

    model: gr.Dropdown
    query: gr.Textbox
    document: gr.Textbox

    @property
    def components(self) -> list[Any]:
        """In the order `(model, query, document)` that handlers take them."""
        return [self.model, self.query, self.document]


def check_texts(query: str, document: str) -> None:
    """Raises `InputError` for empty or too long texts: browser limits do not bind a direct request."""
    for name, text, limit in (("query", query, MAX_QUERY), ("document", document, MAX_DOCUMENT)):
        if not (text or "").strip():
            raise InputError(f"The {name} is empty. Type or paste some text.")
        if len(text) > limit:
            raise InputError(f"The {name} has {len(text):,} characters; at most {limit:,} are allowed. Shorten it.")


def answer_errors(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """For generator handlers: known errors become a toast with their message; unknown ones a plain sentence and a log."""

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from handler(*args, **kwargs)
        except gr.Error:
            raise
        except AttributionError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("handler failed")
            raise gr.Error(
                "Something went wrong on our side; your text is still in the boxes. Try again, or another model.",
                print_exception=False,
            ) from error

    return wrapped
