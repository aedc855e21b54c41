"""Verdicts and rankings on paper: what a probe concludes from its changes, what ranks and overlaps are."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import regex
from scipy.stats import t

from attribution.evidence.agreement import compare_models, spearman, top_k_overlap
from attribution.evidence.faithfulness.scores import Margin, Scores
from attribution.evidence.probes import baits
from attribution.evidence.probes.edits import Edits
from attribution.evidence.probes.probe import N_CONTROL, T_95, Control, Variant, _bucket, conclude, outcome_of
from attribution.evidence.probes.table import Expectation
from attribution.evidence.probes.wording import without, words_of
from attribution.explain import explain
from attribution.rerankers.reranker import Reranker
from tests.evidence.test_two_models import with_values


def variants(expects: Expectation, *changes: float, low: float = -1.0, high: float = 0.8) -> list[Variant]:
    control = Control(1, (), low, high)
    return [Variant("q", "d", "", 0.0, x, control, outcome_of(expects, x, control), False) for x in changes]


@pytest.mark.parametrize(
    ("expects", "changes", "change", "verdict"),
    [
        ("fall", (-2.0,), -2.0, "held"),
        ("fall", (-2.0, -0.1), -1.05, "held"),
        ("fall", (-1.5, -0.1), -0.8, "too noisy to tell"),
        ("fall", (-0.6, -0.3), -0.45, "no clear effect"),
        ("fall", (-0.5,), -0.5, "no clear effect"),
        ("fall", (0.6,), 0.6, "too noisy to tell"),
        ("fall", (-1.00005,), -1.00005, "too noisy to tell"),
        ("fall", (0.80005,), 0.80005, "too noisy to tell"),
        ("fall", (0.9,), 0.9, "did not hold"),
        ("fall", (1.46, 0.28), 1.46, "did not hold"),
        ("fall", (-9.0, 0.9), 0.9, "did not hold"),
        ("stay", (0.5, -0.2), 0.5, "held"),
        ("stay", (0.1, -0.5), -0.5, "held"),
        ("stay", (0.7, -1.0), -1.0, "too noisy to tell"),
        ("stay", (0.80005,), 0.80005, "too noisy to tell"),
        ("stay", (-0.9, 0.85), 0.85, "did not hold"),
        ("stay", (-3.0, 0.9), -3.0, "did not hold"),
        ("stay", (-1.2,), -1.2, "did not hold"),
        ("not rise", (-9.0,), -9.0, "held"),
        ("not rise", (-0.9, 0.5), 0.5, "held"),
        ("not rise", (-9.0, 0.7), 0.7, "too noisy to tell"),
        ("not rise", (0.9, -9.0), 0.9, "did not hold"),
        ("not rise", (0.9, 0.95), 0.95, "did not hold"),
        ("move", (-1.2,), -1.2, "moved"),
        ("move", (0.9, -0.2), 0.9, "moved"),
        ("move", (0.5, -0.2), 0.5, "no clear effect"),
        ("move", (0.5, -0.7), -0.7, "too noisy to tell"),
    ],
)
def test_what_a_probe_concludes(expects: Expectation, changes: tuple[float, ...], change: float, verdict: str) -> None:
    found, said = conclude(expects, variants(expects, *changes))
    assert (found, said) == (pytest.approx(change), verdict)


@pytest.mark.parametrize(
    ("expects", "says"),
    [("fall", "no clear effect"), ("stay", "held"), ("not rise", "held"), ("move", "no clear effect")],
)
def test_a_change_inside_a_narrow_band_is_never_too_noisy(expects: Expectation, says: str) -> None:
    assert {v.outcome for v in variants(expects, -0.09, -0.04, 0.0, 0.04, 0.09, low=-0.1, high=0.1)} == {says}


def test_a_change_counts_against_the_mean_of_the_controls() -> None:
    wide, narrow = variants("fall", -1.0, low=-3.0), variants("fall", -2.6, low=-0.5)
    assert conclude("fall", [*wide, *narrow]) == (pytest.approx(-1.8), "held"), "-1.75 is the controls' mean end"
    low, high = variants("fall", 0.7, high=0.1), variants("fall", 0.7, high=1.5)
    assert conclude("fall", [*low, *high]) == (0.7, "did not hold"), "one edit left its own control"
    risen = conclude("not rise", [*variants("not rise", 0.9, high=1.5), *variants("not rise", 0.4, high=0.1)])
    assert risen == (0.4, "did not hold"), "the one above its own control decides, not the largest"


@pytest.mark.parametrize(("size", "bucket"), [(0, 1), (1, 1), (2, 4), (4, 4), (5, 16), (16, 16), (17, 16), (900, 16)])
def test_an_edit_stands_beside_the_smallest_control_that_covers_it(size: int, bucket: int) -> None:
    assert _bucket(size) == bucket


def test_a_prediction_intervals_factor_is_students() -> None:
    assert pytest.approx(t.ppf(0.975, N_CONTROL - 1), abs=5e-4) == T_95


@pytest.mark.parametrize("bait", [baits.injected, baits.answered])
def test_a_bait_is_as_large_as_its_words(bait: Edits) -> None:
    (edit,) = bait("q", "d", random.Random(0))
    assert edit.size == len(words_of(edit.document.removeprefix("d ")))


@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0], 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], 1 - 6 * 2 / (4 * 15)),
        ([1.0, 1.0, 2.0], [1.0, 2.0, 3.0], 0.75**0.5),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], None),
        ([1.0, 2.0], [5.0, 5.0], None),
    ],
)
def test_spearman_by_hand(a: list[float], b: list[float], rho: float | None) -> None:
    found = spearman(a, b)
    assert found is None if rho is None else found == pytest.approx(rho)


@pytest.mark.parametrize(
    ("b", "k", "share"),
    [([9.0, 8.0, 1.0, 0.0], 2, 1.0), ([0.0, 1.0, 8.0, 9.0], 2, 0.0), ([9.0, 0.0, 8.0, 1.0], 2, 0.5),
     ([0.0, 1.0, 8.0, 9.0], 5, 1.0), ([5.0, 5.0, 5.0, 5.0], 2, 1.0), ([9.0, 8.0, 1.0, 0.0], 0, 0.0)],
)  # fmt: skip
def test_overlap_by_hand(b: list[float], k: int, share: float) -> None:
    assert top_k_overlap([4.0, 3.0, 2.0, 1.0], b, k) == share


@pytest.mark.parametrize(
    ("over_random", "over_control", "clear"), [(1.1, 1.1, True), (1.0, 1.1, False), (1.1, 1, False)]
)
def test_clear_is_more_than_the_reach_over_both(over_random: float, over_control: float, clear: bool) -> None:
    scores = Scores(1.0, 0.0, (), (), Margin(over_random, 1.0), Margin(over_control, 1.0), 10, 10)
    assert scores.clear == clear
    assert not replace(scores, over_control=None).clear, "the control itself"


def test_two_models_share_only_words_that_both_read(tiny_bert: Reranker) -> None:
    one = explain(tiny_bert, "berlin", "paris", "occlusion")
    alone = compare_models(one, one)
    assert (alone.spearman, alone.overlap, len(alone.words)) == (None, 1.0, 1)
    two = explain(tiny_bert, "berlin", "paris is", "occlusion")
    turned = compare_models(with_values(two, [2.0, 1.0]), with_values(two, [1.0, 2.0]))
    assert turned.spearman == pytest.approx(-1)
    assert [(word.text, word.values, word.ranks) for word in turned.words] == [
        ("paris", (2.0, 1.0), (1, 2)),
        ("is", (1.0, 2.0), (2, 1)),
    ]
    tied = compare_models(with_values(two, [1.0, 1.0]), with_values(two, [1.0, 2.0]))
    assert [word.ranks for word in tied.words] == [(1, 2), (2, 1)], "of equal values the earlier word goes first"
    assert tied.spearman is None


@pytest.mark.parametrize("n", [3, 300])
def test_white_space_goes_with_the_word_before_it(n: int) -> None:
    text, every = "x" * n + " \n\t", regex.compile("x+|not")
    for after in ("", "y"):
        assert without(f"{text}{after}", list(every.finditer(text))) == after
    assert without("", []) == ""
    assert without("a  not b not", list(every.finditer("a  not b not"))) == "a  b "
