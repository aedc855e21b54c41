"""Tokens -> units of the user's own text, by character span, by sum. A unit is what the model read as one.

And that text's sentences.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import regex
import sentencex

from attribution.errors import HALF
from attribution.languages import FREQUENT, abbreviates, language_of, without_lone_signs
from attribution.types import Explanation, Segment, Token, TokenizedPair, Unit, Word

MAX_WORDS = 40  # without an end: a longer stretch is cut at clauses
MAX_SENTENCES = 60  # of a text; where there are more, neighbours are put together

# Unicode's default word boundaries (UAX 29): "3.7" and "can't" are one word, Chinese and Thai go sign by sign.
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.VERSION1)
# What a reader sees: neither white space nor a control, zero-width or other character that leaves no mark.
VISIBLE = regex.compile(r"[^\s\p{Cc}\p{Default_Ignorable_Code_Point}]", regex.VERSION1)
_BREAKS = r"\n\r\v\f\x85\u2028\u2029"
_LINE = regex.compile(rf"([^{_BREAKS}]*)(?:[{_BREAKS}]\s*)?")
_LETTER = regex.compile(r"\p{L}")
_WIDE = "\uff0c\u3001\uff1b\uff1a"  # these end a clause without white space behind them
_CLAUSE_ENDS = f",;:\u2013\u2014\u060c\u061b{_WIDE}"
_GAP = regex.compile(rf"\s+|(?<=[{_WIDE}])")
_WORDY = regex.compile(r"[\p{L}\p{N}]")
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


def split_words(text: str) -> list[tuple[int, int]]:
    """Spans that cover `text` without gaps, a visible character in each; text of none but invisible ones is one span.

    Each owns the white space and the invisible characters before it, the last also what follows it.
    """
    spans: list[tuple[int, int]] = []
    start = end = 0
    for match in [*_BOUNDARY.finditer(text), None]:
        before, end = end, match.start() if match else len(text)
        if VISIBLE.search(text, before, end):
            spans.append((start, end))
            start = end
    if spans:
        spans[-1] = (spans[-1][0], len(text))
    return spans or ([(0, len(text))] if text else [])


def sentences_of(text: str) -> list[str]:
    """The sentences of `text`, each with the white space behind it: joined again they are the text."""
    return [text[start:end] for start, end in split_sentences(text)]


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Spans that cover `text` without gaps: its `pieces`, neighbours put together where they are over 60."""
    found = pieces(text)
    groups = min(len(found), MAX_SENTENCES)
    edges = [k * len(found) // groups for k in range(groups + 1)] if groups else []
    return [(found[a][0], found[b - 1][1]) for a, b in pairwise(edges)]


def pieces(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, without gaps, a visible character in each; a line's end is a sentence's end.

    Each owns the white space behind it. By `sentencex`, in the language whose script or frequent words are most; more
    than 40 words without an end are cut behind clauses, else between words; two signs of Chinese or Thai count as one.
    """
    spans: list[tuple[int, int]] = []
    start = before = 0
    for end in _sentence_ends(text):
        if VISIBLE.search(text, before, end):
            spans.append((start, end))
            start = end
        before = end
    if spans:
        spans[-1] = (spans[-1][0], len(text))
    return [part for span in spans for part in _clauses(text, *span)] or ([(0, len(text))] if text else [])


def units(read: Explanation | TokenizedPair, segment: Segment) -> list[Unit]:
    """One segment's text as the model read it, in order and without gaps: words, or several that share a token.

    Every token of the segment is in the unit whose visible characters it covers; one that covers none, or has an empty
    span, in the first that ends after it starts. A unit without `positions` was not read at all: it lies behind the
    limit, or the tokenizer drops such characters. `cut`: the limit took some of its tokens.
    """
    text = read.query if segment == "query" else read.document
    spans = split_words(text)
    covered = {
        i: _covered(text, spans, token)
        for i, token in enumerate(read.tokens)
        if token.segment == segment and token.start is not None
    }
    joined = {word for first, last in covered.values() for word in range(first, last)}  # with the word after it
    unit_of = [0, *accumulate(int(word not in joined) for word in range(len(spans)))][: len(spans)]
    positions: dict[int, list[int]] = defaultdict(list)
    for i, (first, _) in covered.items():
        positions[unit_of[first]].append(i)
    words: dict[int, list[int]] = defaultdict(list)
    for word, unit in enumerate(unit_of):
        words[unit].append(word)
    cuts = [cut for cut in read.cuts if cut.segment == segment]
    found = []
    for unit, within in words.items():
        start, end = spans[within[0]][0], spans[within[-1]][1]
        lost = any(VISIBLE.search(text, max(start, cut.start), min(end, cut.end)) for cut in cuts)
        found.append(Unit(text[start:end], segment, tuple(positions[unit]), start, end, lost and bool(positions[unit])))
    return found


def read_units(read: Explanation | TokenizedPair, segment: Segment, of: str = "word") -> list[Unit]:
    """The `units` that have tokens: what a method can speak of, and what can be taken away; or `sentence_units`."""
    found = sentence_units(read) if of == "sentence" else units(read, segment)
    return [unit for unit in found if unit.positions]


def units_by_sentence(read: Explanation | TokenizedPair) -> list[list[Unit]]:
    """The document's `units`, those of each of its `split_sentences`: one is where its first visible character is."""
    ends = [end for _, end in split_sentences(read.document)]
    found: list[list[Unit]] = [[] for _ in ends]
    for unit in units(read, "document"):
        seen = VISIBLE.search(read.document, unit.start, unit.end)
        found[bisect_right(ends, seen.start() if seen else unit.start)].append(unit)
    return found


def sentence_units(read: Explanation | TokenizedPair) -> list[Unit]:
    """The document's `split_sentences` as units, each with the tokens of its words; `cut` where one of them is."""
    found = []
    for (start, end), of in zip(split_sentences(read.document), units_by_sentence(read), strict=True):
        positions = tuple(position for unit in of for position in unit.positions)
        found.append(Unit(read.document[start:end], "document", positions, start, end, any(unit.cut for unit in of)))
    return found


def to_words(explanation: Explanation, segment: Segment) -> list[Word]:
    """The units of one segment's text; a unit's attribution is the sum over its tokens, None where nothing was read."""
    return sum_to_words(explanation, explanation.attributions, segment)


def sum_to_words(read: Explanation | TokenizedPair, values: Sequence[float], segment: Segment) -> list[Word]:
    """As `to_words`, for any `values`, one a token of `read`."""
    return sum_to_units(units(read, segment), values)


def sum_to_units(read: Iterable[Unit], values: Sequence[float]) -> list[Word]:
    """Words or sentences, each with the sum of `values`, one a token, over its own; None where nothing was read."""
    return [
        Word(u.text, u.segment, u.start, u.end, sum(values[i] for i in u.positions) if u.positions else None, u.cut)
        for u in read
    ]


def template_sum(explanation: Explanation) -> float:
    """What fell on template tokens such as [CLS] and [SEP]: words + template = tokens."""
    pairs = zip(explanation.tokens, explanation.attributions, strict=True)
    return sum(value for token, value in pairs if token.segment == "template")


def _covered(text: str, spans: Sequence[tuple[int, int]], token: Token) -> tuple[int, int]:
    """First and last word whose visible characters the token covers."""
    start, end = token.start or 0, token.end or 0
    first = VISIBLE.search(text, start, end)
    if first is None:
        word = _word_at(spans, start)
        return word, word
    last = next(i for i in range(end - 1, -1, -1) if VISIBLE.match(text, i))
    return _word_at(spans, first.start()), _word_at(spans, last)


def _word_at(spans: Sequence[tuple[int, int]], place: int) -> int:
    """The first word that ends after `place`, else the last."""
    return min(bisect_right(spans, place, key=lambda span: span[1]), len(spans) - 1)


def _sentence_ends(text: str) -> Iterator[int]:
    """Behind each sentence and each line. What has no letter, as "2." or a bullet, stays with what follows it."""
    language = language_of(text)
    whole = without_lone_signs(HALF.sub("\ufffd", text))  # sentencex reads no half of a character either
    for line in _LINE.finditer(whole):
        ends = _ends(line[1], language)
        if language in FREQUENT:  # English names and abbreviations stand in texts of all those
            ends &= _ends(line[1], "en")
        ends = {end for end in ends if not abbreviates(whole, line[1], end, language)}
        letters = [letter.start() for letter in _LETTER.finditer(line[1])]
        done = 0
        for end in sorted(ends):
            n = bisect_left(letters, end)
            if done < n < len(letters):
                yield line.start() + end
                done = n
        yield line.end()


def _ends(line: str, language: str) -> set[int]:
    return set(accumulate(map(len, sentencex.segment(language, line))))


def _clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """One sentence; over 40 words its two parts, cut behind the clause next to its middle, and theirs. No word is cut.

    Where no clause ends in its middle half, between the two words next to the middle.
    """
    words = split_words(text[start:end])
    gaps = {i: gap for i in range(1, len(words)) if (gap := _GAP.match(text, start + words[i][0]))}
    before = [0.0, *accumulate(_size(text[start + a : start + b]) for a, b in words)]

    def parts(first: int, last: int) -> Iterator[int]:
        """Where to cut between those words, in order."""
        middle, half = (before[first] + before[last]) / 2, (before[last] - before[first]) / 2
        inner = [i for i in range(first + 1, last) if i in gaps]
        if half * 2 <= MAX_WORDS or not inner:
            return

        def preference(i: int) -> tuple[bool, float]:
            off = abs(before[i] - middle)
            return off > half / 2 or text[gaps[i].start() - 1] not in _CLAUSE_ENDS, off

        cut = min(inner, key=preference)
        yield from parts(first, cut)
        yield gaps[cut].end()
        yield from parts(cut, last)

    yield from pairwise([start, *parts(0, len(words)), end])


def _size(word: str) -> float:
    """How many words it counts for: punctuation for none, a sign of a script without spaces for half a one."""
    return (0.5 if UNSPACED.search(word) else 1.0) if _WORDY.search(word) else 0.0
