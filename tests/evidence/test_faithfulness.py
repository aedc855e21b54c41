"""Faithfulness, on the linear toy where every number is known on paper, and on a tiny BERT against the plain model."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import pytest
import torch

from attribution import explain
from attribution.errors import OptionError, Stopped
from attribution.evidence.agreement import agreement
from attribution.evidence.faithfulness.measure import CONTROL, Known, max_passes, measure, measure_all, measure_stream
from attribution.removal import score_kept, seen_words
from attribution.rerankers.hooks import Meter, metered
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from tests.evidence.conftest import saying
from tests.linear import QUERY, WORDS, mask_weight, token_weights

FRACTIONS = (0.05, 0.1, 0.2, 0.5)  # as README says them
DOCUMENT = " ".join(word for word in WORDS if word.isalpha() and len(word) > 1 and word not in QUERY) + " fjord's ember"


@pytest.fixture(scope="module")
def base(linear: Reranker) -> Explanation:
    return explain(linear, QUERY, DOCUMENT, "saliency")


def losses(linear: Reranker, operator: str) -> list[float]:
    """What the logit loses with each document word, on paper."""
    pair = linear.encode(QUERY, DOCUMENT)
    weights = token_weights(linear, pair)
    stays = mask_weight(linear) if operator == "mask" else 0.0
    return [sum(weights[i].item() - stays for i in positions) for positions in seen_words(pair)]


def top(losses: list[float], order: Sequence[int], share: float) -> float:
    n = max(1, int(share * len(order) + 0.5))
    return sum(losses[w] for w in order[:n])


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_closed_form_on_the_linear_reranker(linear: Reranker, base: Explanation, operator: str) -> None:
    lost = losses(linear, operator)
    values = [float((7 * w) % len(lost)) for w in range(len(lost))]
    order = sorted(range(len(lost)), key=lambda w: -values[w])
    scores = measure(linear, {"chosen": saying(base, values)}, operator=operator).methods["chosen"]
    assert scores.comprehensiveness == pytest.approx(fmean(top(lost, order, f) for f in FRACTIONS), abs=1e-4)
    assert scores.sufficiency == pytest.approx(fmean(sum(lost) - top(lost, order, f) for f in FRACTIONS), abs=1e-4)
    added = [0.0, *(top(lost, order, f) for f in (*FRACTIONS, 1.0))]
    assert scores.deletion == pytest.approx([base.logit - part for part in added], abs=1e-4)
    assert scores.insertion == pytest.approx([base.logit - sum(lost) + part for part in added], abs=1e-4)


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_an_oracle_beats_random_and_the_magnitude(linear: Reranker, base: Explanation, operator: str) -> None:
    lost = losses(linear, operator)
    result = measure(
        linear, {"oracle": saying(base, lost), "worst": saying(base, [-x for x in lost])}, operator=operator
    )
    oracle, worst, control = result.methods["oracle"], result.methods["worst"], result.random
    assert oracle.beats_random
    assert oracle.over_random.value == pytest.approx(oracle.comprehensiveness - fmean(control.comprehensiveness.values))
    assert oracle.over_random.reach == pytest.approx(2 * stdev(control.comprehensiveness.values))
    assert oracle.comprehensiveness > max(control.comprehensiveness.values)
    assert oracle.sufficiency < min(control.sufficiency.values)
    assert oracle.comprehensiveness >= result.methods[CONTROL].comprehensiveness
    assert oracle.sufficiency <= result.methods[CONTROL].sufficiency
    assert not worst.beats_random
    assert not worst.over_random.clear


def test_a_random_attribution_is_a_random_order(linear: Reranker, base: Explanation) -> None:
    """Beating all n random orders by luck happens once in n + 1 times, and the mean is the control's mean."""
    n_random, tries = 4, 150
    draw = random.Random(1)
    lost = losses(linear, "mask")
    lucky, differences = 0, []
    for seed in range(tries):
        noise = saying(base, [draw.random() for _ in lost])
        result = measure(linear, {"noise": noise}, n_random=n_random, seed=seed)
        scores, rivals = result.methods["noise"], result.random.comprehensiveness
        lucky += scores.beats_random
        above = scores.comprehensiveness > max(rivals.values)
        assert scores.beats_random == above
        differences.append(scores.comprehensiveness - rivals.mean)
    expected = tries / (n_random + 1)
    assert abs(lucky - expected) < 4 * (expected * n_random / (n_random + 1)) ** 0.5
    assert abs(fmean(differences)) < 4 * stdev(differences) / tries**0.5


