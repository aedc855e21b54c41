"""What an explanation will cost, before it starts: an upper bound in sequences through the model."""

from typing import Any

from attribution.explain import options_of
from attribution.methods import METHODS
from attribution.methods.passes import Passes, Sides
from attribution.removal import seen_words
from attribution.types import TokenizedPair

OUTSIDE = 4  # forwards that `explain` may add to measure a method: the pair's own and those of the baselines
GRADIENT = 3  # a gradient costs about as much as so many forwards


def sides_of(pair: TokenizedPair) -> Sides:
    """How many words of the query and of the document the model sees."""
    return len(seen_words(pair, "query")), len(seen_words(pair, "document"))


def sequences(method: str, sides: Sides, **options: Any) -> int:
    """At most so many sequences through the model for `method` with its `options`; backward passes not counted."""
    passes = METHODS[method].passes
    if isinstance(passes, Passes):
        given = {name: options.get(name) or default for name, default in options_of(method).items()}
        passes = passes.at_most(sides, given)
    return passes + OUTSIDE


def forwards(method: str, sides: Sides, **options: Any) -> int:
    """The same in forwards: a sequence with a gradient counts as `GRADIENT` of them."""
    return sequences(method, sides, **options) * (GRADIENT if METHODS[method].uses_gradient else 1)
