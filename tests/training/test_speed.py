"""The yardsticks: what they count is what a reader would count."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest
import torch

from attribution import explain
from attribution.rerankers.reranker import Reranker
from benchmarks import accuracy, lengths, targets
from benchmarks.clock import operations, side_by_side
from benchmarks.report import Cell, Table


def test_operations_by_hand(tiny_bert: Reranker) -> None:
    """A layer: four products hidden x hidden, two with the intermediate size, attention twice seq x seq x hidden.

    Of the last layer one position goes on behind the attention.
    """
    pair = tiny_bert.encode("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
    config, seq = tiny_bert.model.config, len(pair.tokens)
    hidden, wide = config.hidden_size, config.intermediate_size
    behind = 2 * (hidden**2 + 2 * hidden * wide)  # of one position
    layer = seq * (2 * 3 * hidden**2 + behind) + 4 * seq**2 * hidden
    head = 2 * hidden**2 + 2 * hidden  # pooler and classifier, one position
    with torch.no_grad():
        counted = operations(lambda: tiny_bert.forward(dict(pair.inputs)))
    assert counted == config.num_hidden_layers * layer - (seq - 1) * behind + head


def test_turns_are_counted_and_the_first_is_not_timed() -> None:
    ran: list[str] = []
    taken = side_by_side({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, 3)
    assert ran == ["a", "b"] * 4
    assert set(taken) == {"a", "b"}


def test_each_improvement_is_what_it_says() -> None:
    """On one step: bisecting beats uniform nodes, and what is given back makes the sum exact."""

    def evaluate(alphas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rise = torch.sigmoid(80 * (alphas - 0.3))
        return rise, 80 * (rise * (1 - rise))[:, None]

    uniform, bisected, cubic, given = (rule(evaluate).item() for rule in accuracy.SWITCHED.values())
    assert abs(uniform - 1) > abs(bisected - 1) > abs(given - 1)
    assert cubic != bisected
    assert given == pytest.approx(1, abs=1e-5)


def sections(**cells: float) -> dict[str, Any]:
    rows: list[dict[str, Cell]] = [
        {"what": "sets of words", "tokens": tokens, "gain": cells["gain"]} for tokens in (32, 128)
    ]
    return {"scale": {"tables": [Table("Scale", "", rows).json()]}}


@pytest.mark.parametrize(("gain", "met"), [(1.79, ["no", "no"]), (1.8, ["no", "yes"]), (3.0, ["yes", "yes"])])
def test_a_target_says_whether_it_is_met(gain: float, met: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TARGETS", [t for t in targets.TARGETS if t.at_least in (3, 1.8)])
    rows = targets.table(sections(gain=gain)).rows
    assert [row["met"] for row in rows] == met
    assert {row["reached"] for row in rows} == {gain}


@pytest.mark.parametrize(("reached", "met"), [(-1.7, "yes"), (0.0, "yes"), (1.5, "yes"), (1.6, "no")])
def test_less_than_nothing_is_at_most_something(reached: float, met: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TARGETS", [targets.Target("start", lambda _sections: reached, 1.5)])
    (row,) = targets.table({}).rows
    assert (row["aimed at"], row["reached"], row["met"]) == ("at most 1.5", reached, met)


def test_a_target_without_its_measurement_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TARGETS", [t for t in targets.TARGETS if t.at_least > 0 or t.at_most == 1200])
    rows = targets.table(sections(gain=3.0)).rows
    assert {row["met"] for row in rows if row["reached"] is None} == {"not measured"}
    assert [row["reached"] for row in rows if row["met"] != "not measured"] == [3.0, 3.0]


def test_any_beginning_of_the_passages_is_spread_over_all_lengths(tiny_bert: Reranker) -> None:
    pair = tiny_bert.encode("who", "somebody")
    pairs = [dataclasses.replace(pair, document=str(i)) for i in range(100)]
    order = [int(of.document) for of in lengths.spread(pairs)]
    assert sorted(order) == list(range(100))
    for n in (4, 8, 16, 32):
        seen = sorted(order[:n])
        assert max(b - a for a, b in pairwise([0, *seen, 100])) <= 2 * 128 / n


def test_a_passage_is_explained_once_a_way(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its nodes are those of the timed run; after the minutes no passage is begun."""
    asked: list[str] = []

    def ours(method: str, **options: Any) -> Any:
        def job(reranker: Reranker, pair: Any) -> Any:
            def run() -> Any:
                asked.append(method)
                return explain(reranker, pair.query, pair.document, **options)

            return run

        return job

    monkeypatch.setitem(lengths.PEERS, lengths.FIRST, ours("captum"))
    monkeypatch.setitem(lengths.PEERS, lengths.BOTH, ours("both"))
    monkeypatch.setitem(lengths.PEERS, lengths.ONE, ours("one", joint=True))
    rows = lengths.against_captum(tiny_bert, 2, minutes=0).rows
    assert asked == ["captum", "both", "one"]
    assert {row["pairs"] for row in rows} == {1}
    assert all(17 <= float(str(row["nodes a path: median"])) <= 65 for row in rows)


def test_the_measured_are_named_with_the_threads_of_each() -> None:
    """Most sections ran with the largest number; peers, of which no target is, are not told of."""
    stored = targets.stored()
    threads = dict.fromkeys(stored, 2) | {"peers": 9, next(name for name in stored if name != "peers"): 1}
    told = targets.summary({name: {**of, "threads": threads[name]} for name, of in stored.items()}).splitlines()[-1]
    assert told.endswith(", 2 threads (1 where speed.md says so).</sub>")


def test_passages_are_as_long_as_they_say(tiny_bert: Reranker) -> None:
    pairs = lengths.passages(tiny_bert, 4, (40, 100))
    assert [len(pair.document.split()) for pair in pairs] == [40, 60, 80, 100]
    assert len({pair.document for pair in pairs}) == 4
