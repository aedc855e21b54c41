"""What every endpoint has in common: its arguments checked by their types, defaults that apply, errors that speak."""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.route_utils import FnIndexInferError
from starlette.requests import Request
from starlette.responses import JSONResponse

from attribution.errors import AttributionError, InputError
from interface.runs.handlers import QUEUE

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
        for component, name in zip(page.fns[max(page.fns)].inputs, described, strict=True):
            setattr(component, "label", f"{name}: {described[name]}")  # noqa: B010 - Gradio's types leave it open
        page.endpoints.add(function.__name__)


async def unknown_endpoint(request: Request, _error: Exception) -> JSONResponse:
    """404 and the names there are, where Gradio would answer 500 and nothing."""
    asked, names = str(request.path_params.get("api_name", "")), sorted(request.app.get_blocks().endpoints)
    return JSONResponse({"error": f"There is no endpoint {asked[:40]!r}; it must be one of {', '.join(names)}."}, 404)


def _arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Parameter -> its line under `Args:`."""
    _, _, listed = (inspect.getdoc(function) or "").partition("Args:\n")
    lines = [line.strip().partition(": ") for line in listed.partition("\n\n")[0].splitlines()]
    return {name: text for name, _, text in lines if text}


REFUSALS: dict[Any, Any] = {FnIndexInferError: unknown_endpoint}  # FastAPI's `exception_handlers`


class Page(gr.Blocks):
    """Gradio's page, which also takes a request without the values that have defaults."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.endpoints: set[str] = set()

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Fill in what is missing at the end, for endpoints. Raises `gr.Error` that names what has no default."""
        missing = block_fn.inputs[len(inputs) :]
        if missing and block_fn.api_name in self.endpoints:
            needed = [component.label for component in missing if component.value is None]
            if needed:
                raise gr.Error(
                    f"{block_fn.api_name} got {len(inputs)} values and lacks {'; '.join(needed)}", print_exception=False
                )
            inputs.extend(component.value for component in missing)
        super().validate_inputs(block_fn, inputs)
