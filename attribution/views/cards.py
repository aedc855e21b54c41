"""Results -> the Explain tab's head and cards. No gradio, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attribution.evidence.agreement import CaptumAgreement, captum_agreement
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.faithfulness.summary import Summary, summary_of
from attribution.methods import METHODS
from attribution.methods.defaults import most_faithful
from attribution.types import Explanation
from attribution.views.card import card_html, error_html, pending_html
from attribution.views.sentence_bars import sentences_html
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.sentences import Sentences

BADGES = {  # what the card that stands first and large says, by the verdict
    "best": "Believe this one",
    "close": "Among the best, too close to call",
    "none": "No better than random words: believe none of them",
    "few words": "Too few words to tell which to believe",
}
UNCLEAR = "Not clearly better than random words here"
USUAL = most_faithful()  # of the quick methods, by the stored benchmark
OURS, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


def cards_html(
    done: Mapping[str, Explanation], measured: Faithfulness | None = None, found: Sentences | None = None
) -> Markup:
    """What the pair comes to in a sentence, its sentences, and a card for each method."""
    head = cards_head(done, measured, found) + sentences_html(found, fixed=True)
    return render("cards.html", head=head, cards=each_card(list(done), done, measured))


def cards_head(
    done: Mapping[str, Explanation], measured: Faithfulness | None, found: Sentences | None = None
) -> Markup:
    """What stands above the cards: the pair in a sentence or two, and the region that announces."""
    return render("cards_head.html", summary=summary_html(summary_of(done, measured), found))


def each_card(
    chosen: Sequence[str],
    done: Mapping[str, Explanation],
    measured: Faithfulness | None = None,
    *,
    failed: Mapping[str, str] | None = None,
    growing: bool = False,
) -> list[Markup]:
    """A card for each chosen method; those not in `done` keep their place.

    `measured` adds each one's verdict; `failed` has the error of each method that could not run. `growing`: more comes,
    so none is to be believed yet, and each card is left open: what a stream sends later is only what is added.
    """
    summary = None if growing else summary_of(done, measured)
    large = _large(chosen, done, summary)
    cards = []
    for key in chosen:
        label = METHODS[key].label
        if key in done:
            card = card_html(
                done[key],
                label=label,
                measured=measured,
                captum=_captum(done) if key == CAPTUM else None,
                badge=_badge(key, summary) if summary and key == large else "",
                large=key == large,
                growing=growing,
            )
        elif failed and key in failed:
            card = error_html(key, label, failed[key])
        else:
            card = pending_html(key, label, "Not run yet.", key == large)
        cards.append(card)
    return cards


def _large(chosen: Sequence[str], done: Mapping[str, Explanation], summary: Summary | None) -> str | None:
    """The card that stands first and large: the best method's; unless there is a best one, that which usually is, so
    that no card moves when the verdict comes.
    """
    first = [key for key in chosen if key == USUAL]
    usual = next((key for key in (*first, *chosen) if not METHODS[key].control), None)
    if summary is None:
        return usual
    return summary.source if summary.outcome == "best" or usual not in done else usual


def _badge(key: str, summary: Summary) -> str:
    """What the large card says of its method."""
    other = summary.outcome == "close" and key not in summary.methods
    return UNCLEAR if other else BADGES.get(summary.outcome, "")


def summary_html(summary: Summary | None, found: Sentences | None = None) -> Markup:
    """The sentence above the cards, None: not measured yet; before it what was `found` of the document's sentences."""
    source = METHODS[summary.source].label if summary and summary.source else None
    names = [METHODS[key].label for key in summary.methods] if summary else []
    return render("summary.html", s=summary, source=source, names=names, sentences=found)


def _captum(done: Mapping[str, Explanation]) -> CaptumAgreement | None:
    """How far the two integrated gradients agree, if both are there and neither fell back."""
    if not all(key in done and done[key].method == key for key in (OURS, CAPTUM)):
        return None
    return captum_agreement(done[OURS], done[CAPTUM])
