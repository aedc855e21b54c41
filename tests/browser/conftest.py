"""The real app in a process of its own, and a headless Chromium to click through it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.serve import CARD, serve

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve("app.py", shows=CARD, log=tmp_path_factory.mktemp("app") / "log.txt") as (_, url):
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing; `make browser` installs it"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@pytest.fixture(scope="session")
def opened(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """One page for all tests, which loads the app in half the time of a new one; and what went wrong on it."""
    page = browser.new_context().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    yield page, errors
    page.context.close()


@pytest.fixture
def page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    page, errors = opened
    page.set_viewport_size({"width": 1280, "height": 900})
    errors.clear()
    yield page
    found = [*errors]
    page.goto("about:blank")  # which ends what still runs
    page.context.clear_permissions()
    assert not found
