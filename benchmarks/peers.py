"""Peers on the same model, pair and run; integrated gradients to equal error; Shapley values for their passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from captum.attr import KernelShap, LayerIntegratedGradients
from torch import Tensor

from attribution import explain
from attribution.methods.perturbation import exact_shapley, sampled_shapley
from attribution.removal import Present, score_kept, seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import Job, side_by_side
from benchmarks.plain_model import QUERY, SENTENCE, pair_of
from benchmarks.report import Cell, Table
from interface.page.settings import DEFAULTS

SEEDS = 8
METHODS_DEFAULT, PAGES_DEFAULT = "the method's default", "the page's default"
SHORT = (  # documents whose Shapley values are known exactly, from all their sets of words
    (QUERY, "Berlin is the capital of Germany with about 3.7 million inhabitants"),
    ("who wrote Frankenstein", "Mary Shelley wrote Frankenstein in 1818 when she was eighteen"),
    ("what is the capital of Australia", "Canberra is the capital of Australia, neither Sydney nor Melbourne"),
    ("when did the first man walk on the moon", "Neil Armstrong walked on the moon in July 1969"),
)


def captum_layer(reranker: Reranker, pair: TokenizedPair, n_steps: int = 50) -> Job:
    """`LayerIntegratedGradients` as Captum's BERT tutorial calls it: trainable model, 50 steps, one path, one batch."""
    trainable = reranker.trainable()

    def score(ids: Tensor) -> Tensor:  # of the whole model, as Captum's user has it
        return trainable.read_logit(trainable.outputs(_with(pair, ids)))

    route = LayerIntegratedGradients(score, trainable.word_embeddings)
    ids = pair.inputs["input_ids"]
    masked = ids.clone()
    masked[:, pair.positions("document")] = reranker.baseline_id("mask")
    return lambda: route.attribute(ids, masked, n_steps=n_steps, return_convergence_delta=True)


def _with(pair: TokenizedPair, ids: Tensor) -> dict[str, Tensor]:
    others = {name: value.expand(len(ids), -1) for name, value in pair.inputs.items() if name != "input_ids"}
    return {**others, "input_ids": ids}


def shap_text(reranker: Reranker, pair: TokenizedPair) -> Job:
    """shap's text explainer with its defaults, on the document only. Raises `ImportError` where shap is not there."""
    import shap  # optional: never in requirements

    def score(texts: Iterable[str]) -> Any:
        return np.array(reranker.score(pair.query, [str(text) or " " for text in texts]))

    explainer = shap.Explainer(score, shap.maskers.Text(reranker.tokenizer), silent=True)
    return lambda: explainer([pair.document])


def transformers_interpret(reranker: Reranker, pair: TokenizedPair) -> Job:
    """Its pair-wise explainer, made for cross-encoders."""
    from transformers_interpret import PairwiseSequenceClassificationExplainer

    explainer = PairwiseSequenceClassificationExplainer(reranker.trainable().model, reranker.tokenizer)
    return lambda: explainer(pair.query, pair.document)


def ferret(reranker: Reranker, pair: TokenizedPair) -> Job:
    """Its benchmark of explainers."""
    from ferret import Benchmark

    bench = Benchmark(reranker.trainable().model, reranker.tokenizer)
    return lambda: bench.explain(f"{pair.query} {pair.document}", target=0)


def ours(method: str, **options: Any) -> Callable[[Reranker, TokenizedPair], Job]:
    """`explain`, from text to result."""
    return lambda reranker, pair: lambda: explain(reranker, pair.query, pair.document, method, **options)


FIRST = "Captum LayerIntegratedGradients, one path, 50 steps"  # what the others are measured by
BOTH, ONE = "ours: integrated gradients, both paths", "ours: one path for both sides"
PEERS: dict[str, Callable[[Reranker, TokenizedPair], Job]] = {
    FIRST: captum_layer,
    BOTH: ours("integrated_gradients"),
    ONE: ours("integrated_gradients", joint=True),
    "ours: Captum's rule on our forward_func, both paths": ours("integrated_gradients_captum"),
    "ours: saliency": ours("saliency"),
    "ours: layerwise relevance": ours("layerwise_relevance"),
    "ours: occlusion": ours("occlusion"),
    "shap's text explainer, document only": shap_text,
    "transformers-interpret, pair-wise": transformers_interpret,
    "ferret": ferret,
}


