"""Edits of a query and a document whose effect on the score is known beforehand. Plain text, no model.

Each takes `(query, document, random)` and returns edited pairs, with a sentence that says all that was changed; an
empty list where the edit does not apply.
"""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import regex

from attribution.evidence.probes import wording
from attribution.words import UNSPACED, sentences_of

NEUTRAL = (  # about nothing anybody searches for; joined, a passage of its own
    "Bananas are yellow when they are ripe.",
    "A small bird sat on the fence for a while.",
    "The curtains in the hallway were washed last week.",
)


@dataclass(frozen=True)
class Edit:
    """One edited pair. `says`: what was changed. `size`: how many words it touches, for the control beside it."""

    query: str
    document: str
    says: str
    size: int


Edits = Callable[[str, str, random.Random], list[Edit]]


def unrelated_document(query: str) -> str:
    """Neutral sentences that share no content word with the query; all three where every one does."""
    wanted = wording.content_words(query)
    free = [s for s in NEUTRAL if not any(wording.partner_of(word, wanted) for word in wording.words_of(s))]
    return " ".join(free or NEUTRAL)


# --- the text says something else ------------------------------------------------------------------------------------
def negation(query: str, document: str, _random: random.Random) -> list[Edit]:
    """Take every negation out; where there is none, put a "not" into the sentence nearest to the query."""
    found = wording.negations_in(document)
    if found:
        edited = document
        for match in reversed(found):
            kept = wording.NEGATED.sub("", match[0]) if wording.NEGATED.search(match[0]) else ""
            rest = edited[match.end() :]
            edited = edited[: match.start()] + kept + (rest if kept else rest.lstrip())
        names = ", ".join(f"\u201c{match[0]}\u201d" for match in found)
        return [Edit(query, edited, f"negation taken out of the document: {names}", len(found))]
    sentences = sentences_of(document)
    place = wording.answer_sentence(query, document)
    verb = next((m for m in wording.WORD.finditer(sentences[place]) if m[0].casefold() in wording.AUXILIARIES), None)
    if verb is None:
        return []
    sentence = f"{sentences[place][: verb.end()]} not{sentences[place][verb.end() :]}"
    edited = "".join([*sentences[:place], sentence, *sentences[place + 1 :]])
    return [Edit(query, edited, f"\u201cnot\u201d put after \u201c{verb[0]}\u201d", 1)]


def numbers(query: str, document: str, rand: random.Random) -> list[Edit]:
    """Every number that is not in the query becomes another of the same length and script; two draws."""
    asked = set(map(_decimal, wording.NUMBER.findall(query)))
    found = [m[0] for m in wording.numbers_in(document) if _decimal(m[0]) not in asked]
    if not found:
        return []
    edits = []
    for _ in range(2):
        others = {number: _another_number(number, rand) for number in dict.fromkeys(found)}
        edited = wording.NUMBER.sub(lambda match, others=others: others.get(match[0], match[0]), document)
        says = ", ".join(f"{number} \u2192 {other}" for number, other in others.items())
        edits.append(Edit(query, edited, f"numbers replaced: {says}", len(found)))
    return edits


def _decimal(number: str) -> str:
    """The number in the digits 0 to 9, whatever its script."""
    return regex.sub(r"\p{Nd}", lambda digit: str(unicodedata.decimal(digit[0])), number)


def _another_number(number: str, rand: random.Random) -> str:
    """The same digits' places and separators, the first digit of each run never 0, and never the number itself."""

    def drawn(run: regex.Match[str]) -> str:
        zeros = (ord(digit) - unicodedata.decimal(digit) for digit in run[0])  # of each digit's own script
        return "".join(chr(zero + rand.randint(0 if i else 1, 9)) for i, zero in enumerate(zeros))

    while True:
        other = regex.sub(r"\p{Nd}+", drawn, number)
        if other != number:
            return other


def shuffled(query: str, document: str, rand: random.Random) -> list[Edit]:
    """The document's words in a random order, everything between them in place; two draws."""
    words = wording.words_of(document)
    if len(set(words)) < 3:
        return []
    edits = []
    for _ in range(2):
        order = words
        while order == words:
            order = _in_another_order(words, rand)
        supply = iter(order)
        edited = wording.WORD.sub(lambda _match, supply=supply: next(supply), document)
        moved = sum(a != b for a, b in zip(words, order, strict=True))
        edits.append(Edit(query, edited, f"the document's {len(words)} words in random order", moved))
    return edits


def _in_another_order(words: list[str], rand: random.Random) -> list[str]:
    """Signs of unspaced scripts change places among themselves, so that no two other words grow together."""
    order, unspaced = list(words), [bool(UNSPACED.match(word)) for word in words]
    for kind in dict.fromkeys(unspaced):
        places = [i for i, of in enumerate(unspaced) if of == kind]
        for i, j in zip(places, rand.sample(places, len(places)), strict=True):
            order[i] = words[j]
    return order


