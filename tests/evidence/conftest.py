"""What several tests of the evidence ask: the linear toy, and a small list beside the plain model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from attribution.removal import seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from tests.linear import linear_reranker

BERT = "BertForSequenceClassification"
ASKED = "how many people live in berlin ?"
LIST = [
    "paris is the capital of france",
    "berlin has about 3.7 million inhabitants",
    "the lazy dog",
    "paris is the capital of france",
    "new york is famous for its museums and its park",
]
OTHER = "hazel fjord's apple apple"  # another length than DOCUMENT, in the linear toy's words


@pytest.fixture(scope="session")
def linear() -> Reranker:
    return linear_reranker()


@torch.no_grad()
def plain_logit(plain: tuple[Any, Any], query: str, document: str) -> float:
    tokenizer, model = plain
    logit: float = model(**tokenizer(query, document, return_tensors="pt")).logits.item()
    return logit


def saying(base: Explanation, values: Sequence[float]) -> Explanation:
    """An explanation of the same pair that gives each seen document word this value, on its first token."""
    words = seen_words(base)
    attributions = [0.0] * len(base.tokens)
    for positions, value in zip(words, values, strict=True):
        attributions[positions[0]] = value
    return replace(base, attributions=tuple(attributions), method="input_x_gradient")  # a signed method
