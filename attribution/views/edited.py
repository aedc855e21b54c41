"""What came of words that were dropped or replaced by hand, beside what the explanation had said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.edited import Edit


def unedited_html() -> Markup:
    """The place for it, while every word is as it was."""
    return render("edited.html", edit=None)


def edited_html(edit: Edit, words: Mapping[str, str], before: float, after: float, label: str) -> Markup:
    """Both logits, and the prediction of the method that is called `label`.

    `words`: what was edited, by the page's names; the page shows the result only as long as that still holds.
    """
    return render("edited.html", edit=edit, words=words, before=before, after=after, label=label)
