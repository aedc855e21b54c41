"""What the Compare tab remembers of a visitor's list, and how it is drawn."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attribution.evidence.compare.contrast import Contrast, Ranking, reordered, words_of
from attribution.methods import METHODS
from attribution.rerankers.loading.models import MODELS
from attribution.types import Explanation, Word
from attribution.views.compare import Names, Which, identity_html, rows_html, why_html, words_html
from attribution.views.what_if import Outcome
from interface.tabs.compare.documents import Document

NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)  # told apart by identity: Gradio hashes what it keeps
class Asked:
    """What a visitor asked for. `inputs`: the boxes to the letter, for the page to compare with.

    `picked`: the places of A and B, where they are chosen already; else they are the first two by rank.
    `problem`: what of the list is not read, in words.
    """

    model_id: str
    query: str
    documents: tuple[Document, ...]
    inputs: tuple[object, ...]
    method: str
    colour: str
    operator: str
    picked: tuple[int, int] | None = None
    problem: str = ""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that run."""
        return (self.model_id,)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every document."""
        return tuple(document.text for document in self.documents)


def read_picked(text: str, n_documents: int) -> tuple[int, int] | None:
    """The places of A and B out of "3,1"; None for anything else, as of another list."""
    match = re.fullmatch(r"(\d{1,3}),(\d{1,3})", text or "")
    if not match:
        return None
    a, b = int(match[1]), int(match[2])
    return (a, b) if a != b and {a, b} <= set(range(1, n_documents + 1)) else None


@dataclass(frozen=True, eq=False)
class Compared:
    """A ranked list, as far as it is explained. `logits`: of words dropped so far, by place and words.

    `dropped`: by "A" and "B"; `edited`: the new text and its logit, by place.
    """

    asked: Asked
    ranking: Ranking
    a: int
    b: int
    coloured: Mapping[int, Explanation] = field(default_factory=dict)
    contrast: Contrast | None = None
    dropped: Mapping[Which, frozenset[int]] = field(default_factory=dict)
    edited: Mapping[int, tuple[str, float]] = field(default_factory=dict)
    logits: Mapping[tuple[int, frozenset[int]], float] = field(default_factory=dict)

    def place(self, which: Which) -> int:
        """Where A or B stands in the order given."""
        return self.a if which == "A" else self.b

    def explanation(self, which: Which) -> Explanation:
        """A's or B's, by the contrast's method."""
        if self.contrast is None:
            raise LookupError("nothing is contrasted yet")
        return self.contrast.first if which == "A" else self.contrast.second

    def words(self, which: Which) -> list[Word]:
        """The words of A or B that can be dropped."""
        explanation = self.explanation(which)
        return words_of(explanation, explanation.attributions, "document")

    def name(self, which: Which) -> str:
        """As the list names it."""
        return self.asked.documents[self.place(which) - 1].name

    def changed_logits(self) -> dict[int, float]:
        """The logits of documents whose text is another than was ranked, by place."""
        now = {place: logit for place, (_, logit) in self.edited.items()}
        for which, gone in self.dropped.items():
            if gone:
                now[self.place(which)] = self.logits[self.place(which), gone]
        return now

    def now(self) -> Ranking:
        """The list with every what-if in it."""
        return reordered(self.ranking, self.changed_logits())


@dataclass(frozen=True, eq=False)
class More:
    """What is asked next about a list that was compared, here about its A and B as they are."""

    compared: Compared

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that run."""
        return self.compared.asked.model_ids

    @property
    def query(self) -> str:
        """The list's."""
        return self.compared.asked.query

    @property
    def texts(self) -> tuple[str, ...]:
        """The documents that are read again."""
        return tuple(self.compared.asked.texts[place - 1] for place in (self.compared.a, self.compared.b))


@dataclass(frozen=True, eq=False)
class Drop(More):
    """Words of each gone: their places among its words, by "A" and "B"."""

    dropped: Mapping[Which, Sequence[int]]


@dataclass(frozen=True, eq=False)
class Edit(More):
    """Another text for one of them."""

    which: Which
    text: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The edited one."""
        return (self.text,)


@dataclass(frozen=True, eq=False)
class Meet(More):
    """Which query word met which of the document's `n_words` strongest, by a form of `layout.FORMS`."""

    which: Which
    n_words: int
    form: str

    @property
    def texts(self) -> tuple[str, ...]:
        """That of A or B."""
        return (self.compared.asked.texts[self.compared.place(self.which) - 1],)


def pick(compared: Compared, a: int, b: int) -> Compared:
    """Other documents as A and B. What-ifs are forgotten."""
    return dataclasses.replace(compared, a=a, b=b, contrast=None, dropped={}, edited={}, logits={})


def outcomes(compared: Compared) -> list[Outcome]:
    """What became of each changed document, A first."""
    ranks = [{row.place: row.rank for row in ranking.rows} for ranking in (compared.ranking, compared.now())]
    before = {row.place: row.logit for row in compared.ranking.rows}
    found = []
    for which in ("A", "B"):
        which_: Which = "A" if which == "A" else "B"
        place, gone = compared.place(which_), compared.dropped.get(which_, NOTHING)
        after = compared.changed_logits().get(place)
        if after is None:
            continue
        words = [compared.words(which_)[i] for i in sorted(gone)]
        found.append(
            Outcome(
                which=which,
                dropped=tuple(word.text for word in words),
                before=before[place],
                after=after,
                predicted=-sum(word.attribution or 0.0 for word in words) if words else None,
                rank_before=ranks[0][place],
                rank_after=ranks[1][place],
                n_documents=len(compared.ranking.rows),
            )
        )
    return found


def draw_rows(compared: Compared) -> str:
    """The list by rank, with every what-if in it."""
    changed = dict.fromkeys(compared.edited, "edited text")
    for which, gone in compared.dropped.items():
        if gone:
            changed[compared.place(which)] = f"{len(gone)} word{'s' if len(gone) > 1 else ''} dropped"
    by_place = {i: document.name for i, document in enumerate(compared.asked.documents, start=1)}
    names = Names(by_place, compared.a, compared.b)
    label = METHODS[compared.asked.colour].label
    return rows_html(compared.now(), names, compared.coloured, by=label, changed=changed)


def draw_why(compared: Compared) -> str:
    """The sentence and the waterfalls."""
    return why_html(compared.contrast, METHODS[compared.asked.method].label) if compared.contrast else ""


def draw_words(compared: Compared) -> str:
    """A's and B's words as buttons."""
    return words_html(compared.contrast, compared.dropped) if compared.contrast else ""


def draw_identity(compared: Compared) -> str:
    """What the results are of."""
    asked, ranking = compared.asked, compared.ranking
    label = MODELS[asked.model_id].label if asked.model_id in MODELS else asked.model_id
    return identity_html(asked.inputs, label, ranking.revision, asked.query, len(asked.documents))
