"""What tests of every tab share: opening it at any width, and its settings; what all visitors need, in both themes."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# A colour on its way to another one has a contrast of its own.
SETTLED = """(dark) => document.body.classList.contains("dark") === dark && document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity
)"""

# Gradio's container hides what is too wide, so the page itself never scrolls.
SIZES = [(1280, 720), (1440, 900), (390, 844)]
FITS = """[document.documentElement, document.querySelector(".gradio-container")].every(
  (one) => one.scrollWidth <= one.clientWidth
)"""

# A look is what the contrast of a text follows from; axe is asked about one element of each, and sixty words share one.
LOOKS = """(inside) => {
  const looks = new Set();
  const small = (box) => box.width < 2 || box.height < 2; // for screen readers only
  for (const one of document.querySelectorAll(`:is(${inside}), :is(${inside}) *`)) {
    one.removeAttribute("data-look");
    if (![...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
    if (!one.checkVisibility({ visibilityProperty: true }) || small(one.getBoundingClientRect())) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(one);
    const look = [color, fontSize, fontWeight, one.closest(":disabled, [aria-disabled=true]") !== null];
    for (let behind = one; behind; behind = behind.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(behind);
      look.push([backgroundColor, backgroundImage, opacity].join());
    }
    one.dataset.look = looks.has(look.join(";")) ? "again" : "first";
    looks.add(look.join(";"));
  }
  return looks.size;
}"""
# Where some of these words may be translated by a browser, though they are the visitor's.
QUOTED = """(words) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (parentElement.closest("script, style, textarea, .block.hidden") || !parentElement.translate) continue;
    if (words.some((word) => data.includes(word))) found.push([parentElement.outerHTML.slice(0, 200), data]);
  }
  return found;
}"""
ABOVE_THE_FOLD = """() => {
  const badge = document.querySelector(".rl-badge-verdict").getBoundingClientRect();
  return scrollY === 0 && badge.top >= 0 && badge.bottom <= innerHeight;
}"""
DRAWN = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
AXE = Axe().axe_script
BUT_COLOURS: dict[str, Any] = {"rules": {"color-contrast": {"enabled": False}}}  # which take four fifths of axe's time


def open_tab(page: Page, name: str) -> None:
    """Those that do not fit, by the width of the font at hand, are in a menu; or one of the pages of the open tab."""
    page.evaluate("document.fonts.ready.then(() => null)")  # widths are final
    switch = page.get_by_role("radio", name=name, exact=True)
    if switch.is_visible():
        switch.check()
        page.evaluate(DRAWN)
        return
    tab, more = page.get_by_role("tab", name=name, exact=True), page.get_by_label("More tabs")
    expect(tab.or_(more).filter(visible=True).first).to_be_visible()
    if tab.is_visible():
        tab.click()
    else:
        more.click()
        page.locator(".overflow-dropdown button", has_text=name).click()
    page.evaluate(DRAWN)


def open_settings(page: Page) -> None:
    """What has just appeared is set to the value it had once more, a frame later; so it is ready after two."""
    page.locator("#settings > button").click()
    page.evaluate(DRAWN)


def violations(page: Page, inside: str | dict[str, Any] | None = None, **options: Any) -> list[str]:
    """What axe finds in the element `inside`, else on the page, and where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], **options}
    found = Axe("null").run(page, context=inside, options=options).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def expect_no_violation(page: Page, inside: str | None = None) -> None:
    """By all rules, in both themes."""
    expect_contrast(page, inside or "body")
    assert violations(page, inside, **BUT_COLOURS) == []


def expect_contrast(page: Page, inside: str) -> None:
    """In both themes, of which the page takes the dark one from the system."""
    for dark in (True, False):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.wait_for_function(SETTLED, arg=dark)
        found = contrast(page, inside)
        assert not found, "\n".join(found)


def contrast(page: Page, inside: str = "body") -> list[str]:
    """What axe finds of colours, as they are now."""
    assert page.evaluate(LOOKS, inside) > 0
    context = {"include": [[inside], ["[data-look=first]"]], "exclude": [["[data-look=again]"]]}
    return violations(page, context, runOnly=["color-contrast"])
