"""The same explanation for programs: REST, `gradio_client` and MCP."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr

from attribution import MODELS, AttributionError, explain, load_reranker
from interface.common import check_budgets, check_model, check_texts
from interface.gpu import gpu


@gpu(seconds=30)
def explain_pair(
    query: str,
    document: str,
    method: str = "integrated_gradients",
    model: str = next(iter(MODELS)),
    baselines: str = "",
    leaf: str = "",
    n_samples: int = 0,
    n_steps: int = 0,
) -> dict[str, Any]:
    """Explain which tokens made a reranker's score for a query and a document.

    Args:
        query: What somebody searches for.
        document: The text that was found.
        method: How to explain, for example integrated_gradients, saliency, occlusion or shapley.
        model: A key of the model list.
        baselines: What stands in place of the words: mask, unk, pad or zero; empty for the model's default.
        leaf: How saliency takes the embeddings, for example detach_clone or clone; empty for the default.
        n_samples: Budget of shapley, smoothgrad and expected_gradients, 2 to 64; 0 for the default.
        n_steps: Nodes a path of integrated_gradients_captum, 2 to 200; 0 for the default.

    Returns:
        The logit, one attribution a token with its characters in the text, each path's convergence delta, whether the
        text was truncated, and a note if another method had to run instead.
    """
    try:
        check_model(model)
        check_texts(query, document)
        budgets = {name: value for name, value in {"n_samples": n_samples, "n_steps": n_steps}.items() if value}
        check_budgets(budgets)
        wanted = {"baselines": baselines, "leaf": leaf, **budgets}
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value}
        return dataclasses.asdict(explain(load_reranker(model), query, document, method, **given))
    except AttributionError as error:
        raise gr.Error(str(error), print_exception=False) from error
