"""What an audit will take, said before it starts: counted over the set, and timed on a few of its pairs."""

import time
from collections.abc import Iterable
from contextlib import suppress

from attribution.audit.reading import max_passes
from attribution.batch.judged import JudgedRow
from attribution.batch.rows import BadLine
from attribution.errors import InputError
from attribution.evidence.probes.wording import words_of
from attribution.numbers import fixed
from attribution.rerankers.reranker import Reranker
from attribution.words import sentences_of

SAMPLE = 4  # queries, and candidates of each, that are timed and whose sentences are counted
PART = 0.4  # of a pass over a whole text: what one takes that reads some of its sentences, most of a failure's passes
MINUTE = 60


def estimate(reranker: Reranker, judged: Iterable[JudgedRow | BadLine], n_failures: int, workers: int = 1) -> str:
    """In a sentence, from the number of pairs in the set, and the time of a few candidates of its first queries, which
    are scored.
    """
    n_queries = n_pairs = 0
    sample: dict[str, list[str]] = {}
    for row in judged:
        if isinstance(row, JudgedRow):
            n_queries += 1
            n_pairs += len(row.judged.candidates)
            if len(sample) < SAMPLE and row.judged.candidates:
                sample[row.judged.query] = [one.text for one in row.judged.candidates[:SAMPLE]]
    timed = [_seconds(reranker, query, texts) for query, texts in sample.items()]
    a_pass = min((of for of in timed if of is not None), default=0.0)  # the first pass of a process is the slowest
    texts = [text for found in sample.values() for text in found]
    n_words, n_sentences = (max(map(len, map(of, texts)), default=1) for of in (words_of, sentences_of))
    passes, failures = max_passes(n_sentences, n_words), min(n_failures, n_queries)
    scoring, reading = n_pairs * a_pass / workers, failures * passes * PART * a_pass / workers
    return (
        f"{reranker.model_id}: {n_queries} queries, {n_pairs:,} candidates, a forward pass each, about "
        f"{_duration(scoring)}; then at most {failures} failures, about {passes} passes each, {_duration(reading)}. "
        "What the folder holds already is not done again."
    )


def _seconds(reranker: Reranker, query: str, texts: list[str]) -> float | None:
    """Of a pass over one of them; None where one cannot be scored, which is said when its turn comes."""
    began = time.perf_counter()
    with suppress(InputError):
        reranker.score(query, texts)
        return (time.perf_counter() - began) / len(texts)
    return None


def _duration(seconds: float) -> str:
    return f"{fixed(seconds, 0)} s" if seconds < 2 * MINUTE else f"{fixed(seconds / MINUTE, 0)} min"
