"""The score of a pair with only some of its document's words left; query and template are never touched."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from attribution.errors import check_key
from attribution.rerankers.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import OPERATORS, Explanation, Segment, TokenizedPair
from attribution.words import read_units

Present = frozenset[int]  # the document words that are left, counted from 0
Logits = dict[Present, float]
PARTS = ("word", "sentence")  # of a document, that are taken away
Play = Callable[[Iterable[Present]], Logits]  # sets of words that are present -> at least their logits


def seen_words(pair: Explanation | TokenizedPair, segment: Segment = "document") -> list[list[int]]:
    """The token positions of every unit of a segment that the model read, in reading order (`words.read_units`)."""
    return [list(unit.positions) for unit in read_units(pair, segment)]


def parts_of(pair: Explanation | TokenizedPair, unit: str) -> list[list[int]]:
    """The token positions of the document's words or sentences. Raises `OptionError` for another `unit`."""
    check_key("unit", unit, PARTS)
    return [list(part.positions) for part in read_units(pair, "document", unit)]


def word_values(values: Sequence[float], words: Sequence[Sequence[int]]) -> list[float]:
    """One number a word: the sum of `values`, one a token, over its tokens; `words` as `seen_words` gives them."""
    return [sum(values[position] for position in positions) for positions in words]


def score_kept(
    reranker: Reranker,
    pair: TokenizedPair,
    words: Sequence[Sequence[int]],
    kept: Iterable[Present],
    operator: str = "mask",
) -> Logits:
    """The raw logit for each set of `kept` words, the others removed by `operator`; each distinct set is scored once.

    `words` as `seen_words` gives them. Batches hold sequences of one length and about 2,048 tokens.
    Raises `OptionError` for anything but a key of `OPERATORS`.
    """
    check_key("operator", operator, OPERATORS)
    sets = list(dict.fromkeys(kept))
    stays = torch.ones(len(sets), len(pair.tokens), dtype=torch.bool)  # (sets, seq)
    for i, left in enumerate(sets):
        stays[i, [position for w, positions in enumerate(words) if w not in left for position in positions]] = False
    lengths = stays.sum(1) if operator == "delete" else torch.full((len(sets),), len(pair.tokens))
    logits: dict[Present, float] = {}
    for length in lengths.unique().tolist():
        for rows in (lengths == length).nonzero().flatten().split(max(1, TOKENS_A_CHUNK // length)):
            with torch.inference_mode():
                score = reranker.forward if operator == "delete" else reranker.replaced(pair)
                values = score(_without(reranker, pair, stays[rows], operator)).tolist()
            logits |= {sets[row]: value for row, value in zip(rows.tolist(), values, strict=True)}
    return logits


def game(reranker: Reranker, pair: TokenizedPair, words: Sequence[Sequence[int]], operator: str = "mask") -> Play:
    """`score_kept` that remembers: each call gives the logits of all sets so far, and no set is scored twice."""
    known: Logits = {}

    def play(sets: Iterable[Present]) -> Logits:
        new = [present for present in sets if present not in known]
        known.update(score_kept(reranker, pair, words, new, operator))
        return known

    return play


def _without(reranker: Reranker, pair: TokenizedPair, stays: Tensor, operator: str) -> dict[str, Tensor]:
    """The pair's inputs `(batch, seq)` without the tokens where `stays (batch, seq)` is False.

    Deleted, every row must lose as many.
    """
    stays = stays.to(reranker.device)
    inputs = {name: value.expand(len(stays), -1) for name, value in pair.inputs.items()}
    if operator == "delete":
        return {name: value[stays].view(len(stays), -1) for name, value in inputs.items()}
    mask_id = reranker.baseline_id(reranker.default_baseline)
    return {**inputs, "input_ids": inputs["input_ids"].masked_fill(~stays, mask_id)}
