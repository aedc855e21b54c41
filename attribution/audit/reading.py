"""What is found in the texts of one failure: the difference by sentences, what turns it round, and its causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attribution.audit.causes import find_causes
from attribution.audit.failures import N_CONTROLS, Case, Inversion
from attribution.errors import InputError
from attribution.evidence.compare.contrast import words_of
from attribution.evidence.compare.counterfactual import counterfactual
from attribution.evidence.compare.passages import SentenceContrast, contrast_sentences
from attribution.evidence.sentences import MAX_EXACT
from attribution.explain import explain
from attribution.removal import game, parts_of
from attribution.rerankers.reranker import Reranker
from attribution.types import Word

ORDERS = 4  # of sentences: a quarter of a single pair's, and four times as many failures in the same time
FEW_WORDS = 60  # of a text, or of a sentence, whose words are looked at one by one


@dataclass(frozen=True)
class Part:
    """A sentence or a word of a text that was read, and its term in logits.

    `words` of a sentence: what its text falls by without each; of a text of more than `FEW_WORDS` words only those of
    its largest sentence, and what that sentence alone falls by.
    """

    text: str
    value: float
    words: tuple[Part, ...] = ()

    @property
    def size(self) -> float:
        """How much it counts, whatever its sign."""
        return abs(self.value)


@dataclass(frozen=True)
class Why:
    """The wrong one's logit minus the right one's, by sentences: `difference` = all values + `common_value` +
    `remainder`.

    `wrong`, `right`: the sentences that only one of them holds, each with its Shapley share, the right one's with the
    other sign; `error`: the largest standard error of a share, 0 where all are exact. `common`: those that both hold,
    or nearly; `common_value`: the difference of the two texts cut down to these. `wrong_words`, `right_words`: what
    each logit falls by without the word; empty for texts of more than `FEW_WORDS` words.
    """

    difference: float
    wrong: tuple[Part, ...]
    right: tuple[Part, ...]
    common: tuple[str, ...]
    common_value: float
    remainder: float
    error: float
    wrong_words: tuple[Part, ...]
    right_words: tuple[Part, ...]


@dataclass(frozen=True)
class Turned:
    """What is dropped from the wrong text, strongest first, until it falls below the right one; `logit`: what is left.

    `turned`: it did fall below. If not, every part that raises its score is dropped.
    """

    unit: str
    dropped: tuple[str, ...]
    logit: float
    turned: bool


@dataclass(frozen=True)
class Reading:
    """`causes`: those that hold for a failure, each with its sentence; `control_causes`: for each of its controls the
    keys of those that hold there."""

    causes: Mapping[str, str]
    control_causes: tuple[tuple[str, ...], ...]
    why: Why
    turned: Turned


@dataclass(frozen=True)
class Failure:
    """An inversion and what was found in its texts."""

    inversion: Inversion
    reading: Reading


def read_inversion(reranker: Reranker, inversion: Inversion, seed: int = 0) -> Reading:
    """Ask every cause of the inversion and of its query's pairs that stand as they should, and take the texts apart."""
    case = inversion.case
    elsewhere = tuple(tuple(find_causes(reranker, control)) for control in inversion.controls)
    contrast = contrast_of(reranker, case, seed)
    return Reading(find_causes(reranker, case), elsewhere, why(reranker, contrast), turn_round(reranker, contrast))


def max_passes(n_sentences: int, n_words: int) -> int:
    """At most so many sequences for a failure of two such texts with its controls; for estimates."""
    sets = 2**n_sentences if n_sentences <= MAX_EXACT else 2 + ORDERS * (n_sentences - 1)
    words = n_words if n_words <= FEW_WORDS else n_words // n_sentences  # of the largest sentence, as the mean has them
    causes = (n_sentences + 3) * (1 + N_CONTROLS)  # each sentence alone, the best one moved, the query's words alone
    return 2 * (sets + words + 1) + n_sentences + causes


def contrast_of(reranker: Reranker, case: Case, seed: int) -> SentenceContrast:
    """Why the wrong text has another logit than the right one, sentence by sentence."""
    texts = case.wrong.text, case.right.text
    return contrast_sentences(reranker, case.query, *texts, seed=seed, most_orders=ORDERS)


