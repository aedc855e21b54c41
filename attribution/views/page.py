"""The page's shell: example chips, status, what a result is of, tokens against the limit, an address for Compare."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from attribution.views.templating import Markup, render

OWN_TEXT = "Your own text."
COMPARE = 1  # the place of the tab Compare
FORM, LIST = "Documents as", "one list"  # a box of Compare, and what it says when it opens


@dataclass(frozen=True)
class Identity:
    """What a result is of; the page compares it with its boxes. `settings`: in words, empty where there are none.

    `count`: its exact length in words, where it is known; `over`: it was too long. `notes`: what to know of the model.
    `asked`: the settings as the page has them, as JSON, where the result depends on any.
    """

    model_id: str
    model_label: str
    revision: str
    query: str
    document: str
    settings: str = ""
    count: str = ""
    over: bool = False
    notes: tuple[str, ...] = ()
    asked: str = ""


def examples_html(examples: Sequence[Mapping[str, str]]) -> Markup:
    """One chip an example, grouped by what it teaches; the first is chosen."""
    groups = [(name, list(members)) for name, members in groupby(examples, lambda example: example["teaches"])]
    return render("page_examples.html", groups=groups, first=examples[0], own=OWN_TEXT)


def identity_html(of: Identity, again: str = "Press Explain to update.") -> Markup:
    """The line above a result: what it is of. `again`: what to do once the boxes hold another pair."""
    return render("page_identity.html", of=of, again=again)


def status_html(text: str, *, stopped: bool = False, refused: bool = False) -> Markup:
    """A status line, announced as it changes; `stopped`: the run was ended before its end.

    `refused`: a start was not made, or is asked about first; what still runs shows its progress no more over the word.
    """
    return render("page_status.html", text=text, kind=" rl-stopped" if stopped else " rl-refused" if refused else "")


def count_html(
    text: str, limit: int | None, n_template: int, most_query: int, most_document: int, longest: int = 0
) -> Markup:
    """The line under the document, which the browser writes: of `limit` tokens the template has `n_template`.

    `longest`: characters beyond which a word is one token, unknown to the model; 0: none is.
    """
    most = {"most_query": most_query, "most_document": most_document, "longest": longest}
    return render("page_count.html", text=text, limit=limit, n_template=n_template, **most)


def compare_link(page: str, query: str, documents: Sequence[str], model_id: str) -> str:
    """The address of `page` that opens the texts in its tab Compare; no browser sends the fragment to a server.

    `interface/page/static/permalink.js` reads it: `#p=1.` and, as base64url of deflated JSON, some fields by name.
    """
    listed = "\n".join(json.dumps({"text": text}) for text in documents)
    fields = {"Query": query, FORM: LIST, "Documents": listed, "Model": model_id}
    state = json.dumps({"v": fields, "t": COMPARE}).encode()
    packer = zlib.compressobj(9, wbits=-15)
    packed = base64.urlsafe_b64encode(packer.compress(state) + packer.flush()).decode().rstrip("=")
    return f"{page.split('#')[0]}#p=1.{packed}"
