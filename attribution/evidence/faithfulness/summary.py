"""One sentence on a pair: which words are strongest, and which method to believe there, if any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attribution.methods import METHODS
from attribution.types import Explanation, Word
from attribution.words import to_words

if TYPE_CHECKING:
    from attribution.evidence.faithfulness.scores import Faithfulness

N_WORDS = 4


@dataclass(frozen=True)
class Summary:
    """`believe`: the most comprehensive of the methods that beat every random order and the control, else None.

    `words`: the document's strongest, by `source`: that method, or where none beats chance the most comprehensive of
    those that see the score; None, and no words, if none of them was asked for. `also`: how many others beat chance
    too. `enough_words`: False on a document too short to tell.
    """

    words: tuple[str, ...]
    source: str | None
    believe: str | None
    also: int
    n_random: int
    enough_words: bool


def summarise(explanations: Mapping[str, Explanation], measured: Faithfulness) -> Summary:
    """Of all `explanations` that are measured; a method that fell back to a control is never the source."""
    judged = {key: measured.methods[key] for key in explanations if key in measured.methods}
    ranked = sorted(judged, key=lambda key: -judged[key].comprehensiveness)
    sources = [key for key in ranked if not _is_blind(explanations[key])]
    good = [key for key in sources if judged[key].beats_chance] if measured.enough_words else []
    source = next(iter(good or sources), None)
    return Summary(
        words=strongest_words(explanations[source]) if source else (),
        source=source,
        believe=good[0] if good else None,
        also=max(0, len(good) - 1),
        n_random=len(measured.random.orders),
        enough_words=measured.enough_words,
    )


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


def _is_blind(explanation: Explanation) -> bool:
    return METHODS[explanation.method].control
