"""What a crowd's visits came to: every answer beside the engine's own, and the table of the docs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from statistics import quantiles
from typing import Any

from tqdm import tqdm

from attribution import explain, load_reranker
from attribution.evidence.compare.contrast import rank
from attribution.numbers import MINUS
from benchmarks.visitors import PATIENCE, Seen

MIX = {"example": 70, "own text": 20, "compare, probes, API": 10}  # percent of the visits
TOLERANCE = 1e-3  # in logits: other batches, other rounding
ROUNDED = 0.006  # of a logit as the page prints it
OUTCOMES = ("answered", "refused", "capped", "stopped", "vanished", "unanswered")  # all but wrong
LOGIT, ROW = (re.compile(pattern) for pattern in (r'data-n="logit">([^<]+)<', r'rl-rank-logit">([^<]+)<'))


@cache
def engine(start: str, model: str, query: str, documents: tuple[str, ...], methods: tuple[str, ...]) -> Any:
    """What the library says: the logits, and one value a token for an explanation."""
    reranker = load_reranker(model)
    if start == "rank":
        return [row.logit for row in rank(reranker, query, documents).rows]
    if start == "explain" and methods:
        said = explain(reranker, query, documents[0], methods[0])
        return [said.logit, *said.attributions]
    return sorted(reranker.score(query, documents), reverse=True)


def is_right(seen: Seen) -> bool:
    """Whether an answer is the engine's, and of the text that was asked about."""
    ask, said = seen.ask, seen.said
    expected = engine(ask.start, ask.model, ask.query, ask.documents, ask.methods)
    if "all" in said:
        own = f'data-query="{ask.query}"' in said["all"] or ask.query in html.unescape(said.get("compare-identity", ""))
        if ask.start == "probes-tab":
            return own
        pattern, where = (ROW, "compare-rows") if ask.start == "compare-start" else (LOGIT, "score")
        logits = [float(text.replace(MINUS, "-")) for text in pattern.findall(said[where])]
        return own and _near(logits, expected, ROUNDED)
    if ask.start == "rank":
        return _near([row["logit"] for row in said["rows"]], expected, TOLERANCE)
    of = said["query"], said["document"]
    return of == (ask.query, *ask.documents) and _near([said["logit"], *said["attributions"]], expected, TOLERANCE)


def _near(given: Sequence[float], expected: Sequence[float], tolerance: float) -> bool:
    return len(given) == len(expected) and all(abs(a - b) <= tolerance for a, b in zip(given, expected, strict=True))


def report(seen: Sequence[Seen]) -> dict[str, Any]:
    """What became of the visits, by kind, and how long the answered ones took."""
    answered = [one for one in seen if one.outcome == "answered"]
    checked = [(one, is_right(one)) for one in tqdm(answered, desc="checking against the engine", disable=None)]
    wrong = [f"{one.ask.kind}: {one.said}"[:300] for one in seen if one.outcome == "wrong"]
    wrong += [f"{one.ask.kind} differs from the engine: {one.ask}"[:300] for one, right in checked if not right]
    unanswered = [f"{one.ask.kind}: {one.said}" for one in seen if one.outcome == "unanswered"]
    kinds = {}
    for kind in MIX:
        mine = [one for one in seen if one.ask.kind == kind]
        counts = {name: sum(one.outcome == name for one in mine) for name in OUTCOMES}
        seconds = _spread([one.seconds for one in mine if one.outcome == "answered"])
        kinds[kind] = {**counts, "kept": sum(one.kept for one in mine), "seconds": seconds}
    return {
        "kinds": kinds,
        "left_out": sum("Skipped, since" in str(one.said) for one in answered),
        "stop": _spread([one.seconds for one in seen if one.outcome == "stopped"]),
        "wrong": len(wrong),
        "wrong_examples": wrong[:5],
        "unanswered_examples": unanswered[:5],
    }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """p50 and p95; None of fewer than two."""
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18]}


def summary(stored: dict[str, Any]) -> str:
    """The docs' table, from a stored run: a row for what is counted, a column for each version."""

    def p(seconds: dict[str, float] | None) -> str:
        return f"{seconds['p50']:.1f} s / {seconds['p95']:.1f} s" if seconds else "–"

    def cells(of: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for kind, one in of["kinds"].items():
            yield f"{kind}: answered", one["answered"]
            yield f"{kind}: p50 / p95", p(one["seconds"])
            yield f"{kind}: refused, told how long to wait", one["refused"]
        ended = {"capped": "ended by the time limit", "stopped": "stopped by the visitor", "vanished": "visitor left"}
        for name, said in {**ended, "unanswered": f"no answer in {PATIENCE:.0f} s"}.items():
            yield said, sum(one[name] for one in of["kinds"].values())
        yield "answers that differ from the library's", of["wrong"]
        yield "answers with a slow method skipped", of["left_out"]
        yield "Stop took, p50 / p95", p(of["stop"])
        yield "memory, after each turn", ", ".join(f"{mb:.0f}" for mb in of["memory_mb"]) + " MB"
        yield "server idle after the last visitor left", f"{of['idle_after']:.1f} s"

    columns = {name: dict(cells(of)) for name, of in stored["apps"].items()}
    first = next(iter(columns.values()))
    head = ["{clients} clients, {minutes:g} minutes each".format(**stored), *columns]
    rows = [head, ["---"] * len(head), *([name, *(column[name] for column in columns.values())] for name in first)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
