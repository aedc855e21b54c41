"""The audit's waterfall: six sentences of a text by themselves, the rest as one step, counted in English."""

from __future__ import annotations

from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest

from attribution.audit.measures import Average
from attribution.audit.reading import Part, Why
from attribution.audit.statistics import Excess
from attribution.views.audit import finding, passage, strip, verdict, waterfall


def excess(low: float, claimed: bool) -> Excess:
    return Excess(40, 0.5, 0.2, 2.5, low, 5.0, 0.001, claimed)


def test_a_cause_is_claimed_almost_so_or_not_at_all() -> None:
    assert verdict(excess(1.2, True)) == "more frequent among failures"
    assert verdict(excess(1.2, False)) == "not clearly more frequent"
    assert verdict(excess(0.8, False)) == verdict(excess(1.0, False)) == "no more than elsewhere"


def average(low: float, high: float) -> Average:
    return Average("given", "nDCG@10", 0.5, 0.4, 0.6, (low + high) / 2, low, high)


def test_an_order_is_behind_ahead_or_not_told_apart_by_its_interval() -> None:
    ahead, behind, between = average(0.1, 0.3), average(-0.3, -0.1), average(-0.1, 0.3)
    order = "the order the candidates came in"
    assert finding([ahead]) == f"The reranker is ahead of {order} by 0.200."
    assert finding([behind]) == f"The reranker is behind {order} by 0.200."
    assert finding([between]) == f"The reranker is not told apart from {order} (+0.10)."
    for edge in (average(0.0, 0.2), average(-0.2, 0.0)):
        assert "not told apart" in finding([edge])


def labels(n_wrong: int, n_common: int) -> list[str]:
    wrong = tuple(Part(f"Sentence {i}.", 1.0 / (i + 1)) for i in range(n_wrong))
    common = tuple(f"Common {i}." for i in range(n_common))
    total = sum(part.value for part in wrong)
    right, above = SimpleNamespace(logit=-1.0), SimpleNamespace(logit=total - 1.0)
    of: Any = SimpleNamespace(case=SimpleNamespace(right=right, wrong=above))
    return [step.label for step in waterfall(of, Why(total, wrong, (), common, 0.0, 0.0, 0.0, (), ()))]


def test_what_is_no_part_of_a_text_is_plain() -> None:
    shown = passage("One. Two words. Three.", [Part("Two words.", 2.0)], 2.0)
    assert [(word.core, word.share) for word in shown] == [("One.", "0"), ("Two words.", "100"), ("Three.", "0")]
    (only,) = passage("One.", [Part("One.", 2.0)], 2.0)
    assert only.core == "One."


@pytest.mark.parametrize("n", [0, 1, 400, 401, 1200])
def test_the_strip_of_queries_takes_the_whole_width_the_lowest_first(n: int) -> None:
    values = [i / max(1, n - 1) for i in range(n)]
    bars = strip(values[::-1])
    assert len(bars) == n if n <= 400 else len(bars) <= 400
    assert sum(width for _, width, _ in bars) == pytest.approx(100 if n else 0, abs=0.3)
    assert [x for x, _, _ in bars] == pytest.approx([100 * i / len(bars) for i in range(len(bars))], abs=0.001)
    heights = [height for _, _, height in bars]
    assert heights == sorted(heights)
    several = -(-n // 400)
    assert heights[:1] == pytest.approx([100 * fmean(values[:several])] if n else [], abs=0.01)


@pytest.mark.parametrize(
    ("n_wrong", "n_common", "counted"),
    [
        (7, 1, ["1 sentence in both", "1 other sentence"]),
        (8, 2, ["2 sentences in both", "2 other sentences"]),
        (6, 0, []),
    ],
)
def test_one_sentence_is_not_several(n_wrong: int, n_common: int, counted: list[str]) -> None:
    named = [f"Sentence {i}." for i in range(6)]
    assert labels(n_wrong, n_common) == ["right one", *counted[:1], *named, *counted[1:], "wrong one"]
