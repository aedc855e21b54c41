"""Limits hold at the limit, and what must be refused is refused: by every method that it concerns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from attribution import explain, load_reranker
from attribution.errors import AttributionError, InputError
from attribution.evidence.agreement import captum_agreement
from attribution.evidence.faithfulness.measure import judge
from attribution.evidence.faithfulness.scores import Control, Curves, Spread
from attribution.lab import autograd
from attribution.lab.autograd import Experiment, equal_gradients, run_lab
from attribution.lab.internals import look_inside
from attribution.methods.adaptive import FLOOR, integrate
from attribution.methods.gradients import LEAVES, Leaf
from attribution.rerankers import states
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain, Tiny
from tests.linear import linear_reranker
from tests.methods.test_adaptive import UNIFORM, Steps
from tests.tiny import save_tiny

BERT, MODERN = "BertForSequenceClassification", "ModernBertForSequenceClassification"
QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_values_that_are_not_finite_are_an_error(value: float) -> None:
    reranker = linear_reranker()
    with torch.no_grad():
        reranker.model.head[0] = value
    with pytest.raises(AttributionError, match="not finite"):
        explain(reranker, "apple", "birch cedar", "saliency")


@pytest.mark.parametrize("method", ["attention", "attention_rollout", "look inside"])
def test_attentions_at_the_limit_are_shown_and_past_it_refused(
    method: str, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    layers, heads = tiny_bert.model.config.num_hidden_layers, tiny_bert.model.config.num_attention_heads
    at_limit = 4 * layers * heads * len(pair.tokens) ** 2

    def run() -> Any:
        if method == "look inside":
            return look_inside(tiny_bert, pair)
        return explain(tiny_bert, QUERY, DOCUMENT, method)

    monkeypatch.setattr(states, "MAX_ATTENTION_BYTES", at_limit)
    run()
    monkeypatch.setattr(states, "MAX_ATTENTION_BYTES", at_limit - 1)
    with pytest.raises(InputError, match=f"at most {len(pair.tokens) - 1} tokens"):
        run()


@pytest.mark.parametrize("architecture", ["RobertaForSequenceClassification", "XLMRobertaForSequenceClassification"])
def test_padding_takes_two_positions_of_roberta_and_its_kin(architecture: str, tmp_path: Path) -> None:
    """With a tokenizer that states no limit, the positions are the limit; the longest pair runs and is not cut."""
    folder = save_tiny(architecture, tmp_path)
    config = folder / "tokenizer_config.json"
    stated = '"model_max_length": 128'
    assert stated in config.read_text("utf-8")
    config.write_text(config.read_text("utf-8").replace(stated, f'"model_max_length": {10**30}'), "utf-8")
    reranker = load_reranker(str(folder), device="cpu")
    positions = reranker.model.config.max_position_embeddings
    assert reranker.max_length == positions - 2
    explanation = explain(reranker, "a", "the quick brown fox " * 60, "saliency")
    assert explanation.truncated
    assert len(explanation.tokens) == positions - 2


def curves(comprehensiveness: float) -> Curves:
    return Curves(comprehensiveness, 0.0, (), ())


@pytest.mark.parametrize(("behind", "as_good"), [(0.0, True), (0.9, True), (1.1, False), (-5.0, True)])
def test_a_rival_within_rounding_is_as_good(behind: float, as_good: bool) -> None:
    """Two equal orders differ in the last digits, as batches do; the rounding is allowed, no more."""
    spread = Spread(0.0, 0.0, (0.0,))
    ours, rival, far = curves(1.0), curves(1.0 - behind * 1e-4), curves(0.0)
    verdict = judge(ours, Control(spread, spread, (far, rival)), None)
    assert verdict.beats_random != as_good
    over_control = judge(ours, Control(spread, spread, (far, far)), rival).over_control
    assert over_control is not None
    assert over_control.clear != as_good


def test_agreement_with_captum_leaves_template_tokens_out() -> None:
    ours = explain(linear_reranker(), "apple", "birch cedar", "integrated_gradients")
    loud = tuple(
        value + 100 if token.segment == "template" else value
        for token, value in zip(ours.tokens, ours.attributions, strict=True)
    )
    same = captum_agreement(ours, replace(ours, attributions=loud))
    assert same.relative_l1 == 0
    assert same.spearman == pytest.approx(1)
    twice = captum_agreement(ours, replace(ours, attributions=tuple(2 * value for value in ours.attributions)))
    assert twice.relative_l1 == pytest.approx(0.5)
    nothing = replace(ours, attributions=(0.0,) * len(ours.attributions))
    assert captum_agreement(nothing, nothing) == (0.0, None)


@pytest.mark.parametrize("architecture", [BERT, MODERN])
def test_the_probe_is_the_plain_head_on_each_layers_normed_states(architecture: str, tiny: Tiny, plain: Plain) -> None:
    tokenizer, model = plain(architecture)
    with torch.no_grad():
        hidden = model(**tokenizer(QUERY, DOCUMENT, return_tensors="pt"), output_hidden_states=True).hidden_states
        if architecture == MODERN:
            normed = [*(model.model.final_norm(state) for state in hidden[:-1]), hidden[-1]]
            expected = [model.classifier(model.head(state[:, 0])).item() for state in normed]
        else:
            expected = [model.classifier(model.bert.pooler(state)).item() for state in hidden]
    reranker = tiny(architecture)
    assert look_inside(reranker, reranker.encode(QUERY, DOCUMENT)).readout.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("factor", [1.5, 1.01])
def test_a_gradient_that_is_not_the_scores_is_called_so(
    factor: float, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled = Leaf(
        "emb = (factor * embed(input_ids)).detach()", lambda embed: (factor * embed()).detach().requires_grad_(True)
    )
    monkeypatch.setitem(LEAVES, "scaled", scaled)
    monkeypatch.setattr(autograd, "EXPERIMENTS", (Experiment("scaled"), Experiment("detach")))
    wrong, right = run_lab(tiny_bert, QUERY, DOCUMENT)
    assert (wrong.equal, wrong.verdict) == (False, "a gradient, but not the score's")
    assert wrong.difference is not None
    assert wrong.difference > 0
    assert right.equal
    assert equal_gradients([wrong, right])[0] == [right.number]


@pytest.mark.parametrize("sharpness", [60.0, 100.0])
def test_opposite_slopes_under_a_flat_logit_are_integrated(sharpness: float) -> None:
    """Two tokens cancel at every point, so the logit says nothing of the error; the change of the values does."""
    game = Steps(sharpness, 0.3, 0.3, 0.3)
    game.weights = torch.tensor([0.5, -0.5, 0.0])
    (found,) = integrate(game, [UNIFORM], 0.001, 257)
    assert not found.capped
    assert found.n_steps > FLOOR
    assert (found.values - game.exact).abs().sum() <= 0.01 * game.exact.abs().sum()
