"""How often a method runs the model, as a number before it starts and in words for tables. No torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Sides = tuple[int, int]  # words of the query and of the document that the model sees


@dataclass(frozen=True)
class Passes:
    """Passes that depend on the text or on an option: `says` in words, `at_most(sides, options)` as a bound."""

    says: str
    at_most: Callable[[Sides, Mapping[str, Any]], int]


def of_option(option: str, paths: int = 1) -> Passes:
    """`option` of them along each of `paths`."""
    says = option if paths == 1 else f"{paths} x {option}"
    return Passes(says, lambda _sides, options: int(paths * options[option]))


def in_full(n_words: int, n_samples: int) -> bool:
    """Have so many words no more subsets than random orders of them would take?"""
    return bool(2**n_words <= 2 * n_samples * n_words)


def subsets_or_orders(sides: Sides, options: Mapping[str, Any]) -> int:
    """Each side's subsets, or the beginnings of `n_samples` random orders of its words."""
    n_samples = options["n_samples"]
    return sum(2**n if in_full(n, n_samples) else n_samples * (n + 1) for n in sides)
