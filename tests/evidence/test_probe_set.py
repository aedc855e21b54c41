"""Probes of several pairs: the share that held, of how many, in an interval."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from attribution.evidence.probes.probe import ProbeResult
from attribution.evidence.probes.probe_set import ProbeShare, _share, probe_set
from attribution.evidence.probes.table import Verdict
from tests.evidence.toys import DOCUMENT, QUERY, constant, obedient, toy


def test_probe_set_gives_the_share_held_with_an_interval() -> None:
    pairs = [(QUERY, DOCUMENT), ("rivers", "water flows"), (QUERY, DOCUMENT.replace("1870", "1871"))]
    shares = probe_set(toy(obedient), pairs, ["injected", "numbers", "answered"])
    assert (shares["injected"].n, shares["injected"].held) == (3, 0.0)
    assert (shares["answered"].held, shares["answered"].low, shares["answered"].high) == (1.0, 1.0, 1.0)
    assert shares["numbers"].n == 2, "one text has no number"
    assert probe_set(toy(obedient), pairs[1:2], ["numbers"]) == {
        "numbers": ProbeShare("numbers", n=0, held=None, low=None, high=None, failed=None, neither=None, change=None)
    }
    problems: list[object] = []
    probe_set(toy(constant), [(QUERY, " "), (QUERY, DOCUMENT)], ["twice"], on_pair=lambda _i, p: problems.append(p))
    assert [problem is None for problem in problems] == [False, True]


def result_of(verdict: Verdict) -> ProbeResult:
    return ProbeResult("twice", "q", "d", 0.0, (), 0.0, verdict, None)


def test_the_shares_of_a_set_are_all_of_it_and_what_says_nothing_is_neither() -> None:
    verdicts: list[Verdict] = ["held", "moved", "did not hold", "no clear effect", "too noisy to tell", "held", "held"]
    of = _share("twice", [result_of(verdict) for verdict in [*verdicts, "too noisy to tell"]], 0)
    assert (of.n, of.held, of.failed, of.neither) == (8, 0.5, 0.125, 0.375)


@pytest.mark.parametrize(("n", "n_held", "seed"), [(20, 10, 0), (60, 45, 0), (150, 70, 8), (151, 70, 18)])
def test_the_interval_of_a_share_is_a_binomials_and_turns_with_it(n: int, n_held: int, seed: int) -> None:
    """Resampling yes and no draws from a binomial; of what did not hold the interval is the mirror image."""
    held = [i * n_held // n < (i + 1) * n_held // n for i in range(n)]
    of = _share("twice", [result_of("held" if yes else "did not hold") for yes in held], seed)
    assert (of.n, of.held) == (n, n_held / n)
    ends = binom.ppf((0.025, 0.975), n, n_held / n) / n
    assert (of.low, of.high) == pytest.approx(ends, abs=1.5 / n)
    turned = _share("twice", [result_of("did not hold" if yes else "held") for yes in held], seed)
    assert (turned.high, turned.low) == pytest.approx((1 - (of.low or 0), 1 - (of.high or 0)))
