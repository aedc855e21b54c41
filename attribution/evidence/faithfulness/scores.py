"""What `faithfulness` measures: an order of the words in curves, a method's judged, random orders beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.removal import OPERATORS

MIN_WORDS = 5  # with fewer, the shares fall on one or two words and nothing can be told


@dataclass(frozen=True)
class Curves:
    """One order of the words, in logits. `deletion[i]`: the first `GRID[i]` of the words removed; `insertion[i]`: only
    those left.

    `comprehensiveness`: mean drop of the logit over `FRACTIONS` when the first words go, higher is better.
    `sufficiency`: the same when only they stay, lower is better.
    """

    comprehensiveness: float
    sufficiency: float
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]


@dataclass(frozen=True)
class Scores(Curves):
    """A method's curves, judged: more comprehensive than `n_beaten` of `n_random` random orders, and than
    `embedding_magnitude` (`beats_control`; None: it is that control itself).
    """

    n_beaten: int
    n_random: int
    beats_control: bool | None

    @property
    def beats_random(self) -> bool:
        """More than every random order, as a random order would be once in `n_random + 1` times."""
        return self.n_beaten == self.n_random

    @property
    def beats_chance(self) -> bool:
        """More than every random order and than the control; the control itself never does."""
        return self.beats_random and self.beats_control is True

    @property
    def verdict(self) -> str:
        """The same in words."""
        n = self.n_random
        if not self.beats_random:
            as_good = n - self.n_beaten
            return f"No better than a random order of words on this pair: {as_good} of {n} do as well or better."
        if self.beats_control is False:
            return f"Better than all {n} random orders, but not than embedding magnitude, which never sees the score."
        return f"Better than all {n} random orders of words on this pair; chance does that once in {n + 1}."


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
    `n_forward`: sequences through the model.
    """

    operator: str
    fractions: tuple[float, ...]
    logit: float
    methods: Mapping[str, Scores]
    random: Control
    n_words: int
    n_forward: int
    seconds: float

    @property
    def enough_words(self) -> bool:
        """Whether the document is long enough to tell a method from chance."""
        return self.n_words >= MIN_WORDS

    @property
    def removed(self) -> str:
        """What the operator does to a word that is taken away."""
        return OPERATORS[self.operator]
