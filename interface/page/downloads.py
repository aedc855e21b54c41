"""Results as files: the server writes what is on the page, the browser saves it, and nothing stays on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from attribution import export
from attribution.views.page import link_html
from interface.runs.handlers import ASIDE

Formats = Mapping[str, tuple[str, str, Callable[[Any], str]]]  # label: file, type, what is in it
FORMATS: Formats = {
    "JSON": ("explanations.json", "application/json", lambda kept: export.to_json(list(kept[0].values()), kept[1])),
    "CSV": ("words.csv", "text/csv", lambda kept: export.to_csv(list(kept[0].values()))),
    "HTML": ("explanations.html", "text/html", lambda kept: export.to_html(*kept)),
    "SVG": ("card.svg", "image/svg+xml", lambda kept: export.to_svg(next(iter(kept[0].values())))),
}


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
