"""What `faithfulness` measures: an order of the words in curves, a method's judged, random orders beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attribution.types import OPERATORS

MIN_WORDS = 5  # with fewer, the shares fall on one or two words and nothing can be told
MIN_SENTENCES = 3


def count_of(share: float, n: int) -> int:
    """How many of `n` words a share is: rounded, at least one."""
    return max(1, int(share * n + 0.5)) if share else 0


@dataclass(frozen=True)
class Curves:
    """One order of the words, measured in logits. `deletion[i]`: without the first `GRID[i]` of them; `insertion[i]`:
    with those alone.

    `order`: the document's read words, from 0, those the method calls most important first. `comprehensiveness`: how
    far the logit falls when the first words go, the mean over `FRACTIONS`; higher is better. `sufficiency`: the same
    when only they stay; lower is better.
    """

    comprehensiveness: float
    sufficiency: float
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    order: tuple[int, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Margin:
    """How much more a method's top words cost than something else, in logits; `reach`: twice the standard deviation of
    the random orders, so that `value` - `reach` to `value` + `reach` is its interval.
    """

    value: float
    reach: float

    @property
    def clear(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.value > self.reach


@dataclass(frozen=True)
class Scores(Curves):
    """A method's curves, judged by comprehensiveness: `over_random`, the mean of the random orders; `over_control`,
    embedding magnitude (None for that control itself); `n_beaten` of `n_random` random orders are below it.
    """

    over_random: Margin
    over_control: Margin | None
    n_beaten: int
    n_random: int

    @property
    def beats_random(self) -> bool:
        """More than every random order, as a random order would be once in `n_random + 1` times."""
        return self.n_beaten == self.n_random

    @property
    def clear(self) -> bool:
        """Clearly above the random orders and the control; the control itself never is."""
        return self.over_random.clear and self.over_control is not None and self.over_control.clear


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over the random orders, and each one's value, in logits."""

    mean: float
    std: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Control:
    """Random orders of the same words, measured the same way."""

    comprehensiveness: Spread
    sufficiency: Spread
    orders: tuple[Curves, ...]


@dataclass(frozen=True)
class Faithfulness:
    """`methods`: those measured so far, `embedding_magnitude` first. `n_words`: the document's words that were read.
    `n_forward`: sequences through the model. `others`: the same under the other operators. `unit`: what was taken away,
    words or sentences, which `n_words` then counts; `blind`: of sentences, the orders that never see the score.
    """

    operator: str
    fractions: tuple[float, ...]
    logit: float
    methods: Mapping[str, Scores]
    random: Control
    n_words: int
    n_forward: int
    seconds: float
    others: tuple[Faithfulness, ...] = ()
    unit: str = "word"
    blind: Mapping[str, Curves] = field(default_factory=dict)

    @property
    def every(self) -> tuple[Faithfulness, ...]:
        """Under each operator that was measured, this one first."""
        return (self, *self.others)

    @property
    def enough_words(self) -> bool:
        """Whether the document is long enough to tell a method from chance."""
        return self.n_words >= (MIN_SENTENCES if self.unit == "sentence" else MIN_WORDS)

    @property
    def removed(self) -> str:
        """What the operator does to a word that is taken away."""
        return OPERATORS[self.operator]
