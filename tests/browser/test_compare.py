"""The Compare tab: rank, contrast, what if, interaction, counterfactual; the latest list wins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from attribution import raise_above
from attribution.evidence.probes.wording import content_words
from attribution.rerankers.reranker import Reranker
from attribution.words import sentences_of, split_words
from tests.browser.looks import BUT_COLOURS, FITS, SIZES, expect_no_violation, open_tab, violations

ROOT = Path(__file__).parents[2]
LISTS = json.loads((ROOT / "examples" / "lists.json").read_text(encoding="utf-8"))
FIRST = LISTS[0]
HELD = """([text]) => rerankLens.link.decode(location.hash).then((state) => { window.held = JSON.stringify(state.v); })
  && window.held?.includes(text)"""
QUERY = "how many people live in Berlin"
PUT = "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }"
UNDER_ITS_ARROW = """() => [...document.querySelectorAll("input[role=combobox]")].filter((menu) => {
  const end = menu.getBoundingClientRect().right - parseFloat(getComputedStyle(menu).paddingRight);
  return menu.checkVisibility() && end > menu.parentElement.querySelector("svg").getBoundingClientRect().left;
}).map((menu) => menu.ariaLabel)"""
COMMON = "It is a city."
PASSAGES = (
    f"Berlin has about 3.7 million inhabitants. {COMMON} Cats sleep.",
    f"Paris is in France. {COMMON} Dogs jump. The museums of Berlin are old.",
)


def open_compare(page: Page, url: str) -> None:
    """The tab, with the first example compared."""
    page.goto(url)
    open_tab(page, "Compare")
    expect_done(page, FIRST["documents"])


def expect_done(page: Page, documents: list[str]) -> None:
    """These documents are ranked and coloured, and two of them contrasted."""
    expect(page.locator("#compare-rows .rl-rank-row")).to_have_count(len(documents))
    expect(page.locator("#compare-rows .rl-w").first).to_be_visible()
    expect(page.locator("#compare-result")).not_to_have_attribute("data-rl-stale", re.compile(""))
    assert sorted(texts(page)) == sorted(documents)
    expect(page.locator("#compare-why .rl-fall")).to_have_count(2)


def texts(page: Page) -> list[str]:
    return page.locator("#compare-rows .rl-rank-text").all_inner_texts()


def numbers(cells: Locator) -> list[float]:
    return [float(text.replace("\u2212", "-")) for text in cells.all_inner_texts()]


def outcome(page: Page) -> Locator:
    return page.locator("#compare-what-if .rl-outcome")


def chip(page: Page, i: int) -> Locator:
    return page.locator("#compare-lists .rl-chip").nth(i)


def test_a_list_is_ranked_contrasted_asked_what_if_and_its_words_met(
    page: Page, app_url: str, reranker: Reranker
) -> None:
    open_compare(page, app_url)
    logits, highest = numbers(page.locator("#compare-rows .rl-rank-logit")), texts(page)[0]
    assert logits == sorted(logits, reverse=True)
    for fall in page.locator("#compare-why .rl-fall").all():
        b, *steps, a = numbers(fall.locator("td:last-child"))
        assert (b, a) == (logits[1], logits[0])
        assert b + sum(steps) == pytest.approx(a, abs=0.01 * len(steps))  # each is rounded to 0.01
    ahead = re.match(r"A is ahead by ([\d.]+):", page.locator("#compare-why .rl-told").inner_text())
    assert ahead
    assert float(ahead[1]) == pytest.approx(logits[0] - logits[1], abs=0.011)  # of two that are rounded

    words = page.locator('.rl-panel[data-which="A"] .rl-part')
    words.first.hover()
    said = page.locator('.rl-panel[data-which="A"] .rl-readout bdi').element_handle()
    words.first.hover(position={"x": 3, "y": 3})
    assert said.evaluate("(said) => said.isConnected"), "a move inside a word is not read out again"
    words.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(outcome(page)).to_contain_text(f"without ‘{words.nth(1).inner_text()}’")
    expect(outcome(page)).to_contain_text("predicted")
    expect(page.locator("#compare-rows")).to_contain_text("What if: 1 change")
    expect(page.locator("#compare-why .rl-told")).to_contain_text("With the edit, A")
    page.keyboard.press("Enter")
    expect(outcome(page)).to_have_count(0)
    assert numbers(page.locator("#compare-rows .rl-rank-logit")) == logits

    page.locator("#compare-flip").click()
    expect(page.locator("#compare-what-if")).to_contain_text("puts A")
    expect(words.filter(has=page.locator("xpath=self::*[@aria-pressed='true']"))).not_to_have_count(0)
    ranks = page.locator("#compare-rows .rl-rank-row")
    order = [ranks.nth(i).get_attribute("class") or "" for i in range(5)]
    assert next(i for i, c in enumerate(order) if "rank-B" in c) < next(i for i, c in enumerate(order) if "rank-A" in c)

    page.get_by_role("button", name="Or edit the text").click()
    edited = page.get_by_label("Edited text")
    expect(edited).not_to_have_value(highest)  # A as it is now
    assert score_of(page, "A") == pytest.approx(reranker.score(FIRST["query"], [edited.input_value()])[0], abs=0.006)
    edited.fill("Nothing of the kind.")
    page.get_by_role("button", name="Score the edited text").click()
    expect(outcome(page)).to_contain_text("as edited")
    expect(page.locator("#compare-rows")).to_contain_text("What if: edited text")
    saved = json.loads(downloaded(page, "JSON"))
    assert [round(row["logit"], 2) for row in saved["ranking"]["rows"]] == pytest.approx(logits, abs=0.006)
    assert [one["text"] for one in saved["what_ifs"]] == [edited.input_value()]
    assert len(downloaded(page, "CSV").splitlines()) == 1 + len(logits)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#compare-copy-link").click()
    expect(page.locator("#compare-link-status")).to_have_text("The link is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url

    passes = page.locator("#compare-passes")
    expect(passes).to_contain_text("forward passes")
    expected = int(re.findall(r"\d+", passes.inner_text())[0])
    page.locator("#compare-meet-start").click()
    page.mouse.move(640, 450)  # a cell that comes up under the mouse is not where the keys begin
    expect(page.locator("#compare-meet tbody tr")).to_have_count(4)  # of its words those with content
    expect(page.locator("#compare-meet")).to_contain_text(f"{expected} forward and 0 backward passes")
    page.locator("#compare-meet .rl-link").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare-meet .rl-links .rl-readout")).to_contain_text("“people” with “")
    expect(page.locator("#compare-meet .rl-partner:is(.rl-raises, .rl-lowers)").first).to_be_visible()
    page.locator("#compare-meet .rl-in-box").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#compare-meet .rl-in-readout")).to_contain_text("“many”, ")
    expect_no_violation(page, "#compare-tab")

    row = page.locator("#compare-rows .rl-rank-row").nth(2)
    document = row.locator(".rl-rank-text").inner_text()
    row.locator(".rl-rank-text").click()
    expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-document", document)
    expect(page.locator("#cards")).to_be_visible()
    assert page.locator("#query textarea").input_value() == FIRST["query"]


def downloaded(page: Page, label: str) -> str:
    """What the list's button of this name saves."""
    with page.expect_download() as download:
        page.locator("#compare-downloads").get_by_role("button", name=label, exact=True).click()
    return download.value.path().read_text(encoding="utf-8-sig")