def why(reranker: Reranker, contrast: SentenceContrast) -> Why:
    """The difference of the two texts, told by what only one of them says."""
    words = {of: _words(reranker, contrast.query, getattr(contrast, of)) for of in ("first", "second")}
    parts = {of: _sentences(reranker, contrast, of, words[of]) for of in words}
    return Why(
        difference=contrast.difference,
        wrong=parts["first"],
        right=parts["second"],
        common=tuple(contrast.first[slice(*one.first)] for one in contrast.common),
        common_value=contrast.common_value,
        remainder=contrast.remainder,
        error=max((bar.error for bar in contrast.bars), default=0.0),
        wrong_words=_parts(words["first"]),
        right_words=_parts(words["second"]),
    )


def _sentences(reranker: Reranker, contrast: SentenceContrast, of: str, words: Sequence[Word]) -> tuple[Part, ...]:
    """The sentences that only this text holds: with the `words` in them, or the largest with its own."""
    bars = [bar for bar in contrast.bars if bar.of == of]
    inside = {bar: _parts(word for word in words if bar.start <= word.start < bar.end) for bar in bars}
    if bars and not words:
        largest = max(bars, key=lambda bar: abs(bar.value))
        inside[largest] = _parts(_words(reranker, contrast.query, largest.text))
    return tuple(Part(bar.text, bar.value, inside[bar]) for bar in bars)


def turn_round(reranker: Reranker, contrast: SentenceContrast) -> Turned:
    """The sentences of the wrong text go by falling share; its words, where the model read but one sentence of it."""
    own = [bar for bar in contrast.bars if bar.of == "first"]
    starts = sorted([bar.start for bar in own] + [one.first[0] for one in contrast.common])  # of all that was read
    if len(starts) < 2:
        return _words_that_turn(reranker, contrast.query, contrast.first, contrast.second)
    pair = reranker.encode(contrast.query, contrast.first)
    play = game(reranker, pair, parts_of(pair, "sentence"), "delete")
    kept, left, dropped = frozenset(range(len(starts))), contrast.first_logit, list[str]()
    for bar in sorted((bar for bar in own if bar.value > 0), key=lambda bar: -bar.value):
        kept -= {starts.index(bar.start)}
        left = play([kept])[kept]
        dropped.append(bar.text.strip())
        if left < contrast.second_logit:
            break
    return Turned("sentence", tuple(dropped), left, left < contrast.second_logit)


def _words_that_turn(reranker: Reranker, query: str, wrong: str, right: str) -> Turned:
    explained = explain(reranker, query, wrong, "occlusion", operator="delete")
    try:
        found = counterfactual(reranker, query, wrong, right, explanation=explained)
    except InputError:  # scored in another batch the two are level: there is nothing to turn
        return Turned("word", (), explained.logit, False)
    return Turned("word", tuple(word.text for word in found.dropped), found.logits[-1], found.flipped)


def _words(reranker: Reranker, query: str, text: str) -> list[Word]:
    """What the logit falls by without each; none of a text that has too many."""
    if len(text.split()) > FEW_WORDS:
        return []
    explained = explain(reranker, query, text, "occlusion", operator="delete")
    return words_of(explained, explained.attributions, "document")


def _parts(words: Iterable[Word]) -> tuple[Part, ...]:
    return tuple(Part(word.text, word.attribution or 0.0) for word in words)


def reading_of(value: Mapping[str, Any]) -> Reading:
    """The reading that `export.plain` made plain data of, perhaps with other fields beside it."""
    told, turned = dict(value["why"]), dict(value["turned"])
    for name in ("wrong", "right", "wrong_words", "right_words"):
        told[name] = tuple(map(_part_of, told[name]))
    told["common"], turned["dropped"] = tuple(told["common"]), tuple(turned["dropped"])
    return Reading(dict(value["causes"]), tuple(map(tuple, value["control_causes"])), Why(**told), Turned(**turned))


def _part_of(value: Mapping[str, Any]) -> Part:
    return Part(value["text"], value["value"], tuple(map(_part_of, value["words"])))
