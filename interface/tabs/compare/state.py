"""What the Compare tab remembers of a visitor's list, what is asked next about it, and what of both a link carries."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from attribution.evidence.compare.contrast import Contrast, Ranking, reordered
from attribution.evidence.compare.passages import SentenceContrast
from attribution.evidence.sentences import Sentences
from attribution.types import Explanation, Word
from attribution.views.compare import Cut, Which, apply
from attribution.words import split_sentences, split_words, to_words
from interface.runs.handlers import OfOneModel
from interface.runs.limits import MAX_DOCUMENT
from interface.tabs.compare.documents import Document

PASSAGE = 3  # sentences from which, in either text, all is by sentences
MANY = 20  # words of both texts from which two sentences are enough for that: each word may have a bar
Changes = Mapping[Which, tuple[str, tuple[Cut, ...]]]  # another text, with the cuts that made it, if any


@dataclass(frozen=True)
class Picked:
    """The places of A and B, and what was changed in each."""

    a: int
    b: int
    changed: Changes = field(default_factory=dict)

    def written(self) -> str:
        """As JSON, which `read_picked` reads: of each changed text its cuts, or all of it."""
        return json.dumps([self.a, self.b, {which: cuts or text for which, (text, cuts) in self.changed.items()}])


def read_picked(text: str, documents: Sequence[str]) -> Picked | None:
    """What was `written`; None for anything else, as of another list than these `documents`."""
    try:
        a, b, given = json.loads(text)
        places = {"A": a, "B": b}
        changed = {which: _changed(documents[places[which] - 1], made) for which, made in given.items()}
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    ints = type(a) is type(b) is int and a != b and {a, b} <= {*range(1, len(documents) + 1)}
    sound = all(now.strip() and len(now) <= MAX_DOCUMENT for now, _ in changed.values())
    return Picked(a, b, changed) if ints and sound else None


def _changed(document: str, made: object) -> tuple[str, tuple[Cut, ...]]:
    """Raises `ValueError` for what is neither a text nor cuts of this document."""
    if isinstance(made, str):
        return made, ()
    cuts = tuple(Cut(*cut) for cut in made) if isinstance(made, list) else ()
    for start, end, put in cuts:
        if not (type(start) is type(end) is int and 0 <= start <= end <= len(document) and isinstance(put, str)):
            raise ValueError("no cut of this document")
    if not cuts:
        raise ValueError("neither a text nor cuts")
    return apply(document, cuts), cuts


@dataclass(frozen=True, eq=False)  # told apart by identity: Gradio hashes what it keeps
class Asked(OfOneModel):
    """What a visitor asked for. `form`: the documents as a pasted list, for the page to compare with.

    `picked`: what of the list is chosen already; else A and B are the first two by rank, and nothing is changed.
    `problem`: what of the list is not read, in words.
    """

    query: str
    documents: tuple[Document, ...]
    form: str
    method: str
    colour: str
    picked: Picked | None = None
    problem: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every document."""
        return tuple(document.text for document in self.documents)

    @cached_property
    def n_sentences(self) -> tuple[int, ...]:
        """The number of sentences of every document."""
        return tuple(len(split_sentences(text)) for text in self.texts)

    def unit(self, *places: int) -> str:
        """What the documents at `places`, which count from 1, are told apart by: "word" or "sentence"."""
        n_words = sum(len(split_words(self.texts[place - 1])) for place in places)
        most = max(self.n_sentences[place - 1] for place in places)
        return "sentence" if most >= (2 if n_words > MANY else PASSAGE) else "word"


@dataclass(frozen=True)
class Version:
    """A's or B's text as a what-if has it, with its `logit`, and the change of it that was predicted, if one was.

    `cuts`: what was done to the text as given, nothing where it was edited as a whole.
    """

    text: str
    logit: float
    cuts: tuple[Cut, ...] = ()
    predicted: float | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """A ranked list, as far as it is explained. `why`: by words, or by sentences, for which `without` comes first.

    `versions`: of "A" and "B", where they are another text now. `scored`: the logit of every text that was tried.
    """

    asked: Asked
    ranking: Ranking
    a: int
    b: int
    coloured: Mapping[int, Explanation] = field(default_factory=dict)
    without: Mapping[Which, Sentences] = field(default_factory=dict)
    why: Contrast | SentenceContrast | None = None
    versions: Mapping[Which, Version] = field(default_factory=dict)
    scored: Mapping[str, float] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What A and B are told apart by."""
        return self.asked.unit(self.a, self.b)

    @property
    def picked(self) -> Picked:
        """What a link carries of this list."""
        return Picked(self.a, self.b, {which: (now.text, now.cuts) for which, now in self.versions.items()})

    def place(self, which: Which) -> int:
        """Where A or B stands in the order given."""
        return self.a if which == "A" else self.b

    def text(self, which: Which) -> str:
        """The text of A or B, as given."""
        return self.asked.texts[self.place(which) - 1]

    def explanation(self, which: Which) -> Explanation | None:
        """The explanation of A or B by words: the contrast's own, or the one that colours its row."""
        if isinstance(self.why, Contrast):
            return self.why.first if which == "A" else self.why.second
        return self.coloured.get(self.place(which))

    def words(self, which: Which) -> list[Word]:
        """All of A's or B's text in words, without attributions while there are none."""
        explanation, text = self.explanation(which), self.text(which)
        if explanation:
            return to_words(explanation, "document")
        return [Word(text[start:end], "document", start, end, None) for start, end in split_words(text)]

    def logit(self, which: Which) -> float:
        """The logit of A or B, as its text is now."""
        return next(row.logit for row in self.now().rows if row.place == self.place(which))

    def now(self) -> Ranking:
        """The list with every what-if in it."""
        return reordered(self.ranking, {self.place(which): now.logit for which, now in self.versions.items()})


@dataclass(frozen=True)
class More:
    """What is asked next about a list that was compared, here about its A and B as they are given."""

    compared: Compared

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that run."""
        return self.compared.asked.model_ids

    @property
    def query(self) -> str:
        """The list's query."""
        return self.compared.asked.query

    @property
    def texts(self) -> tuple[str, ...]:
        """The documents that are read again."""
        return self.compared.text("A"), self.compared.text("B")


@dataclass(frozen=True)
class Change(More):
    """Another text for A, B or both, with the cuts that made it, if any; of the others nothing changes.

    `as_given`: whose text is as it was.
    """

    changed: Changes
    as_given: frozenset[Which] = frozenset()

    @property
    def texts(self) -> tuple[str, ...]:
        """The changed texts."""
        return tuple(text for text, _ in self.changed.values())


@dataclass(frozen=True)
class Meet(More):
    """How query words interact with the document's `n_words` strongest words or sentences, by one of `layout.FORMS`."""

    which: Which
    n_words: int
    form: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of A or B."""
        return (self.compared.text(self.which),)


def pick(compared: Compared, a: int, b: int) -> Compared:
    """Other documents as A and B. What-ifs are forgotten."""
    return dataclasses.replace(compared, a=a, b=b, without={}, why=None, versions={}, scored={})
