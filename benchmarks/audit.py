"""What an audit costs beyond the scoring: 1,000 pairs of 200 words, 20 failures."""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from attribution import load_reranker
from attribution.audit.audit import audit
from attribution.audit.judged import Candidate, JudgedQuery, score_query
from benchmarks.data import read_jsonl

QUERIES, CANDIDATES, WORDS, FAILURES = 100, 10, 200, 20
GOAL = 120.0  # seconds beyond the scoring


def judged_set(folder: Path, seed: int = 0) -> Iterator[JudgedQuery]:
    """SciFact claims, each with `CANDIDATES` texts of `WORDS` words; which of them is relevant is drawn by lot.

    So that there are failures enough: what is measured is how long they take, not what they are.
    """
    draw = random.Random(seed)
    abstracts = [f"{row['title']} {row['text']}" for row in read_jsonl(folder / "scifact_corpus.jsonl.gz")]
    texts = [" ".join(text.split()[:WORDS]) for text in abstracts if len(text.split()) >= WORDS]
    queries = [row["query"] for row in read_jsonl(folder / "scifact_queries.jsonl.gz")][:QUERIES]
    for i, query in enumerate(queries):
        relevant = draw.randrange(CANDIDATES)
        chosen = draw.sample(texts, CANDIDATES)
        candidates = tuple(Candidate(f"{i}-{k}", text, int(k == relevant)) for k, text in enumerate(chosen))
        yield JudgedQuery(str(i), query, candidates, {})


def main() -> None:
    """Print the seconds of the scoring alone, and of the whole audit beyond it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    reranker = load_reranker()
    judged = list(judged_set(args.data))
    clocks = time.perf_counter, time.process_time
    began = [clock() for clock in clocks]
    for one in judged:
        score_query(reranker, one)
    scored = [clock() for clock in clocks]
    found = audit(reranker, judged, n_failures=FAILURES)
    ended = [clock() for clock in clocks]
    scoring, beyond = ([b - a for a, b in zip(*two, strict=True)] for two in ((began, scored), (scored, ended)))
    more = [whole - alone for whole, alone in zip(beyond, scoring, strict=True)]
    print(f"{len(judged) * CANDIDATES} pairs of {WORDS} words, {len(found.failures)} failures, {args.threads} threads")
    print(f"scoring: {scoring[0]:.0f} s ({scoring[1]:.0f} s of processor time)")
    print(f"beyond it: {more[0]:.0f} s ({more[1]:.0f} s of processor time), goal {GOAL:.0f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
