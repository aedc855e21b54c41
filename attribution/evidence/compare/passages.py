"""Why one passage stands above another, sentence by sentence: what both hold first, then what only one of them says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import regex

from attribution.errors import OptionError, check_range, check_seed, plain_texts
from attribution.evidence.compare.contrast import Bar
from attribution.evidence.sentences import N_ORDERS, shares
from attribution.numbers import counted
from attribution.removal import game
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Result, Unit
from attribution.words import sentence_units

SAME = 0.9  # difflib's ratio of two sentences' words from which they are the same sentence, nearly
LONGEST = 1_000  # words of a sentence; of a longer one difflib leaves out the frequent, or it would take minutes
_WORD = regex.compile(r"[\w\p{M}]+", regex.VERSION1)  # with vowel signs and tone marks, which `\w` leaves out
_AROUND = " .,;:!?…。！？、'\"“”‘’«»()"
Span = tuple[int, int]  # [start, end) in characters


@dataclass(frozen=True)
class SentenceBar(Bar):
    """A sentence that only one of the two documents holds, and its term of the first's logit minus the second's.

    `value`: its Shapley share of its own document's logit, minus that share for one of the second; `error`: the share's
    standard error, 0 where it is exact; in logits.
    """

    error: float


@dataclass(frozen=True)
class Common:
    """A sentence that both documents hold: where it stands in each; `ratio`: 1 where it says the same."""

    first: Span
    second: Span
    ratio: float


@dataclass(frozen=True)
class SentenceContrast(Result):
    """`difference` = `first_logit` - `second_logit` = sum of the bars + `common_value` + `remainder`, in logits.

    `common_value`: the first's logit minus the second's when each is cut down to the sentences that both hold; 0 where
    these are the same text in the same order, or where there are none and sentences are deleted. `remainder` is
    rounding. `n_first`, `n_second`: the sentences of each that the model read; `unread`: how many of each it did not.
    `threshold`: the ratio of words from which two sentences are the same.
    """

    first: str
    second: str
    operator: str
    first_logit: float
    second_logit: float
    common: tuple[Common, ...]
    common_value: float
    bars: tuple[SentenceBar, ...]
    remainder: float
    n_first: int
    n_second: int
    unread: tuple[int, int]
    n_forward: int
    seconds: float
    threshold: float = SAME

    @property
    def difference(self) -> float:
        """The first document's logit minus the second's."""
        return self.first_logit - self.second_logit

    @property
    def says(self) -> str:
        """How much of the two is the same, in a sentence."""
        n, nearly = len(self.common), sum(pair.ratio < 1 for pair in self.common)
        if not n:
            return "No sentence is in both documents."
        verb = "are" if n > 1 else "is"
        if self.n_first == self.n_second:
            text = f"{n} of {counted(self.n_first, 'sentence')} {verb} in both documents"
        else:
            shared = f"{counted(n, 'sentence')} {verb} in both documents"
            text = f"{shared}, of {self.n_first} of the first and {self.n_second} of the second"
        return f"{text}{f', {nearly} of them nearly' if nearly else ''}."


def contrast_sentences(
    reranker: Reranker,
    query: str,
    first: str,
    second: str,
    *,
    operator: str = "delete",
    seed: int = 0,
    most_orders: int = N_ORDERS,
    on_pass: OnPass | None = None,
) -> SentenceContrast:
    """Why the document `first` has another logit than `second` for `query`, sentence by sentence, in logits.

    Sentences that both hold, or nearly (`SAME`), are paired first, each once, and are never removed. What each
    document's other sentences add to them is shared by Shapley values, as in `sentences`. `operator`, `seed` and
    `on_pass` as for `sentences`. `most_orders`: an even number, at least 4; fewer cost less, and the errors are larger.
    Raises `InputError` and `OptionError`.
    """
    check_reranker(reranker)
    query, first, second = plain_texts(query=query, first_document=first, second_document=second)
    seed = check_seed(seed)
    most_orders = check_range("most_orders", most_orders, 4, N_ORDERS)
    if most_orders % 2:
        raise OptionError(f"most_orders is {most_orders}; it must be even, since each order is drawn with its reverse.")
    began = time.perf_counter()
    pairs = [reranker.encode(query, document) for document in (first, second)]
    every = [sentence_units(pair) for pair in pairs]
    sides = [[sentence for sentence in of if sentence.positions] for of in every]
    paired = align(*([sentence.text for sentence in side] for side in sides))
    bars: list[SentenceBar] = []
    logits, cores = [], []
    with metered(Meter(on_pass)) as meter:
        for k, (pair, side) in enumerate(zip(pairs, sides, strict=True)):
            stays = {places[k] for *places, _ratio in paired}
            own = [sentence for i, sentence in enumerate(side) if i not in stays]
            play = game(reranker, pair, [s.positions for s in own], operator)  # what both hold is never gone
            core, whole = frozenset[int](), frozenset(range(len(own)))
            cores.append(play([core, whole])[core])
            logits.append(play([core, whole])[whole])
            for s, (share, error) in zip(own, shares(play, len(own), seed, most_orders), strict=True):
                value = -share if k else share
                bars.append(SentenceBar(s.text, "second" if k else "first", s.start, s.end, value, error))
    common_value = cores[0] - cores[1]
    return SentenceContrast(
        **reranker.about(query),
        first=first,
        second=second,
        operator=operator,
        first_logit=logits[0],
        second_logit=logits[1],
        common=tuple(Common(_span(sides[0][i]), _span(sides[1][j]), ratio) for i, j, ratio in paired),
        common_value=common_value,
        bars=tuple(bars),
        remainder=logits[0] - logits[1] - common_value - sum(bar.value for bar in bars),
        n_first=len(sides[0]),
        n_second=len(sides[1]),
        unread=(len(every[0]) - len(sides[0]), len(every[1]) - len(sides[1])),
        n_forward=meter.n_forward,
        seconds=time.perf_counter() - began,
    )


def align(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int, float]]:
    """`(place in first, place in second, ratio)` of the sentences that are in both, each once, the most alike first.

    In the order of `first`. The ratio is difflib's, of their words without case and punctuation; of equal words that of
    their characters, at least `SAME`, so that "C++" is only nearly "C".
    """
    a, b = ([_WORD.findall(text.casefold()) or [text.strip()] for text in texts] for texts in (first, second))
    ratios = []
    for j, there in enumerate(b):
        matcher = SequenceMatcher(None, b=there, autojunk=len(there) > LONGEST)  # which learns its second sequence once
        for i, here in enumerate(a):
            matcher.set_seq1(here)
            if here == there:
                ratios.append((-max(SAME, _alike(first[i], second[j])), i, j))
            elif all(of() >= SAME for of in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)):
                ratios.append((-matcher.ratio(), i, j))
    found: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for ratio, i, j in sorted(ratios):
        if i not in found and j not in taken:
            found[i] = (j, -ratio)
            taken.add(j)
    return [(i, *found[i]) for i in sorted(found)]


def _alike(first: str, second: str) -> float:
    """1 where only case, white space and the punctuation around them differ, else the share of characters in both."""
    a, b = (" ".join(text.casefold().split()).strip(_AROUND) for text in (first, second))
    if a == b:
        return 1.0
    one_elsewhere = 1 - 1 / max(len(a), len(b))
    return min(one_elsewhere, SequenceMatcher(None, a, b).quick_ratio())


def _span(sentence: Unit) -> Span:
    return sentence.start, sentence.end
