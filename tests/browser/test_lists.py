"""The list of the Compare tab: the latest one wins, its two forms change into each other, and a link carries it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.test_compare import LISTS, expect_done, open_compare, outcome

HELD = """([text]) => rerankLens.link.decode(location.hash).then((state) => { window.held = JSON.stringify(state.v); })
  && window.held?.includes(text)"""
PUT = "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }"


def chip(page: Page, i: int) -> Locator:
    return page.locator("#compare-lists .rl-chip").nth(i)


def test_the_latest_list_wins_and_another_than_the_boxes_is_marked(page: Page, app_url: str) -> None:
    open_compare(page, app_url)
    for i in (2, 1, 3):
        chip(page, i).click()
    expect(page.locator("#compare-query textarea")).to_have_value(LISTS[3]["query"])
    expect(page.locator("#compare-rows .rl-rank-row")).to_have_count(len(LISTS[3]["documents"]))
    expect_done(page, LISTS[3]["documents"])
    expect(chip(page, 3)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#compare-lists .rl-why")).to_have_text(LISTS[3]["reason"])
    same = page.locator("#compare-rows .rl-rank-row", has_text=LISTS[3]["documents"][0])  # given twice
    assert [row.get_attribute("data-place") for row in same.all()] == ["1", "3"]
    both = "rows => ['A', 'B'].forEach((as, i) => rows[i].querySelector(`[data-as=${as}]`).click())"
    same.evaluate_all(both)  # B before the page has taken notice of A
    pressed = page.locator("#compare-rows [aria-pressed=true]")
    expect(pressed.nth(0)).to_have_accessible_name("Compare doc 1 as A")
    expect(pressed.nth(1)).to_have_accessible_name("Compare doc 3 as B")
    expect(page.locator("#compare-why .rl-told")).to_contain_text("A and B are level")
    page.locator("#compare-query textarea").fill("another query")
    expect(page.locator("#compare-result")).to_have_attribute("data-rl-stale", "")
    page.locator("#compare-query textarea").fill(LISTS[3]["query"])
    expect(page.locator("#compare-result")).not_to_have_attribute("data-rl-stale", re.compile(""))


def test_another_list_has_no_a_and_b_yet(page: Page, app_url: str) -> None:
    open_compare(page, app_url)
    picked, rows = page.locator("#compare-picked textarea"), page.locator("#compare-rows .rl-rank-row")
    expect(picked).to_have_value(re.compile(r"^\["))
    before = picked.input_value()
    others = [rows.nth(i).locator(".rl-rank-text").inner_text() for i in (2, 3, 0, 1)]
    page.locator("#compare-documents textarea").fill("\n".join(others))  # as a paste: all at once, and first of all
    expect(picked).to_have_value("")
    picked.evaluate(PUT, before)  # as by a run that ends after the paste
    page.locator("#compare-start").click()
    expect_done(page, others)
    for i, which in enumerate("AB"):
        expect(rows.nth(i)).to_have_class(re.compile(f"rl-rank-{which}"))
    page.get_by_label("one box each").check()
    expect(picked).to_have_value(re.compile(r"^\["))  # the same list
    page.get_by_role("button", name="Remove 1", exact=True).click()
    expect(picked).to_have_value("")


def test_boxes_and_lists_change_into_each_other_and_a_link_carries_them(page: Page, app_url: str) -> None:
    open_compare(page, app_url)
    pasted, problem = page.locator("#compare-documents textarea"), page.locator("#compare-problem")
    as_list, as_boxes = page.get_by_label("one list"), page.get_by_label("one box each")
    bad = '{"text": "secret"}\nsecret plain'
    pasted.fill("A secret.\nAnother.\n\nA third.\n\nA fourth.")  # a column with empty cells, or paragraphs
    page.locator("#compare-start").click()
    expect(problem).to_contain_text("Blank lines part the list into 3 documents")
    pasted.fill(bad)
    page.locator("#compare-start").click()
    expect(page.locator("#compare-status")).to_contain_text("Line 2 is not a JSON object")
    expect(problem).to_have_text("")
    as_boxes.click()
    expect(problem).to_contain_text("Line 2 is not a JSON object")
    expect(as_list).to_be_checked()
    expect(pasted).to_have_value(bad)
    pasted.fill('{"text": "<b>first</b> secret", "id": "x1"}\n{"document": "second secret"}')
    as_boxes.check()
    expect(page.get_by_label("Document 1", exact=True)).to_have_value("<b>first</b> secret")
    expect(problem).to_have_text("")
    as_list.check()
    expect(pasted).to_have_value('{"text": "<b>first</b> secret", "id": "x1"}\n{"document": "second secret"}')
    as_boxes.check()
    page.locator("#compare-add").click()
    page.get_by_label("Document 3", exact=True).fill("third secret")
    page.get_by_role("button", name="Remove 2", exact=True).click()
    expect(page.get_by_label("Document 2", exact=True)).to_have_value("third secret")
    expect(page.get_by_label("Document 3", exact=True)).to_be_hidden()
    as_list.check()
    expect(pasted).to_have_value('{"id": "x1", "text": "<b>first</b> secret"}\n{"text": "third secret"}')
    page.evaluate("document.querySelectorAll('#compare-mode input')[1].click()")
    page.evaluate("document.querySelector('#compare-start').click()")  # before the boxes are filled
    expect(page.locator("#compare-boxes")).to_be_visible()
    expect_done(page, ["<b>first</b> secret", "third secret"])
    expect(page.locator("#compare-rows")).to_contain_text("x1")
    for form, holds in ((as_list, "#compare-documents"), (as_boxes, "#compare-boxes")):  # the same list
        form.check()
        expect(page.locator(holds)).to_be_visible()
        expect(page.locator("#compare-result")).not_to_have_attribute("data-rl-stale", re.compile(""))
    assert page.locator("#compare-result b", has_text="first").count() == 0
    lower = page.locator("#compare-rows .rl-rank-row").last
    place = lower.get_attribute("data-place")
    lower.get_by_role("button", name=re.compile("as A$")).click()
    chosen = page.locator("#compare-rows .rl-rank-A")
    expect(chosen).to_have_attribute("data-place", place or "")
    expect(page.locator("#compare-status")).to_contain_text("Done")
    expect(page.locator("#compare-why .rl-told")).to_contain_text(re.compile("A is behind by|A and B are level"))
    page.locator('.rl-panel[data-which="A"] .rl-drop button').first.click()
    expect(outcome(page)).to_contain_text("without")
    shown = [page.locator(f"#compare-{part}").inner_text() for part in ("why", "what-if")]
    page.wait_for_function(HELD, arg=["[[0, "])
    page.reload()
    expect(page.get_by_label("Document 2", exact=True)).to_have_value("third secret")
    expect(page.get_by_label("Document 3", exact=True)).to_be_hidden()
    expect(as_boxes).to_be_checked()
    expect_done(page, ["<b>first</b> secret", "third secret"])  # by itself
    expect(chosen).to_have_attribute("data-place", place or "")
    expect(outcome(page)).to_contain_text("without")
    assert [page.locator(f"#compare-{part}").inner_text() for part in ("why", "what-if")] == shown
    page.locator("#compare-start").click()  # of the list alone
    expect(outcome(page)).to_have_count(0)
