"""The documents of the Compare tab: pasted as one list, or one box each, with add and remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import AttributionError
from attribution.views.page import status_html
from interface.documents import HOW, LEAST, MOST, read_list, write_list

LIST, BOXES = "one list", "one box each"
EMPTY = ("",) * MOST
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Boxes:
    """`components`, in the order that `ask` takes them: mode, pasted list, then every box."""

    mode: gr.Radio
    text: gr.Textbox
    boxes: list[gr.Textbox]
    groups: list[Any]
    rows: list[Any]
    count: gr.State

    def show_after(self, filled: Any) -> Any:
        """Once the event `filled` has put other values into the components, the form that holds them is in sight."""
        return filled.then(settle, [self.mode, *self.boxes], [self.count, *self.rows, *self.groups], **QUIET)

    @property
    def components(self) -> list[Any]:
        """As inputs of an event."""
        return [self.mode, self.text, *self.boxes]


def build(documents: Sequence[str]) -> Boxes:
    """Both forms; one is shown. Changing from one to the other takes the documents along."""
    mode = gr.Radio([LIST, BOXES], value=LIST, label="Documents as", elem_id="compare-mode")
    with gr.Column(visible=True) as as_list:
        text = gr.Textbox(
            write_list(documents), label=f"Documents, {LEAST} to {MOST}", info=HOW, elem_id="compare-documents",
            lines=5, max_lines=6,
        )  # fmt: skip
    boxes, rows, removes = [], [], []
    with gr.Column(visible=False, elem_id="compare-boxes") as as_boxes:
        for i in range(MOST):
            with gr.Row(visible=i < LEAST) as row:
                boxes.append(gr.Textbox("", label=f"Document {i + 1}", lines=1, max_lines=4, scale=9))
                removes.append(gr.Button(f"Remove {i + 1}", scale=0, min_width=110))
            rows.append(row)
        add = gr.Button("Add a document", elem_id="compare-add")
    problem = gr.HTML(status_html(""), elem_id="compare-problem")
    count = gr.State(LEAST)
    mode.input(convert, [mode, text, *boxes], [problem, mode, text, *boxes, count, *rows, as_list, as_boxes], **QUIET)
    add.click(lambda n: _shown(min(MOST, n + 1)), count, [count, *rows], **QUIET)
    for i, remove in enumerate(removes):
        remove.click(lambda n, *texts, i=i: _removed(i, n, texts), [count, *boxes], [*boxes, count, *rows], **QUIET)
    return Boxes(mode, text, boxes, [as_list, as_boxes], rows, count)


def show(mode: str) -> tuple[Any, Any]:
    """The form that is chosen is the one that is seen."""
    return gr.update(visible=mode == LIST), gr.update(visible=mode == BOXES)


def settle(mode: str, *boxes: str) -> tuple[Any, ...]:
    """The form and as many boxes as hold text: `(count, *rows, list, boxes)`."""
    return *_shown(max(LEAST, _used(boxes))), *show(mode)


def convert(mode: str, pasted: str, *boxes: str) -> tuple[Any, ...]:
    """The documents in the other form: `(problem, mode, text, *boxes, count, *rows, list, boxes)`.

    A list that cannot be read stays a list, to the letter, and the problem is said.
    """
    if mode == LIST:
        return status_html(""), mode, write_list(boxes), *boxes, *_shown(max(LEAST, _used(boxes))), *show(mode)
    try:
        texts = [document.text for document in read_list(pasted)] if pasted.strip() else []
    except AttributionError as error:
        return status_html(str(error)), LIST, pasted, *boxes, *_shown(max(LEAST, _used(boxes))), *show(LIST)
    return status_html(""), mode, pasted, *_filled(texts), *_shown(max(LEAST, len(texts))), *show(mode)


def _removed(i: int, n: int, texts: Sequence[str]) -> tuple[Any, ...]:
    left = [*texts[:i], *texts[i + 1 :]]
    return *_filled(left), *_shown(max(LEAST, n - 1))


def _filled(texts: Sequence[str]) -> list[str]:
    return [*texts, *EMPTY][:MOST]


def _shown(n: int) -> tuple[Any, ...]:
    """`(count, *rows)` with the first `n` boxes in sight."""
    return n, *(gr.update(visible=i < n) for i in range(MOST))


def _used(boxes: Sequence[str]) -> int:
    return max((i + 1 for i, text in enumerate(boxes) if text.strip()), default=0)