def test_a_constant_says_no_more_than_chance(linear: Reranker, base: Explanation) -> None:
    result = measure(linear, {"flat": saying(base, [1.0] * len(losses(linear, "mask")))})
    assert result.methods["flat"].deletion == result.random.orders[0].deletion
    assert not result.methods["flat"].beats_random


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_scaling_the_attributions_changes_nothing(linear: Reranker, base: Explanation, factor: float) -> None:
    scaled = replace(base, attributions=tuple(factor * a for a in base.attributions))
    before, after = (measure(linear, {"saliency": e}).methods["saliency"] for e in (base, scaled))
    assert before == after


def test_signed_methods_rank_by_value_unsigned_ones_by_size(linear: Reranker, base: Explanation) -> None:
    values = [float(w) for w in range(len(losses(linear, "mask")))]
    values[3] = -1000.0
    signed = saying(base, values)
    unsigned = replace(signed, method="saliency")
    result = measure(
        linear, {"signed": signed, "unsigned": unsigned, "by hand": saying(base, [abs(v) for v in values])}
    )
    assert result.methods["unsigned"] == result.methods["by hand"]
    assert result.methods["unsigned"].deletion != result.methods["signed"].deletion


def test_the_control_takes_the_same_road(linear: Reranker, base: Explanation) -> None:
    """Asked for or not, the magnitude's numbers are the same, and are those of an explanation with its values."""
    magnitude = explain(linear, QUERY, DOCUMENT, CONTROL)
    unasked = measure(linear, {"saliency": base}).methods[CONTROL]
    asked = measure(linear, {CONTROL: magnitude, "copy": magnitude})
    assert asked.methods[CONTROL] == unasked
    assert asked.methods["copy"].deletion == unasked.deletion
    assert asked.methods["copy"].insertion == unasked.insertion
    over_control = asked.methods["copy"].over_control
    assert over_control is not None
    assert (over_control.value, over_control.clear) == (0.0, False)
    assert asked.methods[CONTROL].over_control is None


def test_measured_under_all_operators_each_is_as_measured_alone(linear: Reranker, base: Explanation) -> None:
    known: dict[str, Known] = {}
    both = measure_all(linear, {"saliency": base}, operator="delete", known=known, n_random=3)
    assert [one.operator for one in both.every] == ["delete", "mask"]
    for one in both.every:
        alone = measure(linear, {"saliency": base}, operator=one.operator, n_random=3)
        assert (one.methods, one.random, one.n_forward) == (alone.methods, alone.random, alone.n_forward)
    again = measure_all(linear, {"saliency": base}, operator="delete", known=known, n_random=3)
    assert [one.n_forward for one in again.every] == [len(known[one.operator].logits) for one in both.every]


def test_no_set_of_words_is_scored_twice(linear: Reranker, base: Explanation) -> None:
    seen: list[bytes] = []
    words = linear.word_embeddings
    layer = words.register_forward_hook(lambda _module, _inputs, output: seen.extend(map(_bytes, output)))
    saliency_l2 = explain(linear, QUERY, DOCUMENT, "saliency_l2")
    seen.clear()
    try:
        result = measure(linear, {"saliency": base, "saliency_l2": saliency_l2, "again": base})
    finally:
        layer.remove()
    assert len(set(seen)) == result.n_forward < max_passes(3)


def _bytes(embeddings: Any) -> bytes:
    values: bytes = embeddings.detach().numpy().tobytes()
    return values


def test_results_come_one_method_at_a_time(linear: Reranker, base: Explanation) -> None:
    explanations = {"saliency": base, "backwards": saying(base, range(len(losses(linear, "mask"))))}
    results = list(measure_stream(linear, explanations))
    names = [CONTROL, "saliency", "backwards"]
    assert [list(result.methods) for result in results] == [names[:1], names[:2], names]
    assert len({result.random for result in results}) == 1
    assert replace(results[-1], seconds=0) == replace(measure(linear, explanations), seconds=0)


