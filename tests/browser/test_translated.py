"""The page where a browser translates it: its own sentences in another language, the visitor's words as they are."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.looks import open_tab
from tests.browser.test_page import EXAMPLES, expect_result_of, fill, press, ready
from tests.browser.test_starts import LONG

# As Google Translate does: each text that may be translated goes into elements of its own; so does what comes later.
TRANSLATE = """() => {
  window.translations = 0;
  const soon = () => setTimeout(() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) found.push(texts.currentNode);
    for (const text of found) {
      const parent = text.parentElement;
      if (!text.data.trim() || !parent.translate) continue;
      if (parent.closest("script, style, textarea, svg, font, .notranslate")) continue;
      const translated = document.createElement("font");
      translated.append(document.createElement("font"));
      translated.firstChild.textContent = `«${text.data}»`;
      text.replaceWith(translated);
      window.translations += 1;
    }
  }, 50);
  new MutationObserver(soon).observe(document.body, { childList: true, characterData: true, subtree: true });
  soon();
}"""
AT_REST = """() => {
  const now = window.translations;
  return new Promise((go) => setTimeout(() => go(now > 0 && window.translations === now), 300));
}"""


def test_a_translated_page_works_and_its_words_are_the_visitors(page: Page, app_url: str) -> None:
    ready(page, app_url)
    page.evaluate(TRANSLATE)
    page.wait_for_function(AT_REST)
    page.locator("#examples .rl-chip").nth(4).click()
    expect_result_of(page, EXAMPLES[4]["query"], EXAMPLES[4]["document"])
    expect(page.locator("#rl-why")).to_have_text(f"«{EXAMPLES[4]['reason']}»")
    fill(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    press(page, "«Explain»")
    expect_result_of(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    expect(page.locator("#stop")).to_be_hidden()
    page.locator(".rl-large [data-side=document] [data-w]").first.hover()
    expect(page.locator(".rl-large .rl-readout bdi")).to_have_text("Shakespeare")
    fill(page, "when was the tower completed", LONG)
    press(page, "«Explain»")
    stop, asked = page.locator("#stop"), page.get_by_role("button", name="«Start anyway»")
    expect(stop.or_(asked).filter(visible=True).first).to_be_visible()
    if asked.is_visible():
        asked.click()
    expect(stop).to_be_visible()
    press(page, "«Stop»")
    expect(stop).to_be_hidden()
    page.wait_for_function(AT_REST)  # no text is set back and translated again for ever
    open_tab(page, "«Learn»")
    expect(page.locator("#lab-status")).to_contain_text("«Done")
    page.goto("about:blank")
