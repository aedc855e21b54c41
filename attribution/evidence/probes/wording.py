"""A searcher's view of a text: words, which words carry the query. By surface only.

Word lists are English; the rest goes by what Unicode says of a sign, and cuts no text inside a grapheme.
"""

from collections.abc import Sequence

import regex

from attribution.languages import FREQUENT, language_of
from attribution.words import UNSPACED, sentences_of

_EXTENDS = r"\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d"
_LETTER = rf"(?!{UNSPACED.pattern})\p{{L}}"
_SPACED = rf"(?:{_LETTER})(?:{_LETTER}|['\u2019\p{{N}}{_EXTENDS}])*(?:-(?:{_LETTER}|[\p{{N}}{_EXTENDS}])+)*"
_NUMBERED = rf"\p{{N}}+(?:[.,\u066b\u066c]\p{{N}}+)*(?:{_LETTER}|[{_EXTENDS}])*"
# In scripts without spaces every sign is a word of its own, as on the page.
WORD = regex.compile(rf"{_SPACED}|{_NUMBERED}|(?={UNSPACED.pattern})\X")
_ONE_SCRIPT = (
    r"[\p{Han}--[的是了吗呢]]+|[\p{Katakana}\u30fc]+|\p{Hiragana}+|"
    r"(?:[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*)+"
)
_TERM = regex.compile(rf"{_ONE_SCRIPT}|{WORD.pattern}", regex.VERSION1)
NUMBER = regex.compile(r"\p{Nd}+(?:[.,\u066b\u066c]\p{Nd}+)*")
_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\u3000-\u303f\uff01-\uff5e]")
_STOPWORDS = """a about an and are as at be by can could did do does for from had has have he her his how i if in is it
its me my of on or our she so than that the their them there these they this those to was we were what when where which
who whom whose why will with would you your"""
_AUXILIARIES = "is are was were am be been has have had can could will would does do did should may"
_REFERS_BACK = """it its this that these those he she they him his her their such here there then however but and or
also so thus therefore moreover both neither nor another again today later"""
STOPWORDS = frozenset((*_STOPWORDS.split(), *"的是了吗呢"))
NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "without", "cannot", "none", "nobody", "nothing"})
NEGATED = regex.compile(r"n['\u2019]t$", regex.IGNORECASE)
AUXILIARIES = frozenset(_AUXILIARIES.split())
REFERS_BACK = frozenset(_REFERS_BACK.split())  # a sentence that opens so leans on the one before it


def words_of(text: str) -> list[str]:
    """Words and numbers of `text`, in order, as typed."""
    return WORD.findall(text)


def negations_in(document: str) -> list[regex.Match[str]]:
    """Words that deny: "not" and its kind, and those that end in "n't"."""
    return [m for m in WORD.finditer(document) if m[0].casefold() in NEGATIONS or NEGATED.search(m[0])]


def numbers_in(document: str) -> list[regex.Match[str]]:
    """Numbers, in the digits of any script, with what separates their groups."""
    return list(NUMBER.finditer(document))


def names_in(document: str) -> list[regex.Match[str]]:
    """Names: capitalised words of three letters or more, not at a sentence's start."""
    starts, at = set(), 0
    for sentence in sentences_of(document):
        first = WORD.search(sentence)
        starts |= {at + first.start()} if first else set()
        at += len(sentence)
    inner = (m for m in WORD.finditer(document) if m.start() not in starts and m[0].istitle() and len(m[0]) > 2)
    return [m for m in inner if m[0].casefold() not in STOPWORDS]


def is_english(text: str) -> bool:
    """Is most of `text` in Latin letters, and are English stop words more than another language's frequent words?"""
    latin, letters = (len(regex.findall(kind, text)) for kind in (r"\p{Latin}", r"\p{L}"))
    words = [word.casefold() for word in words_of(text)]
    n_english = sum(word in STOPWORDS for word in words)
    language = language_of(text)
    others = FREQUENT.get(language, "").split()
    enough = n_english > 0 or len(words) < 8 if language == "en" else n_english > sum(word in others for word in words)
    return latin * 2 >= letters and enough


def content_words(query: str) -> list[str]:
    """The query's words without stop words, case-folded, each once; all of them if nothing else is there.

    Where words are not spaced: stretches of one script, hiragana being endings and particles.
    """
    words = list(dict.fromkeys(word.casefold() for word in _TERM.findall(query)))
    return [word for word in words if word not in STOPWORDS and not regex.match(r"\p{Hiragana}", word)] or words


def is_content(word: str) -> bool:
    """Has it letters or digits, and is it no stop word?"""
    return any(part.casefold() not in STOPWORDS for part in words_of(word))


def partner_of(word: str, wanted: Sequence[str]) -> bool:
    """Is `word` one of `wanted`, the same but for an ending (live, lives), or a sign of one that is not spaced?"""
    word = word.casefold()
    unspaced = UNSPACED.match(word) is not None
    return any(word == other or (word in other if unspaced else _same_stem(word, other)) for other in wanted)


def _same_stem(a: str, b: str) -> bool:
    shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    enough = 2 if regex.match(r"\p{Hangul}", a) else 4  # a Korean syllable is two or three letters
    return shared >= enough and max(len(a), len(b)) - shared <= 3 and len(a) + len(b) - 2 * shared <= 4


def partners_in(document: str, wanted: str) -> dict[str, list[regex.Match[str]]]:
    """Where `wanted` stands in `document`, by what it is called; of unspaced text its longest parts that do.

    Such a part has two Chinese signs or katakana at least, or four of other signs.
    """
    if not UNSPACED.match(wanted):
        return {wanted: [match for match in WORD.finditer(document) if partner_of(match[0], [wanted])]}
    signs, found, start = regex.findall(r"\X", wanted), {}, 0
    least = 2 if regex.match(r"[\p{Han}\p{Katakana}]", wanted) else 4
    while start <= len(signs) - least:
        for end in range(len(signs), start + least - 1, -1):
            part = "".join(signs[start:end])
            if places := list(regex.finditer(regex.escape(part) + rf"(?![{_EXTENDS}])", document)):
                found[part] = places
                start = end - 1
                break
        start += 1
    return found


def is_neutral(word: str, query: str) -> bool:
    """A word whose removal should mean little: not in the query, no number, no negation, no name."""
    plain = regex.fullmatch(r"[\p{L}\p{M}]+", word) is not None and word == word.lower()
    return plain and word not in NEGATIONS and not partner_of(word, content_words(query))


def shared_words(query: str, sentences: Sequence[str]) -> list[int]:
    """How many of its words each sentence shares with the query."""
    wanted = content_words(query)
    return [sum(partner_of(word, wanted) for word in set(words_of(sentence))) for sentence in sentences]


def answer_sentence(query: str, document: str) -> int:
    """The place of the sentence that shares most words with the query; the first of several."""
    shared = shared_words(query, sentences_of(document))
    return shared.index(max(shared)) if shared else 0


def joined(*parts: str) -> str:
    """The parts with a space between them, but none between two that are Chinese or Japanese."""
    text = ""
    for part in parts:
        together = not text or (_WIDE.match(text[-1]) and _WIDE.match(part))
        text += part if together else f" {part}"
    return text


def without(text: str, matches: Sequence[regex.Match[str]]) -> str:
    """`text` without the matched words, each with the white space behind it."""
    for match in reversed(matches):
        text = text[: match.start()] + text[match.end() :].lstrip()
    return text
