"""The Explain tab, as a visitor uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from attribution import METHODS
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker
from tests.browser.looks import open_settings

EXAMPLES = json.loads((Path(__file__).parents[2] / "examples" / "pairs.json").read_text(encoding="utf-8"))
DONE = ".rl-card:not(.rl-pending)"


def ask(page: Page, query: str, document: str) -> None:
    page.locator("#query textarea").fill(query)
    page.locator("#document textarea").fill(document)
    page.get_by_role("button", name="Explain", exact=True).click()


def explain(page: Page, query: str, document: str) -> None:
    ask(page, query, document)
    expect(page.locator(".rl-result[data-rl-stale]")).to_have_count(0)  # nothing of another pair is left


SAYS_STOPPED = """() => getComputedStyle(document.querySelector(".rl-large"), "::before").content
    === '"Stopped before it was measured"'"""


def choose(page: Page, i: int) -> None:
    page.get_by_role("button", name=EXAMPLES[i]["label"], exact=True).click()


def method(page: Page, label: str) -> Locator:
    """A method's box, in the list that opens beside Explain."""
    box = page.get_by_role("checkbox", name=re.compile(rf"^{re.escape(label)}( \([\d,]+ passes.*)?$"))  # with its cost
    if not box.is_visible():
        open_settings(page)
    return box


def set_number(page: Page, name: str, value: str) -> None:
    """Type into the slider's box."""
    number, slider = page.get_by_label(f"number input for {name}"), page.get_by_label(f"range slider for {name}")
    if not number.is_visible():
        open_settings(page)
    number.fill(value)
    number.press("Tab")
    expect(slider).to_have_value(value)


def test_a_click_shows_four_cards_whose_words_read_out_each_number_and_stop_keeps_what_was_ready(
    page: Page, app_url: str, reranker: Reranker
) -> None:
    page.goto(app_url)
    choose(page, 1)
    expect(page.locator("#query textarea")).to_have_value(EXAMPLES[1]["query"])
    expect(page.locator(".rl-result[data-rl-stale]")).to_have_count(0)
    expect(page.locator(DONE)).to_have_count(4)
    for card in page.locator(DONE).all():
        assert card.locator("[style*='--a']").count() > 3
        texts = card.locator(".rl-text").all_inner_texts()
        assert texts == [EXAMPLES[1]["query"], EXAMPLES[1]["document"]]
    (expected,) = reranker.score(EXAMPLES[1]["query"], [EXAMPLES[1]["document"]])
    expect(page.locator(".rl-logit")).to_have_text(logit(expected))
    expect(page.locator("#status")).to_contain_text("Done")  # no card is drawn again from here on
    page.locator(DONE).first.locator("[data-side=document] .rl-w").nth(2).hover()
    expect(page.locator(".rl-same")).to_have_count(4)
    readouts = page.locator(".rl-readout").all_inner_texts()
    word = page.locator(".rl-same").first.inner_text()
    assert all(f"“{word}”" in text for text in readouts)
    assert len(set(readouts)) == 4

    ask(page, "when was the tower completed", "word " * 480)
    asked = page.get_by_role("button", name="Start anyway")
    expect(page.locator("#stop:visible").or_(asked).first).to_be_visible()
    if page.locator("#stop").is_hidden():  # a busy machine asks before it starts
        page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.locator(".rl-result[data-rl-stale]")).to_have_count(0)
    expect(page.locator(DONE).first).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#status")).to_have_text("Stopped. What was ready is kept.", use_inner_text=True)
    assert page.locator(".rl-pending").count() > 0
    expect(page.locator(".rl-sum").last).to_have_text(
        "Which method to believe is not known until all of them are measured."
    )
    page.wait_for_function(SAYS_STOPPED)  # an older word on its way may stand in the line for a moment
    ready = page.locator(DONE).count()
    explain(page, EXAMPLES[1]["query"], EXAMPLES[1]["document"])
    expect(page.locator(DONE)).to_have_count(4)
    assert ready < 4


def test_the_marked_word_and_what_is_typed_outlive_results_settings_reach_the_method_and_long_text_is_greyed(
    page: Page, app_url: str
) -> None:
    page.goto(app_url)
    method(page, "Occlusion").check()
    explain(page, "first second third", "one two three " * 70)
    expect(page.locator(DONE).first).to_be_visible()
    page.locator(".rl-text").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".rl-same").first).to_have_text("second")
    assert page.locator(DONE).count() < 5
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator(".rl-same")).to_have_text(["second"] * 5)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".rl-same")).to_have_text(["third"] * 5)

    ask(page, "   ", "This text must stay.")
    expect(page.get_by_text("The query is empty").first).to_be_visible()
    expect(page.locator("#document textarea")).to_have_value("This text must stay.")
    method(page, "Integrated gradients, computed by Captum").check()
    set_number(page, "n_steps", "9")
    explain(page, "which words matter", "These words matter most.")
    card = page.locator('[data-method="integrated_gradients_captum"]')
    expect(card.locator(".rl-measured")).to_contain_text("9 gradient evaluations")

    expect(page.locator("#stop")).to_be_hidden()
    method(page, "Occlusion").uncheck()
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(len(METHODS))  # `all` does not wait
    for box in boxes.all():
        box.set_checked(False)
    method(page, "Saliency, L1").check()
    document = "word " * 520 + "theend"
    explain(page, "what is unseen", document)
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.get_by_text("The greyed rest was never seen")).to_be_visible()
    expect(page.locator(".rl-unseen").last).to_have_text("theend")
    assert page.locator(DONE).locator(".rl-text").nth(1).inner_text() == document
    query = "a b c d " * 130 + "theend"
    explain(page, query, "short")
    expect(page.locator("[data-side=query] .rl-unseen").last).to_have_text("theend")
    assert page.locator(DONE).locator(".rl-text").all_inner_texts() == [query, "short"]
