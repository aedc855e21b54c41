"""What is taken along: the page's inputs as a link, made in the browser, and results as files, kept by no server."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import AttributionError
from attribution.export import FORMATS, Format
from attribution.views.page import status_html
from attribution.views.templating import render
from interface.runs.handlers import ASIDE, PairInputs
from interface.server.open_graph import space_address

DOWNLOAD = render("link.html", says="Download")
GONE = "There is no result to download, or it is not kept any more. Run it first."


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


def build_downloads(
    kept: gr.State,
    formats: Mapping[str, Format] = FORMATS,
    elem_id: str = "downloads",
    results: Callable[..., Sequence[Any]] = tuple,
    line: Sequence[gr.HTML] = (),
) -> gr.HTML:
    """A button for each format; the browser writes the file, the server keeps none. Returns the line before them.

    `results`: what the formats write, of what is `kept` and of the page's `line`, where it has one. As `downloads`
    among the outputs of a run, its start takes back why there was no file.
    """
    with gr.Row(elem_id=elem_id, elem_classes="rl-downloads"):
        label_html, file = gr.HTML(DOWNLOAD, elem_id=f"{elem_id}-label"), gr.JSON(visible="hidden")
        for label, of in formats.items():
            button = gr.Button(label, size="sm", scale=0, min_width=70)
            written = button.click(_written(of, results), [kept, *line], [file, label_html], **ASIDE)
            written.success(None, file, js="(file) => (file && window.rerankLens.link.save(file), [])")
    return label_html


def _written(of: Format, results: Callable[..., Sequence[Any]]) -> Callable[..., tuple[list[str] | None, str]]:
    def written(kept: Any, *line: str) -> tuple[list[str] | None, str]:
        """`([file name, type, content], label)`, or why there is no file: of such an event Gradio shows no error."""
        given = results(kept, *line) if kept else ()
        if not given or not given[0]:
            return None, status_html(GONE)
        try:
            return [of.file, of.kind, of.write(*given)], DOWNLOAD
        except AttributionError as error:
            return None, status_html(str(error))

    return written
