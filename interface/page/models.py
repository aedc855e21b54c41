"""Choosing a model: a download has a progress bar and a stop, and an error leaves the model that was chosen before."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import gradio as gr

from attribution import MODELS, load_reranker
from attribution.errors import AttributionError, Stopped
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.memory import gigabytes
from attribution.rerankers.reranker import Reranker
from attribution.views.page import status_html
from interface.page.actions import Actions, start
from interface.page.layout import count
from interface.runs.handlers import ASIDE, PairInputs, Update, handler
from interface.runs.lanes import CHOOSING, MAIN, busy
from interface.runs.limits import check_model
from interface.runs.run import Run

DOWNLOADS: dict[str, Any] = {"concurrency_id": "downloads", "concurrency_limit": 2}  # none takes a place of the queue


def load(model_id: str, run: Run) -> Reranker:
    """As `fetch`; while it takes long, the run's place in the queue is another's."""
    with run.elsewhere() if in_memory(model_id) is None else nullcontext():
        return fetch(model_id, run)


def fetch(model_id: str, run: Run) -> Reranker:
    """`load_reranker` with its download on the page's progress bar; ends when the run does."""
    label = MODELS[model_id].label

    def on_bytes(done: int, total: int) -> None:
        run.check()
        if total:
            said = f"Downloading {label}: {gigabytes(done)} of {gigabytes(total)}"
            run.tell((done, total), desc=said, unit="bytes")
        else:  # at 0, since Gradio shows no words without a number
            run.tell(0.0, desc=f"Asking the Hub for {label}, or waiting for another visitor who loads it")

    return load_reranker(model_id, on_bytes=on_bytes)


def build(pair: PairInputs, actions: Actions) -> None:
    """Loads a model as soon as it is chosen, the latest choice wins; the line under the document says what it reads."""
    before, coming = gr.State(pair.model.value), gr.State("")
    outputs = {"before": before, "coming": coming}
    inputs = {"model_id": pair.model, **outputs}
    # Gradio tells of input twice where an option is clicked, and of leaving the list once.
    for over in start(pair.model.blur, choose, other, inputs, outputs, actions, options=DOWNLOADS):
        back = over.then(go_back, [pair.model, before, coming], [pair.model, coming], trigger_mode="multiple", **ASIDE)
        back.then(count, pair.model, pair.counter, trigger_mode="multiple", **ASIDE)


def other(model_id: str, before: str, coming: str) -> str | None:
    """The chosen model, if it is another one: who leaves the list need not have chosen.

    Raises `InputError` for one that is not on offer.
    """
    if model_id == (coming or before):
        return None
    check_model(model_id)
    return model_id


@handler(lane=CHOOSING, on_gpu=False)
def choose(model_id: str, run: Run) -> Iterator[Update]:
    """Load the model; `before` is the model to go back to, `coming` the one that is not there yet."""
    label = MODELS[model_id].label
    try:
        if in_memory(model_id) is None:
            yield {"coming": model_id, "status": status_html(f"Loading {label} …")}
            fetch(model_id, run)
    except Stopped:
        raise
    except AttributionError as error:
        run.check()  # nobody waits for this answer any more
        gr.Warning(str(error), title="The previous model stays")
        yield {"status": status_html(str(error))}
        return
    yield {"before": model_id, "coming": "", "status": status_html(f"{label} is ready.")}


def go_back(now: str, before: str, coming: str, request: gr.Request) -> tuple[Any, Any]:
    """`(model, coming)`: the model before, so that the same one can be chosen again; nothing if the visitor has chosen
    another since, or started Explain, which ends this and loads the new one itself. `coming`: "" if it never began.
    """
    ended = any(busy(request.session_hash or "", lane) for lane in (MAIN, CHOOSING))
    return (before, "") if now == (coming or now) and not ended else (gr.skip(), gr.skip())
