"""Intervals and tests against closed forms and every possible draw."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from attribution.audit import statistics
from attribution.audit.statistics import Excess, exact_p, excesses, holm, mean_intervals, randomisation_p
from benchmarks.audit_null import claims


def test_an_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(2.0, 1.0, (400, 2))
    for column, (mean, low, high) in zip(values.T, mean_intervals(values, seed=0), strict=True):
        reach = 1.96 * column.std() / 20
        assert mean == pytest.approx(column.mean())
        assert (low, high) == (pytest.approx(mean - reach, abs=0.01), pytest.approx(mean + reach, abs=0.01))
    same = mean_intervals(np.full((5, 1), 0.25), seed=0)
    assert same.tolist() == [[0.25, 0.25, 0.25]]


def test_draws_do_not_depend_on_how_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(30, 3))
    whole = mean_intervals(values, seed=3)
    for most in (700, 7):
        monkeypatch.setattr(statistics, "AT_ONCE", most)
        sizes = [len(part) for part in statistics._resamples(30, seed=3)]
        assert (max(sizes), sum(sizes)) == (most // 30 + 1, statistics.RESAMPLES)
        assert mean_intervals(values, seed=3) == pytest.approx(whole)


def test_the_exact_test_counts_every_choice_of_a_failure() -> None:
    choices = [[True, False, False], [True, True, False, False], [False, True], [True, False]]  # the failure first
    failures = np.array([failure for failure, *_ in choices], float)
    controls, n_controls = (np.array([of(row[1:]) for row in choices]) for of in (sum, len))
    sums = [sum(chosen) for chosen in itertools.product(*choices)]
    weights = [np.prod([1 / len(c) for c in choices])] * len(sums)
    expected = sum(w for s, w in zip(sums, weights, strict=True) if s >= 3)
    assert exact_p(failures, controls, n_controls) == pytest.approx(expected)
    assert exact_p(np.zeros(1), np.zeros(1, int), np.ones(1, int)) == 1.0


def test_holm_corrects_step_by_step() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_random_signs_are_all_tried_where_they_are_few() -> None:
    differences = np.array([0.5, 0.2, 0.0, -0.1])
    sums = [abs(a * 0.5 + b * 0.2 + c * 0.1) for a, b, c in itertools.product((1, -1), repeat=3)]
    assert randomisation_p(differences, 0) == pytest.approx(np.mean([s >= 0.6 - 1e-9 for s in sums]))
    assert randomisation_p(np.zeros(3), 0) == 1.0
    assert randomisation_p(np.array([1.0, 1.0, 1.0, *[0.0] * 30]), 0) == 0.25, "what is tied has no sign"
    many = np.random.default_rng(2).normal(1.0, 1.0, 40)
    assert randomisation_p(many, 0) == pytest.approx(1 / 2001)
    assert randomisation_p(many - many.mean(), 0) > 0.9
    assert randomisation_p(np.ones(10), 0) == 2 / 1024, "all of one sign, or all of the other"
    eleven = np.linspace(-1.0, 1.5, 11)
    reach = np.array([abs(eleven @ signs) for signs in itertools.product((-1, 1), repeat=11)])
    assert randomisation_p(eleven, 0) == pytest.approx(np.mean(reach >= eleven.sum() - 1e-9), abs=0.03)


def test_what_holds_everywhere_is_no_cause_and_what_holds_among_failures_is() -> None:
    everywhere, both = {"everywhere"}, {"everywhere", "there"}
    queries = [(both, [everywhere, everywhere])] * 15 + [(everywhere, [everywhere, both])] * 5
    found = excesses(["everywhere", "there", "nowhere"], queries, seed=0)
    assert (found["everywhere"].ratio, found["everywhere"].claimed, found["everywhere"].p) == (1.0, False, 1.0)
    assert found["there"].ratio == pytest.approx(15.5 / 3)
    assert found["there"].low > 1
    alone = exact_p(np.repeat([1.0, 0.0], [15, 5]), np.repeat([0, 1], [15, 5]), np.full(20, 2))
    assert found["there"].p == pytest.approx(min(1.0, 2 * alone))  # two of three hold anywhere
    assert found["there"].claimed
    assert not found["nowhere"].claimed
    none = excesses(["none"], [(everywhere, [everywhere])], seed=0)["none"]
    assert none == Excess(1, 0.0, 0.0, ratio=1.0, low=1.0, high=1.0, p=1.0, claimed=False)
    assert excesses(["none"], [], seed=0)["none"] == replace(none, n=0)


@pytest.mark.parametrize(
    ("n_pairs", "n_held", "n_not", "p", "low", "claimed"),
    [
        (199, 0, 0, 0.005, 3.0, False),  # p is the bound itself
        (200, 0, 0, 1 / 201, 3.0, True),
        (200, 0, 9, 1 / 201, 1.0, False),  # of ten queries drawn anew, the one is often not among them
        (2, 1, 0, 2 / 3, 1.5, False),
    ],
)
def test_a_claim_needs_a_p_below_and_an_interval_beyond(
    n_pairs: int, n_held: int, n_not: int, p: float, low: float, claimed: bool
) -> None:
    """One failure of one query holds something, and `n_held` of its pairs in order."""
    pairs = [{"a cause"}] * n_held + [set()] * (n_pairs - n_held)
    found = excesses(["a cause"], [({"a cause"}, pairs), *[(set(), pairs)] * n_not], seed=0)["a cause"]
    assert (found.p, found.low, found.claimed) == (pytest.approx(p), low, claimed)
    twice = excesses(["a cause"], [({"a cause"}, [{"a cause"}, set()])] * 40, seed=0)["a cause"]
    assert (twice.low, twice.claimed) == (40.5 / 20.5, True), "that is not twice as often, yet beyond 1"


def test_at_most_one_set_in_twenty_claims_a_cause_where_there_is_none() -> None:
    """Simulated: eleven causes of any frequency, which know nothing of which pair is the failure; small and larger."""
    rand = random.Random(5)
    claiming = 0
    for _ in range(200):
        n, n_controls = rand.choice([8, 15, 30]), rand.choice([1, 4])
        shares = {str(cause): rand.random() ** 2 for cause in range(11)}
        pairs = [{key for key, share in shares.items() if rand.random() < share} for _ in range(n * (1 + n_controls))]
        queries = [(pairs[i], pairs[i + 1 : i + 1 + n_controls]) for i in range(0, len(pairs), 1 + n_controls)]
        claiming += any(excess.claimed for excess in excesses(shares, queries, seed=0).values())
    assert claiming <= 10


def test_a_random_model_and_shuffled_grades_have_no_cause() -> None:
    """One of the sets of `benchmarks.audit_null`, which counts the claims over two hundred."""
    assert claims(20_000) == []


def test_the_interval_of_a_cause_holds_the_middle_95_percent_of_queries_drawn_anew() -> None:
    holds = [(i % 10 < 4, i % 10 < 3, i % 7 < 1) for i in range(80)]
    failures, controls = [failure for failure, *_ in holds], [sum(pairs) / 2 for _, *pairs in holds]
    queries = [({"a cause"} if f else (), [{"a cause"} if c else () for c in cs]) for f, *cs in holds]
    drawn = np.random.default_rng(9).integers(0, 80, (40_000, 80))
    ratios = (np.array(failures)[drawn].sum(1) + 0.5) / (np.array(controls)[drawn].sum(1) + 0.5)
    found = [excesses(["a cause"], queries, seed)["a cause"] for seed in range(20)]
    ends = np.mean([(one.low, one.high) for one in found], axis=0)
    assert ends == pytest.approx(np.quantile(ratios, [0.025, 0.975]), rel=0.01)
