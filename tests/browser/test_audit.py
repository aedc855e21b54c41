"""An audit's report in Chromium: axe in both themes, hostile text, the filter, print and phone, links into Compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from attribution.audit.audit import Audit, audit
from attribution.audit.causes import CAUSES
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.views.audit import report_html
from attribution.views.page import compare_link
from tests.audit.toys import count_query_words, toy
from tests.browser.looks import BUT_COLOURS, contrast, violations

HOSTILE = "<script>alert(1)</script> \u202eשלום\u202c \x00 </style><b>"


@pytest.fixture(scope="module")
def found() -> Audit:
    """Three failures: one by a repeated word, one of several sentences, one of hostile text; and an open question."""
    texts = {
        "bait": (("topica topica w1", 0), ("topica w2", 1), ("w3", 0), ("topica topica topica", None)),
        "long": (("topica w1 . topica w2 . w3 .", 0), ("w4 . topica w5 . w6 .", 1), ("w7 .", 0), ("w8 .", None)),
        "hostile": ((f"topica topica {HOSTILE}", 0), (f"{HOSTILE} topica", 1), ("w3", 0), ("w9", None)),
    }
    judged = [
        JudgedQuery(
            name,
            f"topica {HOSTILE if name == 'hostile' else name}",
            tuple(Candidate(f"d{i}{HOSTILE if name == 'hostile' else ''}", *one) for i, one in enumerate(rows)),
            {},
        )
        for name, rows in texts.items()
    ]
    return audit(toy(count_query_words), judged)


def open_report(page: Page, found: Audit, folder: Path, link: str | None = None) -> None:
    path = folder / "report.html"
    path.write_text(report_html(found, CAUSES, link=link), encoding="utf-8")
    page.goto(path.as_uri())


def test_axe_finds_nothing_and_hostile_text_stays_text(page: Page, found: Audit, tmp_path: Path) -> None:
    open_report(page, found, tmp_path)
    assert violations(page, **BUT_COLOURS) == []
    for dark in (True, False):
        page.emulate_media(color_scheme="dark" if dark else "light")
        assert contrast(page) == []
    assert page.locator("script").count() == 0
    card = page.locator(".rl-failure").filter(has_text="alert(1)").first
    expect(card).to_contain_text("<script>alert(1)</script>")
    expect(card).to_contain_text("</style><b>")
    expect(page.locator("#unjudged + p + ul li")).to_have_count(1)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_failures_are_filtered_by_cause_with_the_keyboard(page: Page, found: Audit, tmp_path: Path) -> None:
    open_report(page, found, tmp_path)
    cards = page.locator(".rl-failure")
    expect(cards.filter(visible=True)).to_have_count(len(found.failures))
    counted = {key: sum(key in failure.reading.causes for failure in found.failures) for key in CAUSES}
    key = next(key for key, n in counted.items() if 0 < n < len(found.failures))
    page.get_by_role("radio", name="all").focus()
    while not page.get_by_role("radio", name=CAUSES[key].label).is_checked():
        page.keyboard.press("ArrowRight")
    expect(cards.filter(visible=True)).to_have_count(counted[key])


def test_what_is_printed_has_every_failure(page: Page, found: Audit, tmp_path: Path) -> None:
    open_report(page, found, tmp_path)
    page.emulate_media(media="print")
    expect(page.locator(".rl-failure").filter(visible=True)).to_have_count(len(found.failures))
    expect(page.locator(".rl-filter")).to_be_hidden()
    page.emulate_media(media="screen")


def test_a_link_opens_the_very_pair_in_compare(page: Page, found: Audit, tmp_path: Path, app_url: str) -> None:
    open_report(page, found, tmp_path, link=app_url)
    case = next(f.inversion.case for f in found.failures if f.inversion.id == "long")
    href = page.locator(".rl-failure").filter(has_text="topica long").get_by_role("link").get_attribute("href")
    assert href == compare_link(app_url, case.query, [case.wrong.text, case.right.text], found.model_id)
    page.goto(href)
    expect(page.get_by_role("tab", name="Compare", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#compare-query textarea")).to_have_value(case.query)
    written = page.locator("#compare-documents textarea").input_value()
    assert [json.loads(line)["text"] for line in written.splitlines()] == [case.wrong.text, case.right.text]
