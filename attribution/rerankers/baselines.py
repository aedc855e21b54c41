"""What can stand in place of a word: the table, and the ids that a model has for it."""

from __future__ import annotations

from typing import Any

BASELINES = {
    "mask": "[MASK] in place of every word",
    "space": "the token of a single space in place of every word, where the vocabulary has one",
    "unk": "the unknown token in place of every word",
    "pad": "the padding token's embedding, attention left on",
    "zero": "zero vectors. Warning: unlike any text, and undefined for models that normalise embeddings first",
}


def neutral_ids(tokenizer: Any, n_embeddings: int) -> dict[str, int]:
    """The token ids of those of `BASELINES` that the tokenizer and the embedding layer have, the best first."""
    known: Any = tokenizer.convert_tokens_to_ids(["Ġ", "▁"])  # one space, byte-level or sentencepiece
    ids = {name: getattr(tokenizer, f"{name}_token_id", None) for name in ("mask", "unk", "pad")}
    space = next((i for i in known if i not in (None, ids["unk"])), None)
    every = {"mask": ids["mask"], "space": space, "unk": ids["unk"], "pad": ids["pad"]}
    return {name: i for name, i in every.items() if i is not None and i < n_embeddings}
