"""The table of models by what they read: every cell is a share of its own model and probe."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from attribution.batch.probing import from_json, probes_json, probes_markdown
from attribution.evidence.probes.probe_set import ProbeShare
from attribution.evidence.probes.table import PROBES, SHOULD


def share(i: int, key: str, of: int) -> ProbeShare:
    held = (95 - 5 * i) / 100
    return ProbeShare(key, 10 * i + of, held, low=held - 0.05, high=1.0, failed=0.04, neither=0.46, change=-1.0)


SHARES = {model: {key: share(i, key, of) for i, key in enumerate(PROBES)} for of, model in enumerate(("one", "two"))}


def test_a_cell_says_the_share_its_interval_and_of_how_many() -> None:
    head, rule, *rows = probes_markdown(SHARES).splitlines()
    assert head == "| probe | the score | one | two |"
    assert rule.count("---") == rule.count("|") - 1 == 4
    for i, (probe, row) in enumerate(zip(PROBES.values(), rows, strict=True)):
        share, failed = f"{95 - 5 * i} % [{90 - 5 * i}, 100]", "" if probe.expects == "move" else "did not 4 %, "
        did = "moved" if probe.expects == "move" else "held"
        cells = [f"{did} {share}, {failed}neither 46 %, of {10 * i + of}" for of in (0, 1)]
        assert row == f"| {probe.label}: {probe.asks} | {SHOULD[probe.expects]} | {cells[0]} | {cells[1]} |"


def test_a_share_that_is_not_whole_says_that_the_probe_does_not_apply() -> None:
    for missing in ("held", "low", "high"):
        gone: dict[str, Any] = {missing: None}
        table = {"m": {key: replace(one, **gone) for key, one in SHARES["one"].items()}}
        assert all(row.endswith("| does not apply |") for row in probes_markdown(table).splitlines()[2:])


def test_what_never_happened_is_0_percent() -> None:
    table = {"m": {key: replace(one, failed=0.0, neither=0.0) for key, one in SHARES["one"].items()}}
    for probe, row in zip(PROBES.values(), probes_markdown(table).splitlines()[2:], strict=True):
        assert ("], neither 0 %, of" if probe.expects == "move" else "], did not 0 %, neither 0 %, of") in row


def test_a_stored_table_is_read_again() -> None:
    stored = json.loads(json.dumps(probes_json(SHARES, {"one": "r1", "two": "r2"}, 7, 3)))
    assert from_json(stored) == SHARES
    assert (stored["pairs"], stored["seed"], stored["revisions"]) == (7, 3, {"one": "r1", "two": "r2"})
