"""A family = which layers embed a pair and where its logit is read. One row of `FAMILIES` each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attribution.errors import ModelError
from attribution.rerankers.families.chain import chain_over
from attribution.rerankers.families.decoders import DECODERS
from attribution.rerankers.families.encoders import ENCODERS
from attribution.rerankers.families.family import Family
from attribution.rerankers.families.seq2seq import SEQ2SEQ

__all__ = ["CHAINED", "FAMILIES", "Family", "choose_family"]

CLASSIFIER = "ForSequenceClassification"
# Keyed by `config.architectures[0]`, never by the model's name.
FAMILIES: dict[str, Family] = {**ENCODERS, **DECODERS, **SEQ2SEQ}
# Models without a head, which a chain of sentence-transformers' modules gives one.
CHAINED: dict[str, Family] = {
    name.replace(CLASSIFIER, "Model"): chain_over(row, name.replace(CLASSIFIER, "Model"))
    for name, row in FAMILIES.items()
    if name.endswith(CLASSIFIER)
}
# Published under a name of their own, with code of their own.
LISTWISE = "scores a list of documents at once, so one document's score depends on the others"
UNLIKE: dict[str, str] = {
    "JinaForRanking": LISTWISE,
    "LongformerForSequenceClassification": "pads its inputs itself, so tokens and positions part",
    "ConvBertForSequenceClassification": "reads padding, so its score depends on the batch",
}


def choose_family(config: Any, model_id: str, modules: Sequence[str] = ()) -> Family:
    """The family of a checkpoint, from its config and sentence-transformers' `modules`, by class name.

    Raises `ModelError` for other architectures.
    """
    architecture = (getattr(config, "architectures", None) or ["none named"])[0]
    family = (CHAINED if "Pooling" in modules else FAMILIES).get(architecture)
    if architecture in UNLIKE:
        raise ModelError(
            f"{model_id} has the architecture {architecture}, which {UNLIKE[architecture]}: it is not supported. "
            f"Supported: {', '.join(FAMILIES)}."
        )
    if family is None:
        raise ModelError(
            f"{model_id} has the architecture {architecture}, which is not supported. Supported: {', '.join(FAMILIES)}."
        )
    if getattr(config, "attention_type", None) == "block_sparse":
        raise ModelError(
            f"{model_id} attends by blocks for long texts and in full for short ones, so it is two models. Set "
            'attention_type to "original_full" in its config.json.'
        )
    return family
