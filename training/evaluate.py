"""Measure the reranker: MRR@10 and nDCG@10 on SelQA dev and SciFact, and twelve everyday triples.

python -m training.evaluate --data FOLDER --base PATH [--model models/demo-reranker] [--card]

Prints a markdown table; `--card` also writes it into the model card between its two marks.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bm25s
import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tqdm import tqdm

from attribution import load_reranker
from training.data import read_jsonl

DEPTH = 50  # candidates of BM25 that are reranked on SciFact
MARKS = ("<!-- evaluation -->", "<!-- /evaluation -->")
Score = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class Task:
    """A query, its candidates, and which of them are relevant; `n_relevant` may exceed those among the candidates."""

    query: str
    candidates: list[str]
    relevant: frozenset[int]
    n_relevant: int


def tokenize(texts: list[str]) -> list[list[str]]:
    """Lower-cased word tokens, English stop words out, as bm25s does it."""
    tokens: list[list[str]] = bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)
    return tokens


def bm25(query: str, documents: Sequence[str]) -> list[float]:
    """BM25 of `documents` as a corpus of their own, in the order given."""
    corpus = tokenize(list(documents))
    terms = [term for term in tokenize([query])[0] if any(term in document for document in corpus)]
    if not terms:
        return [0.0] * len(corpus)
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    scores: list[float] = index.get_scores(terms).tolist()
    return scores


def reciprocal_rank(ranked: Sequence[bool], depth: int = 10) -> float:
    """1 / rank of the first relevant one within `depth`, else 0."""
    return next((1 / rank for rank, hit in enumerate(ranked[:depth], 1) if hit), 0.0)


def ndcg(ranked: Sequence[bool], n_relevant: int, depth: int = 10) -> float:
    """Binary nDCG within `depth`."""
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(ranked[:depth], 1) if hit)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(n_relevant, depth) + 1))


def measure(name: str, score: Score, tasks: Sequence[Task]) -> tuple[float, float]:
    """Mean MRR@10 and nDCG@10; ties are broken against the relevant one."""
    results = []
    for task in tqdm(tasks, desc=name):
        values = score(task.query, task.candidates)
        order = sorted(range(len(values)), key=lambda i: (-values[i], i in task.relevant))
        ranked = [i in task.relevant for i in order]
        results.append((reciprocal_rank(ranked), ndcg(ranked, task.n_relevant)))
    mrr, gain = np.mean(results, axis=0)
    return float(mrr), float(gain)


def selqa(folder: Path) -> list[Task]:
    """Every dev question with the sentences of its section."""
    tasks = []
    for row in read_jsonl(folder / "candidates.jsonl.gz"):
        if row["split"] == "dev":
            kept = [(i in row["relevant"], text) for i, text in enumerate(row["candidates"]) if text.strip()]
            relevant = frozenset(i for i, (hit, _) in enumerate(kept) if hit)
            tasks.append(Task(row["query"], [text for _, text in kept], relevant, len(relevant)))
    return tasks


def scifact(folder: Path) -> list[Task]:
    """Every claim with BM25's best `DEPTH` abstracts of the whole corpus, in BM25's order."""
    corpus = list(read_jsonl(folder / "scifact_corpus.jsonl.gz"))
    texts = [f"{row['title']} {row['text']}" for row in corpus]
    index = bm25s.BM25()
    index.index(tokenize(texts), show_progress=False)
    tasks = []
    for row in read_jsonl(folder / "scifact_queries.jsonl.gz"):
        best, _ = index.retrieve([tokenize([row["query"]])[0]], k=DEPTH, show_progress=False)
        relevant = set(row["relevant"])
        hits = frozenset(i for i, j in enumerate(best[0]) if corpus[j]["doc_id"] in relevant)
        tasks.append(Task(row["query"], [texts[j] for j in best[0]], hits, len(relevant)))
    return tasks


def as_ranked(_query: str, documents: Sequence[str]) -> list[float]:
    """The candidates' own order: BM25 over the whole corpus."""
    return [-float(i) for i in range(len(documents))]


def ordered_triples(score: Score) -> tuple[int, list[str]]:
    """How many of the twelve triples are ordered rightly, and the queries that are not."""
    triples = json.loads((Path(__file__).parent / "triples.json").read_text(encoding="utf-8"))
    wrong = []
    for triple in triples:
        good, bad = score(triple["query"], [triple["good"], triple["bad"]])
        if good <= bad:
            wrong.append(triple["query"])
    return len(triples) - len(wrong), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder with candidates and scifact files")
    parser.add_argument("--base", required=True, help="folder or Hub id of the base bi-encoder")
    parser.add_argument("--model", default=None, help="a reranker; default: the bundled one")
    parser.add_argument("--limit", type=int, default=None, help="only the first queries of each set")
    parser.add_argument("--skip-scifact", action="store_true")
    parser.add_argument("--card", action="store_true", help="write the table into the bundled model's card")
    args = parser.parse_args()

    encoder = SentenceTransformer(args.base)
    reranker = load_reranker(args.model)

    vectors: dict[str, np.ndarray] = {}  # SciFact's claims share many abstracts

    def cosine(query: str, documents: Sequence[str]) -> list[float]:
        new = list(dict.fromkeys(text for text in [query, *documents] if text not in vectors))
        with torch.inference_mode():
            encoded = encoder.encode(new, normalize_embeddings=True, show_progress_bar=False)
        vectors.update(zip(new, encoded, strict=True))
        return [float(vectors[text] @ vectors[query]) for text in documents]

    systems: dict[str, Score] = {"BM25": bm25, "base bi-encoder": cosine, "this reranker": reranker.score}
    tasks = {"SelQA dev": selqa(args.data)[: args.limit]}
    if not args.skip_scifact:
        tasks["SciFact, BM25 top 50"] = scifact(args.data)[: args.limit]
    head = "| | " + " | ".join(f"{name} ({len(rows)} queries) MRR@10 | nDCG@10" for name, rows in tasks.items())
    lines = [head + " | triples of 12 |", "|---|" + "---|" * (2 * len(tasks) + 1)]
    for name, score in systems.items():
        cells = []
        for task_name, rows in tasks.items():
            use = as_ranked if name == "BM25" and task_name != "SelQA dev" else score
            cells += [f"{value:.3f}" for value in measure(f"{name}, {task_name}", use, rows)]
        right, wrong = ordered_triples(score)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {right} |")
        if wrong:
            tqdm.write(f"{name} orders wrongly: {wrong}")
    table = "\n".join(lines)
    print(table)
    if args.card:
        card = Path(__file__).parent.parent / "models" / "demo-reranker" / "README.md"
        before, rest = card.read_text(encoding="utf-8").split(MARKS[0])
        card.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
