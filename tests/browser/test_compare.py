"""The Compare tab: rank, contrast, what if, interaction, counterfactual."""

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
from tests.browser.looks import BUT_COLOURS, FITS, QUOTED, SIZES, expect_no_violation, open_tab, violations

ROOT = Path(__file__).parents[2]
LISTS = json.loads((ROOT / "examples" / "lists.json").read_text(encoding="utf-8"))
FIRST = LISTS[0]
QUERY = "how many people live in Berlin"
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
    assert page.evaluate(QUOTED, ["inhabitants", "Munich", "Berlin", "people"]) == []
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
