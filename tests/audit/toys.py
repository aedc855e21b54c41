"""Rerankers whose fault is known, over texts of plain words; and judged sets that the fault spoils."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from attribution.audit.judged import Candidate, JudgedQuery
from attribution.rerankers.families import Family
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.reranker import Reranker
from benchmarks.toy import SPECIALS, word_tokenizer

FILLER = tuple(f"w{i}" for i in range(60))  # about nothing
TOPICS = tuple(f"topic{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
PLANTED = "bonus"
ANSWER = "answer"
WORDS = (*FILLER, *TOPICS, PLANTED, ANSWER, ".")
Score = Callable[[list[str], list[str]], float]  # words of the query and of the document, as far as they are read


class ToyModel(nn.Module):
    """`input_ids (batch, seq)` -> `.logits (batch, 1)`: whatever `score` says of the words."""

    def __init__(self, score: Score) -> None:
        super().__init__()
        self.score = score
        self.config = SimpleNamespace(pad_token_id=SPECIALS.index("[PAD]"))
        self.embeddings = nn.Sequential()
        self.embeddings.add_module("word_embeddings", nn.Embedding(len(SPECIALS) + len(WORDS), 4))

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        rows = zip(input_ids.tolist(), token_type_ids.tolist(), strict=True)
        values = [self.score(*(_words(ids, types, side) for side in (0, 1))) for ids, types in rows]
        return SimpleNamespace(logits=torch.tensor(values)[:, None])


def _words(ids: Sequence[int], types: Sequence[int], side: int) -> list[str]:
    return [WORDS[i - len(SPECIALS)] for i, of in zip(ids, types, strict=True) if of == side and i >= len(SPECIALS)]


def toy(score: Score, max_length: int = 512) -> Reranker:
    """A `Reranker` that scores by `score`; a word of `WORDS` is a token."""
    model = ToyModel(score).eval().requires_grad_(False)
    return Reranker(
        model_id="toy",
        revision="0",
        model=model,
        tokenizer=word_tokenizer(WORDS, ["input_ids", "token_type_ids", "attention_mask"], max_length),
        family=Family("toy", "embeddings.word_embeddings", "embeddings", "tests"),
        adapter=EmbeddingAdapter(
            {"word": model.get_submodule("embeddings.word_embeddings"), "block": model.embeddings}
        ),
        max_length=max_length,
        device=torch.device("cpu"),
    )


def count_query_words(query: list[str], document: list[str]) -> float:
    """A bag of words: how often a word of the query stands in the document."""
    return float(sum(word in query for word in document))


def sentence(rand: random.Random, *words: str, length: int = 8) -> str:
    """A sentence of filler with `words` in it."""
    drawn = [*rand.sample(FILLER, length - len(words)), *words]
    rand.shuffle(drawn)
    return " ".join(drawn) + " ."


def among(rand: random.Random, at: int, n: int, held: str) -> str:
    """`n` sentences of filler, and `held` in the place `at` of them."""
    sentences = [sentence(rand) for _ in range(n)]
    sentences.insert(at, held)
    return " ".join(sentences)


def judged_set(
    n: int, seed: int, texts: Callable[[random.Random, str], Iterable[tuple[str, int | None]]]
) -> list[JudgedQuery]:
    """`n` queries of one topic word; `texts(random, topic)` gives each its texts with grades."""
    rand = random.Random(seed)
    found = []
    for i in range(n):
        topic = rand.choice(TOPICS)
        given = list(texts(rand, topic))
        rand.shuffle(given)
        candidates = tuple(Candidate(f"d{k}", text, grade) for k, (text, grade) in enumerate(given))
        found.append(JudgedQuery(f"q{i}", f"{topic} {ANSWER}", candidates, {}))
    return found
