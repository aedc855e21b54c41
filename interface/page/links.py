"""The page's inputs as a link, made in the browser from what is on the page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from attribution.views.page import link_html
from interface.runs.handlers import PairInputs
from interface.runs.limits import MAX_DOCUMENT, MAX_QUERY

SCRIPT = Path(__file__).parent / "static" / "permalink.js"


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


def text(component: gr.Textbox, longest: int, since: int = 0) -> Field:
    """Any text of at most `longest` characters."""
    return Field(component, {"name": str(component.label), "text": longest}, since)


def choice(component: gr.Dropdown | gr.Radio) -> Field:
    """One of the component's choices."""
    return Field(component, {"name": str(component.label), "one": [value for _, value in component.choices]})


def choices(component: gr.CheckboxGroup) -> Field:
    """Some of the component's choices."""
    return Field(component, {"name": str(component.label), "some": [value for _, value in component.choices]})


def number(component: gr.Slider) -> Field:
    """A whole number of the slider."""
    return Field(component, {"name": str(component.label), "from": component.minimum, "to": component.maximum})


def of_pair(pair: PairInputs) -> Linked:
    """The boxes that every tab reads."""
    return Linked([choice(pair.model), text(pair.query, MAX_QUERY), text(pair.document, MAX_DOCUMENT)])


def build_copy(of: str = "") -> gr.Button:
    """The button that copies the link, and beside it what became of it; `of`: how the elements' ids begin."""
    button = gr.Button("Copy link", elem_id=f"{of}copy-link", scale=0, min_width=110)
    gr.HTML(link_html(), elem_id=f"{of}link-status")
    return button


def build(page: gr.Blocks, linked: Sequence[Linked]) -> None:
    """The address follows the fields, and they follow the address; each `copy` copies the link."""
    fields = sorted((field for part in linked for field in part.fields), key=lambda field: field.since)
    components = [field.component for field in fields]
    rules = json.dumps([field.rule for field in fields])
    space = os.environ.get("SPACE_ID")
    base = json.dumps(f"https://huggingface.co/spaces/{space}") if space else "location.href.split('#')[0]"
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
