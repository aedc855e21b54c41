"""The same answers for programs: REST, `gradio_client` and MCP, under the same names everywhere."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from attribution import explain as explain_pair
from attribution import load_reranker
from attribution.errors import AttributionError, InputError, check_range
from attribution.evidence.compare import contrast as compare
from attribution.evidence.compare import interaction as interactions
from attribution.evidence.compare.counterfactual import check_signed
from attribution.evidence.compare.counterfactual import counterfactual as find_counterfactual
from attribution.evidence.probes import probe as probes
from attribution.explain import check_options
from attribution.export import dumps, plain
from attribution.removal import check_operator
from attribution.rerankers.loading.load import default_model
from attribution.rerankers.reranker import Reranker
from interface.programs.catalogue import models
from interface.runs.gpu import gpu
from interface.runs.kept import KEPT, KeptAnswer, key_of
from interface.runs.lanes import latest_run
from interface.runs.limits import MAX_DOCUMENTS, check_budgets, check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent


def explain(
    query: str,
    document: str,
    method: str = "integrated_gradients",
    model: str = "",
    baselines: str = "",
    leaf: str = "",
    n_samples: int = 0,
    n_steps: int = 0,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Explain which words made a reranker's score for a query and a document.

    Args:
        query: What somebody searches for.
        document: The text that was found.
        method: How to explain: a key that the models endpoint lists, for example occlusion or shapley.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.
        baselines: What stands in place of the words: mask, unk, pad or zero; empty for the model's default.
        leaf: How saliency takes the embeddings, for example detach_clone or clone; empty for the default.
        n_samples: Budget of shapley, smoothgrad and expected_gradients, 2 to 64; 0 for the default.
        n_steps: Nodes a path of integrated_gradients_captum, 2 to 200; 0 for the default.

    Returns:
        The logit; one attribution a token with its characters in the text; the same by words, also as [text, value]
        pairs; each path's convergence delta; whether the text was truncated; a note if another method had to run; kept:
        whether this is the answer to an earlier request for the same, then seconds are of that one.
    """
    check_texts(query, document)
    budgets = {name: value for name, value in {"n_samples": n_samples, "n_steps": n_steps}.items() if value}
    check_budgets(budgets)
    options = {name: value for name, value in {"baselines": baselines, "leaf": leaf, **budgets}.items() if value}
    check_options(method, options)
    return _run("explain", model, request, query=query, document=document, method=method, **options)


def rank(query: str, documents: list[str], model: str = "", request: gr.Request | None = None) -> dict[str, Any]:
    """Rank documents for a query by a reranker's raw score.

    Args:
        query: What somebody searches for.
        documents: The texts that were found, at most 50.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        rows: the documents, best first, each with its rank, its place in the list given, its logit, and whether it was
        truncated.
    """
    if not 1 <= len(documents) <= MAX_DOCUMENTS:
        raise InputError(f"documents has {len(documents)} texts; give 1 to {MAX_DOCUMENTS}.")
    for document in documents:
        check_texts(query, document)
    return _run("rank", model, request, query=query, documents=documents)


def contrast(
    query: str,
    first: str,
    second: str,
    method: str = "integrated_gradients",
    model: str = "",
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Explain why one document has another score than a second one, word by word.

    Args:
        query: What somebody searches for.
        first: The one document.
        second: The other document.
        method: How to explain: a key whose method is listed as complete.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        The difference of the two logits as a sum over words, once by the documents' words and once by the query's;
        and both explanations.
    """
    check_texts(query, first)
    check_texts(query, second)
    compare.check_complete(method)
    return _run("contrast", model, request, query=query, first=first, second=second, method=method)


def interaction(
    query: str,
    document: str,
    n_words: int = 12,
    model: str = "",
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Find which query word met which document word: how much two words matter together.

    Args:
        query: What somebody searches for.
        document: The text that was found.
        n_words: How many of the document's strongest words to look at, 1 to 64.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        values: a number for each query word and document word, in logits; above 0, each counts for more beside the
        other.
    """
    check_texts(query, document)
    check_range("n_words", n_words, 1, interactions.MAX_WORDS)
    return _run("interaction", model, request, query=query, document=document, n_words=n_words)


def probe(
    query: str,
    document: str,
    seed: int = 0,
    model: str = "",
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Find what a reranker reads: edits whose right effect is known, each beside a control that means little.

    Args:
        query: What somebody searches for.
        document: The text that was found.
        seed: Of the random edits; the same seed gives the same ones.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        results: for each probe the edited texts with their logits, the control's range, and whether what should happen
        to the score did.
    """
    check_texts(query, document)
    return _run("probe", model, request, query=query, document=document, seed=seed)


def _probe(reranker: Reranker, **arguments: Any) -> dict[str, Any]:
    return {"results": probes.probe(reranker, **arguments)}


def counterfactual(
    query: str,
    document: str,
    rival: str,
    method: str = "integrated_gradients",
    operator: str = "delete",
    model: str = "",
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Find the fewest words to drop from one document so that it scores below another, by their attributions.

    Args:
        query: What somebody searches for.
        document: The document that scores higher.
        rival: The document that scores lower.
        method: Which attributions give the order of the words: a key whose method has a sign.
        operator: How a word is taken away: delete or mask.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        dropped: the words in the order they went; logits: after each of them, beside what was predicted; flipped:
        whether the last one puts the document below its rival.
    """
    check_texts(query, document)
    check_texts(query, rival)
    check_signed(method)
    check_operator(operator)
    given = {"query": query, "document": document, "rival": rival, "method": method, "operator": operator}
    return _run("counterfactual", model, request, **given)


TASKS: dict[str, Callable[..., Any]] = {
    "explain": explain_pair,
    "rank": compare.rank,
    "contrast": compare.contrast,
    "interaction": interactions.interaction,
    "probe": _probe,
    "counterfactual": find_counterfactual,
}


def _run(task: str, model: str, request: gr.Request | None, **arguments: Any) -> dict[str, Any]:
    """The task's result, asked for after everything was checked; ends within a batch of the client's leaving.

    `kept`: whether it is that of an earlier request for the same; its `seconds` are of that one.
    """
    model = default_model() if model == "" else model
    check_model(model)
    kept = KEPT.get(key_of(model, task, arguments))
    if kept:
        return {**kept.content, "kept": True}
    began = time.perf_counter()
    results = list(_on_gpu(task, model, arguments, request))
    if not results:
        raise AttributionError(f"{task} was stopped before it had a result.")
    result: dict[str, Any] = results[0]
    answer = KeptAnswer(result, len(dumps(result)), time.perf_counter() - began)
    KEPT.put(key_of(model, task, arguments), answer)
    return {**result, "kept": False}


@gpu(seconds=lent.for_task, lane=None)
def _on_gpu(task: str, model: str, arguments: dict[str, Any], request: gr.Request | None) -> Iterator[dict[str, Any]]:
    """The result as plain data, or nothing if the client has left; a client may ask several things at a time."""
    with latest_run(uuid.uuid4().hex, "api", is_gone=gone(request)) as current:
        reranker = load_reranker(model, on_bytes=lambda *_: current.check())
        yield plain(TASKS[task](reranker, on_pass=current.check, **arguments))


ENDPOINTS = (explain, rank, contrast, interaction, counterfactual, probe, models)
