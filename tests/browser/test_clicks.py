"""Two of the stored sequences of clicks, which had found something; `tests.browser.clicks` runs them all."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from tests.browser.clicks import STORED, sequence

REPLAYED = ("0 46", "0 79")


def test_sequences_of_clicks_end_with_results_of_what_the_boxes_hold(page: Page, app_url: str) -> None:
    rows = {row["seed"]: row for row in json.loads(STORED.read_text(encoding="utf-8"))}
    assert [row["seed"] for row in rows.values() if row["wrong"]] == []
    for seed in REPLAYED:
        assert sequence(page.context, app_url, seed, rows[seed]["latency"]) == rows[seed]
