"""Last of all, since it ends the app that the others share."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from benchmarks.serve import serve
from tests.browser.conftest import App


def test_a_server_that_dies_is_said_and_the_text_stays(page: Page, app: App) -> None:
    """Killed in the middle of a run: the page says so, and comes back with its text once the server does."""
    assert app.process.poll() is None, "something before ended the app"
    page.goto(app.url)
    document, long = page.locator("#document textarea"), "many words to read " * 70
    document.fill(long)
    page.locator("#explain").click()
    expect(page.locator("#status")).to_contain_text("of 4 methods")
    app.process.kill()
    app.process.wait()
    expect(page.get_by_text("Connection to the server was lost").first).to_be_visible()
    expect(document).to_have_value(long)
    with serve("app.py", "--model", app.model, port=urlsplit(app.url).port or 0):
        expect(page.locator("#link-status")).to_have_text("Filled from a link.")
        expect(document).to_have_value(long)
        document.fill("Berlin has about 3.7 million inhabitants.")
        page.locator("#explain").click()
        expect(page.locator("#status")).to_contain_text("Done")
