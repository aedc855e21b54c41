"""The page's inputs as a link, and its results as files: both are made in the browser, from what is on the page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import export
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.types import Explanation
from attribution.views.page import link_html
from interface.page.layout import ASIDE

SCRIPT = Path(__file__).parent / "static" / "permalink.js"
Explained = tuple[dict[str, Explanation], "Faithfulness | None"]
Formats = Mapping[str, tuple[str, str, Callable[[Any], str]]]  # label: file, type, what is in it
FORMATS: Formats = {
    "JSON": ("explanations.json", "application/json", lambda kept: export.to_json(list(kept[0].values()), kept[1])),
    "CSV": ("words.csv", "text/csv", lambda kept: export.to_csv(list(kept[0].values()))),
    "HTML": ("explanations.html", "text/html", lambda kept: export.to_html(*kept)),
    "SVG": ("card.svg", "image/svg+xml", lambda kept: export.to_svg(next(iter(kept[0].values())))),
}


@dataclass(frozen=True)
class Field:
    """A component whose value is part of the link, and what a link may put there."""

    component: Any
    rule: Mapping[str, Any]


def text(component: gr.Textbox, longest: int) -> Field:
    """Any text of at most `longest` characters."""
    return Field(component, {"name": str(component.label), "text": longest})


def choice(component: gr.Dropdown | gr.Radio) -> Field:
    """One of the component's choices."""
    return Field(component, {"name": str(component.label), "one": [value for _, value in component.choices]})


def choices(component: gr.CheckboxGroup) -> Field:
    """Some of the component's choices."""
    return Field(component, {"name": str(component.label), "some": [value for _, value in component.choices]})


def number(component: gr.Slider) -> Field:
    """A whole number of the slider."""
    return Field(component, {"name": str(component.label), "from": component.minimum, "to": component.maximum})


def build(page: gr.Blocks, fields: Sequence[Field], copy: gr.Button, after: Callable[[Any], Any]) -> None:
    """The address follows `fields`, and they follow the address, then `after(event)`; `copy` copies the link."""
    components = [field.component for field in fields]
    rules = json.dumps([field.rule for field in fields])
    space = os.environ.get("SPACE_ID")
    base = json.dumps(f"https://huggingface.co/spaces/{space}") if space else "location.href.split('#')[0]"
    gr.HTML(link_html(), elem_id="link")
    again = gr.Button("", elem_id="read-link", visible="hidden")
    js = f"(...now) => window.rerankLens.link.read({rules}, ...now)"
    for read in (page.load, again.click):
        after(read(None, components, components, js=js))
    gr.on(
        [component.change for component in components],
        None,
        components,
        js="(...now) => (window.rerankLens.link.follow(...now), [])",
    )
    copy.click(None, components, js=f"(...now) => (window.rerankLens.link.copy({base}, ...now), [])")


def build_downloads(kept: gr.State, formats: Formats = FORMATS, elem_id: str = "downloads") -> None:
    """A button for each format; the browser writes the file, the server keeps none. `kept`: the results come first."""
    with gr.Row(elem_id=elem_id, elem_classes="rl-downloads"):
        gr.HTML(link_html("Download what is on the page:"), elem_id=f"{elem_id}-label")
        file = gr.JSON(visible="hidden")
        for label, of in formats.items():
            button = gr.Button(label, size="sm", scale=0, min_width=70)
            written = button.click(_written(*of), kept, file, **ASIDE)
            written.success(None, file, js="(file) => (window.rerankLens.link.save(file), [])")


def _written(name: str, kind: str, write: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    def written(kept: Any) -> list[str]:
        """`[file name, type, content]`."""
        if not kept or not kept[0]:
            raise gr.Error("There is no result to download yet. Run it first.", print_exception=False)
        return [name, kind, write(kept)]

    return written
