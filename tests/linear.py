"""A reranker whose every explanation is known on paper: the logit is a fixed linear function of the word embeddings.

    logit = sum over tokens t of  head . embedding(t)        (padding counts 0)

So the gradient at every token is `head`, replacing a token by [MASK] changes the logit by `weight(t) - weight([MASK])`,
and deleting it changes it by `weight(t)`, whatever else is in the pair.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from attribution.rerankers.families import Family
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.reranker import Reranker
from attribution.types import Point, TokenizedPair
from benchmarks.toy import SPECIALS, word_tokenizer

WORDS = ("apple", "birch", "cedar", "delta", "ember", "fjord", "grape", "hazel", "ivory", "jewel", "karma", "'", "s")
HIDDEN = 8
QUERY = "apple birch cedar"
DOCUMENT = "delta ember fjord's grape hazel ivory"  # six words; "fjord's" is one word of three tokens


class LinearModel(nn.Module):
    """`input_ids (batch, seq)` -> `.logits (batch, 1)`."""

    def __init__(self, vocab_size: int, seed: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(pad_token_id=SPECIALS.index("[PAD]"))
        generator = torch.Generator().manual_seed(seed)
        self.embeddings = nn.Sequential()  # the "block" adds nothing to the words
        self.embeddings.add_module("word_embeddings", nn.Embedding(vocab_size, HIDDEN))
        self.head = nn.Parameter(torch.randn(HIDDEN, generator=generator))  # (hidden,)
        with torch.no_grad():
            for parameter in self.embeddings.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        inputs_embeds = self.embeddings(input_ids)  # (batch, seq, hidden)
        terms = (inputs_embeds @ self.head) * attention_mask  # (batch, seq)
        return SimpleNamespace(logits=terms.sum(1, keepdim=True))


def linear_reranker(seed: int = 0) -> Reranker:
    """A `Reranker` over `LinearModel`. Words of `WORDS` are one token each, split at spaces and punctuation.

    It has [MASK], so every baseline and both operators work; `token_weights` gives the truth.
    """
    model = LinearModel(len(SPECIALS) + len(WORDS), seed).eval().requires_grad_(False)
    layers: dict[Point, nn.Module] = {
        "word": model.get_submodule("embeddings.word_embeddings"),
        "block": model.embeddings,
    }
    return Reranker(
        model_id="linear-toy",
        revision=f"seed {seed}",
        model=model,
        tokenizer=word_tokenizer(WORDS, ["input_ids", "attention_mask"], 64),
        family=Family("linear", "embeddings.word_embeddings", "embeddings", "tests"),
        adapter=EmbeddingAdapter(layers),
        max_length=64,
        device=torch.device("cpu"),
    )


def token_weights(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """`(seq,)`: what each token adds to the logit, `head . embedding`; they sum to the logit."""
    weights: Tensor = (reranker.embed(pair) @ reranker.model.head)[0]
    return weights


def mask_weight(reranker: Reranker, name: str = "mask") -> float:
    """What the token of baseline `name` adds to the logit, wherever it stands."""
    token_id = torch.tensor(reranker.baseline_id(name))
    weight: Tensor = reranker.word_embeddings(token_id) @ reranker.model.head
    return weight.item()
