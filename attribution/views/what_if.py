"""What came of dropping words or editing a text, beside what the attribution had predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.compare.counterfactual import Counterfactual


@dataclass(frozen=True)
class Outcome:
    """One document as it was and as it is now; `predicted`: the change that its attributions had said, None if none.

    `dropped`: the words that went; none for an edited text.
    """

    which: str
    dropped: tuple[str, ...]
    before: float
    after: float
    predicted: float | None
    rank_before: int
    rank_after: int
    n_documents: int


def outcomes_html(outcomes: Sequence[Outcome]) -> Markup:
    """A line a changed document; without any, what one can do."""
    return render("what_if.html", outcomes=outcomes, flip=None, flip_names="")


def flip_html(found: Counterfactual, outcomes: Sequence[Outcome], names: tuple[str, str]) -> Markup:
    """The words whose loss puts the first of `names` below the second, and what became of each prediction."""
    steps = [
        (word.text, after, predicted)
        for word, after, predicted in zip(found.dropped, found.logits[1:], found.predicted[1:], strict=True)
    ]
    return render("what_if.html", outcomes=outcomes, flip=found, flip_names=names, steps=steps)