def neighbour(query: str, document: str, _random: random.Random) -> list[Edit]:
    """The sentence nearest to the query gives way to a copy of its neighbour, which shares fewer words with it."""
    sentences = sentences_of(document)
    shared = wording.shared_words(query, sentences)
    place = wording.answer_sentence(query, document)
    others = [i for i in (place + 1, place - 1) if i in range(len(sentences)) and shared[i] < shared[place]]
    if not others:
        return []
    space = sentences[place][len(sentences[place].rstrip()) :]
    edited = [*sentences[:place], sentences[others[0]].rstrip() + space, *sentences[place + 1 :]]
    says = f"sentence {place + 1}, nearest to the query, replaced by a copy of sentence {others[0] + 1}"
    return [Edit(query, "".join(edited), says, len(wording.words_of(sentences[place])))]


def partners(query: str, document: str, _random: random.Random) -> list[Edit]:
    """For each content word of the query, its partners in the document go; at most four words, longest first."""
    found = []
    for wanted in sorted(wording.content_words(query), key=len, reverse=True):
        for part, gone in wording.partners_in(document, wanted).items():
            edited = wording.without(document, gone)
            if gone and wording.words_of(edited):
                names = ", ".join(dict.fromkeys(f"\u201c{match[0]}\u201d" for match in gone))
                says = f"the query's \u201c{part}\u201d removed from the document: {names}"
                found.append(Edit(query, edited, says, sum(len(wording.words_of(match[0])) for match in gone)))
    return found[:4]


def names(query: str, document: str, rand: random.Random) -> list[Edit]:
    """Two of the document's `names_in` change places."""
    choice = sorted({match[0] for match in wording.names_in(document)})
    if len(choice) < 2:
        return []
    a, b = rand.sample(choice, 2)
    swap = {a: b, b: a}
    touched = sum(word in swap for word in wording.words_of(document))
    edited = wording.WORD.sub(lambda match: swap.get(match[0], match[0]), document)
    return [Edit(query, edited, f"\u201c{a}\u201d and \u201c{b}\u201d changed places", touched)]


# --- the score should stay -------------------------------------------------------------------------------------------
def case(query: str, document: str, _random: random.Random) -> list[Edit]:
    """The document in small letters, and in capitals."""
    variants = (("small letters", document.lower()), ("capitals", document.upper()))
    return [Edit(query, text, f"the document in {how}", 1) for how, text in variants if text != document]


def spacing(query: str, document: str, _random: random.Random) -> list[Edit]:
    """Punctuation at the ends of words gone; every space doubled."""
    bare = regex.sub(r"(?<=[\w\p{M}])\p{Terminal_Punctuation}+(?=\s|$)", "", document)
    wide = document.replace(" ", "  ")
    variants = (("punctuation after words removed", bare), ("every space doubled", wide))
    return [Edit(query, text, says, 1) for says, text in variants if text != document and text.strip()]


def typo(query: str, document: str, rand: random.Random) -> list[Edit]:
    """Two neighbouring letters of the query's longest word change places."""
    word = max(wording.WORD.finditer(query), key=lambda match: len(match[0]), default=None)
    letters = regex.findall(r"\X", word[0]) if word else []
    places = [i for i in range(len(letters) - 1) if letters[i] != letters[i + 1]]
    inner = [i for i in places if i > 0] or places  # a typist rarely misses the first letter
    if word is None or len(letters) < 4 or not inner:
        return []
    i = rand.choice(inner)
    wrong = "".join([*letters[:i], letters[i + 1], letters[i], *letters[i + 2 :]])
    edited = query[: word.start()] + wrong + query[word.end() :]
    return [Edit(edited, document, f"typo in the query: \u201c{word[0]}\u201d \u2192 \u201c{wrong}\u201d", 1)]


def reordered(query: str, document: str, rand: random.Random) -> list[Edit]:
    """The sentences in another order; not where one opens with a word that leans on the sentence before it."""
    sentences = sentences_of(document)
    words = map(wording.words_of, sentences)
    leans = any(of and of[0].casefold() in wording.REFERS_BACK for of in words)
    if len(set(map(str.strip, sentences))) < 2 or leans:
        return []
    spaces = [sentence[len(sentence.rstrip()) :] for sentence in sentences]
    order = list(range(len(sentences)))
    while [sentences[i].strip() for i in order] == [sentence.strip() for sentence in sentences]:
        rand.shuffle(order)
    edited = "".join(sentences[i].rstrip() + space for i, space in zip(order, spaces, strict=True))
    return [Edit(query, edited, f"sentences in the order {', '.join(str(i + 1) for i in order)}", len(sentences))]


def padded(query: str, document: str, _random: random.Random) -> list[Edit]:
    """Neutral sentences before, after and on both sides: where in the text does the model look?"""
    neutral = unrelated_document(query)
    size = len(wording.words_of(neutral))
    return [
        Edit(query, f"{neutral} {document}", "three neutral sentences before the document", size),
        Edit(query, f"{document} {neutral}", "three neutral sentences after the document", size),
        Edit(query, f"{neutral} {document} {neutral}", "three neutral sentences before and after", 2 * size),
    ]


def twice(query: str, document: str, _random: random.Random) -> list[Edit]:
    """The document, then the document again."""
    return [Edit(query, wording.joined(document, document), "the document twice", len(wording.words_of(document)))]
