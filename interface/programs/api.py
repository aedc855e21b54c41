"""The same answers for programs: REST, `gradio_client` and MCP, under the same names everywhere."""

from __future__ import annotations

from typing import Any

from attribution import explain as explain_pair
from attribution.cost import forwards
from attribution.errors import InputError, check_range
from attribution.evidence.compare import contrast as compare
from attribution.evidence.compare import interaction as interactions
from attribution.evidence.compare.counterfactual import check_signed
from attribution.evidence.compare.counterfactual import counterfactual as find_counterfactual
from attribution.evidence.probes import probe as probes
from attribution.evidence.sentences import max_passes
from attribution.evidence.sentences import sentences as find_sentences
from attribution.explain import check_options
from attribution.export import sentences_to_dict
from attribution.methods.passes import Sides
from attribution.removal import check_operator
from attribution.rerankers.reranker import Reranker
from attribution.words import split_sentences
from interface.programs.catalogue import models
from interface.programs.endpoints import Call, endpoint
from interface.runs.limits import MAX_DOCUMENTS, check_budgets, check_texts


def _explained(call: Call, sides: Sides) -> int:
    """One explanation, by the method and options that were asked for."""
    given = {name: value for name, value in call.arguments.items() if isinstance(value, int)}
    return forwards(call.arguments["method"], sides, **given)


@endpoint(explain_pair, passes=_explained)
def explain(
    query: str,
    document: str,
    method: str = "integrated_gradients",
    model: str = "",
    baselines: str = "",
    leaf: str = "",
    n_samples: int = 0,
    n_steps: int = 0,
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
        The logit; one attribution per token with its characters in the text; the same by words, also as [text, value]
        pairs; each path's convergence delta; whether the text was truncated; a note if another method had to run; kept:
        whether this is the answer to an earlier request for the same, then seconds are of that one.
    """
    check_texts(query, document)
    budgets = {name: value for name, value in {"n_samples": n_samples, "n_steps": n_steps}.items() if value}
    check_budgets(budgets)
    options = {name: value for name, value in {"baselines": baselines, "leaf": leaf, **budgets}.items() if value}
    check_options(method, options)
    return {"model": model, "query": query, "document": document, "method": method, **options}


@endpoint(compare.rank, passes=lambda _call, _sides: 1)
def rank(query: str, documents: list[str], model: str = "") -> dict[str, Any]:
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
    return {"model": model, "query": query, "documents": documents}


@endpoint(compare.contrast, passes=_explained)
def contrast(
    query: str,
    first: str,
    second: str,
    method: str = "integrated_gradients",
    model: str = "",
) -> dict[str, Any]:
    """Explain the difference between two documents' scores, word by word.

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
    return {"model": model, "query": query, "first": first, "second": second, "method": method}


@endpoint(
    interactions.interaction,
    passes=lambda call, sides: interactions.pairs_of_words(sides, call.arguments["n_words"]),
)
def interaction(
    query: str,
    document: str,
    n_words: int = 12,
    model: str = "",
) -> dict[str, Any]:
    """Measure how query words interact with document words: what two change together beyond each alone.

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
    return {"model": model, "query": query, "document": document, "n_words": n_words}


def _probe(reranker: Reranker, **arguments: Any) -> dict[str, Any]:
    return {"results": probes.probe(reranker, **arguments)}


@endpoint(_probe, passes=lambda _call, _sides: 3 * probes.MAX_PASSES)
def probe(
    query: str,
    document: str,
    seed: int = 0,
    model: str = "",
) -> dict[str, Any]:
    """Test what a reranker reads: edits whose right effect is known, each beside masked filler words as a control.

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
    return {"model": model, "query": query, "document": document, "seed": seed}


@endpoint(find_counterfactual, passes=lambda call, sides: 2 + sides[1] + _explained(call, sides))
def counterfactual(
    query: str,
    document: str,
    rival: str,
    method: str = "integrated_gradients",
    operator: str = "delete",
    model: str = "",
) -> dict[str, Any]:
    """Find the fewest words to drop from a document so that it scores below another, in order of attribution.

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
    return {
        "model": model,
        "query": query,
        "document": document,
        "rival": rival,
        "method": method,
        "operator": operator,
    }


def _sentences(reranker: Reranker, **arguments: Any) -> dict[str, Any]:
    return sentences_to_dict(find_sentences(reranker, **arguments))


@endpoint(_sentences, passes=lambda call, _sides: max_passes(len(split_sentences(call.arguments["document"]))))
def sentences(query: str, document: str, operator: str = "delete", model: str = "") -> dict[str, Any]:
    """Measure each sentence of a document: the score without it, with it alone, and its Shapley value.

    Args:
        query: What somebody searches for.
        document: The text that was found.
        operator: How a sentence is taken away: delete or mask.
        model: Which reranker: a key that the models endpoint lists; empty for the one the page opens with.

    Returns:
        sentences: each with its characters, without (what the logit falls by when it goes), alone (the logit when only
        it stays) and share (its Shapley value); says: the finding in a sentence; unread: those the model never read.
    """
    check_texts(query, document)
    check_operator(operator)
    return {"model": model, "query": query, "document": document, "operator": operator}


ENDPOINTS = [explain, rank, contrast, interaction, counterfactual, sentences, probe, models]
