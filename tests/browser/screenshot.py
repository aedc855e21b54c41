"""README's screenshot, made by the project itself: `make screenshot`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, start_app


def main() -> None:
    """Start the app, click the first example, wait for the last result, take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        process, url = start_app(Path(folder) / "log.txt")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                page = browser.new_page(viewport={"width": 1360, "height": 1180})
                page.goto(url)
                page.locator(".gallery-item, button").filter(has_text="Exact match").first.click()
                expect(page.get_by_text("Done after")).to_be_visible()
                page.evaluate("window.scrollTo(0, 0)")
                page.screenshot(path=ROOT / "docs" / "screenshot.png")
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
