"""The limit: what an explanation costs by arithmetic, operations over the machine's rate, and in fact."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import torch
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

from attribution import explain
from attribution.evidence.faithfulness.measure import measure
from attribution.methods.defaults import default_methods
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.hooks import EmbeddingAdapter, only_first
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import matmul_rate, operations, side_by_side
from benchmarks.plain_model import forward, gradient, pair_of
from benchmarks.report import Cell, Table

LENGTHS = (32, 128, 256, 512)  # tokens
PATIENCE = 15.0  # seconds: what would take longer, as a shorter text tells, is not run, and the cell says so
DEFAULTS = default_methods()


def page(reranker: Reranker, pair: TokenizedPair) -> None:
    """What Explain runs with the boxes that are ticked by default."""
    made = {method: explain(reranker, pair.query, pair.document, method) for method in DEFAULTS}
    measure(reranker, made)


def faithfulness(reranker: Reranker, pair: TokenizedPair) -> None:
    """The same measure for four explanations of one cheap method, so that only the removals cost."""
    made = explain(reranker, pair.query, pair.document, "saliency")
    measure(reranker, {method: dataclasses.replace(made, method=method) for method in DEFAULTS})


def method(name: str) -> Callable[[Reranker, TokenizedPair], None]:
    """`explain` by that method."""
    return lambda reranker, pair: (explain(reranker, pair.query, pair.document, name), None)[1]


JOBS: dict[str, Callable[[Reranker, TokenizedPair], None]] = {
    "forward": forward,
    "gradient": gradient,
    "saliency": method("saliency"),
    "integrated gradients": method("integrated_gradients"),
    "occlusion": method("occlusion"),
    "faithfulness": faithfulness,
    "the page's default": page,
}


def run(reranker: Reranker, rounds: int) -> list[Table]:
    """One row a model, job and length."""
    rate = matmul_rate()
    rows: list[dict[str, Cell]] = []
    ratios: dict[str, float] = {}
    for name, of in {"bundled": reranker, "XLM-R base size, random": xlm_roberta_base(reranker)}.items():
        for length in LENGTHS:
            rows += _rows(name, of, pair_of(of, length), rate, rounds, ratios)
    says = (
        f"Operations of the matrix products, counted, over this machine's float32 rate in the same run, "
        f"{rate / 1e9:.0f} GF/s with {torch.get_num_threads()} threads. Share: of that rate. Ratio: to one gradient. "
        f"– : not run, more than {PATIENCE:.0f} s to be expected."
    )
    return [Table("The limit", says, rows)]


def _rows(
    name: str, reranker: Reranker, pair: TokenizedPair, rate: float, rounds: int, ratios: dict[str, float]
) -> list[dict[str, Cell]]:
    """`ratios`: each job's time in gradients when it last ran, by which it is judged whether it can run now."""
    jobs = {job: partial(function, reranker, pair) for job, function in JOBS.items()}
    one = side_by_side({"gradient": jobs["gradient"]}, rounds)["gradient"]
    fits = {job: run for job, run in jobs.items() if ratios.get(job, 0.0) * one < PATIENCE}
    counted = {job: operations(run) for job, run in fits.items()}  # this warms up, too
    seconds = side_by_side(fits, rounds, warm_up=False)
    ratios |= {job: of_job / seconds["gradient"] for job, of_job in seconds.items()}
    return [
        {
            "model": name,
            "tokens": len(pair.tokens),
            "job": job,
            "GF": counted[job] / 1e9 if job in fits else None,
            "ms": 1000 * seconds[job] if job in fits else None,
            "share of the rate": counted[job] / rate / seconds[job] if job in fits else None,
            "ratio to a gradient": ratios[job] if job in fits else None,
        }
        for job in JOBS
    ]


def xlm_roberta_base(like: Reranker) -> Reranker:
    """Random weights of XLM-R base's size, behind the tokenizer of `like` and a vocabulary of its size."""
    config = XLMRobertaConfig(
        vocab_size=len(like.tokenizer),
        type_vocab_size=2,
        max_position_embeddings=514,
        pad_token_id=like.tokenizer.pad_token_id,
    )
    config.num_labels = 1
    torch.manual_seed(0)
    model = XLMRobertaForSequenceClassification(config).eval().requires_grad_(False)
    family = FAMILIES["XLMRobertaForSequenceClassification"]
    only_first(model, family.layers or "")
    adapter = EmbeddingAdapter(
        {"word": model.get_submodule(family.word_embeddings), "block": model.get_submodule(family.embeddings)}
    )
    return dataclasses.replace(like, model_id="random", model=model, family=family, adapter=adapter)
