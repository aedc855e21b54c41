"""The score explained is the score the plain model gives, in every family, at every hook point."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import explain
from tests.conftest import Plain, Tiny
from tests.tiny import PAIRED

QUERY = "how many people live in berlin ?"
DOCUMENTS = [
    "berlin has about 3.7 million inhabitants .",
    "museums",
    "new york is famous for its museums and its park , the largest of the city . " * 3,
    "the quick brown fox",
    "paris is the capital of france . " * 40,  # past the tiny models' limit
]
SEGMENTED = ["BertForSequenceClassification", "ElectraForSequenceClassification"]
COUNT_NON_PAD = [
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "MPNetForSequenceClassification",
]
every_family = pytest.mark.parametrize("architecture", PAIRED)


def close(value: Any, expected: Any) -> bool:
    return bool(torch.allclose(torch.as_tensor(value), torch.as_tensor(expected), rtol=1e-5, atol=1e-5))


@torch.no_grad()
def plain_logit(plain: tuple[Any, Any], document: str = DOCUMENTS[0], **changed: Tensor) -> float:
    """What someone without this project gets: the tokenizer's own output through the model, some inputs `changed`."""
    tokenizer, model = plain
    inputs = tokenizer(QUERY, document, return_tensors="pt", truncation="only_second", max_length=128)
    return float(model(**{**inputs, **changed}).logits[0, 0])


@every_family
@pytest.mark.parametrize("document", DOCUMENTS)
def test_logit_is_the_plain_models(architecture: str, document: str, tiny: Tiny, plain: Plain) -> None:
    reranker = tiny(architecture)
    expected = plain_logit(plain(architecture), document)
    pair = reranker.encode(QUERY, document)
    assert close(explain(reranker, QUERY, document, "embedding_magnitude").logit, expected)
    assert close(explain(reranker, QUERY, document, "saliency").logit, expected)
    with torch.no_grad():
        assert close(reranker.forward_func(pair)(reranker.embed(pair)), [expected])
    states, logit = reranker.logit_from_block(pair)
    assert close(logit, [expected])
    with torch.no_grad(), reranker.adapter.intercept("block", lambda _output: states):
        assert close(reranker.forward_func(pair)(torch.zeros_like(reranker.embed(pair))), [expected])


@every_family
def test_padded_batch_equals_one_by_one(architecture: str, tiny: Tiny, plain: Plain) -> None:
    """Position ids, padding masks and order survive the batch."""
    expected = [plain_logit(plain(architecture), document) for document in DOCUMENTS]
    assert close(tiny(architecture).score(QUERY, DOCUMENTS), expected)
    assert close(tiny(architecture).score(QUERY, DOCUMENTS[::-1]), expected[::-1])


@every_family
def test_more_documents_than_one_chunk(architecture: str, tiny: Tiny, plain: Plain) -> None:
    expected = [plain_logit(plain(architecture), document) for document in DOCUMENTS]
    assert close(tiny(architecture).score(QUERY, DOCUMENTS * 8), expected * 8)  # 40 x 128 tokens
    assert tiny(architecture).score(QUERY, []) == []


@every_family
def test_tokens_describe_the_ids(architecture: str, tiny: Tiny, plain: Plain) -> None:
    """Each token names its id, and its span is where it stands in its segment's text."""
    tokenizer, _ = plain(architecture)
    pair = tiny(architecture).encode(QUERY, DOCUMENTS[0])
    assert [token.text for token in pair.tokens] == tokenizer(QUERY, DOCUMENTS[0]).tokens()
    for token in pair.tokens:
        if token.segment == "template":
            assert token.text in tokenizer.all_special_tokens
            assert token.start is token.end is None
        else:
            typed = {"query": QUERY, "document": DOCUMENTS[0]}[token.segment][token.start : token.end]
            assert token.text.lstrip("▁Ġ").removeprefix("##") in (typed.strip(), "")  # "▁" has the span of what follows
    assert pair.positions("query") + pair.positions("document") == [
        i for i, token in enumerate(pair.tokens) if token.segment != "template"
    ]


@pytest.mark.parametrize("architecture", SEGMENTED)
def test_segment_ids_reach_the_model(architecture: str, tiny: Tiny, plain: Plain) -> None:
    pair = tiny(architecture).encode(QUERY, DOCUMENTS[0])
    right = plain_logit(plain(architecture))
    wrong = plain_logit(plain(architecture), token_type_ids=torch.zeros_like(pair.inputs["input_ids"]))
    assert abs(right - wrong) > 1e-2
    assert close(tiny(architecture).score(QUERY, DOCUMENTS[:1]), [right])


@every_family
@pytest.mark.parametrize("name", ["mask", "unk"])
@pytest.mark.parametrize("segments", [("document",), ("query",), ("query", "document")])
def test_baseline_is_the_plain_model_on_replaced_ids(
    architecture: str, name: str, segments: Any, tiny: Tiny, plain: Plain
) -> None:
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENTS[0])
    input_ids = torch.tensor(
        [
            [
                getattr(reranker.tokenizer, f"{name}_token_id") if token.segment in segments else int(id_)
                for token, id_ in zip(pair.tokens, pair.inputs["input_ids"][0], strict=True)
            ]
        ]
    )
    expected = plain_logit(plain(architecture), input_ids=input_ids)
    assert abs(expected - plain_logit(plain(architecture))) > 1e-3
    with torch.no_grad():
        logit = reranker.forward_func(pair)(reranker.baselines(pair, name, segments))
    assert close(logit, [expected])


@every_family
def test_pad_baseline_keeps_positions(architecture: str, tiny: Tiny, plain: Plain) -> None:
    """RoBERTa's kin count non-pad ids: pad *ids* would also move the document's tokens; our baseline does not."""
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENTS[0])
    pad_ids = pair.inputs["input_ids"].clone()
    pad_ids[:, pair.positions("document")] = reranker.tokenizer.pad_token_id
    as_ids = plain_logit(plain(architecture), input_ids=pad_ids)
    with torch.no_grad():
        ours = reranker.forward_func(pair)(reranker.baselines(pair, "pad"))
    if architecture in COUNT_NON_PAD:
        assert not close(ours, [as_ids])
        first = reranker.tokenizer.pad_token_id + 1
        positions = torch.arange(first, first + len(pair.tokens))[None]
        as_ids = plain_logit(plain(architecture), input_ids=pad_ids, position_ids=positions)
    assert close(ours, [as_ids])


@every_family
def test_zero_baseline_replaces_the_words_only(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENTS[0])
    baseline, embedded = reranker.baselines(pair, "zero"), reranker.embed(pair)
    replaced = pair.positions("document")
    kept = pair.positions("query", "template")
    assert not baseline[0, replaced].any()
    assert torch.equal(baseline[0, kept], embedded[0, kept])
