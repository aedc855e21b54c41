"""Choosing a model: a download has a progress bar, and an error leaves the model that was chosen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from attribution import MODELS, load_reranker
from attribution.errors import AttributionError
from attribution.rerankers.loading import in_memory
from attribution.rerankers.memory import gigabytes
from attribution.rerankers.reranker import Reranker
from attribution.views.page import status_html
from interface.common import PairInputs, check_model

DOWNLOADS: dict[str, Any] = {"concurrency_id": "downloads", "concurrency_limit": 2}  # none takes a place of the queue


def load(model_id: str, progress: Callable[..., Any], check: Callable[[], object] = lambda: None) -> Reranker:
    """`load_reranker` with its download on the page's progress bar. `check` may raise to give up waiting."""

    def on_bytes(done: int, total: int) -> None:
        check()
        label = MODELS[model_id].label
        if total:
            progress((done, total), desc=f"Downloading {label}: {gigabytes(done)} of {gigabytes(total)}", unit="bytes")
        else:
            progress(None, desc=f"Somebody else is loading {label}; waiting for it")

    return load_reranker(model_id, on_bytes=on_bytes)


def build(pair: PairInputs, status: gr.HTML, count: Callable[..., str]) -> None:
    """Loads a model as soon as it is chosen; `count(model)` then says what it reads."""
    before = gr.State(pair.model.value)
    chosen = pair.model.input(
        choose, [pair.model, before], [pair.model, before, status], show_progress="full", show_progress_on=status,
        trigger_mode="always_last", api_visibility="private", **DOWNLOADS,
    )  # fmt: skip
    chosen.then(count, pair.model, pair.counter, queue=False, show_progress="hidden", api_visibility="private")


def choose(
    model_id: str,
    before: str,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, str, str]]:
    """Yields `(model, model to go back to, status)`."""
    try:
        check_model(model_id)
        if in_memory(model_id) is None:
            yield gr.skip(), before, status_html(f"Loading {MODELS[model_id].label} …")
            load(model_id, progress)
    except AttributionError as error:
        gr.Warning(str(error), title="The model before stays")
        yield gr.Dropdown(value=before), before, status_html(str(error))
        return
    yield gr.skip(), model_id, status_html(f"{MODELS[model_id].label} is ready.")
