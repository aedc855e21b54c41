"""What a run of the Explain tab has so far, and how it stands on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from attribution import METHODS
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.evidence.sentences import Sentences
from attribution.types import Explanation
from attribution.views.cards import cards_head, each_card
from attribution.views.page import status_html
from attribution.views.score import score_html
from attribution.views.sentence_bars import sentences_html
from interface.runs.handlers import Update

CARDS = [f"card {i}" for i in range(1, len(METHODS) + 1)]  # a place for each method


@dataclass
class Results:
    """What a run has so far. `of`: the line that says which pair and model; `section`: the faithfulness, as HTML.

    `found`: the document's sentences, None where it has fewer than three.
    """

    of: str
    chosen: Sequence[str]
    done: dict[str, Explanation] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    measured: Faithfulness | None = None
    section: str = ""
    found: Sentences | None = None

    @property
    def ordered(self) -> dict[str, Explanation]:
        """What is done, in the order of the cards."""
        return {key: self.done[key] for key in self.chosen if key in self.done}

    @property
    def n_ran(self) -> int:
        """How many methods have ended, with a result or an error."""
        return len(self.done) + len(self.failed)

    @property
    def whole(self) -> bool:
        """Nothing is left to run or to measure."""
        known = self.measured is not None and set(self.done) <= set(self.measured.methods)
        return known and self.n_ran == len(self.chosen)

    def page(self, status: str) -> Update:
        """The tab's outputs so far; Gradio sends only those that differ from the update before."""
        score = score_html(next(iter(self.done.values()))) if self.done else ""
        head = cards_head(self.done, self.measured if self.whole else None, self.found)
        cards = each_card(self.chosen, self.done, self.measured, failed=self.failed, growing=not self.whole)
        results = self.ordered, self.measured, self.found
        return page_of(self.of, cards, score, head, self.section, results, status, self.found)


def page_of(
    identity: str,
    cards: Sequence[str],
    score: str,
    head: str,
    faithfulness: str,
    results: Any,
    status: str,
    found: Sentences | None = None,
) -> Update:
    """The tab's outputs by name; places without a card are empty."""
    shown = dict(zip(CARDS, [*cards, *[""] * (len(CARDS) - len(cards))], strict=True))
    page = {"identity": identity, "score": score, "head": head, "faithfulness": faithfulness, "results": results}
    page["sentences"] = sentences_html(found)
    return page | shown | {"status": status_html(status)}
