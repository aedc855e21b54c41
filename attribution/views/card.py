"""Explanation -> a card: its words in colour, what to know about the method, what was measured. No torch, no gradio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attribution.types import Explanation
from attribution.views.removal import removal_html
from attribution.views.templating import Markup, render
from attribution.views.text import side_of, strongest
from attribution.words import template_sum, to_words

if TYPE_CHECKING:
    from attribution.evidence.faithfulness.agreement import CaptumAgreement
    from attribution.evidence.faithfulness.scores import Faithfulness
    from attribution.methods import Method

REMOVED = {"mask": "masked", "delete": "deleted"}
SIDES: tuple[Literal["query"], Literal["document"]] = ("query", "document")


def card_html(
    explanation: Explanation,
    method: Method,
    *,
    label: str,
    measured: Faithfulness | None = None,
    captum: CaptumAgreement | None = None,
    badge: str = "",
    large: bool = False,
    growing: bool = False,
) -> Markup:
    """One method's card. `method` is the row of what ran, `label` of what was asked for.

    `measured` adds the verdict at its end, `captum` the distance from our own integrated gradients; `badge`: what the
    page's verdict says of this card, which has the slider then; `large`: it stands first and large. `growing`: it is
    left open, for a browser to close, so that what comes later is only added.
    """
    words = {side: to_words(explanation, side) for side in SIDES}
    return render(
        "card.html",
        explanation=explanation,
        method=method,
        label=label,
        badges=badges(explanation, method),
        sides=[side_of(words[side], side, signed=method.signed, control=method.control) for side in SIDES],
        extra=verdict_html(explanation, method, measured) if measured else "",
        captum=captum,
        badge=badge,
        large=large,
        removal=removal_html(explanation, measured) if badge and measured else "",
        growing=growing,
        strongest=strongest([*words["query"], *words["document"]]),
        template_sum=template_sum(explanation),
    )


def verdict_html(explanation: Explanation, method: Method, measured: Faithfulness) -> Markup:
    """Whether the method is above random orders under each operator; none for a text of few words."""
    key = explanation.requested_method
    if key not in measured.methods or not measured.enough_words:
        return Markup()
    under = [(REMOVED[one.operator], one.methods[key]) for one in measured.every]
    good = all(scores.clear for _, scores in under)
    as_good = not good and all(scores.over_random.clear for _, scores in under)
    return render("verdict.html", under=under, good=good, as_good=as_good, control=method.control)


def badges(explanation: Explanation, method: Method) -> list[tuple[str, bool]]:
    """Text of each badge, and whether it warns."""
    nodes = [str(path.n_steps) for path in explanation.paths if path.n_steps]
    every = [
        (explanation.method != explanation.requested_method, "fallback used", True),
        (not method.control, "signed" if method.signed else "size only", False),
        (method.complete, "adds up", False),
        (bool(nodes), f"{' + '.join(nodes)} nodes", False),
        (method.control, "control: never sees the score", True),
        (method.attention, "not an attribution of the score", True),
        (any(path.capped for path in explanation.paths), "step cap hit", True),
    ]
    return [(text, warns) for holds, text, warns in every if holds]


def pending_html(method: str, label: str, status: str, large: bool = False) -> Markup:
    """A card's place before its result is there."""
    return render("pending.html", method=method, label=label, status=status, large=large)


def error_html(method: str, label: str, error: str) -> Markup:
    """A method that could not explain this pair with this model, in the place of its card."""
    return render("error.html", method=method, label=label, error=error)
