"""Results as files: the server writes what is on the page, the browser saves it, and nothing stays on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from attribution.export import FORMATS, Format
from attribution.views.page import link_html
from interface.runs.handlers import ASIDE


def build_downloads(
    kept: gr.State,
    formats: Mapping[str, Format] = FORMATS,
    elem_id: str = "downloads",
    results: Callable[[Any], Sequence[Any]] = tuple,
) -> None:
    """A button for each format; the browser writes the file, the server keeps none.

    `results`: what the formats write, of what is `kept`.
    """
    with gr.Row(elem_id=elem_id, elem_classes="rl-downloads"):
        gr.HTML(link_html("Download"), elem_id=f"{elem_id}-label")
        file = gr.JSON(visible="hidden")
        for label, of in formats.items():
            button = gr.Button(label, size="sm", scale=0, min_width=70)
            written = button.click(_written(of, results), kept, file, **ASIDE)
            written.success(None, file, js="(file) => (window.rerankLens.link.save(file), [])")


def _written(of: Format, results: Callable[[Any], Sequence[Any]]) -> Callable[[Any], list[str]]:
    def written(kept: Any) -> list[str]:
        """`[file name, type, content]`."""
        given = results(kept) if kept else ()
        if not given or not given[0]:
            raise gr.Error("There is no result to download yet. Run it first.", print_exception=False)
        return [of.file, of.kind, of.write(*given)]

    return written
