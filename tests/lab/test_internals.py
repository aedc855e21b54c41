"""Attentions, hidden states and the read-out against the plain model's own, in every family."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from attribution import explain, load_reranker
from attribution.errors import InputError, ModelError, OptionError
from attribution.lab.internals import Inside, look_inside
from attribution.rerankers import states
from attribution.rerankers.families import FAMILIES
from tests.conftest import Tiny
from tests.tiny import PAIRED, save_tiny

QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants <b>&</b> museums \U0001f600 ."
OTHER = ("which city is the capital of france", "paris is the capital of france , new york is not .")
every_family = pytest.mark.parametrize("architecture", PAIRED)
# Qwen3.5 mixes linear attention in, which has no weights to show.
WITH_STATES = [name for name, family in FAMILIES.items() if family.states and name != "Qwen3_5ForCausalLM"]


def look(reranker: Any, query: str = QUERY, document: str = DOCUMENT) -> Inside:
    return look_inside(reranker, reranker.encode(query, document))


def plainly(folder: Path) -> Any:
    """The model's own output as the transformers documentation has it, with `retain_grad()` on each hidden state."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    inputs = AutoTokenizer.from_pretrained(folder)(QUERY, DOCUMENT, return_tensors="pt")
    output = model.eval()(**inputs, output_attentions=True, output_hidden_states=True)
    for state in output.hidden_states:
        state.retain_grad()
    output.logits[0, 0].backward()
    return output


@every_family
def test_hidden_states_and_their_gradients(architecture: str, tiny: Tiny, tiny_folder: Callable[[str], Path]) -> None:
    inside, output = look(tiny(architecture)), plainly(tiny_folder(architecture))
    assert inside.logit == pytest.approx(output.logits.item(), abs=1e-5)
    positions = [i for unit in inside.units for i in unit.positions]
    assert positions == list(range(output.hidden_states[0].shape[1]))
    for layer, state in enumerate(output.hidden_states):
        for column, unit in enumerate(inside.units):
            ours, grads = state[0, list(unit.positions)].detach(), state.grad[0, list(unit.positions)]
            at = (layer, column)
            assert inside.state_norm[at] == pytest.approx(ours.norm(dim=-1).mean().item(), rel=1e-4)
            assert inside.grad_norm[at] == pytest.approx(grads.norm(dim=-1).sum().item(), rel=1e-4, abs=1e-5)
            assert inside.grad_x_state[at] == pytest.approx((ours * grads).sum().item(), rel=1e-4, abs=1e-4)


