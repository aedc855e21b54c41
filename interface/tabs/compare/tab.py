"""Tab "Compare": a query and a list of documents, why one is above another, which words met, and what if."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import AttributionError
from attribution.views.compare import lists_html
from attribution.views.page import status_html
from interface.page.actions import Actions, place, stop_by
from interface.page.links import Field, choice, text
from interface.runs.handlers import ASIDE, KEEP_SECONDS, QUEUE, PairInputs, unless_withdrawn
from interface.runs.lanes import busy, claim
from interface.runs.limits import MAX_DOCUMENT, MAX_QUERY, check_model, check_texts
from interface.tabs.compare import inputs as compare_boxes
from interface.tabs.compare.documents import MOST, check_list, read_list, write_list
from interface.tabs.compare.layout import (
    COLOUR,
    STATIC,
    Controls,
    Parts,
    build_results,
    build_settings,
    expected_passes,
    original,
)
from interface.tabs.compare.runs import LANE, PARTS, Out, out, run_list, run_pick
from interface.tabs.compare.state import Asked, Compared, read_picked
from interface.tabs.compare.what_if import run_drop, run_edit, run_flip, run_meet

LISTS = json.loads((Path(__file__).resolve().parents[3] / "examples" / "lists.json").read_text("utf-8"))
_first: dict[str, Out] = {}  # model -> the first example's results, made once by the server


def build(pair: PairInputs, actions: Actions, tab: gr.Tab) -> tuple[list[Field], Callable[[Any], Any], list[Any]]:
    """The tab's components and events; a click on a row fills `pair` and explains it.

    Returns what of it is part of a link, what to do after an event that filled it from one, and the events that a stop
    cancels.
    """
    lists = [{**one, "text": write_list(one["documents"]), "mode": compare_boxes.LIST} for one in LISTS]
    chips = gr.HTML(lists_html(lists), elem_id="compare-lists", js_on_load=(STATIC / "lists.js").read_text("utf-8"))
    with gr.Row(elem_id="compare-inputs"):
        with gr.Column(scale=38, min_width=280):
            query = gr.Textbox(
                LISTS[0]["query"], label="Query", elem_id="compare-query", lines=1, max_lines=3, max_length=MAX_QUERY
            )
            settings = build_settings()
        with gr.Column(scale=62, min_width=320):
            boxes = compare_boxes.build(LISTS[0]["documents"])
    with gr.Row(elem_id="compare-actions"):
        start = gr.Button("Compare", variant="primary", elem_id="compare-start", scale=0)
        halt_button, status = actions.compare_stop.render(), actions.lines[LANE].render()
    picked = gr.Textbox("", label="A and B", visible="hidden", elem_id="compare-picked")  # "3,1": their places
    parts, controls = build_results(picked, status)
    asked = gr.State(None, time_to_live=KEEP_SECONDS)
    inputs = [pair.model, query, *boxes.components]
    filled = [query, boxes.mode, boxes.text, picked]
    chosen = chips.select(None, None, filled, js="() => [...window.rerankLists.chosen, '']")
    gr.on([box.input for box in (boxes.text, *boxes.boxes)], None, None, picked, js="() => ''")  # another list
    shown = boxes.show_after(chosen)

    def model_event(trigger: Any, handler: Any, given: Any) -> Any:
        ran = trigger(
            handler, given, parts.components, show_progress="minimal", show_progress_on=status,
            trigger_mode="multiple", api_visibility="private", **QUEUE,
        )  # fmt: skip
        for after in (ran.then, ran.failure):
            after(settle_list, None, halt_button, trigger_mode="multiple", **ASIDE)
        return ran

    runs = []
    for trigger in (start.click, query.submit, shown.then):
        claimed = trigger(
            ask,
            [*settings, picked, *inputs],
            [asked, status, halt_button, boxes.problem],
            trigger_mode="multiple",
            **ASIDE,
        )
        runs.append(model_event(claimed.success, unless_withdrawn(run_list, LANE), asked))
    runs.append(model_event(tab.select, open_first, [parts.state, pair.model]))
    runs += _ask_more(parts, controls, halt_button, model_event)
    stop_by([halt_button], {LANE: status}, runs, LANE)
    gr.on([component.change for component in inputs], None, inputs, js="(...now) => window.rerankLists.changed(now)")
    opened = parts.rows.click(open_row, parts.state, [pair.query, pair.document], **ASIDE)
    opened.success(None, js="() => document.querySelector('#explain').click()")
    texts = [(query, MAX_QUERY), (boxes.text, MOST * MAX_DOCUMENT), *((box, MAX_DOCUMENT) for box in boxes.boxes)]
    return [choice(boxes.mode), *(text(*one) for one in texts), text(picked, 7)], boxes.show_after, runs


def _ask_more(parts: Parts, controls: Controls, halt_button: gr.Button, model_event: Any) -> list[Any]:
    """Everything that a compared list can be asked next. Returns the events that a stop cancels."""
    edit = [parts.state, controls.edit_which, controls.edit_text]
    meet = [parts.state, controls.meet_which, controls.meet_words, controls.meet_form]
    runs = [
        model_event(parts.rows.select, run_pick, parts.state),
        model_event(parts.words.select, run_drop, parts.state),
    ]
    for trigger, handler, given in (
        (controls.flip.click, run_flip, parts.state),
        (controls.edit_score.click, run_edit, edit),
        (controls.meet_start.click, run_meet, meet),
    ):
        claimed = trigger(start_more, None, [parts.status, halt_button], trigger_mode="multiple", **ASIDE)
        runs.append(model_event(claimed.success, unless_withdrawn(handler, LANE), given))
    changes = [parts.state.change, controls.meet_which.change, controls.meet_words.change, controls.meet_form.change]
    gr.on(changes, expected_passes, meet, controls.passes, trigger_mode="always_last", **ASIDE)
    gr.on([parts.state.change, controls.edit_which.change], original, edit[:2], controls.edit_text, **ASIDE)
    return runs


def ask(
    request: gr.Request, method: str, colour: str, operator: str, picked: str, model_id: str, query: str, mode: str,
    pasted: str, *boxes: str,
) -> tuple[Any, ...]:  # fmt: skip
    """`(what is asked for, status, stop button, what of the list is not read)`.

    Of a problem with the boxes it is the text, and ends nothing.
    """
    said: list[str] = []
    try:
        check_model(model_id)
        check_texts(query, "not empty")
        documents = (
            read_list(pasted, said.append)
            if mode == compare_boxes.LIST
            else check_list([b for b in boxes if b.strip()])
        )
    except AttributionError as error:
        return str(error), status_html(str(error)), gr.skip(), status_html("")
    inputs = (model_id, query, mode, pasted, *boxes)
    places = read_picked(picked, len(documents))
    asked = Asked(model_id, query, tuple(documents), inputs, method, colour, operator, places)
    return asked, *start_more(request), status_html(". ".join(said))


def start_more(request: gr.Request) -> tuple[Any, ...]:
    """End what this visitor has running here and wait for a place: `(status, stop button)`."""
    return status_html(place(*claim(request.session_hash or "", LANE))), gr.Button(interactive=True)


def settle_list(request: gr.Request) -> Any:
    """Stop is offered here only while something of this lane runs or waits."""
    return gr.Button(interactive=busy(request.session_hash or "", LANE))


def open_first(
    compared: Compared | None,
    model_id: str,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[Out]:
    """The first example, compared, when the tab opens with nothing in it: made once by the server, then kept."""
    if compared is not None or model_id in _first:
        yield out() if compared is not None else _first[model_id]
        return
    texts = LISTS[0]["documents"]
    inputs = (model_id, LISTS[0]["query"], compare_boxes.LIST, write_list(texts), *compare_boxes.EMPTY)
    asked = Asked(
        model_id, LISTS[0]["query"], tuple(check_list(texts)), inputs, "integrated_gradients", COLOUR, "delete"
    )
    seen: dict[str, Any] = {}
    for parts in run_list(asked, request, progress):
        seen |= {name: part for name, part in zip(PARTS, parts, strict=True) if not isinstance(part, dict)}
        yield parts
    if len(seen["state"].coloured) == len(texts):  # nobody stopped it
        _first[model_id] = out(**seen)


def open_row(compared: Compared | None, event: gr.EventData) -> tuple[Any, ...]:
    """`(query, document)` of a row that was clicked, for the Explain tab."""
    if compared is None:
        return gr.skip(), gr.skip()
    return compared.asked.query, compared.asked.documents[int(event.place) - 1].text
