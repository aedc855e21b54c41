"""Results as files: the server writes what a file holds and keeps none; the browser saves it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from attribution.errors import AttributionError
from attribution.export import FORMATS, Format
from attribution.views.page import status_html
from attribution.views.templating import render
from interface.runs.handlers import ASIDE

DOWNLOAD = render("link.html", says="Download")
GONE = "There is no result to download, or it is not kept any more. Run it first."


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
            written.success(None, file, js="(file) => (file && window.rerankLens.save(file), [])")
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
