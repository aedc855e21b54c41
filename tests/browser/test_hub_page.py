"""The app pointed at a Hub of our own: it downloads, explains, and outlives everything that can go wrong there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import start_app
from tests.loopback import loopback_hub, make_repositories
from tests.test_hub import SAYS

FAULTS = ("silent", "gated", "busy", "portal", "large", "own-code")  # all others are tested without the page


def choose(page: Page, label: str) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name=label, exact=True).click()


def test_downloads_explains_and_survives(page: Page, tiny_folder: Callable[[str], Path], tmp_path: Path) -> None:
    root = make_repositories(tiny_folder("BertForSequenceClassification"), tmp_path / "repositories")
    arguments = [part for name in ("slow", *FAULTS, "pickled") for part in ("--model", f"someone/{name}")]
    proxies = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
    with loopback_hub(root) as (endpoint, _asked):
        home = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), **proxies}
        app, url = start_app(tmp_path / "log.txt", *arguments, HF_HUB_DISABLE_XET="1", **home)
        try:
            page.goto(url)
            expect(page.locator("#model input")).to_have_value("Demo reranker (bundled, MiniLM-L6)")
            choose(page, "slow")
            expect(page.get_by_text("Downloading slow:").first).to_be_visible()
            expect(page.locator("#status")).to_contain_text("slow is ready.")
            expect(page.locator("#count")).to_contain_text("of 128 tokens")
            for name in FAULTS:
                choose(page, name)
                expect(page.locator("#status")).to_contain_text(SAYS[name].replace("within 1 ", "within 5 "))
                expect(page.locator("#model input")).to_have_value("slow")
            page.locator("#explain").click()
            expect(page.locator("#identity")).to_contain_text("slow")
            expect(page.locator("#status")).to_contain_text("Done")
            choose(page, "pickled")
            expect(page.locator("#status")).to_contain_text("pickled is ready.")
            assert app.poll() is None
        finally:
            app.terminate()
            app.wait(20)
