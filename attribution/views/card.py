"""Explanation -> a card: its words in colour, what to know about the method, what was measured. No torch, no gradio."""

from typing import Any

from attribution.evidence.agreement import CaptumAgreement
from attribution.evidence.faithfulness.scores import Faithfulness, count_of
from attribution.methods import METHODS
from attribution.numbers import fixed
from attribution.types import CAPPED, SIDES, Explanation, step_cap
from attribution.views.templating import Markup, render
from attribution.views.text import side_of, strongest
from attribution.words import template_sum, to_words

REMOVED = {"mask": "masked", "delete": "deleted"}


def card_html(
    explanation: Explanation,
    *,
    label: str,
    measured: Faithfulness | None = None,
    captum: CaptumAgreement | None = None,
    badge: str = "",
    large: bool = False,
    growing: bool = False,
) -> Markup:
    """One method's card. `label`: of what was asked for.

    `measured` adds the verdict at its end, `captum` the distance from our own integrated gradients; `badge`: what the
    page's verdict says of this card, which has the slider then; `large`: it stands first and large. `growing`: it is
    left open, for a browser to close, so that what comes later is only added.
    """
    method = METHODS[explanation.method]
    words = {side: to_words(explanation, side) for side in SIDES}
    return render(
        "card.html",
        explanation=explanation,
        method=method,
        label=label,
        badges=badges(explanation),
        sides=[side_of(words[side], side, method.colours) for side in SIDES],
        extra=verdict_html(explanation, measured) if measured else "",
        captum=captum,
        capped=CAPPED,
        badge=badge,
        large=large,
        removal=render("removal.html", steps=removal_steps(explanation, measured), signed=method.signed)
        if badge and measured
        else "",
        growing=growing,
        strongest=strongest([*words["query"], *words["document"]]),
        template_sum=template_sum(explanation),
    )


def verdict_html(explanation: Explanation, measured: Faithfulness) -> Markup:
    """Whether the method is above random orders under each operator; none for a text of few words."""
    key = explanation.requested_method
    if key not in measured.methods or not measured.enough_words:
        return Markup()
    under = [(REMOVED[one.operator], one.methods[key]) for one in measured.every]
    good = all(scores.clear for _, scores in under)
    as_good = not good and all(scores.over_random.clear for _, scores in under)
    control = METHODS[explanation.method].control
    return render("verdict.html", under=under, good=good, as_good=as_good, control=control)


def badges(explanation: Explanation) -> list[tuple[str, bool]]:
    """Text of each badge, and whether it warns."""
    method = METHODS[explanation.method]
    nodes = [str(path.n_steps) for path in explanation.paths if path.n_steps]
    every = [
        (explanation.method != explanation.requested_method, "fallback used", True),
        (not method.control, "signed" if method.signed else "size only", False),
        (method.complete, "adds up", False),
        (bool(nodes), f"{' + '.join(nodes)} nodes", False),
        (method.control, "control: never sees the score", True),
        (method.attention, "not an attribution of the score", True),
        (bool(step_cap(explanation)), "step cap hit", True),
    ]
    return [(text, warns) for holds, text, warns in every if holds]


def removal_steps(explanation: Explanation, measured: Faithfulness) -> list[dict[str, Any]]:
    """The slider's stops: every share of the deletion curve but the last, where all words are gone.

    `gone`: the keys of the words that are gone by then; `low` to `high`: the random orders with as many words gone.
    Logits as printed; `at` and `band`: as places in %.
    """
    scores, orders = measured.methods[explanation.requested_method], measured.random.orders
    keys = [f"d{i}" for i, word in enumerate(to_words(explanation, "document")) if word.attribution is not None]
    shares = (0.0, *measured.fractions)
    ends = [(min(values), max(values)) for values in zip(*(order.deletion for order in orders), strict=True)]
    every = [value for low, high in ends for value in (low, high)] + list(scores.deletion)
    least, width = min(every), (max(every) - min(every)) or 1.0
    steps = []
    for share, value, (low, high) in zip(shares, scores.deletion, ends, strict=False):
        gone = [keys[word] for word in scores.order[: count_of(share, measured.n_words)]]
        at, *band = (round(100 * (place - least) / width, 1) for place in (value, low, high))
        printed = {"logit": fixed(value, 2), "low": fixed(low, 2), "high": fixed(high, 2)}
        steps.append({"share": f"{fixed(100 * share, 0)} %", "gone": gone, **printed, "at": at, "band": band})
    return steps


def pending_html(method: str, label: str, status: str, large: bool = False) -> Markup:
    """A card's place before its result is there."""
    return render("pending.html", method=method, label=label, status=status, large=large)


def error_html(method: str, label: str, error: str) -> Markup:
    """A method that could not explain this pair with this model, in the place of its card."""
    return render("error.html", method=method, label=label, error=error)
