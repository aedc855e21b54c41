"""Results -> the page's sections: score, cards, faithfulness. No gradio, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attribution.evidence.agreement import CaptumAgreement, captum_agreement
from attribution.evidence.coverage import SCRIPTS, outside
from attribution.evidence.summary import summarise
from attribution.methods import METHODS
from attribution.rerankers.models import MODELS
from attribution.views.card import SIDES, card_html, error_html, pending_html
from attribution.views.faithfulness import faithfulness_html
from attribution.views.score import score_html
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.faithfulness import Faithfulness
    from attribution.evidence.summary import Summary
    from attribution.types import Explanation

OURS, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


def score_section(explanation: Explanation) -> Markup:
    """The score panel, from any explanation of the pair."""
    known = MODELS.get(explanation.model_id)
    script = SCRIPTS.get(known.languages) if known else None
    ends = [token.end or 0 for token in explanation.tokens if token.segment == "document"]
    sides = [outside(explanation, side, script) for side in SIDES]
    score = score_html(
        explanation.logit,
        known.label if known else explanation.model_id,
        explanation.revision,
        seen=max(ends) if explanation.truncated else None,
        length=len(explanation.document),
        outside=[side for side in sides if side.mostly],
        script=script,
        precision=explanation.precision,
        reads=explanation.reads,
        control=explanation.control,
    )
    return render("root.html", content=score)


def cards_html(
    chosen: Sequence[str],
    done: Mapping[str, Explanation],
    measured: Faithfulness | None = None,
    *,
    failed: Mapping[str, str] | None = None,
) -> Markup:
    """What the pair comes to in a sentence, and a card for each chosen method; those not in `done` keep their place.

    `measured` adds each one's verdict; `failed` has the error of each method that could not run.
    """
    finished = measured is not None and set(done) <= set(measured.methods)
    summary = summarise(done, measured) if measured and finished else None
    cards = [
        _card(key, done, measured, summary)
        if key in done
        else error_html(key, METHODS[key].label, failed[key])
        if failed and key in failed
        else pending_html(key, METHODS[key].label, "Not run yet.")
        for key in chosen
    ]
    return render("cards.html", cards=cards, summary=summary_html(summary))


def summary_html(summary: Summary | None) -> Markup:
    """The sentence above the cards; None: not measured yet."""
    source = METHODS[summary.source].label if summary and summary.source else None
    return render("summary.html", s=summary, source=source)


def faithfulness_section(measured: Faithfulness, done: Mapping[str, Explanation]) -> Markup:
    """Curves, table and agreement under the cards."""
    return faithfulness_html(measured, done)


def _card(key: str, done: Mapping[str, Explanation], measured: Faithfulness | None, summary: Summary | None) -> Markup:
    return card_html(
        done[key],
        METHODS[done[key].method],
        label=METHODS[key].label,
        measured=measured,
        captum=_captum(done) if key == CAPTUM else None,
        believe=summary is not None and summary.believe == key,
    )


def _captum(done: Mapping[str, Explanation]) -> CaptumAgreement | None:
    """How far the two integrated gradients agree, if both are there and neither fell back."""
    if not all(key in done and done[key].method == key for key in (OURS, CAPTUM)):
        return None
    return captum_agreement(done[OURS], done[CAPTUM])
