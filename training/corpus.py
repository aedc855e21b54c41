"""What the training draws its batches from: the pool of examples, with negatives that are near to each query."""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from training.data import Pool, build_pool, mine_lexical, overlap
from training.wordnet import read_synonyms

N_PASSAGES = 4  # one positive, three negatives
TOKENS_A_BATCH = 3072


@dataclass(frozen=True)
class Corpus:
    """The pool with everything that batches are drawn from; lengths are in tokens."""

    pool: Pool
    neighbours: np.ndarray
    lexical: np.ndarray
    overlaps: list[float]
    lengths: np.ndarray
    synonyms: dict[str, tuple[str, ...]]


def read_corpus(args: argparse.Namespace, tokenizer: Any, rng: random.Random) -> Corpus:
    """Read the data and mine the negatives; what was mined before is taken from `--out`."""
    pool = build_pool(args.data, args.wordnet, rng)
    neighbours = mine_neighbours(args.base, pool, args.out / "neighbours.npy", args.bf16)
    lexical = mine_lexical(pool, args.out / "lexical.npy")
    overlaps = [overlap(example.query, pool.passages[example.positives[0]]) for example in pool.examples]
    lengths = np.array([len(ids) for ids in tokenizer(pool.passages, add_special_tokens=False)["input_ids"]])
    synonyms = read_synonyms(args.wordnet) if args.wordnet else {}
    return Corpus(pool, neighbours, lexical, overlaps, np.minimum(lengths, args.max_length), synonyms)


def encode_texts(base: str, texts: list[str], bf16: bool) -> np.ndarray:
    """Mean-pooled, normalised embeddings `(text, hidden)` by the base bi-encoder."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = SentenceTransformer(base, device=device)
    encoder.max_seq_length = 80
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
        return encoder.encode(texts, batch_size=128, normalize_embeddings=True, show_progress_bar=True)


def mine_neighbours(base: str, pool: Pool, cache: Path, bf16: bool, keep: int = 40) -> np.ndarray:
    """The `keep` nearest passages of each example's query `(example, keep)`, kept on disk."""
    if cache.exists():
        return np.load(cache)
    passages = encode_texts(base, pool.passages, bf16)
    queries = encode_texts(base, [example.query for example in pool.examples], bf16)
    nearest = np.empty((len(queries), keep), dtype=np.int32)
    for start in range(0, len(queries), 512):
        scores = queries[start : start + 512] @ passages.T  # (query, passage)
        top = np.argpartition(-scores, keep, axis=1)[:, :keep]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
        nearest[start : start + 512] = np.take_along_axis(top, order, axis=1)
    np.save(cache, nearest)
    return nearest


def make_batches(pool: Pool, indices: list[int], lengths: np.ndarray, rng: random.Random) -> list[list[int]]:
    """One epoch of example indices, grouped by the positive's length so that a batch holds about the same tokens."""
    shuffled = sorted(indices, key=lambda i: lengths[pool.examples[i].positives[0]] + rng.random() * 8)
    batches: list[list[int]] = []
    current: list[int] = []
    for i in shuffled:
        longest = max(lengths[list(pool.examples[j].positives)].max() for j in [*current, i]) * 1.2 + 30
        if current and (len(current) + 1) * N_PASSAGES * longest > TOKENS_A_BATCH:
            batches.append(current)
            current = []
        current.append(i)
    batches.append(current)
    rng.shuffle(batches)
    return batches
