"""Results -> the page's sections: score, cards, faithfulness. No gradio, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attribution.evidence.agreement import captum_agreement
from attribution.methods import METHODS
from attribution.rerankers.models import MODELS
from attribution.views.card import card_html, error_html, pending_html, score_html
from attribution.views.faithfulness import faithfulness_html, verdict_html
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.faithfulness import Faithfulness
    from attribution.types import Explanation

OURS, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


def score_section(explanation: Explanation) -> Markup:
    """The score panel, from any explanation of the pair."""
    known = MODELS.get(explanation.model_id)
    ends = [token.end or 0 for token in explanation.tokens if token.segment == "document"]
    score = score_html(
        explanation.logit,
        known.label if known else explanation.model_id,
        explanation.revision,
        seen=max(ends) if explanation.truncated else None,
        length=len(explanation.document),
    )
    return render("root.html", content=score)


def cards_html(
    chosen: Sequence[str],
    done: Mapping[str, Explanation],
    measured: Faithfulness | None = None,
    *,
    failed: Mapping[str, str] | None = None,
) -> Markup:
    """A card for each chosen method; those not in `done` keep their place.

    `measured` adds each one's verdict; `failed` has the error of each method that could not run.
    """
    cards = [
        card_html(done[key], METHODS[done[key].method], label=METHODS[key].label, extra=_extra(key, done, measured))
        if key in done
        else error_html(key, METHODS[key].label, failed[key])
        if failed and key in failed
        else pending_html(METHODS[key].label, "Not run yet.")
        for key in chosen
    ]
    return render("cards.html", cards=cards)


def faithfulness_section(measured: Faithfulness, done: Mapping[str, Explanation]) -> Markup:
    """Curves, table and agreement under the cards."""
    return faithfulness_html(measured, done)


def _extra(key: str, done: Mapping[str, Explanation], measured: Faithfulness | None) -> Markup:
    """The method's verdict, and how far the two integrated gradients agree."""
    extra = Markup()
    if measured and key in measured.methods:
        extra += verdict_html(measured.methods[key], measured.random)
    if key == CAPTUM and OURS in done:
        extra += render("captum.html", captum=captum_agreement(done[OURS], done[CAPTUM]))
    return extra
