"""A searcher's view of a text: words, which words carry the query. By surface only; made for English."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from attribution.words import sentences_of

WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}'\u2019]*(?:-[\p{L}\p{N}]+)*|\p{N}+(?:[.,]\p{N}+)*")
NUMBER = regex.compile(r"(?<![\p{L}\p{N}])[0-9]+(?:[.,][0-9]+)*(?![\p{L}\p{N}])")
_STOPWORDS = """a about an and are as at be by can could did do does for from had has have he her his how i if in is it
its me my of on or our she so than that the their them there these they this those to was we were what when where which
who whom whose why will with would you your"""
_AUXILIARIES = "is are was were am be been has have had can could will would does do did should may"
_REFERS_BACK = """it its this that these those he she they him his her their such here there then however but and or
also so thus therefore moreover both neither nor another again today later"""
STOPWORDS = frozenset(_STOPWORDS.split())
NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "without", "cannot", "none", "nobody", "nothing"})
NEGATED = regex.compile(r"n['\u2019]t$", regex.IGNORECASE)
AUXILIARIES = frozenset(_AUXILIARIES.split())
REFERS_BACK = frozenset(_REFERS_BACK.split())  # a sentence that opens so leans on the one before it


def words_of(text: str) -> list[str]:
    """Words and numbers of `text`, in order, as typed."""
    return WORD.findall(text)


def content_words(query: str) -> list[str]:
    """The query's words without stop words, case-folded, each once; all of them if nothing else is there."""
    words = list(dict.fromkeys(word.casefold() for word in words_of(query)))
    return [word for word in words if word not in STOPWORDS] or words


def partner_of(word: str, wanted: Sequence[str]) -> bool:
    """Is `word` one of `wanted`, or the same but for an ending (live, lives; inhabitant, inhabitants)?"""
    word = word.casefold()
    return any(word == other or _same_stem(word, other) for other in wanted)


def _same_stem(a: str, b: str) -> bool:
    shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return shared >= 4 and max(len(a), len(b)) - shared <= 3


def is_neutral(word: str, query: str) -> bool:
    """A word whose loss should mean little: in no query, no number, no negation, no name."""
    plain = word.isalpha() and word == word.casefold()
    return plain and word not in NEGATIONS and not partner_of(word, content_words(query))


def answer_sentence(query: str, document: str) -> int:
    """The place of the sentence that shares most words with the query; the first of several."""
    wanted = content_words(query)
    shared = [sum(partner_of(word, wanted) for word in set(words_of(s))) for s in sentences_of(document)]
    return shared.index(max(shared)) if shared else 0


def without(text: str, matches: Sequence[regex.Match[str]]) -> str:
    """`text` without the matched words, each with the white space behind it."""
    for match in reversed(matches):
        text = text[: match.start()] + text[over_space(text, match.end()) :]
    return text


def over_space(text: str, at: int) -> int:
    """The first place from `at` on that is no white space."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at
