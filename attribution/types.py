"""The frozen records. Shapes: `(batch, seq, hidden)` for embeddings, `(seq,)` for one number a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Segment = Literal["query", "document", "template"]
SIDES: tuple[Segment, Segment] = ("query", "document")  # the segments that a user typed
Point = Literal["word", "block"]
ONE_LOGIT = "the one logit"  # of a model with a single output
CAPPED = "The step cap was hit before the tolerance."
OPERATORS: dict[str, str] = {
    "mask": "a removed word's tokens are replaced by the mask token (or the model's nearest to it); all positions stay",
    "delete": "a removed word's tokens are deleted, so the words after it move up",
}
BASELINES: dict[str, str] = {  # what can stand in place of a word
    "mask": "[MASK] in place of every word",
    "space": "the token of a single space in place of every word, where the vocabulary has one",
    "unk": "the unknown token in place of every word",
    "pad": "the padding token's embedding, attention left on",
    "zero": "zero vectors. Warning: unlike any text, and undefined for models that normalise embeddings first",
}


def notes_of(precision: str, reads: str) -> tuple[str, ...]:
    """What every result of a model says of it, in sentences; see `Explanation` for `precision` and `reads`."""
    return tuple(filter(None, (precision, "" if reads == ONE_LOGIT else f"The number is {reads}.")))


@dataclass(frozen=True)
class Token:
    """One entry of `input_ids`; `start` and `end` are characters of its segment's own text, None in the template."""

    text: str
    segment: Segment
    start: int | None
    end: int | None


@dataclass(frozen=True)
class Cut:
    """Characters of a segment's text whose tokens the model does not get, because the pair is too long for it.

    A word, or an emoji of several tokens, may lose some of its tokens only: `Unit.cut` says so.
    """

    segment: Segment
    start: int
    end: int


@dataclass(frozen=True)
class TokenizedPair:
    """A query and a document as the model reads them; every tensor of `inputs` is `(1, seq)`.

    `truncated`: something was cut; `cuts` says what, at most one stretch of each segment. `instead (1, seq)`: the ids
    whose embeddings are used; `input_ids` still give positions and read-out.
    """

    query: str
    document: str
    inputs: Mapping[str, Tensor]
    tokens: tuple[Token, ...]
    truncated: bool
    cuts: tuple[Cut, ...] = ()
    instead: Tensor | None = None

    @property
    def embedded(self) -> Tensor:
        """The ids `(1, seq)` whose embeddings the model gets."""
        return self.inputs["input_ids"] if self.instead is None else self.instead

    def positions(self, *segments: Segment) -> list[int]:
        """Places in the sequence that belong to any of `segments`."""
        return [i for i, token in enumerate(self.tokens) if token.segment in segments]


@dataclass(frozen=True)
class PathRun:
    """One difference from a baseline that a method explained: the segments, the baseline, the gradient evaluations.

    `residual`: the sum of the intervals' absolute errors before they were redistributed, in logits. `baseline_logit`:
    where the method ran the model on it; for None `explain` does.
    """

    segments: tuple[Segment, ...]
    baseline: str
    n_steps: int
    capped: bool = False
    residual: float = 0.0
    baseline_logit: float | None = None


@dataclass(frozen=True)
class Attributed:
    """What a method returns: `values (seq,)`, and the paths it integrated along, if any.

    `logit`: the pair's own, where the method ran the unchanged pair; for None `explain` runs the model.
    """

    values: Tensor
    paths: tuple[PathRun, ...] = ()
    logit: float | None = None


@dataclass(frozen=True)
class Path:
    """A `PathRun` measured.

    `convergence_delta` = sum of the attributions of `segments` - (`logit` - `baseline_logit`), in logits. Where a
    method redistributes its error over the tokens, the delta is rounding only: then read `residual`, the sum of the
    intervals' absolute errors before that, in logits. `relative_delta` and `relative_residual`: as shares of the larger
    of the logits' difference and the summed |attributions|.
    """

    segments: tuple[Segment, ...]
    baseline: str
    baseline_logit: float
    convergence_delta: float
    relative_delta: float
    n_steps: int
    capped: bool
    residual: float
    relative_residual: float


@dataclass(frozen=True)
class Result:
    """The first fields of a result: the model, its revision, and the query."""

    model_id: str
    revision: str
    query: str


@dataclass(frozen=True)
class Explanation:
    """One method's answer for one pair. `attributions` has one float a token, in the order of `tokens`.

    `precision`: what may set its logit apart from that of other programs, in sentences, as of `Reranker`.
    `reads`: which of the model's outputs `logit` is, in words.
    `control`: the pieces of the typed texts that the tokenizer reads as control tokens.
    """

    method: str
    requested_method: str
    note: str | None
    model_id: str
    revision: str
    query: str
    document: str
    tokens: tuple[Token, ...]
    attributions: tuple[float, ...]
    logit: float
    paths: tuple[Path, ...]
    truncated: bool
    n_forward: int
    n_backward: int
    seconds: float
    cuts: tuple[Cut, ...] = ()
    precision: str = ""
    reads: str = ONE_LOGIT
    control: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the model, in sentences."""
        return notes_of(self.precision, self.reads)

    def _repr_html_(self) -> str:
        """The card, for a notebook. Imported by name when called: views are above this file in the order of imports."""
        return str(import_module("attribution.views.standalone").notebook_html(self))


def step_cap(*explanations: Explanation) -> list[str]:
    """`CAPPED` where a path of any of them ended at its cap, as a list of notes."""
    return [CAPPED] * any(path.capped for explanation in explanations for path in explanation.paths)


@dataclass(frozen=True)
class Unit:
    """What the model read as one: a stretch of the user's text with the white space before it, or a template token.

    `positions`: its tokens in the sequence, none if the model never read it. `start`, `end`: characters of its
    segment's text. `cut`: the model's limit cut some of its tokens off.
    """

    text: str
    segment: Segment
    positions: tuple[int, ...]
    start: int = 0
    end: int = 0
    cut: bool = False


@dataclass(frozen=True)
class Word:
    """A `Unit` of the user's text with what a method says of it; `attribution`: None if the model never read it."""

    text: str
    segment: Segment
    start: int
    end: int
    attribution: float | None
    cut: bool = False
