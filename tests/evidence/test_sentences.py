"""`without`, `alone` and `share` of sentences: on paper, by brute force, adding up in families of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
import torch

from attribution import sentences
from attribution.errors import InputError, OptionError, Stopped
from attribution.evidence.sentences import Sentences, max_passes, n_orders, sentences_stream, shares
from attribution.methods.perturbation import exact_shapley
from attribution.numbers import logit
from attribution.removal import OPERATORS, Present, score_kept
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from attribution.words import units_by_sentence
from tests.conftest import Tiny
from tests.linear import QUERY, WORDS, mask_weight, token_weights
from tests.tiny import KINDS

TEXTS = ("Berlin is large. ", "Paris is the capital of France. ", "Cats sleep!\n", "New York has a park.")
BERLIN = "how many people live in berlin"
MANY = "".join(f"{text.strip()[:-1]} {number} " for number in ("one.", "two.") for text in TEXTS)


def toy_document(n: int) -> str:
    """`n` sentences of two to four words of the linear toy."""
    words = itertools.cycle(WORDS[3:10])
    return "".join(" ".join(next(words) for _ in range(2 + i % 3)) + ".\n" for i in range(n))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("n", [1, 3, 6, 7, 13])
def test_on_a_model_that_adds_up_all_three_are_known_on_paper(linear: Reranker, n: int, operator: str) -> None:
    document = toy_document(n)
    found = sentences(linear, QUERY, document, operator=operator)
    pair = linear.encode(QUERY, document)
    gone = mask_weight(linear) if operator == "mask" else 0.0
    weights = token_weights(linear, pair) - gone  # (seq,)
    assert [s.text for s in found.sentences] == document.splitlines(keepends=True)
    for s in found.sentences:
        places = [i for i in pair.positions("document") if s.start <= (pair.tokens[i].start or 0) < s.end]
        effect = weights[places].sum().item()
        assert s.without == pytest.approx(effect, abs=1e-4)
        assert s.alone == pytest.approx(found.empty_logit + effect, abs=1e-4)
        assert s.share == pytest.approx(effect, abs=1e-4)
        assert s.error == pytest.approx(0.0, abs=1e-4)
    assert found.remainder == pytest.approx(0.0, abs=1e-4)
    assert found.n_orders == n_orders(n)
    assert next(iter(sentences_stream(linear, QUERY, document))).n_orders == 0, "of the shares, not there yet"
    assert [n_orders(many) for many in (6, 7, 12, 13)] == [0, 16, 16, 8]


@pytest.mark.parametrize("architecture", KINDS)
def test_shares_add_up_in_families_of_every_kind(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    found = sentences(reranker, BERLIN, "".join(TEXTS))
    total = sum(s.share for s in found.sentences if s.share is not None)
    assert total == pytest.approx(found.logit - found.empty_logit, abs=1e-4)
    assert found.remainder == pytest.approx(0.0, abs=1e-4)
    assert found.logit == pytest.approx(reranker.score(BERLIN, ["".join(TEXTS)])[0], abs=1e-4)
    assert any(s.without for s in found.sentences), "the score depends on its sentences"


def test_without_and_alone_are_the_scores_of_those_texts(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, BERLIN, MANY)
    for i, s in enumerate(found.sentences):
        rest = "".join(other.text for k, other in enumerate(found.sentences) if k != i)
        without, alone = tiny_bert.score(BERLIN, [rest, s.text])
        assert s.without == pytest.approx(found.logit - without, abs=1e-4)
        assert s.alone == pytest.approx(alone, abs=1e-4)


def test_the_exact_share_is_the_mean_over_all_orders(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, BERLIN, "".join(TEXTS))
    subsets = [s for size in range(1, 5) for s in itertools.combinations(range(4), size)]
    logits = tiny_bert.score(BERLIN, ["".join(TEXTS[i] for i in s) for s in subsets])
    logit = {frozenset(): found.empty_logit, **dict(zip(map(frozenset, subsets), logits, strict=True))}
    for i, s in enumerate(found.sentences):
        joins = []
        for order in itertools.permutations(range(4)):
            before = frozenset(order[: order.index(i)])
            joins.append(logit[before | {i}] - logit[before])
        assert s.share == pytest.approx(fmean(joins), abs=1e-4)
        assert s.error == 0.0


def test_the_error_says_how_far_the_sampled_share_is_off(tiny_bert: Reranker) -> None:
    pair = tiny_bert.encode(BERLIN, MANY)
    players = [[p for unit in units for p in unit.positions] for units in units_by_sentence(pair)]
    assert len(players) == 8
    truth = exact_shapley(lambda sets: score_kept(tiny_bert, pair, players, sets, "delete"), 8)
    off = []
    for seed in range(4):
        found = sentences(tiny_bert, BERLIN, MANY, seed=seed)
        assert found.remainder == pytest.approx(0.0, abs=1e-4)
        off += [abs((s.share or 0) - t) / (s.error or 1) for s, t in zip(found.sentences, truth, strict=True)]
    assert fmean(ratio < 2 for ratio in off) > 0.9
    assert sentences(tiny_bert, BERLIN, MANY, seed=1) != sentences(tiny_bert, BERLIN, MANY, seed=2)


def test_where_only_the_place_counts_an_order_and_its_reverse_know_it_all() -> None:
    """`len(set) ** 2`: who comes at place k adds 2 k + 1, and n in the mean over an order and its reverse."""

    def play(sets: Iterable[Present]) -> dict[Present, float]:
        return {present: float(len(present) ** 2) for present in sets}

    for n in (6, 7, 12, 40):
        assert shares(play, n, 0) == [pytest.approx((n, 0.0))] * n


@pytest.mark.parametrize("n", [7, 12, 13])
def test_the_bound_is_what_is_scored_where_no_two_orders_share_a_set(n: int) -> None:
    every = range(n)
    shown = {
        frozenset(),
        frozenset(every),
        *(frozenset({i}) for i in every),
        *(frozenset({*every} - {i}) for i in every),
    }
    one_order = {frozenset(every[:k]) for k in range(n + 1)}
    assert max_passes(n) == len(shown) + n_orders(n) * len(one_order - shown)


def test_a_planted_sentence_is_found(linear: Reranker) -> None:
    """The word that weighs most stands four times in the sixth of nine sentences."""
    weights = token_weights(linear, linear.encode(QUERY, " ".join(WORDS[3:11])))[-9:-1]
    word = WORDS[3 + int(weights.argmax())]
    rest = WORDS[3 + int(weights.argmin())]
    lines = [f"{rest}.\n"] * 5 + [f"{word} {word} {word} {word}.\n"] + [f"{rest}.\n"] * 3
    found = sentences(linear, QUERY, "".join(lines))
    assert found.costliest == 6
    assert max(found.sentences, key=lambda s: s.share or 0.0).text == lines[5]
    assert found.says.startswith("Without sentence 6 the score falls from ")
    left, alone = found.logit - (found.sentences[5].without or 0.0), found.sentences[5].alone or 0.0
    assert f"{logit(found.logit)} to {logit(left)}; alone it scores {logit(alone)}." in found.says


def test_what_a_loss_leaves_has_its_sign(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, BERLIN, MANY)
    first, *others = (replace(s, without=0.0, alone=None) for s in found.sentences)
    said = replace(found, logit=2.0, sentences=(replace(first, without=0.5), *others)).says
    assert said == "Without sentence 1 the score falls from +2.00 to +1.50."
    said = replace(found, logit=2.0, sentences=(replace(first, without=0.004), *others)).says
    assert said == "Without sentence 1 the score falls by less than 0.01, from +2.00."
    assert replace(found, sentences=tuple(replace(s, without=-0.5) for s in found.sentences)).costliest is None


def test_where_no_loss_lowers_the_score_it_says_so(linear: Reranker) -> None:
    weights = token_weights(linear, linear.encode(QUERY, " ".join(WORDS[3:11])))[-9:-1]
    word = WORDS[3 + int(weights.argmin())]
    found = sentences(linear, QUERY, f"{word} {word} {word} {word}\n{word} {word} {word}")
    assert found.costliest is None
    assert found.says == "The score does not fall when any one sentence is taken away."


def test_what_lies_behind_the_limit_is_said(tiny_bert: Reranker) -> None:
    document = "".join(TEXTS) * 8
    found = sentences(tiny_bert, BERLIN, document)
    assert found.truncated
    assert "".join(s.text for s in found.sentences) == document
    n_read = sum(s.read for s in found.sentences)
    assert 3 < n_read < len(found.sentences)
    assert found.unread == tuple(range(n_read + 1, len(found.sentences) + 1))
    assert [s.cut for s in found.sentences].index(True) == n_read - 1
    for s in found.sentences[n_read:]:
        assert (s.without, s.alone, s.share, s.error) == (None, None, None, None)


def test_without_stands_first_then_alone_and_nothing_is_scored_twice(tiny_bert: Reranker) -> None:
    n = 8
    first, second, last = sentences_stream(tiny_bert, BERLIN, MANY)
    assert (first.n_forward, second.n_forward) == (n + 2, 2 * n + 2)
    assert first.remainder is second.remainder is None
    assert [(s.alone, s.share) for s in first.sentences] == [(None, None)] * n
    assert "alone" not in first.says
    assert [s.share for s in second.sentences] == [None] * n
    assert [s.without for s in first.sentences] == [s.without for s in last.sentences]
    assert [s.alone for s in second.sentences] == [s.alone for s in last.sentences]
    assert second.n_forward < last.n_forward <= max_passes(n)
    exact = sentences(tiny_bert, BERLIN, "".join(TEXTS))
    assert exact.n_forward == 2**4 == max_passes(4)
    assert [max_passes(k) for k in range(3)] == [1, 2, 4]


def test_sixty_lines_are_put_together_and_said(linear: Reranker) -> None:
    found = sentences(linear, QUERY, "apple\n" * 70)
    assert (len(found.sentences), found.n_pieces) == (60, 70)


def test_every_run_can_be_stopped_and_is_repeatable(tiny_bert: Reranker) -> None:
    def stop(_meter: Meter) -> None:
        raise Stopped("stop")

    with pytest.raises(Stopped):
        sentences(tiny_bert, BERLIN, MANY, on_pass=stop)

    def values(found: Sentences) -> list[Any]:
        return [(s.without, s.alone, s.share, s.error) for s in found.sentences]

    again = [values(sentences(tiny_bert, BERLIN, MANY, seed=3)) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"operator": "erase"}, OptionError), ({"seed": -1}, OptionError), ({"document": " "}, InputError)],
)
def test_what_cannot_be_done_is_refused(tiny_bert: Reranker, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        sentences(tiny_bert, BERLIN, **{"document": MANY, **options})


def test_text_that_no_token_covers_is_unread_not_wrong(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, BERLIN, "Berlin is large.\n\u200b\x01\nParis.")
    assert "".join(s.text for s in found.sentences) == found.document
    torch.testing.assert_close(found.logit - found.empty_logit, sum(s.share or 0.0 for s in found.sentences))
