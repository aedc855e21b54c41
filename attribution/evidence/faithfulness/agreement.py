"""How far methods agree on the document's words. Agreement is not correctness: all may be wrong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from attribution.errors import OptionError
from attribution.evidence.correlation import TOP, spearman, top_k_overlap
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.words import to_words


@dataclass(frozen=True)
class Agreement:
    """Square tables in the order of `methods`. `spearman` is None where a method gives all words the same value.

    `overlap`: the share of one method's five top words among the other's.
    """

    methods: tuple[str, ...]
    spearman: tuple[tuple[float | None, ...], ...]
    overlap: tuple[tuple[float, ...], ...]


def agreement(explanations: Mapping[str, Explanation]) -> Agreement:
    """Spearman and top-5 overlap of every two explanations of one pair, on the document's seen words.

    Two signed methods are compared by value; as soon as one has no sign, both are compared by size.
    """
    keys = tuple(explanations)
    pairs = [[_aligned(explanations[a], explanations[b]) for b in keys] for a in keys]
    return Agreement(
        methods=keys,
        spearman=tuple(tuple(spearman(*pair) for pair in row) for row in pairs),
        overlap=tuple(tuple(top_k_overlap(*pair, TOP) for pair in row) for row in pairs),
    )


def _aligned(a: Explanation, b: Explanation) -> tuple[list[float], list[float]]:
    first, second = ([w.attribution for w in to_words(e, "document") if w.attribution is not None] for e in (a, b))
    if METHODS[a.method].signed and METHODS[b.method].signed:
        return first, second
    return [abs(value) for value in first], [abs(value) for value in second]


class CaptumAgreement(NamedTuple):
    """`relative_l1`: sum of |a - b| over tokens, as a share of the larger sum of absolute values; 0 is the same.

    `spearman`: of the tokens' values; None where a side is constant.
    """

    relative_l1: float
    spearman: float | None


def captum_agreement(ours: Explanation, captum: Explanation) -> CaptumAgreement:
    """How far the two integrated gradients of one pair are apart, on the tokens of query and document.

    Raises `OptionError` when they are of different pairs or models.
    """
    if len({(e.model_id, e.revision, e.query, e.document) for e in (ours, captum)}) > 1:
        raise OptionError("The two explanations are of different pairs or models. Give two of one pair and one model.")
    places = [i for i, token in enumerate(ours.tokens) if token.segment != "template"]
    a, b = ([explanation.attributions[i] for i in places] for explanation in (ours, captum))
    distance = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    scale = max(sum(map(abs, a)), sum(map(abs, b)))
    return CaptumAgreement(distance / scale if scale else 0.0, spearman(a, b))
