"""What the command prints of an audit and of a comparison, and what the report says, number by number."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from attribution.audit.audit import audit
from attribution.audit.causes import CAUSES
from attribution.audit.comparison import Comparison, compare, reversals
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.audit.statistics import Excess
from attribution.batch.audit_command import _duration, comparison_said, summary
from attribution.numbers import logit
from attribution.views.audit import report_html
from tests.audit.toys import count_query_words, toy
from tests.views.reading import read


def test_differences_have_signs_and_shares_are_percents() -> None:
    cause = next(iter(CAUSES))
    own = SimpleNamespace(measure="AP", order="model", value=0.51234, low=0.4, high=0.6)
    given = SimpleNamespace(
        measure="AP", order="given", value=0.41234, ahead=0.1, ahead_low=-0.05, ahead_high=0.25, low=0.0, high=1.0
    )
    word = SimpleNamespace(word="free", lift=1.234, claimed=True)
    found: Any = SimpleNamespace(
        measure="AP", averages=[own, given], queries=[1, 2, 3], n_inversions=2, failures=[1], words=[word],
        notes=["So."], causes={cause: Excess(9, 0.5, 0.1, 4.25, 1.55, 9.87, 0.001, True)},
    )  # fmt: skip
    assert summary(found).split("\n") == [
        "AP 0.5123 [0.4000, 0.6000], queries: 3",
        "  the order the candidates came in: 0.4123; the model's lead: +0.1000 [\u22120.0500, +0.2500]",
        "queries with a wrong text above a right one: 2, explained: 1",
        f"  {CAUSES[cause].label}: 50 % of failures, 10 % of pairs in order, x4.2 [1.6, 9.9]",
        "  words that lift wrong candidates: \u201cfree\u201d (+1.23)",
        "So.",
    ]
    two = Comparison("AP", "a", "b", 3, 0.0125, -0.01, 0.035, 0.25, 2, 0, 1, (), 0, notes=("Other seed.",))
    assert comparison_said(two) == (
        "AP of b minus that of a: +0.0125 [\u22120.0100, +0.0350]; "
        "queries: 2 won, 0 lost, 1 tied, p = 0.250\nOther seed."
    )


def test_the_report_says_scores_and_differences_with_their_signs() -> None:
    """Two models: one pays 2 for each word of the query, the other takes 1 for each but the first."""
    texts = (("topica topica w1 .", 0), ("topica w2 .", 1), ("w3 .", 0))
    judged = [JudgedQuery("q", "topica", tuple(Candidate(f"d{i}\x1b[2J", *one) for i, one in enumerate(texts)), {})]
    pays = toy(lambda query, document: 0.5 + 2 * count_query_words(query, document))
    takes = toy(lambda query, document: 2.0 - abs(1 - count_query_words(query, document)))
    found, other = (audit(reranker, judged) for reranker in (pays, takes))
    turned = (*reversals((other, found), (takes, pays)), *reversals((found, other), (pays, takes)))
    two = Comparison("AP", "takes", "pays", 1, 0.0125, -0.01, 0.035, 0.25, 1, 0, 0, (), 0, turned)
    report = report_html(found, CAUSES, comparison=two)
    assert "\ufffd[2J" in report
    assert "\x1b" not in report  # which a terminal would run
    orders, beside = ["input order", "BM25 over the same candidates"], ["RR@10", "P@1", "share judged in the top 10"]
    assert re.findall("<dt>(.*)</dt>", report) == [f"{found.measure}, the reranker", *orders, *beside]
    said = " ".join(read(report).text.split())
    assert "from 0 to 1; a bar is a query." in said
    assert re.findall(r"(?<![\d.])1 \w{3,}s\b", said) == [], "one query, one word, one failure"
    assert "From that audit to this one, AP changes by +0.013 (\u22120.010 to +0.035)" in said
    assert "is \u22121.00 ahead in the first model and +2.00 in the second." in said
    assert "is +2.00 ahead in the first model and \u22121.00 in the second." in said
    assert "What counts most in the second: topica topica w1 . +4.00." in said
    assert "Not relevant, yet above: rank 1, +4.50 document d0" in said
    assert "Relevant, yet below: rank 2, +2.50 document d1" in said
    shares = ((1.5, False), (3.0, False), (2.0, True), (2.5, True))
    held = {
        key: Excess(9, 0.5, 0.2, ratio, 1.1, 9.0, 0.1, claims)
        for key, (ratio, claims) in zip(CAUSES, shares, strict=False)
    }
    rows = read(report_html(replace(found, causes=held), CAUSES)).text
    assert sorted(held, key=lambda key: rows.index(CAUSES[key].says)) == [[*held][i] for i in (3, 2, 1, 0)]
    (failure,) = found.failures
    assert f"the wrong one falls to {logit(failure.reading.turned.logit)}, below" in said
    assert failure.reading.turned.logit == 0.5
    level = toy(lambda query, document: 1.0)
    assert reversals((found, other), (level, level)) == (), "level texts are not in order"
    many = reversals((replace(found, failures=found.failures * 21), replace(other, failures=())), (pays, takes))
    assert len(many) == 20


def test_a_duration_is_in_minutes_from_two_on() -> None:
    assert [_duration(seconds) for seconds in (119.0, 120.0, 600.0)] == ["119 s", "2 min", "10 min"]


def test_a_comparison_counts_what_is_won_lost_and_tied() -> None:
    def stored(**values: float) -> dict[str, Any]:
        queries = [{"id": q, "query": q, "values": {"model": {"AP": value}}} for q, value in values.items()]
        same = dict.fromkeys(("model_id", "revision", "set_sha256", "seed"), "same")
        return {**same, "measure": "AP", "queries": queries}

    first = stored(a=0.2, b=0.2, c=0.9, d=0.5, e=0.25, f=0.25, gone=1.0)
    two = compare(first, stored(a=0.5, b=0.4, c=0.8, d=0.5, e=0.25, f=0.25 + 1e-12, new=0.0, newer=0.0), 0)
    assert (two.n, two.won, two.lost, two.tied, two.only) == (6, 2, 1, 3, 3)
    assert [one.id for one in two.changes] == ["c", "b", "a"], "the worst loss first"
    assert two.difference == pytest.approx((0.3 + 0.2 - 0.1) / 6)
