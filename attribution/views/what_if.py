"""What came of what-ifs, measured, beside what the attribution had predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attribution.views.compare import quote
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.compare.counterfactual import Counterfactual
    from attribution.evidence.compare.raising import Raised


@dataclass(frozen=True)
class Outcome:
    """One document as it was and as it is now; `predicted`: the change that its attributions had said, None if none.

    `done`: what was there and what is there now, either may be empty; nothing for a text edited as a whole.
    """

    which: str
    done: tuple[tuple[str, str], ...]
    before: float
    after: float
    predicted: float | None
    rank_before: int
    rank_after: int
    n_documents: int

    @property
    def dropped(self) -> list[str]:
        """What went and left nothing in its place."""
        return [quote(was) for was, now in self.done if not now]

    @property
    def replaced(self) -> list[tuple[str, str]]:
        """What something else stands for now, and what was put in, beside nothing."""
        return [(quote(was), quote(now)) for was, now in self.done if now]


def outcomes_html(outcomes: Sequence[Outcome], unit: str = "word") -> Markup:
    """A line a changed document; without any, what one can do with a `unit` of a text."""
    return render("what_if.html", outcomes=outcomes, unit=unit, flip=None, raised=None)


def flip_html(found: Counterfactual, outcomes: Sequence[Outcome], names: tuple[str, str]) -> Markup:
    """What has to go so that the first of `names` falls below the second, and what became of each prediction."""
    steps = [
        (word.text, after, predicted)
        for word, after, predicted in zip(found.dropped, found.logits[1:], found.predicted[1:], strict=True)
    ]
    return render("what_if.html", outcomes=outcomes, unit=found.unit, flip=found, names=names, steps=steps, raised=None)


def raised_html(found: Raised, outcomes: Sequence[Outcome], names: tuple[str, str]) -> Markup:
    """The smallest edit that lifts the first of `names` above the second, and every single edit that was tried."""
    return render("what_if.html", outcomes=outcomes, unit="sentence", flip=None, raised=found, names=names)
