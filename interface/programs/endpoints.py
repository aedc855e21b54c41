"""What every endpoint has in common: its arguments checked by their types, defaults that apply, errors that speak."""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from attribution.errors import AttributionError, InputError
from interface.runs.handlers import QUEUE
from interface.server.gradio_private import Page, events_of

OUR_FAULT = "Something went wrong on our side. Try again, or another model."
KINDS: dict[Any, tuple[type | tuple[type, ...], str]] = {
    str: (str, "a text"),
    int: (int, "a whole number"),
    list[str]: (list, "a list of texts"),
}

log = logging.getLogger("rerank_lens")


def endpoint(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`function` with its arguments checked by their types, null meaning the default, and errors that say something."""
    hints = typing.get_type_hints(function)
    defaults = {name: p.default for name, p in inspect.signature(function).parameters.items()}

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> dict[str, Any]:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
        try:
            return function(**{name: _typed(name, given[name], hints[name], defaults[name]) for name in given})
        except gr.Error:
            raise
        except AttributionError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("endpoint failed")
            raise gr.Error(OUR_FAULT, print_exception=False) from error

    return wrapped


def _typed(name: str, value: Any, hint: Any, default: Any) -> Any:
    """`value`, or the default in place of null. Raises `InputError` for a value of another type."""
    if hint not in KINDS:
        return value
    if value is None and default is not inspect.Parameter.empty:
        return default
    kind, expected = KINDS[hint]
    fits = isinstance(value, kind) and not isinstance(value, bool)
    if not fits or (kind is list and not all(isinstance(item, str) for item in value)):
        raise InputError(f"{name} is {str(value)[:40]!r} ({type(value).__name__}); it must be {expected}.")
    return value


def register(page: Page, functions: Sequence[Callable[..., Any]]) -> None:
    """Add every function to the page being built, each parameter labelled by its line of the docstring."""
    for function in functions:
        gr.api(endpoint(function), api_name=function.__name__, **QUEUE)
        described = _arguments(function)
        for component, name in zip(events_of(page)[-1].inputs, described, strict=True):
            setattr(component, "label", f"{name}: {described[name]}")  # noqa: B010 - Gradio's types leave it open
        page.endpoints.add(function.__name__)


def _arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Parameter -> its line under `Args:`."""
    _, _, listed = (inspect.getdoc(function) or "").partition("Args:\n")
    lines = [line.strip().partition(": ") for line in listed.partition("\n\n")[0].splitlines()]
    return {name: text for name, _, text in lines if text}
