"""Words that lift wrong candidates more than right ones: found by counting, then measured by taking them away."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from attribution.audit.failures import Case, Inversion
from attribution.audit.statistics import Excess, excesses, mean_intervals
from attribution.evidence.probes.wording import WORD, without, words_of
from attribution.rerankers.reranker import Reranker

LEAST = 3  # failures whose wrong candidate must hold a word, before it is asked about
N_WORDS = 8  # words that are taken away
N_TEXTS = 20  # texts of either kind that a word is taken from


@dataclass(frozen=True)
class LiftingWord:
    """A word that wrong candidates hold and right ones lack.

    `excess`: how often so among failures and among correctly ordered pairs. `lift`: what the raw logit of a wrong
    candidate falls by when the word is taken out of it, the mean over `n` texts with its 95 % bootstrap interval;
    `right_lift`: the same in relevant candidates, None where none of them holds the word.
    """

    word: str
    excess: Excess
    n: int
    lift: float
    low: float
    high: float
    right_lift: float | None

    @property
    def claimed(self) -> bool:
        """It is in excess in wrong candidates, and it lifts them."""
        return self.excess.claimed and self.low > 0


def lifting_words(reranker: Reranker, inversions: Sequence[Inversion], seed: int) -> tuple[LiftingWord, ...]:
    """The words most in excess in wrong candidates whose interval is beyond 1: claimed ones first, then by their lift.

    Every word that at least `LEAST` wrong candidates hold is counted, and the test is corrected over all of them.
    """
    compared = [(_only_wrong(one.case), [*map(_only_wrong, one.controls)]) for one in inversions if one.controls]
    held = Counter(word for inversion in inversions for word in _only_wrong(inversion.case))
    found = excesses([word for word, n in held.items() if n >= LEAST], compared, seed)
    beyond = [word for word in found if found[word].low > 1]
    first = sorted(beyond, key=lambda word: (found[word].p, -found[word].ratio, word))[:N_WORDS]
    lifts = [_lift(reranker, word, found[word], inversions, seed) for word in first]
    return tuple(sorted(lifts, key=lambda one: (not one.claimed, -one.lift)))


def _only_wrong(case: Case) -> set[str]:
    wrong, right = ({word.casefold() for word in words_of(one.text)} for one in (case.wrong, case.right))
    return wrong - right


def _lift(reranker: Reranker, word: str, excess: Excess, inversions: Sequence[Inversion], seed: int) -> LiftingWord:
    cases = [case for inversion in inversions for case in (inversion.case, *inversion.controls)]
    wrong = _falls(reranker, word, [(case.query, case.wrong.text, case.wrong.logit) for case in cases])
    right = _falls(reranker, word, [(case.query, case.right.text, case.right.logit) for case in cases])
    lift, low, high = mean_intervals(np.array(wrong)[:, None], seed)[0].tolist() if wrong else (0.0, 0.0, 0.0)
    return LiftingWord(word, excess, len(wrong), lift, low, high, float(np.mean(right)) if right else None)


def _falls(reranker: Reranker, word: str, pairs: Sequence[tuple[str, str, float]]) -> list[float]:
    """What each logit falls by without the word, for the first `N_TEXTS` different texts that hold it and more."""
    kept: dict[tuple[str, str], float] = {}
    shorter: dict[str, list[str]] = defaultdict(list)
    for query, text, logit in pairs:
        found = [match for match in WORD.finditer(text) if match[0].casefold() == word]
        rest = without(text, found)
        if found and regex.search(r"\w", rest) and (query, text) not in kept and len(kept) < N_TEXTS:
            kept[query, text] = logit
            shorter[query].append(rest)
    logits = {query: iter(reranker.score(query, texts)) for query, texts in shorter.items()}
    return [logit - next(logits[query]) for (query, _), logit in kept.items()]
