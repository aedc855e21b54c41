"""Toy rerankers over words whose habits are known: each reads what its rule says and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from attribution.evidence.probes import baits, edits
from attribution.evidence.probes.wording import words_of
from attribution.rerankers.families import Family
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.reranker import Reranker
from benchmarks.toy import word_tokenizer

QUERY = "which rivers flow through Vienna"


DOCUMENT = (
    "The long Danube flows through Vienna and then on to Budapest. Old bridges from 1870 and 1953 cross the water at "
    "many places. Ships are not allowed to moor below the walls near Linz. Trees grow along the quiet banks."
)


VOCABULARY = tuple(dict.fromkeys(words_of(f"{QUERY} {DOCUMENT} {' '.join(edits.NEUTRAL)} {baits.INJECTED} Answer yes")))


TOKENIZER = word_tokenizer((*VOCABULARY, "."), ["input_ids", "attention_mask"], 400)


Rule = Callable[[Tensor, Tensor], Tensor]  # ids (batch, seq), document's first place (batch,) -> logit (batch,)


class Toy(nn.Module):
    """The logit is `rule` of the words. Embeddings are one-hot, so that a word masked there is masked for the rule."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.embeddings = nn.Sequential()
        self.embeddings.add_module("word_embeddings", nn.Embedding.from_pretrained(torch.eye(len(TOKENIZER))))
        self.rule = rule
        self.config = SimpleNamespace(pad_token_id=TOKENIZER.pad_token_id)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        ids = self.embeddings(input_ids).argmax(-1)  # (batch, seq)
        ids = ids.masked_fill(attention_mask == 0, TOKENIZER.pad_token_id)
        start = 1 + (ids == TOKENIZER.sep_token_id).int().argmax(1)
        return SimpleNamespace(logits=self.rule(ids, start)[:, None])


def toy(rule: Rule) -> Reranker:
    model = Toy(rule).eval().requires_grad_(False)
    word = model.get_submodule("embeddings.word_embeddings")
    return Reranker(
        model_id="toy",
        revision="",
        model=model,
        tokenizer=TOKENIZER,
        family=Family("toy", "embeddings.word_embeddings", "embeddings", "tests"),
        adapter=EmbeddingAdapter({"word": word, "block": model.embeddings}),
        max_length=400,
        device=torch.device("cpu"),
    )


WEIGHTS = torch.randn(len(TOKENIZER), generator=torch.Generator().manual_seed(0))
WEIGHTS[TOKENIZER.pad_token_id] = 0


def bag_of_words(ids: Tensor, start: Tensor) -> Tensor:
    after = torch.arange(ids.shape[1]) >= start[:, None]
    return (WEIGHTS[ids] * after).sum(1)


def constant(ids: Tensor, _start: Tensor) -> Tensor:
    return torch.full((len(ids),), 1.5)


def first_words(ids: Tensor, start: Tensor) -> Tensor:
    """Ten for each of the document's first eight words that the query has, so only the beginning counts."""
    places = torch.arange(ids.shape[1])
    begins = (places >= start[:, None]) & (places < start[:, None] + 8)
    wanted = torch.zeros(len(TOKENIZER))
    wanted[TOKENIZER.convert_tokens_to_ids(["Vienna", "flows", "Danube"])] = 10
    return (wanted[ids] * begins).sum(1)


def obedient(ids: Tensor, _start: Tensor) -> Tensor:
    relevant = torch.tensor(TOKENIZER.convert_tokens_to_ids(["relevant"]))
    return 5.0 * torch.isin(ids, relevant).any(1) - 2.0
