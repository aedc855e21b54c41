"""A document's sentences as one HTML file: a table of what each does to the score, in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attribution.views.standalone import styles
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.sentences import Sentences


def page_html(found: Sentences) -> Markup:
    """A whole document that needs nothing else: the finding in a sentence, then a row a sentence."""
    return render("standalone_sentences.html", styles=styles(), found=found)
