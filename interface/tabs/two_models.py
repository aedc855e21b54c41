"""On the Explain tab: the same pair under a second model, cards aligned, ranks of words compared."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from attribution import MODELS, explain
from attribution.errors import AttributionError, OptionError, Stopped
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.views.page import status_html
from attribution.views.two_models import two_models_html
from interface.page import models
from interface.page.actions import Actions, run_in_lane
from interface.page.layout import STATIC
from interface.runs.gpu import gpu
from interface.runs.handlers import PairInputs, answer_errors
from interface.runs.lanes import latest_run
from interface.runs.limits import check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent

LANE = "two-models"


def build(pair: PairInputs, groups: Sequence[gr.CheckboxGroup], model_ids: Sequence[str], actions: Actions) -> Any:
    """A menu, a button and the result; returns the event that a stop cancels."""
    with gr.Accordion("Compare with a second model", open=False, elem_id="two-models"):
        with gr.Row():
            second = gr.Dropdown(
                [(MODELS[key].label, key) for key in model_ids], value=model_ids[-1], label="Second model", scale=2
            )
            start = gr.Button("Explain under both", scale=0)
        status = actions.lines[LANE].render()
        result = gr.HTML("", js_on_load=(STATIC / "words.js").read_text("utf-8"))
    return run_in_lane([start.click], run, [*pair.components, second, *groups], [result, status], actions, LANE)


@answer_errors
@gpu(seconds=lent.for_two_models, lane=LANE)
def run(
    model_id: str,
    query: str,
    document: str,
    second: str,
    gradient: list[str],
    path: list[str],
    perturbation: list[str],
    attention: list[str],
    control: list[str],
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, ...]]:
    """Yields `(result, status)` as HTML, one more card a time."""
    check_texts(query, document)
    for key in (model_id, second):
        check_model(key)
    if model_id == second:
        raise OptionError("Both models are the same. Choose another second model.")
    ticked = {key for keys in (gradient, path, perturbation, attention, control) for key in keys or []}
    chosen = [key for key in METHODS if key in ticked]
    if not chosen:
        raise OptionError("No method is ticked. Open the list of methods beside Explain and tick at least one.")
    began = time.perf_counter()
    names = (MODELS[model_id].label, MODELS[second].label)
    sides: tuple[dict[str, Explanation | str | None], ...] = ({}, {})
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        rerankers = [models.load(key, progress, current.check) for key in (model_id, second)]
        for key in chosen:
            for reranker, side in zip(rerankers, sides, strict=True):
                try:
                    side[key] = explain(reranker, query, document, key, on_pass=current.check)
                except Stopped:
                    raise
                except AttributionError as error:  # on its own card; the rest goes on
                    side[key] = str(error)
                seconds = f"{time.perf_counter() - began:.1f} s"
                whole = len(sides[1]) == len(chosen)
                said = f"Done after {seconds}." if whole else f"{len(sides[0]) + len(sides[1])} cards after {seconds}."
                yield two_models_html(chosen, names, (sides[0], sides[1])), status_html(said)
