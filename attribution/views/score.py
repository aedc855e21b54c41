"""The score in a searcher's words: what it says, how sure, and what to be careful about."""

import math

from attribution.evidence.coverage import SCRIPTS, outside
from attribution.numbers import fixed
from attribution.rerankers.loading.models import MODELS
from attribution.types import ONE_LOGIT, SIDES, Explanation
from attribution.views.templating import Markup, render

UNDECIDED = 0.5  # |logit| below which the model leans to neither side: 38 to 62 %
RAIL = 7.6  # |logit| at the ends of the rail: there the percentage rounds to 0 or 100


def score_html(explanation: Explanation) -> Markup:
    """The panel, from any explanation of the pair."""
    logit, known = explanation.logit, MODELS.get(explanation.model_id)
    percentage = fixed(100 * sigmoid(logit))
    script = SCRIPTS.get(known.languages) if known else None
    sides = [outside(explanation, side, script) for side in SIDES]
    ends = [token.end or 0 for token in explanation.tokens if token.segment == "document"]
    return render(
        "score.html",
        of=explanation,
        verdict=verdict(logit),
        probability=percentage,
        saturated=percentage in ("0.0", "100.0"),
        place=50 + 50 * max(-1.0, min(1.0, logit / RAIL)),
        model_label=known.label if known else explanation.model_id,
        seen=max(ends) if explanation.truncated else None,
        outside=[side for side in sides if side.mostly],
        script=script,
        reads=None if explanation.reads == ONE_LOGIT else explanation.reads,
    )


def verdict(logit: float) -> str:
    """What the model says, in words that hold."""
    if abs(logit) <= UNDECIDED:
        return "Undecided"
    return "Answers the query" if logit > 0 else "Does not answer the query"


def sigmoid(logit: float) -> float:
    """`1 / (1 + exp(-logit))`, without overflow."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
