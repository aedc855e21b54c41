"""What the command prints of an audit and of a comparison, number by number."""

from types import SimpleNamespace
from typing import Any

from attribution.audit.causes import CAUSES
from attribution.audit.comparison import Comparison
from attribution.audit.statistics import Excess
from attribution.batch.audit_command import comparison_said, summary


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
        "AP 0.5123 [0.4000, 0.6000] over 3 queries",
        "  the order the candidates came in: 0.4123; the model is +0.1000 [\u22120.0500, +0.2500] ahead",
        "2 queries have a costly inversion; 1 of them were read",
        f"  {CAUSES[cause].label}: 50 % of failures, 10 % of pairs in order, x4.2 [1.6, 9.9]",
        "  words that lift wrong candidates: \u201cfree\u201d (+1.23)",
        "So.",
    ]
    two = Comparison("AP", "a", "b", 3, 0.0125, -0.01, 0.035, 0.25, 2, 0, 1, (), 0, notes=("Other seed.",))
    assert comparison_said(two) == (
        "AP of b is +0.0125 [\u22120.0100, +0.0350] from a: 2 queries won, 0 lost, 1 tied, p = 0.250\nOther seed."
    )
