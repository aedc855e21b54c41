"""Layouts that are published with code of their own: each score against that code's formula, written out in PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

from attribution import load_reranker
from attribution.errors import ModelError
from tests.conftest import Folder, Tiny
from tests.tiny import save_tiny

QUERY, DOCUMENTS = "how many live in berlin?", ["berlin has 3.7 million .", "paris is the capital of france ."]
JINA, NEMOTRON = "XLMRobertaFlashForSequenceClassification", "LlamaBidirectionalForSequenceClassification"
EURO, GTE = "EuroBertForSequenceClassification", "NewForSequenceClassification"


def configure(folder: Path, **changes: Any) -> Path:
    """`folder` with these values in config.json, without those that are None."""
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    return folder


def jina_logit(weights: dict[str, Tensor], ids: Tensor, heads: int, pad: int) -> float:
    """modeling_xlm_roberta.py, block.py and mha.py by their own names; one pair, no padding, no dropout."""

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    def embedding(name: str, at: Tensor) -> Tensor:
        return weights[f"roberta.embeddings.{name}_embeddings.weight"][at]

    positions = torch.arange(len(ids)) + pad + 1
    x = embedding("word", ids) + embedding("position", positions) + embedding("token_type", torch.zeros_like(ids))
    x = norm("roberta.emb_ln", x)  # (seq, hidden)
    layer = 0
    while f"roberta.encoder.layers.{layer}.norm1.weight" in weights:
        block = f"roberta.encoder.layers.{layer}"
        qkv = linear(f"{block}.mixer.Wqkv", x).unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3)  # (3, heads, seq, dim)
        scores = (qkv[0] @ qkv[1].transpose(-1, -2) / qkv.shape[-1] ** 0.5).softmax(-1)
        mixed = linear(f"{block}.mixer.out_proj", (scores @ qkv[2]).transpose(0, 1).flatten(1))
        x = norm(f"{block}.norm1", mixed + x)
        x = norm(f"{block}.norm2", linear(f"{block}.mlp.fc2", nn.functional.gelu(linear(f"{block}.mlp.fc1", x))) + x)
        layer += 1
    return float(linear("classifier.out_proj", linear("classifier.dense", x[0]).tanh()))


def test_jinas_layout(tiny: Tiny, tiny_folder: Folder) -> None:
    reranker, weights = tiny(JINA), load_file(tiny_folder(JINA) / "model.safetensors")
    assert "roberta.encoder.layers.0.mixer.Wqkv.weight" in weights
    for document in DOCUMENTS:
        ids = reranker.encode(QUERY, document).inputs["input_ids"][0]
        expected = jina_logit(weights, ids, heads=4, pad=reranker.model.config.pad_token_id)
        assert reranker.score(QUERY, [document]) == pytest.approx([expected], abs=1e-5)


def test_jinas_layout_with_what_xlm_roberta_does_not_compute_is_refused(tmp_path: Path) -> None:
    folder = configure(save_tiny(JINA, tmp_path), position_embedding_type="rotary")
    with pytest.raises(ModelError, match=r"needs code of its own.*position_embedding_type = 'rotary'"):
        load_reranker(str(folder))


@pytest.mark.parametrize(("pooling", "temperature"), [("avg", 0.2), ("cls", 1.0), ("last", 3.0), (None, None)])
def test_llama_both_ways(pooling: str | None, temperature: float | None, tmp_path: Path) -> None:
    """The library's Llama under a mask that hides nothing; question and passage as the card writes them."""
    folder = configure(save_tiny(NEMOTRON, tmp_path), pooling=pooling, temperature=temperature)
    reranker = load_reranker(str(folder), device="cpu")
    weights = load_file(folder / "model.safetensors")
    model = transformers.LlamaModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    for document in DOCUMENTS:
        text = f"question:{QUERY} \n \n passage:{document}"
        ids = reranker.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            nothing_hidden = torch.zeros(1, 1, ids.shape[1], ids.shape[1])
            states = model(input_ids=ids, attention_mask=nothing_hidden).last_hidden_state[0]  # (seq, hidden)
        pooled = {"cls": states[0], "last": states[-1]}.get(pooling or "avg", states.mean(0))
        expected = float(pooled @ weights["score.weight"][0]) / (temperature or 1.0)
        assert reranker.score(QUERY, [document]) == pytest.approx([expected], abs=1e-4)
    with pytest.raises(ModelError, match=r"pools by 'attention'.*avg, cls, last"):
        load_reranker(str(configure(folder, pooling="attention")), max_length=64)  # what is in memory would serve


@pytest.mark.parametrize("pooling", ["bos", "mean", "late"])
def test_euroberts_own_name_of_its_pooling(pooling: str, tmp_path: Path) -> None:
    folder = configure(save_tiny(EURO, tmp_path), clf_pooling=pooling, classifier_pooling=None)
    reranker = load_reranker(str(folder), device="cpu")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder, classifier_pooling=pooling).eval()
    with torch.no_grad():
        expected = theirs(**reranker.encode(QUERY, DOCUMENTS[0]).inputs).logits[0, 0].item()
    assert reranker.score(QUERY, DOCUMENTS[:1]) == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize("named", [{"clf_pooling": "cls"}, {"clf_pooling": "mean", "classifier_pooling": "late"}])
def test_a_pooling_that_is_not_clear_is_refused(named: dict[str, str], tmp_path: Path) -> None:
    folder = configure(save_tiny(EURO, tmp_path), **{"classifier_pooling": None, **named})
    with pytest.raises(ModelError, match=r"pools by .*one of bos, mean, late"):
        load_reranker(str(folder))


@pytest.mark.parametrize("architecture", [GTE, "GteForSequenceClassification"])
@pytest.mark.parametrize("theta", [10_000.0, 500_000.0])
@pytest.mark.parametrize("factor", [None, 8.0])
def test_gte_saved_again_by_transformers_5(
    architecture: str, theta: float, factor: float | None, tiny: Tiny, tiny_folder: Folder, tmp_path: Path
) -> None:
    """Theta and scaling are in `rope_parameters` then; the frequencies are those that their own code computes."""
    rope = {"rope_type": "ntk", "type": "ntk", "factor": factor} if factor else {"rope_type": "default"}
    folder = configure(
        save_tiny(architecture, tmp_path),
        rope_parameters={**rope, "rope_theta": theta},
        rope_theta=None,
        rope_scaling=None,
    )
    model = transformers.GteForSequenceClassification.from_pretrained(
        tiny_folder("GteForSequenceClassification")
    ).eval()
    steps, scale = torch.arange(0, 8, 2) / 8, factor or 1.0
    model.gte.rotary_emb.inv_freq = 1 / (theta * scale) ** steps / scale ** (2 / 8)
    with torch.no_grad():
        expected = model(**tiny(GTE).encode(QUERY, DOCUMENTS[0]).inputs).logits[0, 0].item()
    assert load_reranker(str(folder), device="cpu").score(QUERY, DOCUMENTS[:1]) == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize("kind", ["linear", "dynamic", "yarn", "llama3"])
def test_a_scaling_that_their_code_does_not_know_is_refused(kind: str, tmp_path: Path) -> None:
    rope = {"rope_type": kind, "factor": 2.0, "rope_theta": 500.0}
    folder = configure(save_tiny(GTE, tmp_path), rope_parameters=rope, rope_theta=None, rope_scaling=None)
    with pytest.raises(ModelError, match=f"needs code of its own.*rope_parameters = .*{kind}"):
        load_reranker(str(folder))
