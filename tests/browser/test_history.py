"""Back and a reload: every start is come back to, whatever was on its way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import open_tab
from tests.browser.test_public import box, ready

IN_THE_ADDRESS = """async (text) => {
  const held = () => rerankLens.link.decode(location.hash).then((state) => state.v.includes(text), () => false);
  for (let tries = 0; tries < 100 && !(await held()); tries++) await new Promise((go) => setTimeout(go, 100));
  return held();
}"""
LATE = "(of) => Object.defineProperty(window[of], 'chosen', { get() { throw new Error('late'); }, set() {} })"


@pytest.mark.parametrize(
    ("tab", "chips", "of", "boxes"),
    [
        ("Explain", "#examples", "rerankLens", {"query": "#query", "document": "#document"}),
        ("Compare", "#compare-lists", "rerankLists", {"query": "#compare-query", "text": "#compare-documents"}),
    ],
)
def test_a_clicked_example_stays_over_a_reload_before_the_boxes_hold_it(
    page: Page, app_url: str, tab: str, chips: str, of: str, boxes: dict[str, str]
) -> None:
    """Gradio fills the boxes a moment after the click, on a busy machine a second; here never."""
    ready(page, app_url)
    open_tab(page, tab)
    chip = page.locator(f"{chips} .rl-chip").last
    texts = {selector: str(chip.get_attribute(f"data-{name}")) for name, selector in boxes.items()}
    page.evaluate(LATE, of)
    chip.click()
    assert page.evaluate(IN_THE_ADDRESS, [*texts.values()][1])
    page.reload()
    for selector, text in texts.items():
        expect(page.locator(f"{selector} textarea")).to_have_value(text)
    expect(page.locator("[role=tab][aria-selected=true]", has_text=tab)).to_be_visible()


# Addresses are packed by a stream, which takes a while on a busy machine; here it waits until it is let go.
HELD_BACK = """() => {
  const Packed = CompressionStream;
  window.CompressionStream = function (kind) {
    const packed = new Packed(kind);
    const flush = () => new Promise((go) => (window.letGo = () => (window.CompressionStream = Packed, go())));
    return { writable: packed.writable, readable: packed.readable.pipeThrough(new TransformStream({ flush })) };
  };
}"""


def test_back_comes_to_every_start_by_enter(page: Page, app_url: str) -> None:
    """Enter is a start as a click on the button is; in the other tabs it presses the button there."""
    ready(page, app_url)
    for tab, field in {"Explain": "query", "Compare": "compare-query", "Probes": "query"}.items():
        open_tab(page, tab)
        for query in ("the first", "the second", "the third"):
            box(page, field).fill(f"{query} in {tab}")
            box(page, field).press("Enter")
            assert page.evaluate(IN_THE_ADDRESS, f"{query} in {tab}")
        for query in ("the second", "the first"):
            page.go_back()
            expect(box(page, field)).to_have_value(f"{query} in {tab}")
        expect(page.locator("[role=tab][aria-selected=true]", has_text=tab)).to_be_visible()
    page.go_forward()
    expect(box(page, "query")).to_have_value("the second in Probes")
    page.evaluate(HELD_BACK)
    box(page, "query").fill("typed just before Back")
    page.wait_for_function("'letGo' in window")
    page.go_back()
    expect(box(page, "query")).to_have_value("the first in Probes")
    page.evaluate("letGo()")
    page.go_forward()
    expect(box(page, "query")).to_have_value("the second in Probes")


def test_back_comes_to_what_was_typed_and_the_click_on_an_example_replaced(page: Page, app_url: str) -> None:
    """At once, too, before what is typed is in the address."""
    ready(page, app_url)
    for tab, name, chips in (("Explain", "document", "#examples"), ("Compare", "compare-documents", "#compare-lists")):
        open_tab(page, tab)
        mine = f"Berlin is large, says {tab}.\nParis is larger."
        box(page, name).fill(mine)
        page.locator(f"{chips} .rl-chip").nth(1).click()
        expect(box(page, name)).not_to_have_value(mine)
        assert page.evaluate(IN_THE_ADDRESS, box(page, name).input_value())
        page.go_back()
        expect(box(page, name)).to_have_value(mine)


def test_a_tab_that_runs_by_itself_is_there_after_a_reload_and_by_back(page: Page, app_url: str) -> None:
    """Also on a page on which nothing was typed yet."""
    ready(page, app_url)
    for tab in ("Probes", "Learn"):
        before = page.evaluate("location.hash")
        open_tab(page, tab)
        page.wait_for_function("(before) => location.hash !== before", arg=before)
    chosen = page.locator("[role=tab][aria-selected=true]")
    page.reload()
    expect(chosen).to_have_text("Learn")
    page.go_back()
    expect(chosen).to_have_text("Probes")
