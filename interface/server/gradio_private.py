"""What Gradio does not promise, here, in `gradio_queue` and `gradio_mcp`: look there if a new version breaks a page."""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
import gradio.routes
import gradio.state_holder
from gradio.caching import CacheMissError, _probe_mode_active
from gradio.route_utils import FnIndexInferError
from jinja2 import FileSystemLoader, FunctionLoader
from starlette.requests import Request
from starlette.responses import JSONResponse

from attribution.numbers import counted
from interface.server.body import NO_FILES


def ask_before_the_queue(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a handler that Gradio calls once before it queues an event; see `refuse_a_look`."""
    setattr(handler, "cache", None)  # noqa: B010 - what Gradio looks for is that it is there
    return handler


def refuse_a_look() -> None:
    """Called where an answer takes a run: a look before the queue ends here, and the event is queued."""
    if _probe_mode_active.get():
        raise CacheMissError


def refresh(demo: gr.Blocks) -> None:
    """Pages that open from now on have the values that the components have now."""
    demo.config = demo.get_config_file()


def last_event(demo: gr.Blocks) -> Any:
    """The event that was built last."""
    return demo.fns[max(demo.fns)]


class Page(gr.Blocks):
    """Gradio's page, which also takes a request without the values that have defaults."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.endpoints: set[str] = set()

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Fill in what is missing at the end, for endpoints.

        Raises `gr.Error` that names what has no default, and for more values than are taken, or a file among them.
        """
        if has_file(inputs):
            refuse_a_look()
            raise gr.Error(NO_FILES, print_exception=False)
        missing, of_endpoint = block_fn.inputs[len(inputs) :], block_fn.api_name in self.endpoints
        if missing and of_endpoint:
            needed = [component.label for component in missing if component.value is None]
            if needed:
                refuse_a_look()
                raise gr.Error(
                    f"{block_fn.api_name} got {counted(len(inputs), 'value')} and lacks {'; '.join(needed)}",
                    print_exception=False,
                )
            inputs.extend(component.value for component in missing)
        if len(inputs) < len(block_fn.inputs) or (of_endpoint and len(inputs) > len(block_fn.inputs)):
            refuse_a_look()
            said = f"{block_fn.api_name} got {counted(len(inputs), 'value')}; it takes {len(block_fn.inputs)}."
            raise gr.Error(said, print_exception=False)

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """As Gradio does it, which makes a component anew for each output that a handler leaves as it is."""
        if not isinstance(predictions, dict) or not all(isinstance(part, gr.blocks.Block) for part in predictions):
            return await super().postprocess_data(block_fn, predictions, state)
        changed = {p: value for p, value in predictions.items() if not (isinstance(value, dict) and value == gr.skip())}
        new: dict[int, Any] = {}
        if changed:
            of = copy.copy(block_fn)
            of.outputs = [part for part in block_fn.outputs if part in changed]
            made = await super().postprocess_data(of, changed, state)
            new = {part._id: value for part, value in zip(of.outputs, made, strict=True)}
        as_it_is = [None if part.stateful else gr.skip() for part in block_fn.outputs]
        return [new.get(part._id, left) for part, left in zip(block_fn.outputs, as_it_is, strict=True)]


def has_file(given: Any) -> bool:
    """Whether something in it stands for a file, as Gradio knows one: it would fetch that, from any address."""
    if isinstance(given, dict):
        return {"path", "meta"} <= given.keys() or has_file([*given.values()])
    return isinstance(given, list) and any(map(has_file, given))


async def unknown_endpoint(request: Request, error: Exception) -> JSONResponse:
    """404 and the names there are, where Gradio would answer 500 and nothing; asked by a name or by a number."""
    number = next(iter(error.args), None)
    asked = number if isinstance(number, int) else str(request.path_params.get("api_name", ""))[:40]
    names = sorted(request.app.get_blocks().endpoints)
    return JSONResponse({"error": f"There is no endpoint {asked!r}; it must be one of {', '.join(names)}."}, 404)


UNFIT = ("Parameter ", "No value provided")  # how Gradio's errors begin


async def unfit_arguments(request: Request, error: Exception) -> JSONResponse:
    """422 for a parameter that is missing or misspelt in the form with keywords; any other error stays one."""
    if "/call/v2/" not in request.url.path or not str(error).startswith(UNFIT):
        raise error
    return JSONResponse({"error": fitting(str(error), request.app.get_blocks(), request.path_params["api_name"])}, 422)


def fitting(error: str, page: Any, name: str) -> str:
    """One of `UNFIT`, with what the endpoint takes in place of where in the page to look for that."""
    (function,) = [fn for fn in page.fns.values() if fn.api_name == name]
    names = [component.label.partition(":")[0] for component in function.inputs]
    return f"{error.partition(' Please')[0].rstrip('.')}. {name} takes {', '.join(names) or 'nothing'}."


async def missing_key(request: Request, error: Exception) -> JSONResponse:
    """A run that ended by itself while `/cancel` ended it, or an unknown endpoint, by number or with keywords."""
    if request.url.path.endswith("/cancel"):
        return JSONResponse({"success": True})
    if "/call/v2/" in request.url.path or isinstance(error.args[0], int):
        return await unknown_endpoint(request, error)
    raise error


REFUSALS: dict[Any, Any] = {  # FastAPI's `exception_handlers`
    FnIndexInferError: unknown_endpoint,
    TypeError: unfit_arguments,
    KeyError: missing_key,
}


class Session(gradio.state_holder.SessionState):
    """What is remembered of a visitor, without the copy of the whole page that Gradio adds, which nothing reads."""

    def __init__(self, page: Any) -> None:
        none: Any = SimpleNamespace(default_config=page.default_config, blocks={})  # to copy
        super().__init__(none)

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


def check_bounds(value: float | None, least: float, most: float) -> None:
    """A slider's, without Gradio's trace in the log: who types 16 has typed 1 before. Raises `gr.Error`."""
    if value is None or not least <= value <= most:
        raise gr.Error(f"The number is {value}; it must be {least} to {most}.", print_exception=False)


def install(page: Callable[[str], str] = str) -> None:
    """Before the launch: Gradio makes what it remembers of a visitor by this name.

    `page`: makes the template of the page, of Gradio's own.
    """
    gradio.state_holder.SessionState = Session  # type: ignore[assignment, misc]
    gr.Number.raise_if_out_of_bounds = staticmethod(check_bounds)  # type: ignore[assignment]
    environment, files = gradio.routes.templates.env, FileSystemLoader(gradio.routes.STATIC_TEMPLATE_LIB)
    environment.loader = FunctionLoader(lambda name: page(files.get_source(environment, name)[0]))
