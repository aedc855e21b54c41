"""What a pair comes to: which words are strongest, and which method to believe there, if any."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from attribution.evidence.faithfulness.scores import Faithfulness, Scores
from attribution.methods import METHODS
from attribution.methods.defaults import Prior, prior_of
from attribution.types import Explanation, Word
from attribution.words import to_words

N_WORDS = 4
Outcome = Literal["best", "close", "none", "few words", "blind"]


@dataclass(frozen=True)
class Summary:
    """The verdict on the methods of one pair, over every operator that was measured.

    `outcome` "best": one method removes the costliest words under each operator, and is each time clearly above the
    random orders and the control. "close": some are clearly above the random orders under each operator, but either no
    one of them leads under all, or the control, which never sees the score, is as good (`control_as_good`). "none": no
    method is. "few words": the document is too short to tell. "blind": no method was asked for that sees the score.

    `methods`: the one to believe, or those that are too close to call, by `cost`. `cost`: what removing the first one's
    top words costs, in logits, `random_cost` and `control_cost` likewise, means over the operators. `words`: the
    document's strongest by `source`, the first of `methods`, else the method with the highest cost. `prior`: how often
    that one was the best on the benchmark's passages, for a document as long as those.
    """

    outcome: Outcome
    methods: tuple[str, ...]
    source: str | None
    words: tuple[str, ...]
    cost: float
    random_cost: float
    control_cost: float
    control_as_good: bool
    prior: Prior | None

    @property
    def believe(self) -> str | None:
        """The method to believe, if one is clearly the best."""
        return self.methods[0] if self.outcome == "best" else None


def summarise(explanations: Mapping[str, Explanation], measured: Faithfulness) -> Summary:
    """Of all `explanations` that are measured; a method that fell back to a control is never the source."""
    seeing = [key for key, e in explanations.items() if key in measured.methods and not METHODS[e.method].control]
    under = {key: [one.methods[key] for one in measured.every] for key in seeing}  # one an operator
    ranked = sorted(seeing, key=lambda key: -_cost(under[key]))
    good = [key for key in ranked if all(scores.over_random.clear for scores in under[key])]
    leaders = {max(seeing, key=lambda key: one.methods[key].comprehensiveness) for one in measured.every if seeing}
    first = next(iter(good), None)
    control_as_good = first is not None and not all(scores.clear for scores in under[first])
    outcome: Outcome = "none"
    if not seeing:
        outcome = "blind"
    elif not measured.enough_words:
        outcome = "few words"
    elif first:
        outcome = "best" if leaders == {first} and not control_as_good else "close"
    source = next(iter(ranked), None) if outcome in ("none", "few words") else first
    control = next(iter(measured.methods))
    return Summary(
        outcome=outcome,
        methods={"best": tuple(good[:1]), "close": tuple(good)}.get(outcome, ()),
        source=source,
        words=strongest_words(explanations[source]) if source else (),
        cost=_cost(under[source]) if source else 0.0,
        random_cost=fmean(one.random.comprehensiveness.mean for one in measured.every),
        control_cost=_cost([one.methods[control] for one in measured.every]),
        control_as_good=control_as_good,
        prior=prior_of(explanations[source]) if source else None,
    )


def summary_of(explanations: Mapping[str, Explanation], measured: Faithfulness | None) -> Summary | None:
    """`summarise`; None until all `explanations` are measured."""
    return summarise(explanations, measured) if measured and set(explanations) <= set(measured.methods) else None


def believed(explanations: Mapping[str, Explanation], measured: Faithfulness | None) -> Explanation:
    """The explanation that stands first and large: of the verdict's method, once all are measured, else the first."""
    summary = summary_of(explanations, measured)
    return explanations[summary.source] if summary and summary.source else next(iter(explanations.values()))


def _cost(under: list[Scores]) -> float:
    return fmean(scores.comprehensiveness for scores in under)


def strongest_words(explanation: Explanation, n: int = N_WORDS) -> tuple[str, ...]:
    """The document's `n` strongest words, each once: by value where the method has a sign, else by size."""
    signed = METHODS[explanation.method].signed

    def strength(word: Word) -> float:
        value = word.attribution or 0.0
        return value if signed else abs(value)

    texts: dict[str, str] = {}
    for word in sorted(to_words(explanation, "document"), key=lambda word: -strength(word)):
        if strength(word) > 0:
            texts.setdefault(word.text.strip().casefold(), word.text.strip())
    return tuple(texts.values())[:n]
