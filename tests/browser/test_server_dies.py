"""Last of all, as conftest.py sees to, since it ends the app that the others share."""

from __future__ import annotations

import signal
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import App, started_here
from tests.browser.test_history import IN_THE_ADDRESS

MEANWHILE = "Typed while the server was away."


def test_a_server_that_dies_is_said_and_the_text_stays(page: Page, app: App) -> None:
    """Ended in the middle of a run: the page says so, and comes back with the text once a server does."""
    assert app.process.poll() is None, "something before ended the app"
    page.goto(app.url)
    document, long = page.locator("#document textarea"), "many words to read " * 70
    document.fill(long)
    page.locator("#explain").click()
    expect(page.locator("#status")).to_contain_text("of 4 methods")
    app.process.terminate()
    assert app.process.wait(5) == 128 + signal.SIGTERM
    expect(page.get_by_text("Connection to the server was lost").first).to_be_visible()
    expect(document).to_have_value(long)
    document.fill(MEANWHILE)
    assert page.evaluate(IN_THE_ADDRESS, MEANWHILE)
    with started_here("--model", app.model, "--port", str(urlsplit(app.url).port)):
        expect(page.locator("#link-status")).to_have_text("Filled from a link.")
        expect(document).to_have_value(MEANWHILE)
        document.fill("Berlin has about 3.7 million inhabitants.")
        page.locator("#explain").click()
        expect(page.locator("#status")).to_contain_text("Done")
