"""What in two texts may have put one above the other. To add a cause: one function and one row of `CAUSES`.

A cause is a plain function of a reranker and a `Case`; it returns a sentence with its numbers where it holds, else
None. It is asked of failures and of pairs that stand as they should, so it must never look at which of them it has.
Causes that compare what the texts say ask what the *wrong* one has over the *right* one; causes that change a text ask
whether the *lower* one would have stood above the *upper* one. So does length: every model has some taste for it, which
is a cause only where it misleads more often than it leads right.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import regex

from attribution.audit.failures import Case
from attribution.evidence.probes import edits
from attribution.evidence.probes.edits import Edits
from attribution.evidence.probes.wording import content_words, names_in, negations_in, numbers_in, partner_of, words_of
from attribution.numbers import counted, fixed, logit
from attribution.rerankers.reranker import Reranker
from attribution.words import sentences_of

Holds = Callable[[Reranker, Case], str | None]
Find = Callable[[str], list[regex.Match[str]]]
WINDOWS = 8  # parts of an unread text that are scored, each as long as what was read
LATE = 1 / 3  # of a text: what begins behind it stands late
MUCH_LONGER = 1.5
ALIKE = 0.6  # share of the shorter text's words, or triples of words, that the other has too
CARRIED = 0.5  # share of the difference beyond which the query's words alone must lead


@dataclass(frozen=True)
class Cause:
    """`label`: what a report calls it; `says`: what it means where it holds, in a sentence."""

    label: str
    says: str
    holds: Holds


def cut_by_limit(reranker: Reranker, case: Case) -> str | None:
    """The lower text was cut, and a part of it that was never read would alone score above the upper one."""
    text = case.lower.text
    cuts = [cut for cut in reranker.encode(case.query, text).cuts if cut.segment == "document"]
    unread = " ".join(text[cut.start : cut.end] for cut in cuts)
    if not unread.strip():
        return None
    words = unread.split()
    n_read = max(1, len(text.split()) - len(words))
    parts = [" ".join(words[at : at + n_read]) for at in range(0, len(words), n_read)][:WINDOWS]
    best = max(reranker.score(case.query, parts))
    if best <= case.upper.logit:
        return None
    return (
        f"{n_read} of {counted(n_read + len(words), 'word')} were read; what was not read would alone score "
        f"{logit(best)}, above the other's {logit(case.upper.logit)}"
    )


def best_sentence_late(reranker: Reranker, case: Case) -> str | None:
    """The lower text's best sentence stands late; moved to the front it would lift the text above the upper one."""
    sentences = sentences_of(case.lower.text)
    if len(sentences) < 2:
        return None
    alone = reranker.score(case.query, sentences)
    best = alone.index(max(alone))
    before = sum(len(words_of(sentence)) for sentence in sentences[:best])
    if before < LATE * len(words_of(case.lower.text)):
        return None
    others = [*sentences[:best], *sentences[best + 1 :]]
    (moved,) = reranker.score(case.query, [f"{sentences[best].strip()} {''.join(others)}"])
    if moved <= case.upper.logit:
        return None
    return (
        f"its best sentence, {best + 1} of {len(sentences)}, begins after {counted(before, 'word')}; moved to the "
        f"front the text would score {logit(moved)} instead of {logit(case.lower.logit)}, above the other's "
        f"{logit(case.upper.logit)}"
    )


def lexical_bait(_reranker: Reranker, case: Case) -> str | None:
    """The wrong text holds more of the query's words than the right one, or as many of them more often."""
    wrong, right = (_query_words(case.query, one.text) for one in (case.wrong, case.right))
    if (len(wrong), wrong.total()) <= (len(right), right.total()):
        return None
    wanted = counted(len(content_words(case.query)), "word")
    return (
        f"of the query's {wanted} the wrong one holds {len(wrong)} (in {counted(wrong.total(), 'place')}), the right "
        f"one {len(right)} (in {right.total()})"
    )


def lexical_gap(_reranker: Reranker, case: Case) -> str | None:
    """The right text lacks query words that the wrong one has, and holds fewer than half of them."""
    wanted = content_words(case.query)
    wrong, right = (_query_words(case.query, one.text) for one in (case.wrong, case.right))
    lacks = [word for word in wanted if wrong[word] and not right[word]]
    if not lacks or 2 * len(right) >= len(wanted):
        return None
    held = f"{len(right)} of the query's {counted(len(wanted), 'word')}"
    return f"the right one holds {held} and lacks {_listed(lacks)}, which the wrong one has"


@lru_cache(maxsize=64)  # a text stands in several pairs, and two causes ask the same
def _query_words(query: str, text: str) -> Counter[str]:
    """How often the text holds each of the query's words, those that it holds."""
    words = Counter(_folded(text))
    return +Counter(
        {word: sum(n for one, n in words.items() if partner_of(one, [word])) for word in content_words(query)}
    )


