"""Which fewest words, dropped, turn the order round: closed form on the linear toy, the plain model on tiny ones."""

from __future__ import annotations

from itertools import combinations

import pytest

from attribution import counterfactual, explain, rank
from attribution.errors import InputError, OptionError
from attribution.evidence.compare.counterfactual import not_so
from attribution.removal import seen_words
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain
from tests.evidence.conftest import ASKED, BERT, LIST, OTHER, plain_logit
from tests.evidence.test_faithfulness import saying
from tests.linear import DOCUMENT, QUERY, mask_weight, token_weights


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_the_counterfactual_on_the_linear_reranker_is_known_on_paper(linear: Reranker, operator: str) -> None:
    """Dropping costs the same in any company, so with `mask` what was predicted comes true at every step."""
    high, low = (row.document for row in rank(linear, QUERY, [DOCUMENT, OTHER]).rows)
    found = counterfactual(linear, QUERY, high, low, operator=operator)
    pair = linear.encode(QUERY, high)
    weights, stays = token_weights(linear, pair), mask_weight(linear)
    by_mask = [sum(weights[i].item() - stays for i in word) for word in seen_words(pair)]
    cost = by_mask if operator == "mask" else [sum(weights[word].tolist()) for word in seen_words(pair)]
    order = [w for w in sorted(range(len(cost)), key=lambda w: -by_mask[w]) if by_mask[w] > 0]
    logits = [weights.sum().item()]
    for w in order:
        if logits[-1] < found.rival_logit:
            break
        logits.append(logits[-1] - cost[w])
    assert found.logits == pytest.approx(logits, abs=1e-4)
    assert found.flipped == (logits[-1] < found.rival_logit)
    if operator == "mask":
        assert found.predicted == pytest.approx(found.logits, abs=1e-3)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_the_counterfactual_flips_the_order_and_no_prefix_of_it_does(
    tiny_bert: Reranker, plain: Plain, method: str
) -> None:
    """On the text itself, cut by hand and read by the plain model."""
    rows = rank(tiny_bert, ASKED, LIST).rows
    flips = 0
    for above, below in combinations(rows, 2):
        if above.logit == below.logit:
            continue
        found = counterfactual(tiny_bert, ASKED, above.document, below.document, method)
        logits = []
        for k in range(len(found.dropped) + 1):
            text = above.document
            for word in sorted(found.dropped[:k], key=lambda word: -word.start):
                text = text[: word.start] + text[word.end :]
            if text.strip():
                logits.append(plain_logit(plain(BERT), ASKED, text))
        assert list(found.logits)[: len(logits)] == pytest.approx(logits, abs=1e-4)
        assert found.rival_logit == pytest.approx(plain_logit(plain(BERT), ASKED, below.document), abs=1e-5)
        assert all(logit >= found.rival_logit for logit in found.logits[:-1])
        assert found.flipped == (found.logits[-1] < found.rival_logit)
        assert [word.attribution for word in found.dropped] == sorted(
            (word.attribution or 0.0 for word in found.dropped), reverse=True
        )
        flips += found.flipped
    assert flips >= 3


def test_scores_that_are_printed_alike_are_told_as_level() -> None:
    for where, first in (("above", "higher"), ("below", "lower")):
        assert str(not_so(where, first, 0.0171, 0.01710001)).startswith(
            "Both documents score 0.0171, so neither is above"
        )
        assert "it scores 0.0171, the rival 0.0181" in str(not_so(where, first, 0.0171, 0.0181))


def test_the_counterfactual_uses_the_explanation_at_hand(tiny_bert: Reranker) -> None:
    first, *_, last = rank(tiny_bert, ASKED, LIST).rows
    explanation = explain(tiny_bert, ASKED, first.document)
    given = counterfactual(tiny_bert, ASKED, first.document, last.document, explanation=explanation)
    found = counterfactual(tiny_bert, ASKED, first.document, last.document)
    assert (given.dropped, given.logits) == (found.dropped, found.logits)
    assert given.n_backward == 0 < found.n_backward
    assert found.n_forward == given.n_forward + explanation.n_forward
    with pytest.raises(OptionError, match="another pair"):
        counterfactual(tiny_bert, ASKED, last.document, first.document, explanation=explanation)
    with pytest.raises(OptionError, match="which words raise"):
        counterfactual(tiny_bert, ASKED, first.document, last.document, "saliency")
    for lower, higher, says in ((last, first, "must score above its rival"), (first, first, "neither is above")):
        with pytest.raises(InputError, match=says):
            counterfactual(tiny_bert, ASKED, lower.document, higher.document)


@pytest.mark.parametrize(
    ("values", "dropped", "flipped"), [((1.0, 2.0), ["fjord", "karma"], True), ((0.0, 2.0), ["fjord"], False)]
)
def test_as_high_as_the_rival_is_not_below_it(
    linear: Reranker, values: tuple[float, ...], dropped: list[str], flipped: bool
) -> None:
    """Without "fjord" the texts are the same; "karma" goes too where it raises the score, by however little."""
    said = saying(explain(linear, QUERY, "karma fjord", "saliency"), values)
    found = counterfactual(linear, QUERY, "karma fjord", "karma", explanation=said)
    assert [word.text for word in found.dropped] == dropped
    assert found.logits[1] == found.rival_logit
    assert found.flipped == flipped


@pytest.mark.parametrize(("operator", "tried"), [("delete", 3), ("mask", 8)])
def test_few_sets_of_words_are_tried_in_vain(linear: Reranker, operator: str, tried: int) -> None:
    """Of eleven sets: the whole text, the rival's own (which masked is below it already), that without a word more."""
    text = "fjord ember delta karma apple grape ember delta karma apple"
    said = saying(explain(linear, QUERY, text, "saliency"), range(10, 0, -1))
    found = counterfactual(linear, QUERY, text, text[6:], operator=operator, explanation=said)
    assert (len(found.dropped), found.flipped) == (1 if operator == "mask" else 2, True)
    assert found.n_forward == 1 + tried, "and the rival"
