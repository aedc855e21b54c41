"""The score in a searcher's words: what it says, how sure, and what to be careful about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.numbers import fixed
from attribution.types import ONE_LOGIT
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.coverage import Outside

UNDECIDED = 0.5  # |logit| below which the model leans to neither side: 38 to 62 %
RAIL = 7.6  # |logit| at the ends of the rail: there the percentage rounds to 0 or 100


def score_html(
    logit: float,
    model_label: str,
    revision: str,
    *,
    seen: int | None,
    length: int,
    outside: Sequence[Outside] = (),
    script: str | None = None,
    precision: str = "",
    reads: str = ONE_LOGIT,
    control: Sequence[str] = (),
) -> Markup:
    """`seen`: characters of the document the model read, None for all of `length`.

    `outside`: the sides that are mostly outside what the model was trained on; `script`: the only one it knows.
    `precision`: what float32 changes for this checkpoint; `reads`: which of the model's outputs the logit is.
    `control`: control tokens that stand in the texts.
    """
    percentage = fixed(100 * sigmoid(logit))
    return render(
        "score.html",
        logit=logit,
        verdict=verdict(logit),
        probability=percentage,
        saturated=percentage in ("0.0", "100.0"),
        place=50 + 50 * max(-1.0, min(1.0, logit / RAIL)),
        model_label=model_label,
        revision=revision,
        seen=seen,
        length=length,
        outside=outside,
        script=script,
        precision=precision,
        reads=None if reads == ONE_LOGIT else reads,
        control=control,
    )


def verdict(logit: float) -> str:
    """What the model says, in words that hold."""
    if abs(logit) <= UNDECIDED:
        return "Undecided"
    return "Answers the query" if logit > 0 else "Does not answer the query"


def sigmoid(logit: float) -> float:
    """`1 / (1 + exp(-logit))`, without overflow."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
