"""A family = which layers embed a pair and where its logit is read. One row of `FAMILIES` each."""

from collections.abc import Sequence
from typing import Any

from transformers import AutoModelForSequenceClassification

from attribution.errors import ModelError
from attribution.rerankers.families.chain import chain_over
from attribution.rerankers.families.decoders import DECODERS
from attribution.rerankers.families.encoders import ENCODERS
from attribution.rerankers.families.family import Family
from attribution.rerankers.families.published import FLASH, is_flash

__all__ = ["CHAINED", "FAMILIES", "KNOWN", "Family", "architecture_of", "choose_family"]

CLASSIFIER = "ForSequenceClassification"
# Keyed by `config.architectures[0]`, never by the model's name.
FAMILIES: dict[str, Family] = {**ENCODERS, **DECODERS}
# Models without a head, which a chain of sentence-transformers' modules gives one.
CHAINED: dict[str, Family] = {
    name.replace(CLASSIFIER, "Model"): chain_over(row, name.replace(CLASSIFIER, "Model"))
    for name, row in FAMILIES.items()
    if name.endswith(CLASSIFIER) and row.auto_class is AutoModelForSequenceClassification
}
# One of each kind, as a message names them: people know models, not classes.
KNOWN = (
    "ms-marco-MiniLM, bge-reranker-v2-m3, mxbai-rerank, gte-multilingual-reranker, gte-reranker-modernbert, "
    "jina-reranker-v2, Qwen3-Reranker, bge-reranker-v2-gemma, llama-nemotron-rerank or monoT5"
)
# Known, and refused: why.
UNLIKE: dict[str, str] = {
    "JinaForRanking": "scores a list of documents at once, so one document's score depends on the others",
    "LongformerForSequenceClassification": "pads its inputs itself, so tokens no longer match positions",
    "ConvBertForSequenceClassification": "reads padding, so its score depends on the batch",
}


def architecture_of(config: dict[str, Any]) -> str:
    """The key of the tables for what config.json says."""
    listed = config.get("architectures") or ["none named"]
    named = listed if isinstance(listed, str) else str(listed[0])
    return FLASH if is_flash(config) and named in (FLASH, "XLMRobertaForSequenceClassification") else named


def choose_family(config: dict[str, Any], model_id: str, modules: Sequence[str]) -> Family:
    """A checkpoint's family, by its config.json and the class names of its `modules`. Raises `ModelError`."""
    architecture = architecture_of(config)
    family = (CHAINED if "Pooling" in modules else FAMILIES).get(architecture)
    if family is None or architecture in UNLIKE:
        raise ModelError(
            f"{model_id} has the architecture {architecture}, which {_unlike(architecture)}. Choose a reranker, such "
            f"as {KNOWN}, or one trained from them."
        )
    if config.get("attention_type") == "block_sparse":
        raise ModelError(
            f"{model_id} uses block-sparse attention for long texts and full attention for short ones, so it is two "
            'models. Set attention_type to "original_full" in its config.json.'
        )
    return family


def _unlike(architecture: str) -> str:
    """Why it is not among the families, as the end of a sentence."""
    if architecture in UNLIKE:
        return f"{UNLIKE[architecture]}: it is not supported"
    kinds = {
        "Model": "this is an embedding model, which turns one text into a vector and scores no pair",
        "ForMaskedLM": "this is a language model that fills gaps and scores no pair",
    }
    kind = next((said for end, said in kinds.items() if architecture.endswith(end)), "")
    return f"is not supported{kind and f': {kind}'}"
