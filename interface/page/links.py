"""The page's inputs as a link: the browser makes and reads it, and no server keeps it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.views.templating import render
from interface.runs.handlers import PairInputs
from interface.server.open_graph import space_address


@dataclass(frozen=True)
class Field:
    """A component whose value is part of the link, and what a link may put there.

    `since`: the version of links that it came in; a link has its fields by their place, and older ones have fewer.
    """

    component: Any
    rule: Mapping[str, Any]
    since: int = 0


@dataclass(frozen=True)
class Linked:
    """What of a tab is part of a link, what to do after an event that filled it from one, and the tab's own button."""

    fields: Sequence[Field]
    after: Callable[[Any], Any] = lambda event: event
    copy: gr.Button | None = None


def field(component: Any, since: int = 0) -> Field:
    """Of a box any text, of a slider a whole number, else one or some choices."""
    rule: dict[str, Any]
    if isinstance(component, gr.Textbox):
        rule = {"text": f"#{component.elem_id}"}
    elif isinstance(component, gr.Slider):
        rule = {"from": component.minimum, "to": component.maximum}
    else:
        many = isinstance(component, gr.CheckboxGroup)
        rule = {"some" if many else "one": [value for _, value in component.choices]}
    return Field(component, {"name": str(component.label), **rule}, since)


def build_copy(of: str = "") -> gr.Button:
    """The button that copies the link, and beside it what became of it; `of`: how the elements' ids begin."""
    button = gr.Button("Copy link", elem_id=f"{of}copy-link", scale=0, min_width=110)
    gr.HTML(render("link.html", says=""), elem_id=f"{of}link-status")
    return button


def build(page: gr.Blocks, pair: PairInputs, linked: Sequence[Linked]) -> None:
    """The address follows the pair and the fields, and they follow the address; each `copy` copies the link."""
    of_pair = [*map(field, (pair.model, pair.query, pair.document))]
    fields = sorted([*of_pair, *(one for part in linked for one in part.fields)], key=lambda one: one.since)
    components = [one.component for one in fields]
    rules = json.dumps([one.rule for one in fields])
    space = space_address()
    base = json.dumps(space) if space else "location.href.split('#')[0]"
    again = gr.Button("", elem_id="read-link", visible="hidden")
    js = f"(...now) => window.rerankLens.link.read({rules}, ...now)"
    for read in (page.load, again.click):
        event = read(None, components, components, js=js)
        for part in linked:
            event = part.after(event)
        event.then(None, js="() => window.rerankLens.link.open()")
    gr.on(
        [component.change for component in components],
        None,
        components,
        js="(...now) => (window.rerankLens.link.follow(...now), [])",
    )
    copies = [part.copy.click for part in linked if part.copy]
    gr.on(copies, None, components, js=f"(...now) => (window.rerankLens.link.copy({base}, ...now), [])")
