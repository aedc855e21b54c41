"""The slider under the believed card: words go in the method's order, and the score that faithfulness has measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from attribution.methods import METHODS
from attribution.numbers import fixed, logit
from attribution.views.templating import Markup, render
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.evidence.faithfulness.scores import Faithfulness
    from attribution.types import Explanation


@dataclass(frozen=True)
class Step:
    """One stop of the slider: the keys of the words that are gone by then, and logits, as printed and as places in %.

    `low` to `high`: the random orders with as many words gone.
    """

    share: str
    gone: list[str]
    logit: str
    low: str
    high: str
    at: float
    band: tuple[float, float]


def removal_html(explanation: Explanation, measured: Faithfulness) -> Markup:
    """The legend of the colours, and a slider over the shares of words that were removed; no pass of its own."""
    steps = [asdict(step) for step in removal_steps(explanation, measured)]
    signed = METHODS[explanation.method].signed
    return render("removal.html", steps=steps, measured=measured, signed=signed)


def removal_steps(explanation: Explanation, measured: Faithfulness) -> list[Step]:
    """Every share of the deletion curve but the last, where all words are gone."""
    scores, orders = measured.methods[explanation.requested_method], measured.random.orders
    keys = [f"d{i}" for i, word in enumerate(to_words(explanation, "document")) if word.attribution is not None]
    shares = (0.0, *measured.fractions)
    ends = [(min(values), max(values)) for values in zip(*(order.deletion for order in orders), strict=True)]
    every = [value for low, high in ends for value in (low, high)] + list(scores.deletion)
    least, width = min(every), (max(every) - min(every)) or 1.0
    steps = []
    for share, value, (low, high) in zip(shares, scores.deletion, ends, strict=False):
        gone = [keys[word] for word in scores.order[: measured.n_removed(share)]]
        at, *band = (round(100 * (place - least) / width, 1) for place in (value, low, high))
        steps.append(
            Step(f"{fixed(100 * share, 0)} %", gone, logit(value), logit(low), logit(high), at, (band[0], band[1]))
        )
    return steps
