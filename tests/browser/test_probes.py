"""Tab "Probes" in a real browser: runs by itself, shows the engine's numbers, carries an edited text to Explain."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from attribution import probe
from attribution.evidence.probes.table import PROBES
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker

QUERY = "which grains contain gluten"
DOCUMENT = "Rice and maize do not contain gluten, and neither does buckwheat in spite of its name."


def open_probes(page: Page) -> None:
    page.get_by_role("tab", name="Probes").click()
    expect(page.locator("#probes-status")).to_contain_text("Done")


def test_probes_run_by_themselves_and_a_click_explains_the_edited_text(
    page: Page, app_url: str, reranker: Reranker
) -> None:
    page.goto(app_url)
    page.locator("#query textarea").fill(QUERY)
    page.locator("#document textarea").fill(DOCUMENT)
    page.locator("#query textarea").blur()
    open_probes(page)
    results = probe(reranker, QUERY, DOCUMENT)
    rows = page.locator("#probes [data-probe]")
    expect(rows).to_have_count(len(PROBES))
    borders = rows.locator("th").evaluate_all("cells => cells.map((cell) => getComputedStyle(cell).borderTopWidth)")
    assert borders == ["1px"] * len(PROBES)
    for result in results:
        row = page.locator(f'#probes [data-probe="{result.probe}"]')
        expect(row).to_have_attribute("data-verdict", result.verdict)
        shown = [float(text.replace("\u2212", "-")) for text in row.locator(".rl-probe-change").all_text_contents()]
        assert all(abs(a - b.change) < 0.02 for a, b in zip(shown, result.variants, strict=True))
    negation = next(result for result in results if result.probe == "negation").variants[0]
    row = page.locator('#probes [data-probe="negation"] + tr')
    row.locator("summary").press("Enter")
    expect(row.locator("del").first).to_contain_text("not")
    row.get_by_role("button", name="Explain this document").press("Enter")
    expect(page.locator("#document textarea")).to_have_value(negation.document)
    expect(page.get_by_role("tab", name="Explain")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#score .rl-logit")).to_have_text(re.compile(re.escape(logit(negation.logit))[:6]))
    page.get_by_role("tab", name="Probes").click()  # of the new pair, by itself
    expect(page.locator("#probes-identity [data-rl-identity]")).to_have_attribute("data-document", negation.document)
