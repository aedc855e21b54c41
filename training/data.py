"""Training data: clean text, passages of all lengths, and hard negatives. No torch."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# The SQuAD sentences come tokenised in the Penn Treebank's way; BERT's own tokenizer does the rest.
PENN = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "``": '"', "''": '"', " n't": "n't", "\ufeff": ""}
QUESTION_WORDS = frozenset(
    "what which who whom whose when where why how is are was were do does did can could the a an of in to for on by "
    "that there it its as with from at be been has have had".split()
)


@dataclass(frozen=True)
class Example:
    """A query, the passages that answer it, and places to draw negatives from (indices into the passage pool)."""

    query: str
    positives: tuple[int, ...]
    section: tuple[int, ...]


@dataclass(frozen=True)
class Pool:
    """All passages and all examples over them; `neighbours` is filled by `mine_neighbours`."""

    passages: list[str]
    examples: list[Example]


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def clean(text: str) -> str:
    """Undo the Penn Treebank's escapes and squeeze white space."""
    for old, new in PENN.items():
        text = text.replace(old, new)
    return " ".join(text.split())


def build_pool(folder: Path, rng: random.Random) -> Pool:
    """Pairs and sections as one pool; a third of the one-sentence passages also appear inside longer ones."""
    passages: dict[str, int] = {}

    def add(text: str) -> int:
        return passages.setdefault(text, len(passages))

    examples: list[Example] = []
    rows = list(read_jsonl(folder / "train_pairs.jsonl.gz"))
    order = list(dict.fromkeys(clean(row["positive"]) for row in rows if row["source"] == "squad"))
    place = {text: i for i, text in enumerate(order)}
    for row in rows:
        text = clean(row["positive"])
        if row["source"] != "squad":
            examples.append(Example(clean(row["query"]), (add(text[:1200]),), ()))
            continue
        i = place[text]
        near = [order[j] for j in range(max(0, i - 6), min(len(order), i + 7)) if j != i]
        positive, section = text, tuple(add(other) for other in near)
        if rng.random() < 0.3:  # the same sentence inside its paragraph, and the paragraph around it without it
            width = rng.randint(1, 3)
            before, after = order[max(0, i - width) : i], order[i + 1 : i + 1 + width]
            positive = " ".join([*before, text, *after])
            far = order[max(0, i - 2 * width - 1) : max(0, i - width)], order[i + 1 + width : i + 2 + 2 * width]
            section = tuple(add(" ".join(part)) for part in (before + after, *far) if part)
        examples.append(Example(clean(row["query"]), (add(positive),), section))
    for row in read_jsonl(folder / "candidates.jsonl.gz"):
        if row["split"] != "train":
            continue
        ids = [add(clean(text)) for text in row["candidates"]]
        relevant = tuple(ids[i] for i in row["relevant"])
        others = tuple(i for i in ids if i not in relevant)
        examples.extend([Example(clean(row["query"]), relevant, others)] * 2)
    return Pool(list(passages), examples)


def vary(query: str, rng: random.Random) -> str:
    """As people type: with and without the question mark, in any case, or as keywords."""
    bare = query.rstrip(" ?")
    roll = rng.random()
    if roll < 0.15:
        words = [word for word in bare.split() if word.lower() not in QUESTION_WORDS]
        if len(words) >= 2:
            return " ".join(words)
    if roll < 0.25:
        bare = bare.title() if roll < 0.2 else bare.upper()
    return bare + rng.choice(["", "", "?", " ?"])


def choose_negatives(
    example: Example, neighbours: np.ndarray, lengths: np.ndarray, n: int, rng: random.Random
) -> list[int]:
    """`n` negatives of about the positive's length: mostly nearest neighbours and the same section, some random."""
    positive = rng.choice(example.positives)
    limit = 1.35 * lengths[positive] + 12  # a negative much longer than its positive only adds padding
    taken = set(example.positives)
    chosen = [positive]

    def draw(source: list[int]) -> bool:
        fitting = [i for i in source if i not in taken and lengths[i] <= limit]
        if not fitting:
            return False
        pick = rng.choice(fitting)
        taken.add(pick)
        chosen.append(pick)
        return True

    near = [int(i) for i in neighbours]
    while len(chosen) <= n:
        roll = rng.random()
        drawn = roll < 0.45 and draw(near)
        drawn = drawn or (roll < 0.88 and draw(list(example.section)))
        drawn = drawn or (roll < 0.88 and draw(near))
        if not drawn:
            draw([rng.randrange(len(lengths)) for _ in range(40)])
    return chosen
