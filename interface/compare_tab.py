"""Tab "Compare": a query and a list of documents, why one is above another, which words met, and what if."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import METHODS, AttributionError, load_reranker
from attribution.evidence.compare import complete_methods, words_of
from attribution.evidence.interaction import DIFFERENCE, interaction_passes
from attribution.rerankers.removal import OPERATORS
from attribution.types import Explanation
from attribution.views.compare import Which, lists_html
from attribution.views.lab import status_html
from interface import compare_boxes
from interface.common import MAX_QUERY, QUEUE, check_model, check_texts
from interface.compare_runs import PARTS, Out, out, run_list, run_pick
from interface.compare_state import Asked, Compared
from interface.compare_what_if import run_drop, run_edit, run_flip, run_meet
from interface.documents import check_list, read_list, write_list
from interface.runs import stop

STATIC = Path(__file__).parent / "static"
LISTS = json.loads((Path(__file__).parent.parent / "examples" / "lists.json").read_text("utf-8"))
KEEP_SECONDS = 1800
ONE_PASS = [key for key, method in METHODS.items() if method.signed and method.cost == "1"]  # cheap enough for 20 rows
FORMS = [DIFFERENCE, "layerwise_relevance", "integrated_gradients"]
MOST_WORDS = 24
ASIDE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
ON_MODEL: dict[str, Any] = {
    "show_progress": "minimal", "trigger_mode": "multiple", "api_visibility": "private", **QUEUE,
}  # fmt: skip
_first: dict[str, Out] = {}  # model -> the first example's results, made once by the server


@dataclass(frozen=True)
class Parts:
    """The outputs of the handlers, in the order of `PARTS`."""

    state: gr.State
    identity: gr.HTML
    rows: gr.HTML
    why: gr.HTML
    words: gr.HTML
    what_if: gr.HTML
    meet: gr.HTML
    status: gr.HTML

    @property
    def components(self) -> list[Any]:
        """As outputs of an event."""
        return [getattr(self, name) for name in PARTS]


def build(model: gr.Dropdown, tab: gr.Tab) -> tuple[gr.HTML, gr.State]:
    """The tab's components and events. Returns the list, whose `click` asks for a row's cards, and its state."""
    lists = [{**one, "text": write_list(one["documents"]), "mode": compare_boxes.LIST} for one in LISTS]
    chips = gr.HTML(lists_html(lists), elem_id="compare-lists", js_on_load=(STATIC / "lists.js").read_text("utf-8"))
    with gr.Row(elem_id="compare-inputs"):
        with gr.Column(scale=38, min_width=280):
            query = gr.Textbox(
                LISTS[0]["query"], label="Query", elem_id="compare-query", lines=1, max_lines=3, max_length=MAX_QUERY
            )
            settings = _settings()
        with gr.Column(scale=62, min_width=320):
            boxes = compare_boxes.build(LISTS[0]["documents"])
    with gr.Row(elem_id="compare-actions"):
        start = gr.Button("Compare", variant="primary", elem_id="compare-start", scale=0)
        halt_button = gr.Button("Stop", elem_id="compare-stop", scale=0)
        status = gr.HTML(status_html("Ready."), elem_id="compare-status")
    with gr.Column(elem_id="compare-result"):
        parts, controls = _results(status)
    asked = gr.State(None, time_to_live=KEEP_SECONDS)
    inputs = [model, query, *boxes.components]
    chosen = chips.select(None, None, [query, boxes.mode, boxes.text], js="() => window.rerankLists.chosen")
    shown = chosen.then(compare_boxes.show, boxes.mode, boxes.groups, **ASIDE)
    runs = _start_on([start.click, query.submit, shown.then], asked, inputs, settings, parts)
    opened = tab.select(open_first, [parts.state, model], parts.components, **ON_MODEL)
    runs += [opened, *_what_if(parts, controls)]
    halt_button.click(halt, None, status, cancels=runs, **ASIDE)
    gr.on([component.change for component in inputs], None, inputs, js="(...now) => window.rerankLists.changed(now)")
    return parts.rows, parts.state


def _settings() -> list[Any]:
    """`[method, colour, operator]`."""
    with gr.Accordion("Settings", open=False, elem_id="compare-settings"):
        method = gr.Dropdown(
            [(METHODS[key].label, key) for key in complete_methods()],
            value="integrated_gradients",
            label="Why A over B, by",
            info="only methods whose attributions add up to a difference of scores",
        )
        colour = gr.Dropdown(
            [(METHODS[key].label, key) for key in ONE_PASS], value=ONE_PASS[-1], label="Colour the rows by"
        )
        operator = gr.Radio(
            [(f"{key}: {text}", key) for key, text in OPERATORS.items()], value="delete", label="What if drops words by"
        )
    return [method, colour, operator]


def _results(status: gr.HTML) -> tuple[Parts, dict[str, Any]]:
    """Everything below the Compare button."""
    js = (STATIC / "compare.js").read_text("utf-8")
    heat = (STATIC / "heat.js").read_text("utf-8")
    state = gr.State(None, time_to_live=KEEP_SECONDS)
    identity = gr.HTML("", elem_id="compare-identity")
    rows = gr.HTML("", elem_id="compare-rows", js_on_load=js)
    gr.Markdown("### Why A over B")
    why = gr.HTML("", elem_id="compare-why")
    gr.Markdown("### What if a word were not there?")
    words = gr.HTML("", elem_id="compare-words", js_on_load=js)
    with gr.Row():
        flip = gr.Button("Fewest words that turn the order round", elem_id="compare-flip", scale=0, min_width=320)
    what_if = gr.HTML("", elem_id="compare-what-if")
    with gr.Accordion("Or edit the text", open=False, elem_id="compare-edit"):
        which = gr.Radio(["A", "B"], value="A", label="Text")
        text = gr.Textbox("", label="Edited text", lines=4, max_lines=8)
        score = gr.Button("Score the edited text")
    gr.Markdown("### Which query word met which document word?")
    with gr.Row(elem_id="compare-meet-settings"):
        meet_which = gr.Radio(["A", "B"], value="A", label="Document", min_width=120)
        n_words = gr.Slider(2, MOST_WORDS, value=12, step=1, label="Document words", min_width=160)
        form = gr.Dropdown([(_form_label(key), key) for key in FORMS], value=DIFFERENCE, label="How", min_width=200)
    with gr.Row():
        start_meet = gr.Button("Show which words met", elem_id="compare-meet-start", scale=0, min_width=220)
        passes = gr.HTML("", elem_id="compare-passes")
    meet = gr.HTML("", elem_id="compare-meet", js_on_load=heat + js)
    controls = {
        "flip": flip, "which": which, "text": text, "score": score, "meet_which": meet_which, "n_words": n_words,
        "form": form, "start_meet": start_meet, "passes": passes,
    }  # fmt: skip
    return Parts(state, identity, rows, why, words, what_if, meet, status), controls


def _form_label(key: str) -> str:
    if key == DIFFERENCE:
        return "score with and without: exact, a forward a pair of words"
    return f"{METHODS[key].label}: {METHODS[key].cost} passes a query word, for long texts"


def _start_on(triggers: list[Any], asked: gr.State, inputs: list[Any], settings: list[Any], parts: Parts) -> list[Any]:
    """A start reads the boxes at once and ends what runs; the run itself waits for its place in the queue."""
    runs = []
    for trigger in triggers:
        claimed = trigger(ask, [*settings, *inputs], [asked, parts.status], trigger_mode="multiple", **ASIDE)
        runs.append(claimed.success(run_list, asked, parts.components, show_progress_on=parts.status, **ON_MODEL))
    return runs


def _what_if(parts: Parts, controls: dict[str, Any]) -> list[Any]:
    """Everything that a compared list can be asked next."""
    said: dict[str, Any] = {"show_progress_on": parts.status, **ON_MODEL}
    out_ = parts.components
    edit = [parts.state, controls["which"], controls["text"]]
    meet = [parts.state, controls["meet_which"], controls["n_words"], controls["form"]]
    runs = [
        parts.rows.select(run_pick, parts.state, out_, **said),
        parts.words.select(run_drop, parts.state, out_, **said),
        controls["flip"].click(run_flip, parts.state, out_, **said),
        controls["score"].click(run_edit, edit, out_, **said),
        controls["start_meet"].click(run_meet, meet, out_, **said),
    ]
    changes = [parts.state.change, *(controls[name].change for name in ("meet_which", "n_words", "form"))]
    gr.on(changes, expected_passes, meet, controls["passes"], trigger_mode="always_last", **ASIDE)
    gr.on([parts.state.change, controls["which"].change], original, edit[:2], controls["text"], **ASIDE)
    return runs


def ask(
    request: gr.Request, method: str, colour: str, operator: str, model_id: str, query: str, mode: str, pasted: str,
    *boxes: str,
) -> tuple[Any, str]:  # fmt: skip
    """`(what is asked for, status)`; a problem with the boxes is said at once and ends nothing."""
    try:
        check_model(model_id)
        check_texts(query, "not empty")
        documents = read_list(pasted) if mode == compare_boxes.LIST else check_list([b for b in boxes if b.strip()])
    except AttributionError as error:
        raise gr.Error(str(error), print_exception=False) from error
    stop(request.session_hash or "")
    inputs = (model_id, query, mode, pasted, *boxes)
    return Asked(model_id, query, tuple(documents), inputs, method, colour, operator), status_html("Starting …")


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
    first = LISTS[0]
    documents = tuple(read_list(write_list(first["documents"])))
    inputs = (model_id, first["query"], compare_boxes.LIST, write_list(first["documents"]), *compare_boxes.EMPTY)
    asked = Asked(model_id, first["query"], documents, inputs, "integrated_gradients", ONE_PASS[-1], "delete")
    seen: dict[str, Any] = {}
    for parts in run_list(asked, request, progress):
        seen |= {name: part for name, part in zip(PARTS, parts, strict=True) if part != gr.skip()}
        yield parts
    if seen["state"].coloured:
        _first[model_id] = out(**seen)


def open_row(compared: Compared | None, event: gr.EventData) -> tuple[Any, ...]:
    """`(query, document)` of a row that was clicked, for the Explain tab."""
    if compared is None:
        return gr.skip(), gr.skip()
    return compared.asked.query, compared.asked.documents[int(event.place) - 1].text


def expected_passes(compared: Compared | None, which: Which, n_words: int, form: str) -> str:
    """What the matrix will cost, before it runs."""
    if compared is None or compared.contrast is None:
        return status_html("")
    explanation: Explanation = compared.explanation(which)
    reranker = load_reranker(compared.asked.model_id)
    if form == DIFFERENCE:
        n = interaction_passes(reranker, explanation.query, explanation.document, n_words)
        return status_html(f"{n} forward passes.")
    words = words_of(explanation, explanation.attributions, "query")
    return status_html(f"{1 + len(words)} runs of {METHODS[form].label}, {METHODS[form].cost} passes each.")


def original(compared: Compared | None, which: Which) -> Any:
    """The text to edit: what A or B is now."""
    if compared is None or compared.contrast is None:
        return gr.skip()
    place = compared.place(which)
    return compared.edited[place][0] if place in compared.edited else compared.explanation(which).document


def halt(request: gr.Request) -> str:
    """End what runs before its next model pass; what was ready is kept."""
    return status_html(
        "Stopped. What was ready is kept." if stop(request.session_hash or "") else "Nothing was running."
    )
