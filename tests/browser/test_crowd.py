"""While others hold every slot: waiting is said and can be withdrawn; what is kept waits for nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from interface.programs.api import ENDPOINTS
from interface.programs.endpoints import endpoint
from interface.runs.lanes import WAITING
from tests.browser.conftest import App, started_here
from tests.browser.looks import open_tab
from tests.browser.test_page import EXAMPLES, STALE, expect_result_of, fill, press, ready

KEPT = "kept from an earlier run"
AT_ONCE = "at once"


def until_gone(_reranker: Any, query: str, on_pass: Any) -> dict[str, str]:
    """The task of an endpoint that computes nothing, and runs until whoever asked has left; but for one query."""
    while query != AT_ONCE and not threading.Event().wait(0.02):
        on_pass()
    return {"query": query}


@endpoint(until_gone)
def hold(query: str) -> dict[str, Any]:
    """Hold a slot.

    Args:
        query: Any.
    """
    return {"model": "", "query": query}


@pytest.fixture(scope="module")
def crowded(app: App) -> Iterator[str]:
    """The address of an app in this process, which has explained every example, and of which a slot can be held."""
    ENDPOINTS.append(hold)
    with started_here("--model", app.model) as (url, once_it_listens):
        once_it_listens()
        yield url
    ENDPOINTS.remove(hold)


@contextmanager
def at_work(url: str, number: int) -> Iterator[None]:
    """Somebody who holds a slot by HTTP, and leaves at the end."""
    event_id = httpx.post(f"{url}/gradio_api/call/hold", json={"data": [f"query {number}"]}).json()["event_id"]
    with httpx.stream("GET", f"{url}/gradio_api/call/hold/{event_id}", timeout=60):
        yield


def test_waiting_is_said_and_what_waits_can_be_withdrawn(page: Page, crowded: str) -> None:
    ready(page, crowded)
    with at_work(crowded, 1):
        with at_work(crowded, 2):
            fill(page, "who waits", "Somebody waits, and goes.")
            press(page, "Explain")
            expect(page.locator("#status")).to_contain_text("1 before you, about")
            expect(page.locator(STALE)).to_have_count(1)
            press(page, "Stop")
            expect(page.locator("#status")).to_contain_text("Withdrawn before it started.")
            open_tab(page, "Probes")  # a tab says in its own line what became of its run
            expect(page.locator("#stop")).to_be_visible()
            press(page, "Stop")
            expect(page.locator("#probes-status")).to_contain_text("Withdrawn before it started.")
            open_tab(page, "Compare")
            press(page, "Compare")
            expect(page.locator("#compare-status")).to_contain_text("1 before you, about")
            open_tab(page, "Explain")
            fill(page, "who waits", "Somebody waits, and stays.")
            press(page, "Explain")  # which ends what runs or waits in any tab
            expect(page.locator("#status")).to_contain_text("1 before you, about")
            # The tab stays closed: without a result, opening it would start it again.
            expect(page.locator("#compare-status")).to_contain_text("Withdrawn before it started.")
            expect(page.locator("body")).to_have_attribute("data-rl-stops", "stop")
        expect_result_of(page, "who waits", "Somebody waits, and stays.")  # one is gone, the other at work


def test_what_is_kept_and_every_example_wait_for_nobody_and_a_full_queue_refuses(page: Page, crowded: str) -> None:
    """By HTTP what was asked for there; on the page each example, which was explained ahead."""
    kept = [EXAMPLES[0]["query"], EXAMPLES[0]["document"], "saliency"]

    def ask() -> dict[str, Any]:
        event_id = httpx.post(f"{crowded}/gradio_api/call/explain", json={"data": kept}).json()["event_id"]
        stream = httpx.get(f"{crowded}/gradio_api/call/explain/{event_id}", timeout=60).text
        (answer,) = json.loads(stream.rpartition("data: ")[2])
        return dict(answer)

    ask()
    ready(page, crowded)
    with at_work(crowded, 3), at_work(crowded, 4):
        fill(page, "who waits", "Somebody waits for a place.")
        press(page, "Explain")
        expect(page.locator("#status")).to_contain_text("1 before you, about")
        assert ask()["kept"]
        for one in page.locator("#examples .rl-chip").all():
            one.click()
            expect(page.locator("#identity [data-query]")).to_have_attribute("data-query", query_of(one))
            expect(page.locator("#status")).to_contain_text(KEPT)
            expect(page.locator("#stop")).to_be_hidden()
        open_tab(page, "Compare")
        for one in page.locator("#compare-lists .rl-chip").all():
            one.click()
            expect(page.locator("#compare-identity")).to_contain_text(query_of(one))
            expect(page.locator("#compare-status")).to_contain_text(KEPT)
        open_tab(page, "Explain")
        fill(page, "who waits", "Somebody waits again, so both are still at work.")
        press(page, "Explain")
        expect(page.locator("#status")).to_contain_text("1 before you, about")
        asks = (httpx.post(f"{crowded}/gradio_api/call/hold", json={"data": [AT_ONCE]}) for _ in range(WAITING + 1))
        refused = next(answer for answer in asks if answer.status_code != 200)
        assert (refused.status_code, refused.headers["retry-after"].isdecimal()) == (503, True)
    expect_result_of(page, "who waits", "Somebody waits again, so both are still at work.")


def query_of(chip: Locator) -> str:
    """What a chip asks."""
    return str(chip.get_attribute("data-query"))
