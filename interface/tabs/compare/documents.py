"""The documents of the Compare tab: pasted as one list, or one box each, with add and remove.

The server changes one form into the other, since it alone reads lists; the browser adds and removes boxes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.batch.pasted import Piece, read_pasted
from attribution.errors import InputError
from attribution.views.page import FORM, LIST, status_html
from interface.runs.handlers import ASIDE
from interface.runs.limits import MAX_DOCUMENT

LEAST, MOST = 2, 20  # documents that are compared
HOW = "one a line, or separated by a blank line; also JSON, a numbered or bulleted list, or cells of a table"
BOXES = "one box each"
EMPTY = ("",) * MOST
RULES = json.dumps({"list": LIST, "least": LEAST, "most": MOST})


@dataclass(frozen=True)
class Document:
    """One document of a list. `name`: its `id`, or its place, counted from 1; both where that name is taken."""

    name: str
    text: str


def check_list(documents: Sequence[Piece]) -> list[Document]:
    """The documents, each named. Raises `InputError` for too few, too many, too long or empty ones."""
    named = dict[str, Document]()
    for i, item in enumerate(documents, start=1):
        name, text = (str(i), item) if isinstance(item, str) else item
        while name in named:
            name = f"{name} ({i})"
        named[name] = Document(name, text)
    if not LEAST <= len(named) <= MOST:
        given = "1 document was" if len(named) == 1 else f"{len(named)} documents were"
        raise InputError(f"{given} given; {LEAST} to {MOST} can be compared. Give them {HOW}.")
    for document in named.values():
        if not document.text.strip():
            raise InputError(f"Document {document.name} is empty. Type or paste some text, or remove it.")
        if len(document.text) > MAX_DOCUMENT:
            raise InputError(
                f"Document {document.name} has {len(document.text):,} characters; at most {MAX_DOCUMENT:,} are "
                "allowed. Shorten it."
            )
    return [*named.values()]


def of_boxes(names: Sequence[str], boxes: Sequence[str]) -> list[Piece]:
    """What the boxes hold, but the empty ones; `names`: the ids of the first of them, empty where there is none."""
    named = zip([*names, *[""] * (len(boxes) - len(names))], boxes, strict=False)
    return [(name, text) if name else text for name, text in named if text.strip()]


def write_list(pieces: Sequence[Piece]) -> str:
    """A pasted list that `read_pasted` reads as these texts, with the ids of those that have one."""
    texts = [piece for piece in pieces if isinstance(piece, str)]
    plain = ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)
    if holds(plain, pieces):
        return plain
    entries = [{"text": piece} if isinstance(piece, str) else {"id": piece[0], "text": piece[1]} for piece in pieces]
    return "\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)


def holds(pasted: str, pieces: Sequence[Piece]) -> bool:
    """Whether a pasted list is read as just these texts and ids."""
    try:
        return read_pasted(pasted, tell=lambda _said: None) == [*pieces]
    except InputError:
        return False


@dataclass(frozen=True)
class Boxes:
    """`components`, in the order that `ask` takes them: mode, pasted list, the boxes' ids, then every box."""

    mode: gr.Radio
    text: gr.Textbox
    names: gr.JSON
    boxes: list[gr.Textbox]
    layout: gr.JSON
    problem: gr.HTML

    def show_after(self, filled: Any) -> Any:
        """Once the event `filled` has put other values into the components, the form that holds them is in sight."""
        return filled.then(None, [self.mode, *self.boxes], self.layout, js=_script("settle"))

    @property
    def components(self) -> list[Any]:
        """As inputs of an event."""
        return [self.mode, self.text, self.names, *self.boxes]


def build_boxes(documents: Sequence[str]) -> Boxes:
    """Both forms; one is shown. Changing from one to the other takes the documents along."""
    mode = gr.Radio([LIST, BOXES], value=LIST, label=FORM, elem_id="compare-mode")
    layout, names = gr.JSON([LIST, LEAST], visible="hidden"), gr.JSON([], label="Names", visible="hidden")
    with gr.Column(visible=True) as as_list:
        text = gr.Textbox(
            write_list(documents), label=f"Documents, {LEAST} to {MOST}", info=f"{HOW}; or a dropped file",
            elem_id="compare-documents", lines=5, max_lines=6,
        )  # fmt: skip
    boxes, rows, removes = [], [], []
    with gr.Column(visible=False, elem_id="compare-boxes") as as_boxes:
        for i in range(MOST):
            with gr.Row(visible=i < LEAST) as row:
                name, elem_id = f"Document {i + 1}", f"compare-box-{i + 1}"
                boxes.append(gr.Textbox("", label=name, elem_id=elem_id, lines=1, max_lines=4, scale=9))
                removes.append(gr.Button(f"Remove {i + 1}", scale=0, min_width=110, elem_classes="rl-remove-document"))
            rows.append(row)
        add = gr.Button("Add a document", elem_id="compare-add")
    problem = gr.HTML(status_html(""), elem_id="compare-problem")
    converted = mode.input(convert, [mode, text, names, *boxes], [mode, text, names, layout, problem, *boxes], **ASIDE)
    for after in (converted.then, converted.failure):
        after(None, js="() => window.rerankLens.documents.settled()")
    add.click(None, layout, layout, js=_script("add"))
    for i, remove in enumerate(removes):
        remove.click(None, [layout, names, *boxes], [layout, names, *boxes], js=_script("remove", i))
    layout.change(show, layout, [as_list, as_boxes, *rows], **ASIDE)
    return Boxes(mode, text, names, boxes, layout, problem)


def convert(mode: str, pasted: str, names: list[str], *boxes: str) -> list[Any]:
    """The documents in the form asked for, with their ids: `[mode, list, names, layout, problem, *boxes]`.

    A list that cannot be read stays a list, to the letter, and that is said; so does one whose boxes nobody edited.
    """
    said: list[str] = []
    listed: list[Piece]
    try:
        listed = read_pasted(pasted, said.append)
        if mode == BOXES and len(listed) > MOST:
            raise InputError(f"{len(listed)} documents were given; there are {MOST} boxes.")
    except InputError as error:
        listed, said = [], [str(error)]
    if mode == LIST:
        boxed = of_boxes(names, boxes)
        pasted, said = pasted if listed == boxed else write_list(boxed), []
    elif listed or not pasted.strip():
        names = [piece[0] if isinstance(piece, tuple) else "" for piece in listed]
        boxes = (*(piece[1] if isinstance(piece, tuple) else piece for piece in listed), *EMPTY[len(listed) :])
    else:
        mode = LIST
    n = max((i for i, text in enumerate(boxes, start=1) if text.strip()), default=0)
    return [mode, pasted, names, [mode, max(LEAST, n)], status_html(". ".join(said)), *boxes]


def show(layout: Any) -> list[Any]:
    """The form that is chosen is the one that is seen, with so many boxes: `[list, boxes, *rows]`."""
    if not isinstance(layout, list) or [type(part) for part in layout] != [str, int]:
        raise gr.Error("The layout must be [form, number of boxes].", print_exception=False)
    mode, n = layout
    return [gr.update(visible=seen) for seen in (mode == LIST, mode == BOXES, *(i < n for i in range(MOST)))]


def _script(name: str, *given: int) -> str:
    """JavaScript that calls `name` of `static/documents.js` with what is in the components."""
    return f"(...now) => window.rerankLens.documents.{name}({', '.join([RULES, *map(str, given)])}, ...now)"
