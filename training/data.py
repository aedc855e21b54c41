"""Training data: clean text, passages of all lengths, hard negatives by meaning, by words and by section. No torch."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from training.wordnet import build_entries, build_facts

# The SQuAD sentences come tokenised in the Penn Treebank's way; BERT's own tokenizer does the rest.
PENN = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "``": '"', "''": '"', " n't": "n't", "\ufeff": ""}
REPEAT_FACTS = 10  # times an epoch: they are few and short
SMALL_WORDS = """
what which who whom whose when where why how is are was were do does did can could the a an of in to for on by that
there it its as with from at be been has have had
"""
QUESTION_WORDS = frozenset(SMALL_WORDS.split())


@dataclass(frozen=True)
class Example:
    """A query, the passages that answer it, and places to draw negatives from (indices into the passage pool).

    `repeat`: how often an epoch has it.
    """

    query: str
    positives: tuple[int, ...]
    section: tuple[int, ...]
    repeat: int = 1


@dataclass(frozen=True)
class Pool:
    """All passages, and the examples over them."""

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


def build_pool(folder: Path, wordnet: Path | None, rng: random.Random, n_words: int = 12_000, n_facts: int = 3) -> Pool:
    """Pairs, sections, words and facts as one pool; a third of the one-sentence passages are inside longer ones."""
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
    words = build_entries(wordnet, n_words, rng) if wordnet else []
    facts = build_facts(wordnet, n_facts, rng) if wordnet else []
    for entries, repeat in ((words, 1), (facts, REPEAT_FACTS)):
        for entry in entries:
            positives, others = (tuple(add(text) for text in texts) for texts in (entry.answers, entry.sentences))
            examples.append(Example(entry.query, positives, others, repeat))
    return Pool(list(passages), examples)


def content_words(text: str) -> frozenset[str]:
    """Lower-cased words without question words and other small ones."""
    return frozenset(re.findall(r"\w+", text.lower())) - QUESTION_WORDS


def overlap(query: str, passage: str) -> float:
    """Share of the query's content words that stand in the passage."""
    words = content_words(query)
    return len(words & content_words(passage)) / max(1, len(words))


def mine_lexical(pool: Pool, cache: Path, keep: int = 30) -> np.ndarray:
    """The passages with the most telling words of each example's query `(example, keep)`, by tf-idf."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # the rest of this file is tested without it

    if cache.exists():
        return np.load(cache)
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, max_df=0.02)
    passages = vectorizer.fit_transform(pool.passages).T.tocsr()  # (word, passage)
    queries = vectorizer.transform([example.query for example in pool.examples])
    nearest = np.empty((queries.shape[0], keep), dtype=np.int32)
    for start in tqdm(range(0, queries.shape[0], 256), desc="lexical negatives"):
        scores = (queries[start : start + 256] @ passages).toarray()  # (query, passage)
        nearest[start : start + 256] = np.argpartition(-scores, keep, axis=1)[:, :keep]
    np.save(cache, nearest)
    return nearest


def vary(query: str, positive: str, rng: random.Random) -> str:
    """As people type: with and without the question mark, in any case, as keywords, or without the passage's words."""
    bare = query.rstrip(" ?")
    roll = rng.random()
    if roll < 0.15:
        words = [word for word in bare.split() if word.lower() not in QUESTION_WORDS]
        if len(words) >= 2:
            return " ".join(words)
    if roll < 0.35:
        shared = sorted(content_words(bare) & content_words(positive))
        dropped = set(rng.sample(shared, len(shared) // 2))
        if len(content_words(bare)) - len(dropped) >= 3:
            bare = " ".join(word for word in bare.split() if word.lower() not in dropped)
    elif roll < 0.45:
        bare = bare.title() if roll < 0.4 else bare.upper()
    return bare + rng.choice(["", "", "?", " ?"])


def hide(passage: str, query: str, synonyms: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    """The passage with most of the query's words left out or replaced by synonyms, so that meaning has to do."""
    words = content_words(query)

    def other(part: str) -> str:
        if part.lower() not in words or rng.random() < 0.25:
            return part
        known = synonyms.get(part.lower()) or synonyms.get(part.lower().removesuffix("s"))
        return rng.choice(known) if known and rng.random() < 0.7 else ""

    return "".join(other(part) for part in re.split(r"(\w+)", passage))


def thin(passage: str, query: str, rng: random.Random) -> str:
    """The passage without a tenth of its words but with all of the query's, so that gaps are no sign of `hide`."""
    words = content_words(query)
    return re.sub(r"\w+", lambda m: m[0] if m[0].lower() in words or rng.random() < 0.9 else "", passage)


def stuff(passage: str, query: str, rng: random.Random) -> str:
    """The passage with the query's words in place of some of its own: all of the words, none of the meaning."""
    parts = re.split(r"(\w+)", passage)
    places = [i for i, part in enumerate(parts) if len(part) > 3 and part.isalpha()]
    words = [word for word in re.findall(r"\w+", query) if word.lower() in content_words(query)]
    for i, word in zip(sorted(rng.sample(places, min(len(places), len(words)))), words, strict=False):
        parts[i] = word
    return "".join(parts)


def miss(passage: str, query: str, other_query: str, rng: random.Random) -> str:
    """The passage with one word that it shares with the query swapped for one of another query: a near miss."""
    shared = sorted(content_words(query) & content_words(passage))
    others = sorted(content_words(other_query) - content_words(query))
    if not shared or not others:
        return passage
    word, other = rng.choice(shared), rng.choice(others)
    return re.sub(r"\w+", lambda m: other if m[0].lower() == word else m[0], passage)


def blank(passage: str, share: float, rng: random.Random) -> str:
    """The passage with about `share` of its words masked."""
    return " ".join("[MASK]" if rng.random() < share else word for word in passage.split())


def choose_passages(
    example: Example, near: np.ndarray, lexical: np.ndarray, lengths: np.ndarray, n: int, rng: random.Random
) -> list[int]:
    """A positive, then `n` negatives of about its length: near by meaning, by words, of its section, or random."""
    positive = rng.choice(example.positives)
    least, most = lengths[positive] / 3, 1.35 * lengths[positive] + 12  # length must not tell; padding costs
    chosen = [positive]

    def fits(i: int) -> bool:
        return i not in chosen and i not in example.positives and least <= lengths[i] <= most

    sources: dict[str, Iterable[int]] = {"near": near, "lexical": lexical, "section": example.section}
    weights = {"near": 0.25, "lexical": 0.35, "section": 0.3, "random": 0.1}
    while len(chosen) <= n:
        (name,) = rng.choices(list(weights), list(weights.values()))
        fitting = [int(i) for i in sources.get(name, ()) if fits(int(i))]
        if not fitting:
            fitting = [i for i in (rng.randrange(len(lengths)) for _ in range(40)) if fits(i)]
        if fitting:
            chosen.append(rng.choice(fitting))
    return chosen
