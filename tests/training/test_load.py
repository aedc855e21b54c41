"""The load's report: an answer of another text or with another number is wrong, whichever way it came."""

from __future__ import annotations

from typing import Any

import pytest
from markupsafe import escape

from attribution import explain
from attribution.numbers import fixed
from attribution.rerankers.reranker import Reranker
from benchmarks.load_report import MIX, report, summary
from benchmarks.visitors import Ask, Seen, Server

QUERY, TEXTS = (
    "how many people live in berlin's <b>city</b> ?",
    ("berlin has 3.7 million inhabitants .", "paris is in france ."),
)
EXAMPLE, OWN, OTHER = MIX


def answers(reranker: Reranker) -> list[tuple[Ask, Any]]:
    """One of each kind, as the app gives it."""
    name, scores = reranker.model_id, reranker.score(QUERY, list(TEXTS))
    own = f'<p data-query="{QUERY}">'
    page = {"score": f'<p data-n="logit">{fixed(scores[0], 2)}</p>', "all": own}
    rows = "".join(f'<span class="rl-rank-logit">{fixed(one, 2)}</span>' for one in sorted(scores, reverse=True))
    compared = {"compare-rows": rows, "compare-identity": str(escape(QUERY)), "all": ""}
    said = explain(reranker, QUERY, TEXTS[0], "saliency")
    endpoint = {"query": QUERY, "document": TEXTS[0], "logit": said.logit, "attributions": [*said.attributions]}
    ranked = {"rows": [{"logit": one} for one in sorted(scores, reverse=True)]}
    return [
        (Ask(EXAMPLE, "explain", name, QUERY, TEXTS[:1]), page),
        (Ask(OWN, "compare-start", name, QUERY, TEXTS), compared),
        (Ask(OTHER, "explain", name, QUERY, TEXTS[:1], ("saliency",)), endpoint),
        (Ask(OTHER, "rank", name, QUERY, TEXTS, ("saliency",)), ranked),
        (Ask(OTHER, "probes-tab", name, QUERY, TEXTS[:1]), {"all": own}),
    ]


def test_right_answers_are_counted_by_kind_and_wrong_ones_named(tiny_bert: Reranker) -> None:
    given = answers(tiny_bert)
    found = report([Seen(ask, "answered", 0.1 + i, said) for i, (ask, said) in enumerate(given)])
    assert (found["wrong"], [found["kinds"][kind]["answered"] for kind in MIX]) == (0, [1, 1, 3])
    assert found["kinds"][OTHER]["seconds"] == {"p50": pytest.approx(3.1), "p95": pytest.approx(4.0)}
    for (ask, said), (_, wrong) in zip(given, answers_of_another(tiny_bert), strict=True):
        assert report([Seen(ask, "answered", 0.1, said), Seen(ask, "answered", 0.1, wrong)])["wrong"] == 1
    one = report([Seen(given[0][0], "refused", 0.1), Seen(given[0][0], "wrong", 0.1, "no Retry-After")])
    assert (one["kinds"][EXAMPLE]["refused"], one["wrong"], one["wrong_examples"]) == (
        1,
        1,
        ["example: no Retry-After"],
    )


def answers_of_another(reranker: Reranker) -> list[tuple[Ask, Any]]:
    """Each with a number, or a query, of another text."""
    (a, page), (b, compared), (c, endpoint), (d, ranked), (e, probes) = answers(reranker)
    higher = float(endpoint["logit"]) + 0.1
    return [
        (a, page | {"score": f'<p data-n="logit">{fixed(higher, 2)}</p>'}),
        (b, compared | {"compare-rows": ""}),
        (c, endpoint | {"logit": higher}),
        (d, {"rows": ranked["rows"][:1]}),
        (e, probes | {"all": ""}),
    ]


def test_the_table_has_a_column_for_each_version(tiny_bert: Reranker) -> None:
    seen = [Seen(ask, "answered", 0.5, said) for ask, said in answers(tiny_bert)]
    app = report(seen) | {"memory_mb": [900.0, 1000.4], "idle_after": 1.0}
    table = summary({"clients": 50, "minutes": 5.0, "apps": {"before": app, "now": app}}).splitlines()
    assert table[0] == "| 50 clients, 5 minutes each | before | now |"
    assert "| compare, probes, API: answered | 3 | 3 |" in table
    assert "| compare, probes, API: p50 / p95 | 0.5 s / 0.5 s | 0.5 s / 0.5 s |" in table
    assert "| memory, after each turn | 900, 1000 MB | 900, 1000 MB |" in table
    assert len({line.count("|") for line in table}) == 1


def test_a_click_is_found_by_names_with_what_stands_in_its_boxes() -> None:
    """As Gradio's configuration has it: a handler by its target, the next one by what triggers it."""
    parts = [(3, "query", "q"), (5, "explain", None), (8, None, "mask"), (9, "status", "Ready")]
    config = {
        "components": [{"id": i, "props": {"elem_id": name, "value": value}} for i, name, value in parts],
        "dependencies": [
            {"id": 0, "targets": [[3, "submit"]], "trigger_after": None},
            {"id": 1, "targets": [[5, "click"], [3, "submit"]], "trigger_after": None, "queue": False},
            {"id": 2, "targets": [[None, "failure"]], "trigger_after": 1, "queue": False},
            {"id": 3, "targets": [[None, "then"]], "trigger_after": 1, "queue": False},
            {"id": 4, "targets": [[None, "then"]], "trigger_after": 3, "queue": None},
        ],
    }
    server = Server("", None, config)  # type: ignore[arg-type]
    assert [one["id"] for one in server.events("explain", "click")] == [1, 2, 3, 4]
    assert [one["id"] for one in server.start("explain")] == [3, 4]
    assert server.values([3, 8], {"query": "mine"}) == ["mine", "mask"]
    assert server.names([9, 8]) == ["status", ""]