def score_of(page: Page, which: str) -> float:
    """Of A or B, on the list as it is."""
    return numbers(page.locator(f"#compare-rows .rl-rank-{which} .rl-rank-logit"))[0]


def test_passages_are_told_apart_by_sentences_and_changed_by_hand(page: Page, app_url: str, reranker: Reranker) -> None:
    open_compare(page, app_url)
    page.locator("#compare-query textarea").fill(QUERY)
    pasted = "text\n" + "\n".join(f'"{passage}"' for passage in PASSAGES)
    page.locator("#compare-documents textarea").fill(pasted)
    expect(page.locator("#compare-documents textarea")).to_have_value(pasted)
    page.locator("#compare-start").click()
    bars = page.locator("#compare-why .rl-passages > ol > li")
    expect(bars).to_have_count(2 + 1 + 5)  # the logits, what is in both, and what only one holds
    expect(page.locator("#compare-status")).to_contain_text("Done")
    b, *steps, a = numbers(bars.locator(".rl-step-value"))
    assert b + sum(steps) == pytest.approx(a, abs=0.01 * len(steps))
    line = page.locator("#compare-why .rl-told")
    expect(line).to_contain_text("1 sentence is in both documents")
    bar = bars.nth(1)
    bar.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(bar.locator(".rl-w").first).to_be_visible()
    expect(bars.filter(has_text="in both").locator("li")).to_have_text([COMMON])

    texts = [
        PASSAGES[int(page.locator(f"#compare-rows .rl-rank-{of}").get_attribute("data-place") or 0) - 1] for of in "AB"
    ]
    panel = page.locator('.rl-panel[data-which="A"]')
    parts, zooms = panel.locator(".rl-whole .rl-part"), panel.locator(".rl-zoom")
    expect(parts).to_have_count(len(sentences_of(texts[0])))
    expect(panel.locator('.rl-drop [tabindex="0"]')).to_have_count(1)
    parts.first.focus()
    page.keyboard.press("Space")
    expect(outcome(page)).to_contain_text(f"A without ‘{sentences_of(texts[0])[0].strip()}’")
    expect(outcome(page)).to_contain_text("predicted")
    expect(line).to_contain_text("With the edit, A")
    without = "".join(sentences_of(texts[0])[1:])
    assert score_of(page, "A") == pytest.approx(reranker.score(QUERY, [without])[0], abs=0.006)
    expect(parts.first).to_be_focused()
    page.keyboard.press("Escape")
    expect(outcome(page)).to_have_count(0)
    expect(line).to_contain_text("A is ahead")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(zooms.first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("XY")
    page.keyboard.press("Enter")
    word = split_words(texts[0])[0]
    put = "XY" + texts[0][word[1] :]
    expect(outcome(page)).to_contain_text(f"A with ‘XY’ for ‘{texts[0][slice(*word)]}’")
    assert score_of(page, "A") == pytest.approx(reranker.score(QUERY, [put])[0], abs=0.006)

    page.locator("#compare-raise").click()
    expect(page.locator("#compare-what-if .rl-told")).to_contain_text(re.compile("rises above A|lifts B above A"))
    found = raise_above(reranker, QUERY, texts[1], texts[0])
    assert score_of(page, "B") == pytest.approx(reranker.score(QUERY, [found.edited])[0], abs=0.006)
    page.locator("#compare-meet-start").click()
    expect(page.locator("#compare-meet thead th")).to_have_count(len(sentences_of(texts[0])))
    expect(page.locator("#compare-meet tbody tr")).to_have_count(len(content_words(QUERY)))
    expect_no_violation(page, "#compare-tab")
    page.locator("#compare-what-if summary").click()
    for width, height in SIZES:  # the phone last
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS)
    assert page.evaluate(UNDER_ITS_ARROW) == []
    assert page.locator("#compare-what-if").evaluate("(one) => one.scrollWidth <= one.clientWidth")  # its numbers too
    expect(page.locator("#compare-what-if")).to_have_css("overflow-y", "auto")  # nothing of it lies over the texts
    assert violations(page, "#compare-why", **BUT_COLOURS) == []
    parts.last.click()
    expect(outcome(page).first).to_contain_text("A without")


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
