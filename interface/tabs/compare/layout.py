"""What the Compare tab shows below its button: the list, the contrast, what if, which words interact."""

from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.evidence.compare.contrast import complete_methods
from attribution.evidence.compare.interaction import DIFFERENCE, pairs_of_words
from attribution.explain import sides_of
from attribution.export_compare import COMPARE_FORMATS
from attribution.numbers import counted
from attribution.rerankers.loading.load import in_memory
from attribution.views.compare import Which
from attribution.views.page import status_html
from attribution.views.templating import render
from interface.page.downloads import build_downloads
from interface.page.layout import scripts
from interface.runs.handlers import KEEP_SECONDS
from interface.tabs.compare.draw import exported
from interface.tabs.compare.state import Compared, Meet
from interface.tabs.compare.what_if import across

COLOUR = "layerwise_relevance"  # the rows are coloured by it when the page opens
FORMS = {DIFFERENCE: "exact: score without each one, and without both"} | {
    key: f"change of {METHODS[key].label}, for long texts" for key in ("layerwise_relevance", "integrated_gradients")
}
MOST_WORDS = 24


def build_settings() -> dict[str, Any]:
    """Method and colour, as inputs of an event."""
    with gr.Accordion("Settings", open=False, elem_id="compare-settings"):
        method = gr.Dropdown(
            [(METHODS[key].label, key) for key in complete_methods()],
            value="integrated_gradients",
            label="Why A over B, by",
            info="for short texts; longer ones are compared by sentences",
        )
        cheap = [method for method in METHODS if METHODS[method].uses_gradient and METHODS[method].passes == 1]
        signed = [(METHODS[key].label, key) for key in cheap if METHODS[key].signed]  # for as many as 20 rows
        colour = gr.Dropdown(signed, value=COLOUR, label="Colour the rows by")
    return {"method": method, "colour": colour}


def build_results() -> tuple[dict[str, Any], dict[str, Any]]:
    """The sections from top to bottom: the handlers' outputs, and what asks for more, both by name."""
    js = scripts("step", "quote", "compare")
    with gr.Column(elem_id="compare-result", elem_classes="rl-result"):
        state = gr.State(None, time_to_live=KEEP_SECONDS)
        identity = gr.HTML("", elem_id="compare-identity")
        rows = gr.HTML("", elem_id="compare-rows", js_on_load=js)
        gr.HTML(render("title.html", text="Why A over B"))
        why = gr.HTML("", elem_id="compare-why")
        with gr.Column(elem_id="compare-edits"):
            gr.HTML(render("title.html", text="What if?"))
            what_if = gr.HTML("", elem_id="compare-what-if")
            words = gr.HTML("", elem_id="compare-words", js_on_load=js)
            controls = _build_what_if()
        gr.HTML(render("title.html", text="Which query and document words interact?"))
        controls |= _build_meet()
        meet = gr.HTML("", elem_id="compare-meet", js_on_load=scripts("step", "quote", "heat", "compare"))
        downloads = build_downloads(state, COMPARE_FORMATS, "compare-downloads", exported)
    outputs = {"state": state, "identity": identity, "rows": rows, "why": why, "words": words}
    outputs |= {"downloads": downloads}
    return outputs | {"what_if": what_if, "meet": meet}, controls


def _build_what_if() -> dict[str, Any]:
    with gr.Row(elem_id="compare-turns"):
        flip = gr.Button("Lower the higher one: fewest cuts", elem_id="compare-flip", min_width=260)
        lift = gr.Button("Raise the lower one: smallest edit", elem_id="compare-raise", min_width=260)
    with gr.Accordion("Or edit the text", open=False, elem_id="compare-edit"):
        which = gr.Radio(["A", "B"], value="A", label="Text")
        text = gr.Textbox("", label="Edited text", lines=4, max_lines=8)
        score = gr.Button("Score the edited text")
    return {"flip": flip, "lift": lift, "edited_which": which, "edited": text, "score": score}


def _build_meet() -> dict[str, Any]:
    with gr.Row(elem_id="compare-meet-settings"):
        which = gr.Radio(["A", "B"], value="A", label="Text", min_width=120, scale=1)
        n_words = gr.Slider(2, MOST_WORDS, value=12, step=1, label="Words or sentences", min_width=160, scale=2)
        forms = [(says, key) for key, says in FORMS.items()]
        form = gr.Dropdown(forms, value=DIFFERENCE, label="How", min_width=260, scale=3)
    with gr.Row(elem_id="compare-meet-actions"):
        start = gr.Button("Show the interactions", elem_id="compare-meet-start", min_width=220)
        passes = gr.HTML("", elem_id="compare-passes")
    return {"which": which, "n_words": n_words, "form": form, "meet": start, "passes": passes}


def expected_passes(compared: Compared | None, which: Which, n_words: int, form: str) -> str:
    """What the matrix will cost, before it runs."""
    reranker = in_memory(compared.asked.model_id) if compared and compared.why else None
    if compared is None or reranker is None:  # a model may be let go since; nothing is loaded outside the queue
        return status_html("")
    sides = sides_of(reranker.encode(compared.asked.query, compared.text(which)))
    if form == DIFFERENCE:
        n = pairs_of_words(across(Meet(compared, which, n_words, form), sides), n_words)
        return status_html(f"{counted(n, 'forward pass')}.")
    runs = 1 + sides[0]
    return status_html(f"{runs} runs of {METHODS[form].label}; forward and backward passes each: {METHODS[form].cost}.")


def original(compared: Compared | None, which: Which) -> Any:
    """The text to edit: what A or B is now."""
    if compared is None or compared.why is None:
        return gr.skip()
    return compared.versions[which].text if which in compared.versions else compared.text(which)
