"""Choosing a model: a download has a progress bar and a stop, and an error leaves the model that was chosen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from attribution import MODELS, load_reranker
from attribution.errors import AttributionError, Stopped
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.memory import gigabytes
from attribution.rerankers.reranker import Reranker
from attribution.views.page import status_html
from interface.page.actions import Actions, lane_claimer, settle_after
from interface.runs.handlers import ASIDE, PairInputs, sparingly
from interface.runs.lanes import CHOOSING, busy, latest_run, withdrawn
from interface.runs.limits import check_model
from interface.server.gradio_private import gone

DOWNLOADS: dict[str, Any] = {"concurrency_id": "downloads", "concurrency_limit": 2}  # none takes a place of the queue


def load(model_id: str, progress: Callable[..., Any], check: Callable[[], object] = lambda: None) -> Reranker:
    """`load_reranker` with its download on the page's progress bar. `check` may raise to give up waiting."""
    tell, label = sparingly(progress), MODELS[model_id].label

    def on_bytes(done: int, total: int) -> None:
        check()
        if total:
            tell((done, total), desc=f"Downloading {label}: {gigabytes(done)} of {gigabytes(total)}", unit="bytes")
        else:  # at 0, since Gradio shows no words without a number
            tell(0.0, desc=f"Asking the Hub for {label}, or waiting for somebody who loads it")

    return load_reranker(model_id, on_bytes=on_bytes)


def build(pair: PairInputs, actions: Actions, count: Callable[..., str]) -> None:
    """Loads a model as soon as it is chosen, the latest choice wins; `count(model)` then says what it reads."""
    before, refused = gr.State(pair.model.value), gr.State("")
    claimed = pair.model.input(lane_claimer(CHOOSING), None, actions.stop, trigger_mode="multiple", **ASIDE)
    chosen = claimed.success(
        choose, [pair.model], [before, refused, actions.status], show_progress="minimal",
        show_progress_on=actions.status, trigger_mode="multiple", api_visibility="private", **DOWNLOADS,
    )  # fmt: skip
    settle_after(chosen, actions)
    back = chosen.then(go_back, [pair.model, before, refused], pair.model, trigger_mode="multiple", **ASIDE)
    back.then(count, pair.model, pair.counter, trigger_mode="multiple", **ASIDE)


def choose(
    model_id: str,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, Any, Any]]:
    """Yields `(model to go back to, model to go back from, status)`."""
    session = request.session_hash or ""
    with latest_run(session, CHOOSING, is_gone=gone(request)) as current:
        try:
            if withdrawn(session, CHOOSING):
                raise Stopped("withdrawn by the visitor")
            check_model(model_id)
            if in_memory(model_id) is None:
                yield gr.skip(), "", status_html(f"Loading {MODELS[model_id].label} …")
                load(model_id, progress, current.check)
        except Stopped:
            raise
        except AttributionError as error:
            current.check()  # nobody waits for this answer any more
            gr.Warning(str(error), title="The model before stays")
            yield gr.skip(), model_id, status_html(str(error))
            return
        yield model_id, "", status_html(f"{MODELS[model_id].label} is ready.")
        return
    if not busy(session):  # stopped, and not by another choice or by a run that loads it itself
        yield gr.skip(), model_id, gr.skip()


def go_back(now: str, before: str, refused: str) -> Any:
    """The model before, unless somebody has chosen again since."""
    return before if now == refused else gr.skip()