def near_duplicates(_reranker: Reranker, case: Case) -> str | None:
    """The two texts share most of the shorter one's stretches of three words."""
    texts = case.wrong.text, case.right.text
    wrong, right = (Counter(zip(w, w[1:], w[2:], strict=False)) for w in map(_folded, texts))
    share = _common(wrong, right)
    return f"{fixed(100 * share, 0)} % of the shorter text stands in both" if share >= ALIKE else None


def much_longer(_reranker: Reranker, case: Case, *, which: str) -> str | None:
    """`which`, "upper" or "lower", has half as many words again as the other text, or more."""
    upper, lower = (len(words_of(one.text)) for one in (case.upper, case.lower))
    long, short = (upper, lower) if which == "upper" else (lower, upper)
    return (
        f"{counted(upper, 'word')} in the upper one, {lower} in the lower one" if long >= MUCH_LONGER * short else None
    )


def only_differ(reranker: Reranker, case: Case, *, name: str, find: Find, edit: Edits) -> str | None:
    """The texts have most words in common, but not the same numbers, names or negations, as `find` finds them.

    What the probe `edit` would change is all that differs, or nearly; and what it does to the right one's score.
    """
    both = case.wrong, case.right
    wrong, right = ([match[0] for match in find(one.text)] for one in both)
    special = {word for match in (*wrong, *right) for word in _folded(match)}
    others = [Counter(w for w in _folded(one.text) if w not in special) for one in both]
    if Counter(wrong) == Counter(right) or _common(*others) < ALIKE:
        return None
    says = (
        f"the texts have most words in common, but not the {name}: {_listed(wrong)} in the wrong one, "
        f"{_listed(right)} in the right one"
    )
    probe = next(iter(edit(case.query, case.right.text, random.Random(0))), None)
    if probe is None:
        return says
    (edited,) = reranker.score(case.query, [probe.document])
    return f"{says}; the right one's score moves by {logit(edited - case.right.logit)} with {probe.says}"


def _common(a: Counter[Any], b: Counter[Any]) -> float:
    """The share of the smaller that the other has too."""
    return (a & b).total() / max(1, min(a.total(), b.total()))


def _folded(text: str) -> list[str]:
    return [word.casefold() for word in words_of(text)]


def _listed(words: list[str]) -> str:
    return ", ".join(f"\u201c{word}\u201d" for word in dict.fromkeys(words[:8])) or "none"


def query_words_alone(reranker: Reranker, case: Case) -> str | None:
    """With nothing left but the query's words, the wrong text still leads by more than half the difference."""
    wanted, both = content_words(case.query), (case.wrong, case.right)
    texts = [" ".join(w for w in words_of(one.text) if partner_of(w, wanted)) or "." for one in both]
    wrong, right = reranker.score(case.query, texts)
    if wrong - right <= CARRIED * (case.upper.logit - case.lower.logit):
        return None
    scores = f"the wrong one scores {logit(wrong)} and the right one {logit(right)}"
    return f"with only the query's words left in both, {scores}"


CAUSES: dict[str, Cause] = {
    "cut": Cause("Cut by the limit", "what the limit left unread would have put the lower text first", cut_by_limit),
    "late": Cause(
        "Best sentence late", "moved to the front, its best sentence would have put the lower text first",
        best_sentence_late,
    ),
    "bait": Cause("Lexical bait", "the wrong text holds more of the query's words", lexical_bait),
    "gap": Cause(
        "Lexical gap", "the right text lacks most of the query's words, some of which the wrong one has", lexical_gap
    ),
    "query_words": Cause(
        "Query words alone", "with nothing but the query's words left, the wrong text still leads", query_words_alone
    ),
    "duplicates": Cause("Near duplicates", "the texts share most of their wording", near_duplicates),
    "longer": Cause(
        "Longer one above", "the upper text is longer by half or more", partial(much_longer, which="upper")
    ),
    "shorter": Cause(
        "Shorter one above", "the lower text is longer by half or more", partial(much_longer, which="lower")
    ),
    "numbers": Cause(
        "Only numbers differ", "much the same words, other numbers",
        partial(only_differ, name="numbers", find=numbers_in, edit=edits.numbers),
    ),
    "names": Cause(
        "Only names differ", "much the same words, other names",
        partial(only_differ, name="names", find=names_in, edit=edits.names),
    ),
    "negation": Cause(
        "Only a negation differs", "much the same words, but one denies them",
        partial(only_differ, name="negations", find=negations_in, edit=edits.negation),
    ),
}  # fmt: skip


def find_causes(reranker: Reranker, case: Case) -> dict[str, str]:
    """Cause -> its sentence, for those that hold."""
    asked = {key: cause.holds(reranker, case) for key, cause in CAUSES.items()}
    return {key: says for key, says in asked.items() if says is not None}
