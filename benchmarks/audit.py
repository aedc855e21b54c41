"""What an audit costs beyond the scoring: 1,000 pairs of 200 words, 20 failures.

`python -m benchmarks.audit --data FOLDER` measures, and stores the numbers in `audit.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import torch

from attribution import load_reranker
from attribution.audit.audit import conclude
from attribution.audit.failures import Wanted, survey
from attribution.audit.judged import Candidate, JudgedQuery, score_query
from attribution.audit.lifting import lifting_words
from attribution.audit.reading import Failure, read_inversion
from benchmarks.data import read_jsonl
from benchmarks.memory import peak
from benchmarks.report import Table

STORED = Path(__file__).parent / "audit.json"
QUERIES, CANDIDATES, WORDS, FAILURES = 100, 10, 200, 20
MEASURE = "nDCG@10"
GOAL = 120.0  # seconds beyond the scoring
Done = TypeVar("Done")


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


def measured(folder: Path) -> dict[str, Any]:
    """`attribution.audit.audit`, step by step: seconds of the clock and of the processor for each."""
    reranker = load_reranker()
    judged = list(judged_set(folder))
    seconds: dict[str, tuple[float, float]] = {}

    def timed(name: str, run: Callable[[], Done]) -> Done:
        began = time.perf_counter(), time.process_time()
        done = run()
        seconds[name] = time.perf_counter() - began[0], time.process_time() - began[1]
        return done

    scored = timed("scoring", lambda: [score_query(reranker, one) for one in judged])
    found = timed("measures and inversions", lambda: survey(scored, Wanted(MEASURE, FAILURES, 0)))
    failures = timed("failures", lambda: [Failure(one, read_inversion(reranker, one)) for one in found.inversions])
    words = timed("words over the set", lambda: lifting_words(reranker, found.inversions, 0))
    timed("intervals", lambda: conclude(reranker, found, failures, words))
    beyond = [sum(of[k] for of in seconds.values()) - seconds["scoring"][k] for k in (0, 1)]
    return {
        "measured": date.today().isoformat(),
        "model": f"{reranker.model_id} {reranker.revision}",
        "threads": torch.get_num_threads(),
        "pairs": len(judged) * CANDIDATES,
        "failures": len(failures),
        "peak_mb": peak(),
        "seconds": {**seconds, "all beyond the scoring": beyond},
    }


def summary(stored: dict[str, Any]) -> str:
    """What the docs say of the stored run."""
    wall, _cpu = stored["seconds"]["all beyond the scoring"]
    says = (
        f"{stored['pairs']:,} pairs of {WORDS} words, {stored['failures']} failures, threads: {stored['threads']}, on "
        f"two cores, {stored['model']}, {stored['measured']}. Peak memory {stored['peak_mb']} MB, with the model. "
        f"Beyond the scoring it takes {wall:.0f} s; the goal is {GOAL:.0f} s."
    )
    rows = [
        {"step": name, "seconds": round(wall), "seconds of processor time": round(cpu)}
        for name, (wall, cpu) in stored["seconds"].items()
    ]
    return Table("1,000 pairs and 20 failures", says, rows).markdown()


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    stored = measured(args.data)
    STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print(summary(stored))


if __name__ == "__main__":
    main()
