"""Encoders with a classifier: query and document are two segments, the first position or a mean is read."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import EuroBertConfig, GteForSequenceClassification

from attribution.errors import ModelError
from attribution.rerankers.families.family import Family, Head, classify
from attribution.rerankers.families.gte import PUBLISHED, read_published, read_saved
from attribution.rerankers.families.jina import FLASH, FlashXLMRoberta, read_flash


def classify_pooled(pooler: str) -> Head:
    """`pooler` (a module path) picks and transforms the read-out position, `classifier` gives the columns."""
    return lambda model, states: model.classifier(model.get_submodule(pooler)(states))


def classify_albert(model: Any, states: Tensor) -> Tensor:
    """ALBERT's pooler is a bare linear layer with an activation beside it."""
    first = model.albert.pooler_activation(model.albert.pooler(states[:, 0]))  # (batch, hidden)
    columns: Tensor = model.classifier(first)
    return columns


def classify_distilbert(model: Any, states: Tensor) -> Tensor:
    """Linear, ReLU, linear on the first position."""
    columns: Tensor = model.classifier(model.pre_classifier(states[:, 0]).relu())
    return columns


def classify_modernbert(model: Any, states: Tensor) -> Tensor:
    """On the first position or the mean of all, as `config.classifier_pooling` says; one pair has no padding."""
    pooled = states.mean(1) if model.config.classifier_pooling == "mean" else states[:, 0]  # (batch, hidden)
    columns: Tensor = model.classifier(model.head(pooled))
    return columns


def classify_eurobert(model: Any, states: Tensor) -> Tensor:
    """`config.classifier_pooling`: bos, the mean of the states, or late, the mean of every position's columns."""
    pooling = model.config.classifier_pooling
    pooled = {"bos": states[:, :1], "mean": states.mean(1, keepdim=True)}.get(pooling, states)  # (batch, n, hidden)
    columns: Tensor = model.classifier(model.activation(model.dense(pooled))).mean(1)
    return columns


def read_eurobert(config: dict[str, Any], model_id: str) -> EuroBertConfig:
    """EuroBERT's own code calls the pooling `clf_pooling`, the library `classifier_pooling`. Raises `ModelError`."""
    named = [config[key] for key in ("clf_pooling", "classifier_pooling") if key in config]
    if len(set(named)) > 1 or not set(named) <= {"bos", "mean", "late"}:
        raise ModelError(
            f"{model_id} pools by {' and by '.join(map(repr, named))} in its config.json; EuroBERT pools by one of "
            "bos, mean, late. Leave the one that it was trained with, as classifier_pooling."
        )
    fields = {key: value for key, value in config.items() if key not in ("auto_map", "clf_pooling")}
    found: EuroBertConfig = EuroBertConfig.from_dict(fields | {"classifier_pooling": (*named, "late")[0]})
    return found


