"""A family = how a pair becomes ids, where the logit is read, which layers embed. One row of `FAMILIES` each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from attribution.errors import InputError, ModelError
from attribution.types import Segment, Token, TokenizedPair

Encode = Callable[[PreTrainedTokenizerBase, str, str, int], TokenizedPair]
Head = Callable[[Any, Tensor], Tensor]  # (model, states (batch, seq, hidden)) -> logit (batch,)


def encode_pair(tokenizer: PreTrainedTokenizerBase, query: str, document: str, max_length: int) -> TokenizedPair:
    """The tokenizer's own pair template, cut at the document's end to `max_length` tokens.

    Raises `InputError` when a text is empty or the query leaves no room for the document.
    """
    for name, text in (("query", query), ("document", document)):
        if not text.strip():
            raise InputError(f"The {name} is empty. Type or paste some text.")
        if any("\ud800" <= character <= "\udfff" for character in text):  # browsers send them, no tokenizer reads them
            raise InputError(f"The {name} holds half of a character (a lone surrogate). Type or paste it again.")
    n_query = len(tokenizer(query, add_special_tokens=False, verbose=False)["input_ids"])
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True) - 1
    if n_query > room:
        raise InputError(
            f"The query is {n_query} tokens long and leaves no room for the document: this model reads {max_length} "
            f"tokens in all. Shorten the query to {room} tokens or fewer."
        )
    whole = tokenizer(query, document, verbose=False)
    encoded = tokenizer(
        query,
        document,
        truncation="only_second",
        max_length=max_length,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    offsets = encoded.pop("offset_mapping")[0].tolist()
    names: dict[int | None, Segment] = {0: "query", 1: "document", None: "template"}
    texts = tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist())
    tokens = tuple(
        Token(text, names[sequence], *((None, None) if sequence is None else span))
        for text, sequence, span in zip(texts, encoded.sequence_ids(0), offsets, strict=True)
    )
    for segment in ("query", "document"):
        if not any(token.segment == segment for token in tokens):
            raise InputError(f"The {segment} holds no character this model can read. Type or paste some words.")
    truncated = len(whole["input_ids"]) > len(tokens)
    return TokenizedPair(query, document, dict(encoded), tokens, truncated)


def read_first_label(output: Any) -> Tensor:
    """`logits (batch, 1)` -> logit `(batch,)`."""
    return output.logits[:, 0]


def classify(model: Any, states: Tensor) -> Tensor:
    """Heads that pick the read-out position themselves."""
    return model.classifier(states)[:, 0]


def classify_pooled(pooler: str) -> Head:
    """`pooler` (a module path) picks and transforms the read-out position, `classifier` gives the logit."""
    return lambda model, states: model.classifier(model.get_submodule(pooler)(states))[:, 0]


def classify_distilbert(model: Any, states: Tensor) -> Tensor:
    """Linear, ReLU, linear on the first position."""
    return model.classifier(model.pre_classifier(states[:, 0]).relu())[:, 0]


def classify_modernbert(model: Any, states: Tensor) -> Tensor:
    """On the first position or the mean of all, as `config.classifier_pooling` says; one pair has no padding."""
    pooled = states.mean(1) if model.config.classifier_pooling == "mean" else states[:, 0]  # (batch, hidden)
    return model.classifier(model.head(pooled))[:, 0]


@dataclass(frozen=True)
class Family:
    """`word_embeddings` and `embeddings` are module paths; `read_position` is the token whose state is classified.

    `head` gives the logit from the last hidden states; `final_norm` is the module path of a norm between the last
    layer and the head, for families that have one.
    """

    label: str
    word_embeddings: str
    embeddings: str
    examples: str
    read_position: int = 0
    auto_class: Any = AutoModelForSequenceClassification
    encode: Encode = encode_pair
    read_logit: Callable[[Any], Tensor] = read_first_label
    head: Head = classify
    final_norm: str | None = None

    def read_positions(self, config: Any, length: int) -> list[int]:
        """The positions whose last states make the logit: one, or all where the head takes their mean."""
        mean = getattr(config, "classifier_pooling", None) == "mean"
        return list(range(length)) if mean else [self.read_position % length]


def _encoder(label: str, base: str, examples: str, word: str = "word_embeddings", **more: Any) -> Family:
    return Family(label, f"{base}.embeddings.{word}", f"{base}.embeddings", examples, **more)


# Keyed by `config.architectures[0]`, never by the model's name.
FAMILIES: dict[str, Family] = {
    "BertForSequenceClassification": _encoder(
        "BERT", "bert", "ms-marco-MiniLM, ms-marco-TinyBERT", head=classify_pooled("bert.pooler")
    ),
    "ElectraForSequenceClassification": _encoder("ELECTRA", "electra", "ms-marco-electra-base"),
    "RobertaForSequenceClassification": _encoder("RoBERTa", "roberta", "stsb-roberta"),
    "XLMRobertaForSequenceClassification": _encoder("XLM-RoBERTa", "roberta", "bge-reranker-base, bge-reranker-v2-m3"),
    "DebertaV2ForSequenceClassification": _encoder(
        "DeBERTa-v2, v3", "deberta", "mxbai-rerank v1", head=classify_pooled("pooler")
    ),
    "DistilBertForSequenceClassification": _encoder(
        "DistilBERT", "distilbert", "distilled cross-encoders", head=classify_distilbert
    ),
    "MPNetForSequenceClassification": _encoder("MPNet", "mpnet", "cross-encoders on mpnet-base"),
    "ModernBertForSequenceClassification": _encoder(
        "ModernBERT",
        "model",
        "gte-reranker-modernbert-base",
        word="tok_embeddings",
        head=classify_modernbert,
        final_norm="model.final_norm",
    ),
}


def choose_family(config: Any, model_id: str) -> Family:
    """The family of a checkpoint, from its config. Raises `ModelError` for other architectures and label counts."""
    architecture = (getattr(config, "architectures", None) or ["none named"])[0]
    if architecture not in FAMILIES:
        raise ModelError(
            f"{model_id} has the architecture {architecture}, which is not supported. Supported: {', '.join(FAMILIES)}."
        )
    if config.num_labels != 1:
        raise ModelError(
            f"{model_id} has {config.num_labels} labels; a reranker has one logit. Choose one with num_labels=1."
        )
    return FAMILIES[architecture]