@every_family
def test_attention_from_query_words_to_document_words(
    architecture: str, tiny: Tiny, tiny_folder: Callable[[str], Path]
) -> None:
    inside, output = look(tiny(architecture)), plainly(tiny_folder(architecture))
    weights = torch.stack(output.attentions)[:, 0].detach()  # (layers, heads, seq, seq)
    rows = [(0,), *(unit.positions for unit in inside.words("query"))]
    columns = [unit.positions for unit in inside.words("document")]
    assert inside.attention.shape == (*weights.shape[:2], len(rows), len(columns))
    for row, attending in enumerate(rows):
        for column, attended in enumerate(columns):
            expected = weights[:, :, list(attending)][..., list(attended)].sum(-1).mean(-1)
            np.testing.assert_allclose(inside.attention[:, :, row, column], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("architecture", WITH_STATES)
def test_the_readout_ends_at_the_logit_and_starts_elsewhere(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    inside = look(reranker)
    assert len(inside.readout) == reranker.model.config.num_hidden_layers + 1
    assert inside.readout[-1] == pytest.approx(reranker.score(QUERY, [DOCUMENT])[0], abs=1e-5)
    assert abs(inside.readout[0] - inside.logit) > 1e-3


@every_family
def test_in_the_last_layer_only_the_read_out_position_has_a_gradient(architecture: str, tiny: Tiny) -> None:
    inside = look(tiny(architecture))
    read = [any(i in inside.read_positions for i in unit.positions) for unit in inside.units]
    assert sum(read) == 1
    assert ((inside.grad_norm[-1] > 0) == read).all()
    assert (inside.grad_norm[0] > 0).all()


@pytest.mark.parametrize("architecture", WITH_STATES)
def test_the_score_reacts_to_the_last_states_where_they_are_read_and_nowhere_else(
    architecture: str, tiny: Tiny
) -> None:
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENT)
    twin = reranker.trainable()
    output = twin.outputs(dict(pair.inputs), output_hidden_states=True)
    last = states.layers_of(reranker, output, "hidden_states")[-1]
    (grad,) = torch.autograd.grad(twin.read_logit(output)[0], last)  # (1, seq, hidden)
    assert grad[0].norm(dim=-1).nonzero()[:, 0].tolist() == sorted(states.read_positions(reranker, pair))


def test_an_odd_number_of_layers(tmp_path: Path) -> None:
    reranker = load_reranker(
        str(save_tiny("BertForSequenceClassification", tmp_path, num_hidden_layers=3)), device="cpu"
    )
    inside = look(reranker)
    assert (len(inside.attention), len(inside.readout)) == (3, 4)
    assert inside.readout[-1] == pytest.approx(reranker.score(QUERY, [DOCUMENT])[0], abs=1e-5)


@pytest.mark.parametrize(
    ("architecture", "pooling", "reads_all"),
    [
        ("ModernBertForSequenceClassification", "cls", False),
        ("ModernBertForSequenceClassification", "mean", True),
        ("EuroBertForSequenceClassification", "bos", False),
        ("EuroBertForSequenceClassification", "mean", True),
        ("EuroBertForSequenceClassification", "late", True),
    ],
)
def test_a_head_reads_the_first_position_or_the_mean_of_all(
    architecture: str, pooling: str, reads_all: bool, tmp_path: Path
) -> None:
    """What the config says is what the read-out ends at, and where the last states' gradient is."""
    inside = look(load_reranker(str(save_tiny(architecture, tmp_path, classifier_pooling=pooling)), device="cpu"))
    length = sum(len(unit.positions) for unit in inside.units)
    assert inside.read_positions == tuple(range(length if reads_all else 1))
    assert inside.readout[-1] == pytest.approx(inside.logit, abs=1e-5)
    assert [column for column, grad in enumerate(inside.grad_norm[-1]) if grad > 0] == [
        column for column, unit in enumerate(inside.units) if reads_all or 0 in unit.positions
    ]


@every_family
def test_attention_methods(architecture: str, tiny: Tiny, tiny_folder: Callable[[str], Path]) -> None:
    reranker, output = tiny(architecture), plainly(tiny_folder(architecture))
    weights = torch.stack(output.attentions)[:, 0].detach().numpy()  # (layers, heads, seq, seq)
    read_out = explain(reranker, QUERY, DOCUMENT, "attention").attributions
    np.testing.assert_allclose(read_out, weights[-1].mean(0)[0], atol=1e-6)
    chosen = explain(reranker, QUERY, DOCUMENT, "attention", layer=1, head=2).attributions
    np.testing.assert_allclose(chosen, weights[0, 1, 0], atol=1e-6)
    flow = np.zeros(weights.shape[-1])
    flow[0] = 1  # from the read-out position down through the layers
    for layer in weights.mean(1)[::-1]:
        flow = 0.5 * flow + 0.5 * flow @ layer
    np.testing.assert_allclose(explain(reranker, QUERY, DOCUMENT, "attention_rollout").attributions, flow, atol=1e-6)
    assert flow.sum() == pytest.approx(1)


@pytest.mark.parametrize("option", [{"layer": 0}, {"layer": 3}, {"head": 0}, {"head": 5}])
def test_a_layer_or_head_that_does_not_exist(option: dict[str, Any], tiny_bert: Any) -> None:
    with pytest.raises(OptionError, match=next(iter(option))):
        explain(tiny_bert, QUERY, DOCUMENT, "attention", **option)


def test_attention_that_cannot_tell_words_apart_is_uniform(tmp_path: Path) -> None:
    folder = save_tiny("BertForSequenceClassification", tmp_path)
    reranker = load_reranker(str(folder), device="cpu")
    with torch.no_grad():
        for layer in reranker.model.bert.encoder.layer:
            layer.attention.self.query.weight.zero_()
            layer.attention.self.query.bias.zero_()
    inside = look(reranker)
    length = sum(len(unit.positions) for unit in inside.units)
    shares = [len(unit.positions) / length for unit in inside.words("document")]
    np.testing.assert_allclose(inside.attention, np.broadcast_to(shares, inside.attention.shape), rtol=1e-5)


def test_a_model_that_keeps_its_fast_attention_is_refused(tiny_bert: Any) -> None:
    model = copy.deepcopy(tiny_bert.model)
    model.set_attn_implementation = lambda *_: None  # what a model without an eager version amounts to
    with pytest.raises(ModelError, match="0 attentions instead of 2"):
        look(dataclasses.replace(tiny_bert, model=model))


@pytest.mark.parametrize("n", [2, 4])
def test_layers_are_as_many_as_the_model_has(tiny_bert: Any, n: int) -> None:
    output = SimpleNamespace(hidden_states=(torch.zeros(1),) * n)
    with pytest.raises(ModelError, match=f"returned {n} hidden_states instead of 3"):
        states.layers_of(tiny_bert, output, "hidden_states")


def test_a_pair_too_long_for_its_attentions(tiny_bert: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "MAX_ATTENTION_BYTES", 4 * 2 * 4 * 10**2)
    with pytest.raises(InputError, match="at most 10 tokens"):
        look(tiny_bert)


def test_two_visitors_inside_at_once_leave_the_shared_model_alone(tiny_bert: Any) -> None:
    pairs = [(QUERY, DOCUMENT), OTHER]
    alone = [look(tiny_bert, *pair) for pair in pairs]
    hooks = [len(module._forward_hooks) for module in tiny_bert.model.modules()]
    start = threading.Barrier(len(pairs))

    def visit(pair: tuple[str, str]) -> list[Inside]:
        start.wait()
        return [look(tiny_bert, *pair) for _ in range(25)]

    with ThreadPoolExecutor(len(pairs)) as visitors:
        for insides, expected in zip(visitors.map(visit, pairs), alone, strict=True):
            for inside in insides:
                for name in ("attention", "state_norm", "grad_norm", "grad_x_state", "readout"):
                    ours, theirs = getattr(inside, name), getattr(expected, name)
                    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
    assert tiny_bert.model.config._attn_implementation == "sdpa"
    assert [len(module._forward_hooks) for module in tiny_bert.model.modules()] == hooks
    assert all(p.grad is None and not p.requires_grad for p in tiny_bert.model.parameters())