def test_the_callers_passes_between_results_are_not_counted(linear: Reranker, base: Explanation) -> None:
    stream = measure_stream(linear, {"saliency": base})
    with metered(Meter()) as own:
        first = next(stream)
        linear.score(QUERY, ["delta", "ember"])
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    (last,) = stream
    assert own.n_forward == 2
    assert last.n_forward == measure(linear, {"saliency": base}).n_forward > first.n_forward


def test_stopped_gets_out_and_leaves_nothing(linear: Reranker, base: Explanation) -> None:
    def stop(meter: Meter) -> None:
        if meter.n_forward:
            raise Stopped("stop")

    with metered(Meter()) as own, pytest.raises(Stopped):
        measure(linear, {"saliency": base}, operator="delete", on_pass=stop)
    assert own.n_forward == 0
    with metered(Meter()) as own:
        logit = linear.score(QUERY, [DOCUMENT])[0]
    assert logit == pytest.approx(base.logit, abs=1e-5)
    assert own.n_forward == 1


@pytest.mark.parametrize(
    ("change", "message"), [({"operator": "zap"}, "Valid: mask, delete"), ({"n_random": 1}, "between 2 and 100")]
)
def test_errors_say_what_is_valid(linear: Reranker, base: Explanation, change: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        measure(linear, {"saliency": base}, **change)


@pytest.mark.parametrize(
    ("others", "message"),
    [([], "at least one"), ([{}, {"query": "apple"}], "of one pair"), ([{"revision": "other"}], "by this model")],
)
def test_one_pair_one_model(linear: Reranker, base: Explanation, others: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        measure(linear, {str(other): replace(base, **other) for other in others})


TEXTS = ("which city is the capital of france", "Paris, the capital of France, has about 3.7 million inhabitants.")


def test_delete_is_the_shortened_text_and_mask_the_masked_one(
    tiny_bert: Reranker, plain: Callable[[str], tuple[Any, Any]]
) -> None:
    tokenizer, model = plain("BertForSequenceClassification")
    whole = tokenizer(*TEXTS)
    pair = tiny_bert.encode(*TEXTS)
    words = seen_words(pair)
    left = frozenset({0, 3, len(words) - 1})
    gone = {i for w, positions in enumerate(words) if w not in left for i in positions}
    masked = [tokenizer.mask_token_id if i in gone else token for i, token in enumerate(whole["input_ids"])]
    deleted = {name: [v for i, v in enumerate(values) if i not in gone] for name, values in whole.items()}
    expected = {}
    for operator, inputs in (("mask", {**whole, "input_ids": masked}), ("delete", deleted)):
        with torch.no_grad():
            expected[operator] = model(**{n: torch.tensor([v]) for n, v in inputs.items()}).logits.item()
        assert score_kept(tiny_bert, pair, words, [left], operator)[left] == pytest.approx(expected[operator], abs=1e-5)
    assert abs(expected["mask"] - expected["delete"]) > 1e-3


def test_one_word_is_enough(tiny_bert: Reranker) -> None:
    result = measure(tiny_bert, {"saliency": explain(tiny_bert, "capital", "Paris", "saliency")})
    assert result.n_forward == 2
    assert result.random.comprehensiveness.std == 0
    assert result.methods["saliency"].sufficiency == 0
    assert not result.methods["saliency"].beats_random


@pytest.mark.parametrize(("n_words", "enough"), [(4, False), (5, True), (6, True)])
def test_half_of_enough_words_are_more_than_two(linear: Reranker, n_words: int, enough: bool) -> None:
    """With fewer, every share is one or two words, of which a random order often guesses as many."""
    text = " ".join(DOCUMENT.split()[:n_words])
    assert measure(linear, {"saliency": explain(linear, QUERY, text, "saliency")}).enough_words == enough
    assert (int(0.5 * n_words + 0.5) > 2) == enough


def test_agreement_compares_like_with_like(linear: Reranker, base: Explanation) -> None:
    n = len(losses(linear, "mask"))
    rising = saying(base, [float(w + 1) for w in range(n)])
    falling = saying(base, [-float(w + 1) for w in range(n)])
    table = agreement({"rising": rising, "falling": falling, "size": replace(falling, method="saliency")})
    assert table.spearman[0] == pytest.approx((1, -1, 1))
    assert table.overlap[0] == pytest.approx((1, 0, 1))
    flat = agreement({"rising": rising, "flat": saying(base, [2.0] * n)})
    assert flat.spearman[0][1] is None
