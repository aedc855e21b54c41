"""The score of a pair with only some of its document's words left; query and template are never touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from attribution.errors import OptionError
from attribution.rerankers.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import Segment, Token, TokenizedPair
from attribution.words import split_words, word_index

Kept = frozenset[int]  # the document words that are left, counted from 0

OPERATORS: dict[str, str] = {
    "mask": "a removed word's tokens are replaced by the mask token (or the model's nearest to it), nothing else moves",
    "delete": "a removed word's tokens are deleted, so the words behind it move up",
}


def seen_words(tokens: Sequence[Token], text: str, segment: Segment = "document") -> list[list[int]]:
    """The token positions of every word of a segment's `text` the model saw, in reading order.

    A word without a token is no word.
    """
    words: dict[int, list[int]] = {}
    for position, word in word_index(tuple(tokens), segment, split_words(text)).items():
        words.setdefault(word, []).append(position)
    return list(words.values())


def check_operator(operator: str) -> None:
    """Raises `OptionError` for anything but a key of `OPERATORS`."""
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise OptionError(f"Unknown operator {operator!r}. Valid: {', '.join(OPERATORS)}.")


def score_kept(
    reranker: Reranker,
    pair: TokenizedPair,
    words: Sequence[Sequence[int]],
    kept: Iterable[Kept],
    operator: str = "mask",
) -> dict[Kept, float]:
    """The raw logit for each set of `kept` words, the others removed by `operator`; each distinct set is scored once.

    `words` as `seen_words` gives them. Batches hold sequences of one length and about 2,048 tokens.
    """
    check_operator(operator)
    by_length: dict[int, list[tuple[Kept, dict[str, Tensor]]]] = defaultdict(list)
    for left in dict.fromkeys(kept):
        gone = [position for w, positions in enumerate(words) if w not in left for position in positions]
        inputs = _without(reranker, pair, gone, operator)
        by_length[inputs["input_ids"].shape[1]].append((left, inputs))
    logits: dict[Kept, float] = {}
    for length, group in by_length.items():
        size = max(1, TOKENS_A_CHUNK // length)
        for chunk in (group[i : i + size] for i in range(0, len(group), size)):
            batch = {name: torch.cat([inputs[name] for _, inputs in chunk]) for name in pair.inputs}  # (batch, seq)
            with torch.inference_mode():
                score = reranker.forward if operator == "delete" else reranker.replaced(pair)
                values = score(batch).tolist()
            logits |= {left: value for (left, _), value in zip(chunk, values, strict=True)}
    return logits


def _without(reranker: Reranker, pair: TokenizedPair, gone: list[int], operator: str) -> dict[str, Tensor]:
    """The pair's inputs without the tokens at `gone`: `(1, seq)` masked, `(1, seq - len(gone))` deleted."""
    if operator == "mask":
        input_ids = pair.inputs["input_ids"].clone()
        input_ids[:, gone] = reranker.baseline_id(reranker.default_baseline)
        return {**pair.inputs, "input_ids": input_ids}
    stays = sorted(set(range(len(pair.tokens))) - set(gone))
    return {name: value[:, stays] for name, value in pair.inputs.items()}
