"""The page's shell: title line, example chips, status, what a result is of, tokens against the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from attribution.views.templating import render

OWN_TEXT = "Your own text."


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


def top_html(tagline: str, links: Sequence[tuple[str, str]]) -> Markup:
    """The title line; `links` are `(text, address)`."""
    return render("page_top.html", tagline=tagline, links=links)


def head_html(description: str, script: str) -> Markup:
    """What goes into `<head>`; `script` is our own JavaScript."""
    return render("page_head.html", description=description, script=script)


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


def count_html(text: str, limit: int | None, n_template: int, most_query: int, most_document: int) -> Markup:
    """The line under the document, which the browser writes: of `limit` tokens the template has `n_template`."""
    return render(
        "page_count.html",
        text=text,
        limit=limit,
        n_template=n_template,
        most_query=most_query,
        most_document=most_document,
    )


def link_html(says: str = "") -> Markup:
    """A quiet line; an empty one is where the page says what became of a link."""
    return render("link.html", says=says)
