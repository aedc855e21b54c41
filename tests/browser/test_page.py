"""The page's shell: what is on the first screen, its keys, and that no result passes for another text's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.looks import ABOVE_THE_FOLD, FITS, open_tab

EXAMPLES = json.loads((Path(__file__).parents[2] / "examples" / "pairs.json").read_text(encoding="utf-8"))
STALE = "[data-rl-stale]"
SHIFTS = """() => {
  window.shifts = [];
  const outer = (source) => (source.node?.parentElement ?? source.node)?.outerHTML?.slice(0, 90);
  const seen = (entry) => ({value: entry.value, late: !entry.hadRecentInput, what: entry.sources.map(outer)});
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(seen)))
    .observe({type: "layout-shift", buffered: false});
}"""


def ready(page: Page, url: str, width: int = 1280, height: int = 720) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url)
    expect(page.locator(".rl-card").first).to_be_visible()
    expect(page.locator("#document textarea")).to_have_attribute("dir", "auto")  # page.js has come round
    page.evaluate("document.fonts.ready.then(() => null)")


def chip(page: Page, i: int) -> Locator:
    return page.get_by_role("button", name=EXAMPLES[i]["label"], exact=True)


def fill(page: Page, query: str, document: str) -> None:
    page.locator("#query textarea").fill(query)
    page.locator("#document textarea").fill(document)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def boxes(page: Page) -> tuple[str, str]:
    return page.locator("#query textarea").input_value(), page.locator("#document textarea").input_value()


def expect_result_of(page: Page, query: str, document: str) -> None:
    """Finished, every card of this pair and of no other."""
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator(STALE)).to_have_count(0)
    identity = page.locator("#identity [data-rl-identity]")
    expect(identity).to_have_attribute("data-query", query)
    expect(identity).to_have_attribute("data-document", document)
    expect(page.locator(".rl-pending")).to_have_count(0)
    for card in page.locator("#cards .rl-card").all():
        assert card.locator(".rl-text").all_inner_texts() == [query, document]


def top(page: Page, selector: str) -> float:
    """Where an element begins, in pixels below the top of the view."""
    box = page.locator(selector).first.bounding_box()
    assert box, selector
    return box["y"]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_first_screen_shows_a_result_before_any_click_and_the_score_after_one(
    page: Page, app_url: str, width: int, height: int
) -> None:
    page.emulate_media(reduced_motion="no-preference")  # it glides there
    ready(page, app_url, width, height)
    for selector in ("h1", "#examples", "#query", "#document", "#explain", "#score"):
        assert 0 <= top(page, selector) <= height - 40, selector
    assert page.evaluate(ABOVE_THE_FOLD)
    assert page.locator(".rl-card").count() == page.locator(".rl-card:not(.rl-pending)").count() > 0
    assert page.locator("#identity [data-rl-identity]").get_attribute("data-query") == EXAMPLES[0]["query"]
    assert page.evaluate(FITS)
    page.locator("#explain").focus()
    stops = 0
    while not page.evaluate("!!document.activeElement.closest('.rl-card')"):
        page.keyboard.press("Tab")
        stops += 1
        assert stops < 17
    expect(chip(page, 0)).to_have_attribute("aria-pressed", "true")
    chip(page, 0).focus()
    page.keyboard.press("ArrowRight")
    expect(chip(page, 1)).to_be_focused()
    page.evaluate(SHIFTS)
    page.keyboard.press("Enter")
    expect(page.locator("#rl-why")).to_have_text(EXAMPLES[1]["reason"])
    expect_result_of(page, EXAMPLES[1]["query"], EXAMPLES[1]["document"])
    shifts = page.evaluate("window.shifts")
    moved = sum(shift["value"] for shift in shifts if shift["late"] or width > 390)  # there the boxes grow at once
    assert moved < 0.1, shifts
    expect(chip(page, 1)).to_be_focused()
    expect(chip(page, 1)).to_have_attribute("aria-pressed", "true")
    expect(chip(page, 0)).to_have_attribute("aria-pressed", "false")
    assert 0 <= top(page, "#score") <= height - 100
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.evaluate("document.querySelector('#explain').click()")  # by whatever means
    expect(page.locator("#score")).to_be_in_viewport()


def test_what_is_of_another_pair_than_the_boxes_says_so_in_every_tab(page: Page, app_url: str) -> None:
    ready(page, app_url)
    query, document = boxes(page)
    bar = top(page, "#tabs button[role=tab]")
    page.locator("#query textarea").press("End")
    page.keyboard.type("?")
    expect(page.locator(STALE)).to_have_count(1)
    expect(page.get_by_text("This result is for another text").first).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.locator(STALE)).to_have_count(0)
    open_tab(page, "Learn")
    expect(page.locator("#lab-status")).to_contain_text("Done")
    expect(page.locator("#lab-identity [data-rl-identity]")).to_have_attribute("data-document", document)
    for hidden in ("#explain", "#settings", ".rl-again >> visible=true"):  # nothing of Explain's, and the row stays
        expect(page.locator(hidden)).to_be_hidden()
    assert top(page, "#tabs button[role=tab]") == pytest.approx(bar, abs=1)
    fill(page, query, "Berlin is large.")
    expect(page.locator(f"{STALE} #lab-rows")).to_be_visible()
    press(page, "Run the lab on the boxes")
    expect(page.locator("#lab-identity [data-rl-identity]")).to_have_attribute("data-document", "Berlin is large.")
    expect(page.locator(f"{STALE} #lab-rows")).to_have_count(0)
    expect(page.get_by_role("tab", name="Learn", exact=True)).to_be_focused()  # the button is out of sight
    chip(page, 1).click()  # an example runs in the tab that is open, and so does Enter
    expect(page.locator("#lab-identity [data-rl-identity]")).to_have_attribute("data-query", EXAMPLES[1]["query"])
    page.locator("#query textarea").fill(query)
    page.locator("#query textarea").press("Enter")
    expect(page.locator("#lab-identity [data-rl-identity]")).to_have_attribute("data-query", query)
    expect(page.locator("#lab-rows")).to_be_visible()


def test_what_another_model_made_says_whose_it_is_in_every_tab(page: Page, app_url: str) -> None:
    ready(page, app_url)
    model = page.locator("#model input")
    first = model.input_value()
    for place, name in {"Explain": "", "Compare": "compare-", "Probes": "probes-", "Learn": "lab-"}.items():
        open_tab(page, place)
        expect(page.locator(f"#{name}identity")).to_contain_text(f", {first}")
        model.filter(visible=True).click()
        page.get_by_role("option", name="slow", exact=True).click()
        says = page.get_by_text(f"Made by {first}, not by the model chosen now.")
        expect(says.filter(visible=True)).to_have_count(1)
        expect(page.get_by_text("This result is for another").filter(visible=True)).to_have_count(0)
        model.filter(visible=True).click()
        page.get_by_role("option", name=first, exact=True).click()
        expect(says.filter(visible=True)).to_have_count(0)


def test_keys_start_a_run_right_to_left_text_reads_so_what_is_past_the_limits_is_told_and_a_chosen_tab_stays(
    page: Page, app_url: str
) -> None:
    ready(page, app_url)
    for box, key in (("#query", "Enter"), ("#document", "Control+Enter"), ("#query", "Meta+Enter")):
        pair = ("من كتب هاملت", f"كتبها شكسبير. {key}")
        fill(page, *pair)
        page.locator(f"{box} textarea").press(key)
        expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-document", pair[1])
        expect(page.locator(f"{box} textarea")).to_be_focused()
        assert boxes(page) == pair  # the key typed nothing
    for area in page.locator("#query textarea, #document textarea").all():
        assert area.evaluate("box => getComputedStyle(box).direction") == "rtl"

    count = page.locator("#count")
    expect(count).to_contain_text("of 512 tokens")
    assert (
        page.evaluate("rerankLens.size('', 'a', 'Berlin is large. It has 3.7 million people!\\n\\nAnd 12 boroughs')[3]")
        == 3
    )
    fill(page, "what is unseen", "word " * 700)
    expect(count).to_contain_text("Over 512 tokens")
    fill(page, "a word of a vocabulary's letters", "x" * 5_000)
    expect(count).to_contain_text("About 13 of 512 tokens")
    fill(page, "too long", "x" * 30_000)
    expect(count).to_contain_text("30,000 characters; at most 20,000")
    press(page, "Explain")
    expect(page.get_by_text("Shorten it.").first).to_be_visible()
    assert boxes(page) == ("too long", "x" * 30_000)
    expect(page.locator("#stop")).to_be_hidden()

    page.locator("#model input").focus()  # its list opens, and is no stop of its own
    page.keyboard.press("Tab")
    expect(page.locator("#document textarea")).to_be_focused()
    # Keys go from tab to tab and open none; an answer that comes later throws nobody back from a tab.
    page.get_by_role("tab", name="Explain", exact=True).focus()
    for key, tab in (("ArrowRight", "Compare"), ("End", "Learn"), ("ArrowLeft", "Probes"), ("Home", "Explain")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=tab, exact=True)).to_be_focused()
        expect(page.get_by_role("tab", name="Explain", exact=True)).to_have_attribute("aria-selected", "true")
    fill(page, "who wrote Hamlet", "Shakespeare wrote Hamlet, a play.")
    page.evaluate("""() => {
      const tabs = [...document.querySelectorAll("#tabs button[role=tab]")];
      document.querySelector("#explain").click();
      tabs.find((tab) => tab.textContent.trim() === "Compare").click();
    }""")
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator("#compare-tab")).to_be_visible()
    expect(page.locator("#identity")).to_be_hidden()
    press(page, "Compare")
    row = page.locator("#compare-rows .rl-rank-text").first
    document = row.inner_text()
    row.click()  # a start from another tab opens Explain
    expect(page.locator("#identity [data-rl-identity]")).to_be_visible()
    expect_result_of(page, page.locator("#compare-query textarea").input_value(), document)
