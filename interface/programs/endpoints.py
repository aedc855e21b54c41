"""What every endpoint has in common: its arguments checked by their types, defaults that apply, errors that speak.

An endpoint is a function that checks what it is given, but for model and texts, which all have checked, and returns it
by name: its `model`, and what its task takes.
"""

import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import AttributionError, InputError
from attribution.export import answer_of, plain
from attribution.rerankers.loading.load import default_model
from interface.page import models
from interface.runs.cost import Passes
from interface.runs.gpu import spoken
from interface.runs.handlers import QUEUE, Handler, OfOneModel
from interface.runs.limits import check_model, check_named
from interface.runs.run import Run
from interface.server.gradio_private import Page, ask_before_the_queue, last_event, refuse_a_look

KINDS: dict[Any, tuple[type | tuple[type, ...], str]] = {
    str: (str, "a text"),
    int: (int, "a whole number"),
    list[str]: (list, "a list of texts"),
}
ARGUMENTS = {  # what each is, where an endpoint's docstring does not say
    "query": "What somebody searches for.",
    "document": "The text that was found.",
    "first": "The one document.",
    "second": "The other document.",
    "operator": "How a sentence is taken away: delete or mask.",
    "model": "Which reranker: a key that the models endpoint lists; empty for the one the page opens with.",
}
# Arguments that a model reads beside the query, as messages call them.
TEXTS = {"document": "document", "first": "first document", "second": "second document", "rival": "rival"}
Function = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Call(OfOneModel):
    """What a task is asked: a model, and the task's arguments by name."""

    arguments: dict[str, Any]

    @property
    def query(self) -> str:
        """What somebody searches for."""
        return str(self.arguments["query"])

    @property
    def named(self) -> list[tuple[str, str]]:
        """The query and every document, each with what messages call it."""
        own = [
            (said, self.arguments[name]) for name, said in {"query": "query", **TEXTS}.items() if name in self.arguments
        ]
        listed: list[str] = self.arguments.get("documents", [])
        return own + [(f"document at index {i}", text) for i, text in enumerate(listed)]

    @property
    def texts(self) -> list[str]:
        """Every document."""
        return [text for _, text in self.named[1:]]


def endpoint(
    task: Callable[..., Any] | None = None,
    passes: Passes | None = None,
    said: Callable[[Any], Any] = lambda found: found,
) -> Callable[[Function], Function]:
    """Makes a function an endpoint that answers `task(reranker, on_pass=, **arguments)` for the arguments it returns.

    `passes(call, sides)`: at most so many forwards for each text, as for a tab's handler; without it, a lent GPU is
    asked for as long as a run may take. `said(found)`: the part of the answer that is returned. Without a `task` the
    function's own answer is the endpoint's. Null means the default. In the answer `notes` say what to know of the
    model, and `kept` whether an earlier request gave it, whose `seconds` it then has.
    """

    def work(call: Call, run: Run) -> Iterator[dict[str, Any]]:
        reranker = models.load(call.model_id, run)
        found = said(task(reranker, on_pass=run.check, **call.arguments)) if task else {}
        yield answer_of(plain(found), reranker.notes)

    def made(function: Function) -> Function:
        name = function.__name__
        handler = Handler(name, work, passes=passes, kept=lambda _call, page: bool(page))
        hints = typing.get_type_hints(function)
        parameters = inspect.signature(function).parameters
        who = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
        signature = inspect.Signature([*parameters.values(), who], return_annotation=Any)

        def answer(given: dict[str, Any], request: gr.Request | None) -> dict[str, Any]:
            typed = {key: _typed(key, value, hints.get(key), parameters[key].default) for key, value in given.items()}
            arguments = function(**typed)
            if task is None:
                return arguments
            call = Call(arguments.pop("model") or default_model(), arguments)
            check_model(call.model_id)
            check_named(call.named)
            before = handler.answer(call)
            results = [before[0]] if before else [*handler.steps(call, request)]
            if not results:
                raise AttributionError(f"{name} was stopped before it had a result.")
            return {**results[0], "kept": bool(before)}

        @functools.wraps(function)
        def answered(*args: Any, **kwargs: Any) -> dict[str, Any]:
            given = signature.bind(*args, **kwargs).arguments
            try:
                return answer(given, given.pop("request", None))
            except Exception as error:
                refuse_a_look()  # an error waits for its turn
                raise spoken(error) from error

        setattr(answered, "__signature__", signature)  # noqa: B010 - by which Gradio finds that it gives the request
        setattr(answered, "passes", passes)  # noqa: B010 - beside the endpoint, for who asks
        answered.__doc__ = described(function)
        answered.__annotations__ = {**function.__annotations__, "request": gr.Request | None}
        return ask_before_the_queue(answered)

    return made


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


def register(page: Page, functions: Sequence[Function]) -> None:
    """Add every endpoint to the page being built, each parameter labelled by its line of the docstring."""
    for function in functions:
        gr.api(function, api_name=function.__name__, **QUEUE)
        lines = _arguments(function)
        for component, name in zip(last_event(page).inputs, lines, strict=True):
            setattr(component, "label", f"{name}: {lines[name]}")  # noqa: B010 - Gradio's types leave it open
        page.endpoints.add(function.__name__)


def described(function: Function) -> str:
    """The docstring of an endpoint, with all its parameters; programs see it."""
    does, _, returns = (inspect.getdoc(function) or "").partition("\n\nReturns:\n")
    said = ARGUMENTS | _arguments(function)
    lines = [f"    {name}: {said[name]}" for name in inspect.signature(function).parameters if name in said]
    given = ["Args:", *lines, ""] if lines else []
    return "\n".join([does.partition("\n\nArgs:\n")[0], "", *given, "Returns:", returns])


def _arguments(function: Function) -> dict[str, str]:
    """Parameter -> its line under `Args:`."""
    _, _, listed = (inspect.getdoc(function) or "").partition("Args:\n")
    lines = [line.strip().partition(": ") for line in listed.partition("\n\n")[0].splitlines()]
    return {name: text for name, _, text in lines if text}