def compare(reranker: Reranker, pairs: list[TokenizedPair], rounds: int) -> Table:
    """Each peer's time by that of Captum's layer method on the same pair; what does not run says why."""
    ratios: dict[str, list[float]] = {name: [] for name in PEERS}
    seconds: dict[str, list[float]] = {name: [] for name in PEERS}
    crashes: dict[str, str] = {}
    for pair in pairs:
        jobs: dict[str, Job] = {}
        for name, make in PEERS.items():
            if name not in crashes:
                try:
                    job = make(reranker, pair)
                    if "ours" not in name:
                        job()
                except Exception as error:  # whatever a peer raises is its result
                    crashes[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
                else:
                    jobs[name] = job
        taken = side_by_side(jobs, rounds)
        for name, of_name in taken.items():
            seconds[name].append(of_name)
            ratios[name].append(of_name / taken[FIRST])
    rows: list[dict[str, Cell]] = [
        {
            "what": name,
            "median ms": 1000 * median(seconds[name]) if name not in crashes else None,
            "ratio to the first: median": median(ratios[name]) if name not in crashes else None,
            "ratio to the first: worst": max(ratios[name]) if name not in crashes else None,
            "pairs": len(pairs),
            "crashed": crashes.get(name, ""),
        }
        for name in PEERS
    ]
    lengths = sorted(len(pair.tokens) for pair in pairs)
    says = f"In turns on the same pairs of {lengths[0]} to {lengths[-1]} tokens, from text to result, {rounds} rounds."
    return Table("Peers", says, rows)


def shapley_errors(reranker: Reranker) -> Table:
    """L1 error against the exact values of short documents, at equal numbers of sets scored."""
    errors: dict[tuple[int, str], list[float]] = defaultdict(list)
    budgets: dict[int, list[int]] = defaultdict(list)
    for query, document in SHORT:
        pair = reranker.encode(query, document)
        words = seen_words(pair)
        n = len(words)
        sets = [frozenset(w for w in range(n) if code >> w & 1) for code in range(2**n)]
        logits = score_kept(reranker, pair, words, sets)
        exact: Any = np.array(exact_shapley(partial(_known, logits), n))
        for n_samples in (4, 8, 16):
            for seed in range(SEEDS):
                values = {"ours: balanced orders": _sampled(logits, n, n_samples, seed, budgets[n_samples])}
                budget = budgets[n_samples][-1]
                values["Captum KernelShap"] = _captum_kernel(logits, n, budget, seed)
                with suppress(ImportError):  # the row is missing, as the peer is
                    values["shap KernelExplainer"] = _shap_kernel(logits, n, budget, seed)
                for name, of_seed in values.items():
                    errors[n_samples, name].append(np.abs(of_seed - exact).sum() / np.abs(exact).sum())
    rows: list[dict[str, Cell]] = [
        {
            "what": name,
            "sets scored": f"about {median(budgets[n_samples]):.0f}",
            "ratio of L1 error, median": median(of_name),
            "90th percentile": float(np.percentile(of_name, 90)),
        }
        for (n_samples, name), of_name in errors.items()
    ]
    says = f"{len(SHORT)} documents of 9 to 11 words, the query kept; {SEEDS} seeds each."
    return Table("Shapley values for their passes", says, rows)


def shapley_time(reranker: Reranker) -> Table:
    """A document of 100 words, with the method's own default and with the page's, once each."""
    query, document = QUERY, " ".join((SENTENCE * 10).split()[:100])
    explain(reranker, query, document, "occlusion")  # warms up
    rows: list[dict[str, Cell]] = []
    for what, options in {METHODS_DEFAULT: {}, PAGES_DEFAULT: {"n_samples": DEFAULTS["n_samples"]}}.items():
        made = explain(reranker, query, document, "shapley", **options)
        rows.append({"what": what, "s": made.seconds, "forwards": made.n_forward})
    return Table("Shapley at 100 words", "From text to result.", rows)


def _known(logits: dict[Present, float], _sets: Iterable[Present]) -> dict[Present, float]:
    return logits


def _sampled(logits: dict[Present, float], n: int, n_samples: int, seed: int, asked: list[int]) -> Any:
    def play(sets: Iterable[Present]) -> dict[Present, float]:
        asked.append(len(set(sets)))
        return logits

    return np.array(sampled_shapley(play, n, n_samples, torch.Generator().manual_seed(seed)))


def _value(logits: dict[Present, float], row: Any) -> float:
    return logits[frozenset(np.flatnonzero(np.asarray(row) > 0.5).tolist())]


def _captum_kernel(logits: dict[Present, float], n: int, budget: int, seed: int) -> Any:
    torch.manual_seed(seed)
    route = KernelShap(lambda rows: torch.tensor([_value(logits, row) for row in rows]))
    return route.attribute(torch.ones(1, n), baselines=torch.zeros(1, n), n_samples=budget)[0].numpy()


def _shap_kernel(logits: dict[Present, float], n: int, budget: int, seed: int) -> Any:
    import shap

    np.random.seed(seed)  # shap draws from it
    route = shap.KernelExplainer(lambda rows: np.array([_value(logits, row) for row in rows]), np.zeros((1, n)))
    return route.shap_values(np.ones((1, n)), nsamples=budget, silent=True, l1_reg=0)[0]


def pairs_of(reranker: Reranker) -> list[TokenizedPair]:
    """Without data: one sentence repeated, of 50 and 110 words."""
    return [pair_of(reranker, length) for length in (64, 128)]
