"""A click on any example is answered while both slots run: each was explained ahead, and waits for nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

import app
from attribution import MODELS
from attribution.rerankers.loading.models import Checkpoint
from interface.programs.endpoints import endpoint, register
from interface.runs.lanes import SLOTS, WAITING
from tests.browser.looks import open_tab
from tests.tiny import save_two_layers

KEPT = "kept from an earlier run"


class Slots:
    """Runs that hold every slot until `go`; `taken` once they all have begun."""

    def __init__(self) -> None:
        self.go, self.taken = threading.Event(), threading.Barrier(SLOTS + 1)

    def hold(self, _reranker: Any, query: str, on_pass: Any) -> dict[str, str]:
        """The task of an endpoint."""
        if not self.go.is_set():
            self.taken.wait()
        self.go.wait()
        return {"query": query}


@pytest.fixture
def served(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Slots]]:
    """The app in this process, every example explained, and an endpoint that holds a slot."""
    model, slots = str(save_two_layers(tmp_path / "two-layers")), Slots()
    monkeypatch.setitem(MODELS, model, Checkpoint("two layers", model, "none", "tiny"))
    demo, once_it_listens = app.build([model])

    @endpoint(slots.hold)
    def hold(query: str) -> dict[str, Any]:
        """Hold a slot.

        Args:
            query: Any.
        """
        return {"model": model, "query": query}

    with demo:
        register(demo, [hold])  # type: ignore[arg-type]
    app.launch(demo, quiet=True)
    once_it_listens()
    yield str(demo.local_url), slots
    slots.go.set()
    demo.close()


def test_every_example_is_answered_while_both_slots_run(page: Page, served: tuple[str, Slots]) -> None:
    url, slots = served
    with ThreadPoolExecutor(SLOTS) as pool:
        for i in range(SLOTS):
            asked = httpx.post(f"{url}gradio_api/call/hold", json={"data": [f"query {i}"]}).json()["event_id"]
            pool.submit(httpx.get, f"{url}gradio_api/call/hold/{asked}", timeout=None)
        slots.taken.wait()
        try:
            page.goto(url)
            expect(page.locator("#cards .rl-card").first).to_be_visible()
            for chip in page.locator("#examples .rl-chip").all()[1:]:
                chip.click()
                expect(page.locator("#identity [data-query]")).to_have_attribute("data-query", chip_query(chip))
                expect(page.locator("#status")).to_contain_text(KEPT)
            open_tab(page, "Compare")
            for chip in page.locator("#compare-lists .rl-chip").all():
                chip.click()
                expect(page.locator("#compare-identity")).to_contain_text(chip_query(chip))
                expect(page.locator("#compare-status")).to_contain_text(KEPT)
            assert not slots.go.is_set()
            asks = (httpx.post(f"{url}gradio_api/call/hold", json={"data": ["more"]}) for _ in range(WAITING + 1))
            refused = next(answer for answer in asks if answer.status_code != 200)
            assert (refused.status_code, refused.headers["retry-after"].isdecimal()) == (503, True)
        finally:
            slots.go.set()


def chip_query(chip: Any) -> str:
    """What a chip asks."""
    return str(chip.get_attribute("data-query"))
