"""That all can use the page: by keyboard, on a phone, on paper, in every theme, and translated by a browser."""

from __future__ import annotations

import re
import zlib

from playwright.sync_api import Page, expect

from tests.browser.looks import (
    BUT_COLOURS,
    FITS,
    QUOTED,
    SETTLED,
    expect_contrast,
    expect_no_violation,
    open_settings,
    open_tab,
    violations,
)
from tests.browser.test_page import fill, ready

WIDE = (
    "how many people <i>live</i> in Berlin",
    f"{'Berlin' * 12} <img src=x onerror=\"document.title='run'\"> \U0001f40c",
)
PLACES = {  # a tab or a page of Learn: the tab that it is in, and its status
    "Compare": ("#compare-tab", "#compare-status"),
    "Probes": ("#probes-tab", "#probes-status"),
    "Learn": ("#learn-tab", "#lab-status"),
    "Inside the model": ("#learn-tab", "#inside-status"),
}
UNMARKED = """() => [...document.querySelectorAll("input:is([type=radio], [type=checkbox], [type=range])")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => {
    one.focus({ preventScroll: true });
    return getComputedStyle(one).outlineStyle === "none";
  })
  .map((one) => one.outerHTML.slice(0, 90))"""


def test_on_paper_words_keep_their_colours_under_black_text(page: Page, app_url: str) -> None:
    """Without a printer's option for backgrounds, which is off as browsers open."""
    ready(page, app_url)
    for theme in ("light", "dark"):
        page.emulate_media(media="print", color_scheme=theme)
        page.wait_for_function(SETTLED, arg=theme == "dark")
        seen = page.locator("#cards .rl-w").evaluate_all(
            "words => words.map((word) => [getComputedStyle(word).color, getComputedStyle(word).backgroundColor])"
        )
        streams = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)endstream", page.pdf(), re.DOTALL)
        page.emulate_media(media="null")
        fills = re.findall(rb"(\S+) (\S+) (\S+) rg", b"".join(zlib.decompressobj().decompress(one) for one in streams))
        printed = {tuple(round(255 * float(part)) for part in fill) for fill in fills}
        assert {text for text, _ in seen} == {"rgb(0, 0, 0)"}
        shades = {tuple(map(int, re.findall(r"\d+", shade)[:3])) for _, shade in seen} - {(0, 0, 0)}  # of no colour
        assert len(shades) > 1
        assert shades <= printed


def test_everyone_can_use_every_tab(page: Page, app_url: str) -> None:
    """By axe, in both themes and on a phone, which nothing makes scroll sideways; no text of the visitor's runs."""
    ready(page, app_url)
    page.get_by_role("link", name="How to read this").click()
    expect(page.locator("#key .rl-key")).to_be_in_viewport()
    word, colour = page.locator(".rl-large .rl-raises").first, "(one) => getComputedStyle(one).backgroundColor"
    blue = word.evaluate(colour)
    page.emulate_media(forced_colors="active")  # as in Windows' contrast themes
    assert word.evaluate(colour) == blue
    expect(page.get_by_role("tab", selected=True)).to_have_css("text-decoration-line", "underline")
    page.emulate_media(forced_colors="none")
    open_settings(page)
    expect(page.locator("#groups")).to_be_visible()
    expect_no_violation(page)  # the settings, over the first result, and the key
    page.keyboard.press("Tab")
    assert page.evaluate(UNMARKED) == [], "what has the focus is marked"
    page.keyboard.press("Escape")
    expect(page.locator("#groups")).to_be_hidden()
    fill(page, *WIDE)
    for tab, (panel, status) in PLACES.items():
        open_tab(page, tab)
        expect(page.locator(status)).to_contain_text("Done")
        if tab == "Compare":  # its colours are looked at in test_compare, with all that can be in it
            page.locator("#compare-flip").click()
            expect(page.locator("#compare-what-if")).to_contain_text("puts A")
        else:
            expect_contrast(page, panel)
        words = [word for word in " ".join(WIDE).split() if len(word) > 4]
        assert page.evaluate(QUOTED, words) == [], "a browser that translates the page leaves the visitor's words"
        page.keyboard.press("Tab")
        assert page.evaluate(UNMARKED) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert violations(page, **BUT_COLOURS) == []  # all other rules, also around it
        assert page.evaluate(FITS), tab
        page.set_viewport_size({"width": 1280, "height": 720})
        expect(page.get_by_role("tab", name="Learn", exact=True)).to_be_visible()  # no more in a menu
    expect(page.locator("#inside-readout svg[role=img]")).to_be_visible()
    assert page.title() == "Rerank Lens"
    assert page.locator("#lab-rows img, #inside-attention img, #inside-states img, #probes img").count() == 0
    open_tab(page, "Explain")
    page.locator("#explain").click()
    expect(page.locator("#status")).to_contain_text("Done")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator('.rl-large [data-side="document"] [data-w]').first.hover()
    expect(page.locator(".rl-large .rl-readout")).to_contain_text(WIDE[1].split()[0])
    for width in (390, 360, 320):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate(FITS)
        label = page.locator("#downloads-label .html-container")
        assert label.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "it lies under no button"
