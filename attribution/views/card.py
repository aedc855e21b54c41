"""Explanation -> a card: its words in colour, what to know about the method, what was measured. No torch, no gradio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from attribution.types import Explanation
from attribution.views.numbers import number
from attribution.views.templating import Markup, render
from attribution.views.text import scale_of, shown, strongest
from attribution.words import template_sum, to_words

if TYPE_CHECKING:
    from attribution.methods import Method

SATURATED = 8.0  # |logit| beyond which the sigmoid is flat


class Legend(NamedTuple):
    """What the two ends of the colour bar mean."""

    left: str
    kind: str
    right: str


def card_html(explanation: Explanation, method: Method, *, label: str, extra: str = "") -> Markup:
    """One method's card. `method` is the row of what ran, `label` of what was asked for; `extra` is a view's HTML."""
    query, document = to_words(explanation, "query"), to_words(explanation, "document")
    scale = scale_of([*query, *document])
    return render(
        "card.html",
        explanation=explanation,
        method=method,
        label=label,
        extra=extra,
        badges=badges(explanation, method),
        segments=[
            (name, shown(words, scale, signed=method.signed, control=method.control))
            for name, words in (("Query", query), ("Document", document))
        ],
        legend=_legend(scale, method),
        strongest=strongest([*query, *document]),
        template_sum=template_sum(explanation),
    )


def badges(explanation: Explanation, method: Method) -> list[tuple[str, bool]]:
    """Text of each badge, and whether it warns."""
    every = [
        (explanation.method != explanation.requested_method, "fallback used", True),
        (True, "signed" if method.signed else "unsigned", False),
        (method.complete, "adds up", False),
        (method.control, "control: never sees the score", True),
        (method.attention, "not an attribution of the score", True),
        (any(path.capped for path in explanation.paths), "step cap hit", True),
    ]
    return [(text, warns) for holds, text, warns in every if holds]


def _legend(scale: float, method: Method) -> Legend:
    top = number(scale)
    if method.signed:
        return Legend(f"\u2212{top} lowers", "signed", f"+{top} raises")
    return Legend("0", "control" if method.control else "strength", f"{top} strongest")


def score_html(logit: float, model_label: str, revision: str, *, seen: int | None, length: int) -> Markup:
    """The score in a searcher's words. `seen`: characters of the document the model read, None for all of `length`."""
    return render(
        "score.html",
        logit=logit,
        probability=1 / (1 + math.exp(-logit)) if logit > -700 else 0.0,
        saturated=abs(logit) > SATURATED,
        model_label=model_label,
        revision=revision,
        seen=seen,
        length=length,
    )


def pending_html(label: str, status: str) -> Markup:
    """A card's place before its result is there."""
    return render("pending.html", label=label, status=status)


def error_html(method: str, label: str, error: str) -> Markup:
    """A method that could not explain this pair with this model, in the place of its card."""
    return render("error.html", method=method, label=label, error=error)
