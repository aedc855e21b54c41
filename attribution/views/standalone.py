"""Results as HTML files that need nothing else: styles inside, no script, nothing loaded, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.types import Explanation
from attribution.views.cards import cards_html
from attribution.views.faithfulness import faithfulness_html
from attribution.views.score import score_html
from attribution.views.templating import Markup, render, write

if TYPE_CHECKING:
    from attribution.evidence.sentences import Sentences

STATIC = Path(__file__).parent / "static"


def page_html(
    explanations: Mapping[str, Explanation],
    measured: Faithfulness | None = None,
    found: Sentences | None = None,
    failed: Mapping[str, str] | None = None,
) -> str:
    """The cards of a pair: score, sentences, a card a method (keys as asked for), and what was measured of them."""
    first = next(iter(explanations.values()))
    return write(
        "standalone.html",
        query=first.query,
        styles=styles(),
        score=score_html(first),
        cards=cards_html(explanations, measured, found, failed),
        faithfulness=faithfulness_html(measured, explanations) if measured else "",
    )


def notebook_html(explanation: Explanation) -> str:
    """The score and the one card, styles with them, for a notebook's output cell."""
    return write(
        "notebook.html",
        styles=styles(),
        score=score_html(explanation),
        cards=cards_html({explanation.requested_method: explanation}),
    )


def styles() -> Markup:
    """The page's own style sheets in one, and the colours that Gradio's theme otherwise gives."""
    sheets = [path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.css"))]
    return Markup("\n".join([render("standalone.css"), *sheets]))
