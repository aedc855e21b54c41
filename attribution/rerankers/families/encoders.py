"""Encoders with a classifier: query and document are two segments, the first position or a mean is read."""

from typing import Any

from torch import Tensor
from transformers import GteForSequenceClassification

from attribution.rerankers.families import published
from attribution.rerankers.families.family import Family, Head


def classify_by(pooler: str) -> Head:
    """`pooler` (a module path) picks and transforms the read-out position, `classifier` gives the columns."""
    return lambda model, states: model.classifier(model.get_submodule(pooler)(states))


def classify_albert(model: Any, states: Tensor) -> Tensor:
    """ALBERT's pooler is a bare linear layer with an activation beside it."""
    return model.classifier(model.albert.pooler_activation(model.albert.pooler(states[:, 0])))


def classify_distilbert(model: Any, states: Tensor) -> Tensor:
    """Linear, ReLU, linear on the first position."""
    return model.classifier(model.pre_classifier(states[:, 0]).relu())


def classify_modernbert(model: Any, states: Tensor) -> Tensor:
    """On the first position or the mean of all, as `config.classifier_pooling` says; one pair has no padding."""
    pooled = states.mean(1) if model.config.classifier_pooling == "mean" else states[:, 0]  # (batch, hidden)
    return model.classifier(model.head(pooled))


def classify_eurobert(model: Any, states: Tensor) -> Tensor:
    """`config.classifier_pooling`: bos, the mean of the states, or late, the mean of every position's columns."""
    pooling = model.config.classifier_pooling
    pooled = {"bos": states[:, :1], "mean": states.mean(1, keepdim=True)}.get(pooling, states)  # (batch, n, hidden)
    return model.classifier(model.activation(model.dense(pooled))).mean(1)


def first_or_all(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """The first position, or every one where `config.classifier_pooling` takes a mean."""
    takes_all = model.config.classifier_pooling in ("mean", "late")
    return list(range(inputs["input_ids"].shape[1])) if takes_all else [0]


def _encoder(label: str, base: str, examples: str, *, word: str = "word_embeddings", **more: Any) -> Family:
    return Family(label, f"{base}.embeddings.{word}", f"{base}.embeddings", examples, **more)


def _shortened(label: str, base: str, examples: str, **more: Any) -> Family:
    return _encoder(label, base, examples, layers=f"{base}.encoder.layer", **more)


def _roberta(label: str, examples: str, **more: Any) -> Family:
    return _shortened(label, "roberta", examples, offset_positions=True, **more)


# Keyed by `config.architectures[0]`, never by the model's name.
ENCODERS: dict[str, Family] = {
    "BertForSequenceClassification": _shortened(
        "BERT", "bert", "ms-marco-MiniLM, ms-marco-TinyBERT", head=classify_by("bert.pooler")
    ),
    "ElectraForSequenceClassification": _shortened("ELECTRA", "electra", "ms-marco-electra-base"),
    "RobertaForSequenceClassification": _roberta("RoBERTa", "stsb-roberta"),
    "XLMRobertaForSequenceClassification": _roberta("XLM-RoBERTa", "bge-reranker-base, bge-reranker-v2-m3"),
    "DebertaV2ForSequenceClassification": _encoder(
        "DeBERTa-v2, v3", "deberta", "mxbai-rerank v1", head=classify_by("pooler")
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
    "CamembertForSequenceClassification": _roberta("CamemBERT", "French cross-encoders"),
    "AlbertForSequenceClassification": _encoder("ALBERT", "albert", "ALBERT cross-encoders", head=classify_albert),
    "DebertaForSequenceClassification": _encoder(
        "DeBERTa v1", "deberta", "DeBERTa cross-encoders", head=classify_by("pooler")
    ),
    "XLMRobertaXLForSequenceClassification": _encoder(
        "XLM-RoBERTa-XL",
        "roberta",
        "cross-encoders on xlm-roberta-xl",
        final_norm="roberta.encoder.LayerNorm",
        offset_positions=True,
    ),
    "ErnieForSequenceClassification": _shortened(
        "ERNIE", "ernie", "Chinese cross-encoders", head=classify_by("ernie.pooler")
    ),
    "MegatronBertForSequenceClassification": _encoder(
        "Megatron-BERT",
        "bert",
        "Megatron cross-encoders",
        head=classify_by("bert.pooler"),
        final_norm="bert.encoder.ln",
    ),
    "RoFormerForSequenceClassification": _encoder("RoFormer", "roformer", "Chinese cross-encoders"),
    "BigBirdForSequenceClassification": _encoder("BigBird, full attention", "bert", "long-text cross-encoders"),
    "RemBertForSequenceClassification": _encoder(
        "RemBERT", "rembert", "multilingual cross-encoders", head=classify_by("rembert.pooler")
    ),
    "EuroBertForSequenceClassification": Family(
        "EuroBERT",
        "model.embed_tokens",
        "model.embed_tokens",
        "cross-encoders on EuroBERT",
        classify_eurobert,
        final_norm="model.norm",
        read_positions=first_or_all,
        read_config=published.read_eurobert,
    ),
    "NomicBertForSequenceClassification": _encoder(
        "Nomic BERT", "nomic_bert", "cross-encoders on nomic-bert", head=classify_by("nomic_bert.pooler")
    ),
    "GteForSequenceClassification": _encoder(
        "GTE",
        "gte",
        "gte-multilingual-reranker-base, saved by transformers",
        head=classify_by("gte.pooler"),
        read_config=published.read_saved,
    ),
    published.GTE: _encoder(
        "GTE, as published",
        "gte",
        "gte-multilingual-reranker-base",
        head=classify_by("gte.pooler"),
        auto_class=GteForSequenceClassification,
        read_config=published.read_published,
    ),
    published.FLASH: _roberta(
        "XLM-RoBERTa, jina's layout",
        "jina-reranker-v2-base-multilingual",
        auto_class=published.FlashXLMRoberta,
        read_config=published.read_flash,
    ),
}
