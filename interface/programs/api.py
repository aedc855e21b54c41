"""The same answers for programs: REST, `gradio_client` and MCP, under the same names everywhere."""

from dataclasses import asdict
from typing import Any

from attribution import explain as explain_pair
from attribution.errors import InputError, check_key
from attribution.evidence.compare import contrast as compare
from attribution.evidence.probes import probe as probes
from attribution.evidence.sentences import max_passes
from attribution.evidence.sentences import sentences as find_sentences
from attribution.explain import check_options, options_of
from attribution.export import sentences_to_dict
from attribution.methods import METHODS
from attribution.rerankers.loading.models import MODELS
from attribution.types import OPERATORS
from interface.programs import comparing
from interface.programs.endpoints import endpoint
from interface.runs.limits import MAX_DOCUMENTS, check_budgets

SAID = ("label", "says", "signed", "complete", "control")  # of each method


@endpoint(explain_pair, passes=comparing.passes_of_method)
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
        method: How to explain: a key that the models endpoint lists, for example occlusion or shapley.
        baselines: What stands in place of the words: mask, space, unk, pad or zero; empty for the model's default.
        leaf: How saliency takes the embeddings, for example detach_clone or clone; empty for the default.
        n_samples: Budget of shapley, smoothgrad and expected_gradients, 2 to 64; 0 for the default.
        n_steps: Nodes per path of integrated_gradients_captum, 2 to 200; 0 for the default.

    Returns:
        The logit; one attribution per token with its characters in the text; the same by words, also as [text, value]
        pairs; each path's convergence delta; whether the text was truncated; a note if another method had to run; kept:
        whether it was computed for an earlier, identical request, whose seconds it then has.
    """
    budgets = {name: value for name, value in {"n_samples": n_samples, "n_steps": n_steps}.items() if value}
    check_budgets(budgets)
    options = {name: value for name, value in {"baselines": baselines, "leaf": leaf, **budgets}.items() if value}
    check_options(method, options)
    return {"model": model, "query": query, "document": document, "method": method, **options}


@endpoint(compare.rank, passes=lambda _call, _sides: 1)
def rank(query: str, documents: list[str], model: str = "") -> dict[str, Any]:
    """Rank documents for a query by a reranker's raw score.

    Args:
        documents: The texts that were found, at most 50.

    Returns:
        rows: the documents, best first, each with its rank, its place in the list given, its logit, and whether it was
        truncated.
    """
    if not 1 <= len(documents) <= MAX_DOCUMENTS:
        raise InputError(f"documents has {len(documents)} texts; give 1 to {MAX_DOCUMENTS}.")
    return {"model": model, "query": query, "documents": documents}


@endpoint(probes.probe, passes=lambda _call, _sides: 3 * probes.MAX_PASSES, said=lambda found: {"results": found})
def probe(query: str, document: str, seed: int = 0, model: str = "") -> dict[str, Any]:
    """Test what a reranker reads: edits whose right effect is known, each beside masked filler words as a control.

    Args:
        seed: Seed of the random edits; the same seed gives the same edits.

    Returns:
        results: for each probe the edited texts with their logits, the control's range, and whether the score did what
        it should.
    """
    return {"model": model, "query": query, "document": document, "seed": seed}


@endpoint(find_sentences, passes=lambda call, _sides: max_passes(comparing.n_sentences(call)), said=sentences_to_dict)
def sentences(query: str, document: str, operator: str = "delete", model: str = "") -> dict[str, Any]:
    """Measure each sentence of a document: the score without it, with it alone, and its Shapley value.

    Returns:
        sentences: each with its characters, without (what the logit falls by when it goes), alone (the logit when only
        it stays) and share (its Shapley value); says: the finding in a sentence; unread: those the model never read.
    """
    check_key("operator", operator, OPERATORS)
    return {"model": model, "query": query, "document": document, "operator": operator}


@endpoint()
def models() -> dict[str, Any]:
    """List the rerankers on offer, and the methods that can explain them with the options of each.

    Returns:
        models: key, label, licence, languages and size of each; methods: key, label, what it says, whether it has a
        sign, adds up, or is a control, and its options.
    """
    listed = [{"key": key, **asdict(checkpoint)} for key, checkpoint in MODELS.items()]
    for model in listed:
        del model["path"]  # which may be one of this machine
    methods = [
        {
            "key": key,
            **{name: getattr(method, name) for name in SAID},
            "passes": method.cost,
            "options": [*options_of(key)],
        }
        for key, method in METHODS.items()
    ]
    return {"models": listed, "methods": methods}


ENDPOINTS = [explain, sentences, rank, *comparing.ENDPOINTS, probe, models]
