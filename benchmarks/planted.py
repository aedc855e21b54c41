"""A reranker whose right answer is known: it learns to count the query's words that were planted in the document."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import correlation, fmean
from typing import Any

import torch
from tqdm import tqdm
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from attribution import METHODS, explain, load_reranker
from attribution.evidence.agreement import top_k_overlap
from attribution.evidence.faithfulness.measure import ranked_by
from attribution.removal import seen_words
from attribution.rerankers.reranker import Reranker
from benchmarks.bench import Bench
from benchmarks.report import Cell, Table, interval
from benchmarks.toy import word_tokenizer

PAIRS = 100
STEPS = 600
BATCH = 64
LEARNING_RATE = 2e-3
VOCABULARY = tuple(f"w{i}" for i in range(40))
QUERY_WORDS, DOCUMENT_WORDS = 3, 16
MASKED = 0.15  # of the tokens in training, so that the model has seen [MASK]
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 32,
    "num_labels": 1,
    "initializer_range": 0.1,
}
RANDOM = "random order (control)"


@dataclass(frozen=True)
class Planted:
    """`places`: where in the document a word of the query stands; the model is taught to return how many."""

    query: tuple[str, ...]
    document: tuple[str, ...]
    places: tuple[int, ...]


def run(bench: Bench) -> list[Table]:
    """Precision of each method's first k document words, k being the number planted."""
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        reranker = train(Path(folder), STEPS)
    pairs = [plant(draw, draw.randint(1, QUERY_WORDS)) for _ in range(min(PAIRS, bench.pairs))]
    found: dict[str, list[float]] = defaultdict(list)
    logits = []
    for pair in tqdm(pairs, desc="planted", unit="pair"):
        truth = [float(i in pair.places) for i in range(DOCUMENT_WORDS)]
        for method in bench.methods:
            explanation = explain(reranker, " ".join(pair.query), " ".join(pair.document), method)
            values = ranked_by(explanation, seen_words(explanation))
            found[METHODS[method].label].append(top_k_overlap(values, truth, len(pair.places)))
        logits.append(explanation.logit)
        guess = draw.sample(range(DOCUMENT_WORDS), DOCUMENT_WORDS)
        found[RANDOM].append(top_k_overlap([float(g) for g in guess], truth, len(pair.places)))
    rows: list[dict[str, Cell]] = [
        {"method": method, "precision of the first k": interval(found[method])}
        for method in sorted(found, key=lambda method: -fmean(found[method]))
    ]
    learned = correlation(logits, [len(pair.places) for pair in pairs])
    says = (
        f"A two-layer BERT trained here to count planted words, {len(pairs)} new pairs; its logit and the true count "
        f"correlate at {learned:.2f}. Its attention was started on equal words, which flatters attention. k is the "
        f"number of planted words, one to three among {DOCUMENT_WORDS}."
    )
    return [Table("Planted words", says, rows)]


def plant(draw: random.Random, n: int) -> Planted:
    """A query, and a document of other words with `n` of the query's planted at random places."""
    query = draw.sample(VOCABULARY, QUERY_WORDS)
    document = draw.choices([word for word in VOCABULARY if word not in query], k=DOCUMENT_WORDS)
    places = tuple(draw.sample(range(DOCUMENT_WORDS), n))
    for place, word in zip(places, draw.sample(query, n), strict=True):
        document[place] = word
    return Planted(tuple(query), tuple(document), places)


def train(folder: Path, steps: int, seed: int = 0) -> Reranker:
    """A BERT of two layers, taught in `steps` steps, saved in `folder` and loaded as any checkpoint is."""
    tokenizer = word_tokenizer(VOCABULARY, ["input_ids", "token_type_ids", "attention_mask"], 32)
    torch.manual_seed(seed)
    model = BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), **SHAPE))
    look_for_equals(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    draw = random.Random(seed)
    for _ in tqdm(range(steps), desc="planted: training", unit="step"):
        pairs = [plant(draw, draw.randint(0, QUERY_WORDS)) for _ in range(BATCH)]
        inputs, target = _batch(tokenizer, pairs, draw)
        loss = (model(**inputs).logits[:, 0] - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_reranker(str(folder), device="cpu")


@torch.no_grad()
def look_for_equals(model: Any) -> None:
    """Start where every token attends to tokens like itself: matching from nothing would take far more steps."""
    model.bert.embeddings.word_embeddings.weight.normal_()
    model.bert.embeddings.token_type_embeddings.weight.normal_(std=0.7)
    for layer in model.bert.encoder.layer:
        for projection in (layer.attention.self.query, layer.attention.self.key):
            projection.weight.copy_(torch.eye(SHAPE["hidden_size"]))


def _batch(
    tokenizer: PreTrainedTokenizerFast, pairs: list[Planted], draw: random.Random
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Inputs `(batch, seq)` with some words masked, and `(batch,)` how many words are still in both."""

    def masked(words: tuple[str, ...]) -> list[str]:
        return ["[MASK]" if draw.random() < MASKED else word for word in words]

    texts = [(masked(pair.query), masked(pair.document)) for pair in pairs]
    counts = [float(sum(word in query for word in document if word != "[MASK]")) for query, document in texts]
    queries, documents = ([" ".join(text[side]) for text in texts] for side in (0, 1))
    return dict(tokenizer(queries, documents, return_tensors="pt")), torch.tensor(counts)
