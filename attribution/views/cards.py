"""Results -> the Explain tab's head, sentences and cards, also of two models side by side. No gradio, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from attribution.evidence.agreement import TOP, CaptumAgreement, captum_agreement, compare_models
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.faithfulness.summary import Summary, summary_of
from attribution.methods import METHODS
from attribution.methods.defaults import most_faithful
from attribution.numbers import coordinate, logit
from attribution.types import Explanation
from attribution.views.card import card_html, error_html, pending_html
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
FEWEST = 3  # sentences from which they are shown; below, words say it all
SHOWN = 15  # words in the table of two models' ranks
Given = Explanation | str | None  # what a method gave: its explanation, its error, or nothing yet
OURS, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


def cards_html(
    done: Mapping[str, Explanation],
    measured: Faithfulness | None = None,
    found: Sentences | None = None,
    failed: Mapping[str, str] | None = None,
) -> Markup:
    """What the pair comes to in a sentence, its sentences, and a card for each method, also for those that `failed`."""
    head = cards_head(done, measured, found) + sentences_html(found, fixed=True)
    cards = each_card([*done, *(failed or {})], done, measured, failed=failed)
    return render("cards.html", head=head, cards=cards)


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
    return [
        _card(
            key,
            METHODS[key].label,
            done.get(key) or (failed or {}).get(key),
            measured=measured,
            captum=_captum(done) if key == CAPTUM else None,
            badge=_badge(key, summary) if summary and key == large else "",
            large=key == large,
            growing=growing,
        )
        for key in chosen
    ]


def _card(key: str, label: str, given: Given, *, large: bool = False, **more: Any) -> Markup:
    if given is None:
        return pending_html(key, label, "Not run yet.", large)
    if isinstance(given, str):
        return error_html(key, label, given)
    return card_html(given, label=label, large=large, **more)


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


def sentences_html(found: Sentences | None, *, fixed: bool = False) -> Markup:
    """Its sentences, if there are three or more; a bar is a share, a loss until the shares are known.

    `fixed`: for a page without a script, where nothing can be clicked.
    """
    if found is None or len(found.sentences) < FEWEST:
        return Markup()
    return render("sentence_bars.html", found=found, rows=_rows(found), shares=found.remainder is not None, fixed=fixed)


def _rows(found: Sentences) -> list[dict[str, object]]:
    """Each sentence with the numbers of its `words`, its `value` as printed, and its bar from `left`, in %.

    `value` is None where the model read nothing of it.
    """
    values = [s.without if s.share is None else s.share for s in found.sentences]
    ends = accumulate((s.n_words for s in found.sentences), initial=0)
    scale = max((abs(value) for value in values if value is not None), default=0.0) or 1.0
    rows = []
    for sentence, value, words in zip(found.sentences, values, pairwise(ends), strict=True):
        width = 50 * abs(value or 0.0) / scale
        lowers = value is not None and value < 0
        bar = {"left": coordinate(50 - width if lowers else 50), "width": coordinate(width), "lowers": lowers}
        shown = None if value is None else logit(value)
        rows.append({"words": words, "sentence": sentence, "value": shown, **bar})
    return rows


def two_models_html(methods: Sequence[str], names: tuple[str, str], sides: Sequence[Mapping[str, Given]]) -> Markup:
    """`names`: the two models' labels; `sides`: what each gave so far."""
    rows = []
    for key in methods:
        label = METHODS[key].label
        done = [given for side in sides if isinstance(given := side.get(key), Explanation)]
        same = len(done) == 2 and done[0].method == done[1].method
        both = compare_models(done[0], done[1]) if same else None
        cards = [_card(key, f"{label}, {name}", side.get(key)) for name, side in zip(names, sides, strict=True)]
        rows.append({"label": label, "cards": cards, "compared": both})
    told = [(given.notes for given in side.values() if isinstance(given, Explanation)) for side in sides]
    notes = [f"{name}: {note}" for name, of_model in zip(names, told, strict=True) for note in next(of_model, ())]
    return render("two_models.html", rows=rows, names=names, top=TOP, shown=SHOWN, notes=notes)
