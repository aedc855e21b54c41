"""README's pictures, made by the project itself: `make screenshot`."""

from __future__ import annotations

from playwright.sync_api import expect, sync_playwright

from benchmarks.serve import CARD, ROOT, serve
from tests.browser.conftest import launch


def main() -> None:
    """Start the app and take the picture of the page as it opens; then of the example of an audit."""
    with serve("app.py", shows=CARD) as (_, url), sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1360, "height": 1180})
        page.goto(url)
        expect(page.locator(".rl-card")).not_to_have_count(0)
        page.evaluate("document.fonts.ready.then(() => null)")
        page.screenshot(path=ROOT / "docs" / "screenshot.png")
        page.set_viewport_size({"width": 1280, "height": 817})
        page.goto((ROOT / "docs" / "audit-selqa.html").as_uri())
        page.screenshot(path=ROOT / "docs" / "audit.png")


if __name__ == "__main__":
    main()