def first_or_all(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """The first position, or every one where `config.classifier_pooling` takes a mean."""
    takes_all = model.config.classifier_pooling in ("mean", "late")
    return list(range(inputs["input_ids"].shape[1])) if takes_all else [0]


def _encoder(
    label: str, base: str, examples: str, *, word: str = "word_embeddings", head: Head = classify, **more: Any
) -> Family:
    return Family(label, f"{base}.embeddings.{word}", f"{base}.embeddings", examples, head, **more)


# Keyed by `config.architectures[0]`, never by the model's name.
ENCODERS: dict[str, Family] = {
    "BertForSequenceClassification": _encoder(
        "BERT",
        "bert",
        "ms-marco-MiniLM, ms-marco-TinyBERT",
        head=classify_pooled("bert.pooler"),
        layers="bert.encoder.layer",
    ),
    "ElectraForSequenceClassification": _encoder(
        "ELECTRA", "electra", "ms-marco-electra-base", layers="electra.encoder.layer"
    ),
    "RobertaForSequenceClassification": _encoder(
        "RoBERTa", "roberta", "stsb-roberta", offset_positions=True, layers="roberta.encoder.layer"
    ),
    "XLMRobertaForSequenceClassification": _encoder(
        "XLM-RoBERTa",
        "roberta",
        "bge-reranker-base, bge-reranker-v2-m3",
        offset_positions=True,
        layers="roberta.encoder.layer",
    ),
    "DebertaV2ForSequenceClassification": _encoder(
        "DeBERTa-v2, v3", "deberta", "mxbai-rerank v1", head=classify_pooled("pooler")
    ),
    "DistilBertForSequenceClassification": _encoder(
        "DistilBERT", "distilbert", "distilled cross-encoders", head=classify_distilbert
    ),
    "MPNetForSequenceClassification": _encoder("MPNet", "mpnet", "cross-encoders on mpnet-base", offset_positions=True),
    "ModernBertForSequenceClassification": _encoder(
        "ModernBERT",
        "model",
        "gte-reranker-modernbert-base",
        word="tok_embeddings",
        head=classify_modernbert,
        final_norm="model.final_norm",
        read_positions=first_or_all,
    ),
    "CamembertForSequenceClassification": _encoder(
        "CamemBERT", "roberta", "French cross-encoders", offset_positions=True, layers="roberta.encoder.layer"
    ),
    "AlbertForSequenceClassification": _encoder("ALBERT", "albert", "ALBERT cross-encoders", head=classify_albert),
    "DebertaForSequenceClassification": _encoder(
        "DeBERTa v1", "deberta", "DeBERTa cross-encoders", head=classify_pooled("pooler")
    ),
    "XLMRobertaXLForSequenceClassification": _encoder(
        "XLM-RoBERTa-XL",
        "roberta",
        "cross-encoders on xlm-roberta-xl",
        final_norm="roberta.encoder.LayerNorm",
        offset_positions=True,
    ),
    "ErnieForSequenceClassification": _encoder(
        "ERNIE", "ernie", "Chinese cross-encoders", head=classify_pooled("ernie.pooler"), layers="ernie.encoder.layer"
    ),
    "MegatronBertForSequenceClassification": _encoder(
        "Megatron-BERT",
        "bert",
        "Megatron cross-encoders",
        head=classify_pooled("bert.pooler"),
        final_norm="bert.encoder.ln",
    ),
    "RoFormerForSequenceClassification": _encoder("RoFormer", "roformer", "Chinese cross-encoders"),
    "BigBirdForSequenceClassification": _encoder("BigBird, full attention", "bert", "long-text cross-encoders"),
    "RemBertForSequenceClassification": _encoder(
        "RemBERT", "rembert", "multilingual cross-encoders", head=classify_pooled("rembert.pooler")
    ),
    "EuroBertForSequenceClassification": Family(
        "EuroBERT",
        "model.embed_tokens",
        "model.embed_tokens",
        "cross-encoders on EuroBERT",
        classify_eurobert,
        final_norm="model.norm",
        read_positions=first_or_all,
        read_config=read_eurobert,
    ),
    "NomicBertForSequenceClassification": _encoder(
        "Nomic BERT", "nomic_bert", "cross-encoders on nomic-bert", head=classify_pooled("nomic_bert.pooler")
    ),
    "GteForSequenceClassification": _encoder(
        "GTE",
        "gte",
        "gte-multilingual-reranker-base, saved by transformers",
        head=classify_pooled("gte.pooler"),
        read_config=read_saved,
    ),
    PUBLISHED: _encoder(
        "GTE, as published",
        "gte",
        "gte-multilingual-reranker-base",
        head=classify_pooled("gte.pooler"),
        auto_class=GteForSequenceClassification,
        read_config=read_published,
    ),
    FLASH: _encoder(
        "XLM-RoBERTa, jina's layout",
        "roberta",
        "jina-reranker-v2-base-multilingual",
        offset_positions=True,
        layers="roberta.encoder.layer",
        auto_class=FlashXLMRoberta,
        read_config=read_flash,
    ),
}
