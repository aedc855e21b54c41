"""Tab "Compare": a query and a list of documents, why one is above another, which words interact, and what if."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from attribution.batch.pasted import read_pasted
from attribution.errors import InputError
from attribution.views.compare import A, B, Cut, Which, apply
from attribution.views.page import LIST
from attribution.views.templating import render
from interface.page.actions import start
from interface.page.layout import EXPLAIN, Shell, scripts
from interface.page.links import Field, Linked, build_copy, field
from interface.runs.handlers import ASIDE
from interface.runs.limits import check_model, check_texts
from interface.tabs.compare.documents import MOST, build_boxes, check_list, holds, of_boxes, write_list
from interface.tabs.compare.layout import COLOUR, build_results, build_settings, expected_passes, original
from interface.tabs.compare.runs import LANE, at_most, run_list, run_pick
from interface.tabs.compare.state import Asked, Change, Compared, Meet, More, pick, read_picked
from interface.tabs.compare.what_if import run_change, run_flip, run_meet, run_raise

LISTS = json.loads((Path(__file__).resolve().parents[3] / "examples" / "lists.json").read_text("utf-8"))
Asks = TypeVar("Asks", bound=More)
ASKED = "(...given) => window.rerankLens.documents.asked(...given)"  # of the list alone, but for a link
NO_LIST = "There is no list yet. Press Compare first."
ANOTHER = "A or B is another document now. Wait for its text and change that."


def build(shell: Shell, tab: gr.Tab) -> Linked:
    """The tab's components and events; a click on a row fills the pair's boxes and explains it."""
    lists = [{**one, "text": write_list(one["documents"]), "mode": LIST} for one in LISTS]
    examples = render("compare_lists.html", lists=lists)
    chips = gr.HTML(examples, elem_id="compare-lists", js_on_load=scripts("step", "lists"))
    with gr.Row(elem_id="compare-inputs"):
        with gr.Column(scale=38, min_width=280):
            query = gr.Textbox(LISTS[0]["query"], label="Query", elem_id="compare-query", lines=1, max_lines=3)
            settings = build_settings()
        with gr.Column(scale=62, min_width=320):
            boxes = build_boxes(LISTS[0]["documents"])
    with gr.Row(elem_id="compare-actions"):
        button = gr.Button("Compare", variant="primary", elem_id="compare-start", scale=0)
        copy = build_copy("compare-")
        shell.actions.lines[LANE].render()
        shell.actions.stops[LANE].render()
    picked = gr.Textbox("", label="A, B and what if", visible="hidden", elem_id="compare-picked")  # see `Picked`
    outputs, controls = build_results()
    outputs |= {"picked": picked}
    filled = [query, boxes.mode, boxes.text, picked]
    chosen = chips.select(None, None, filled, js="() => [...window.rerankLists.chosen, '']")
    boxes.show_after(chosen).then(None, js="() => document.querySelector('#compare-start').click()")

    begin = partial(start, outputs=outputs, actions=shell.actions)
    state, compared = outputs["state"], {"compared": outputs["state"]}
    texts = {"mode": boxes.mode, "pasted": boxes.text, "names": boxes.names}
    texts |= {f"box {i}": box for i, box in enumerate(boxes.boxes)}
    named = {"picked": picked, **settings, "model_id": shell.pair.model, "query": query, **texts}
    listed = outputs | {"problem": boxes.problem}
    begin(partial(gr.on, [button.click, query.submit]), run_list, ask, named, outputs=listed, cost=at_most, js=ASKED)
    tab.select(None, js="() => window.rerankLens.documents.open()")
    shell.examples.extend((run_list, example(shell.model_ids[0], one)) for one in LISTS)
    of_pick = outputs["rows"].select(None, picked, picked, js="(picked) => [window.rerankLists.pick(picked)]")
    begin(of_pick.then, run_pick, ask_pick, {**compared, "picked": picked})
    cuts = gr.JSON(visible="hidden")
    of_cuts = outputs["words"].select(None, None, cuts, js="() => [window.rerankLists.cuts]")
    begin(of_cuts.then, run_change, ask_cuts, {**compared, "cuts": cuts})
    begin(controls["flip"].click, run_flip, more(More), compared)
    begin(controls["lift"].click, run_raise, more(More), compared)
    edit = {**compared, "which": controls["edited_which"], "text": controls["edited"]}
    begin(controls["score"].click, run_change, ask_edit, edit)
    meet = compared | {name: controls[name] for name in ("which", "n_words", "form")}
    begin(controls["meet"].click, run_meet, more(Meet), meet)

    changes = [component.change for component in meet.values()]
    gr.on(changes, expected_passes, [*meet.values()], controls["passes"], trigger_mode="always_last", **ASIDE)
    changes = [state.change, controls["edited_which"].change]
    gr.on(changes, original, [state, controls["edited_which"]], controls["edited"], **ASIDE)
    held = [shell.pair.model, query, boxes.mode, boxes.text, boxes.names, *settings.values(), *boxes.boxes]
    changes = [component.change for component in (*held, outputs["identity"])]
    gr.on([tab.select, *changes], None, held, js="(...now) => window.rerankLens.documents.changed(...now)")
    opened = outputs["rows"].click(open_row, state, [shell.pair.query, shell.pair.document], **ASIDE)
    opened.success(None, js=EXPLAIN)
    names = Field(boxes.names, {"name": "Names", "texts": MOST})
    fields = [field(boxes.mode), names, *map(field, (query, boxes.text, *boxes.boxes, *settings.values()))]
    later = (field(controls[name], since=3) for name in ("which", "n_words", "form"))
    return Linked([*fields, field(picked), *later], boxes.show_after, copy)


def ask(
    model_id: str,
    query: str,
    mode: str,
    pasted: str,
    names: list[str],
    method: str,
    colour: str,
    picked: str,
    **boxes: str,
) -> Asked:
    """What the boxes ask for. Raises `InputError` for a list that cannot be compared."""
    check_model(model_id)
    check_texts(query)
    said: list[str] = []
    listed = mode == LIST
    pieces = read_pasted(pasted, said.append) if listed else of_boxes(names, [*boxes.values()])
    documents = tuple(check_list(pieces))
    form = pasted if listed or holds(pasted, pieces) else write_list(pieces)
    chosen = read_picked(picked, [document.text for document in documents])
    return Asked(model_id, query, documents, form, method, colour, chosen, ". ".join(said))


def example(model_id: str, one: Mapping[str, Any]) -> Asked:
    """One of `LISTS`, as a click on it asks."""
    texts = one["documents"]
    form, documents = write_list(texts), tuple(check_list(texts))
    return Asked(model_id, one["query"], documents, form, "integrated_gradients", COLOUR)


def ask_pick(compared: Compared | None, picked: str) -> More:
    """Another A or B of the list that is shown; the browser says both: one may not be drawn. Raises `InputError`."""
    places = read_picked(picked, compared.asked.texts) if compared else None
    if compared is None or places is None:
        raise InputError(NO_LIST)
    return More(pick(compared, places.a, places.b))


def more(kind: type[Asks]) -> Callable[..., Asks]:
    """What is asked next about two documents that were contrasted; raises `InputError` where there are none."""

    def ask_more(compared: Compared | None, **given: Any) -> Asks:
        if compared is None or compared.why is None:
            raise InputError(NO_LIST)
        asked = kind(compared, **given)
        check_texts(asked.query, *asked.texts)
        return asked

    return ask_more


def ask_cuts(compared: Compared | None, cuts: Mapping[str, Any]) -> Change:
    """What the buttons of A's and B's text say is gone or replaced: `[place, [[start, end, text], ...]]` of each.

    A text edited as a whole stays while none of its buttons is pressed. Raises `InputError`.
    """
    changed: dict[Which, tuple[str, tuple[Cut, ...]]] = {}
    as_given: set[Which] = set()
    for which in (A, B):
        place, spans = cuts[which]
        if compared is None or place != compared.place(which):
            raise InputError(ANOTHER if compared else NO_LIST)
        made = tuple(Cut(int(start), int(end), str(put)) for start, end, put in spans)
        if made:
            changed[which] = apply(compared.text(which), made), made
        elif which in compared.versions and compared.versions[which].cuts:
            as_given.add(which)
    return more(Change)(compared, changed=changed, as_given=frozenset(as_given))


def ask_edit(compared: Compared | None, which: Which, text: str) -> Change:
    """Another text for A or B."""
    return more(Change)(compared, changed={which: (text, ())})


def open_row(compared: Compared | None, event: gr.EventData) -> tuple[Any, ...]:
    """`(query, document)` of a row that was clicked, for the Explain tab."""
    if compared is None:
        return gr.skip(), gr.skip()
    return compared.asked.query, compared.asked.documents[int(event.place) - 1].text
