"""Files that are dropped on the page: text fills a box, and nothing else makes the browser leave the page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.looks import open_tab
from tests.browser.test_history import IN_THE_ADDRESS
from tests.browser.test_page import ready

LIST = "Köln liegt am Rhein.\r\nBerlin hat 3,7 Millionen Einwohner.\r\n"
DROP = """(target, [name, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
  const event = (type) => new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer });
  return [event("dragover"), event("drop")].map((one) => target.dispatchEvent(one)).includes(true);
}"""


def drop(page: Page, place: str, name: str, content: bytes | int) -> None:
    """`content`: or how many bytes there are."""
    left = page.locator(place).evaluate(DROP, [name, content if isinstance(content, int) else [*content]])
    assert not left, "the browser would open the file"


def test_a_dropped_text_fills_the_box_and_back_takes_it_back(page: Page, app_url: str) -> None:
    ready(page, app_url)
    document, mine = page.locator("#document textarea"), "My own words, which nobody has started."
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-be"):
        document.fill(mine)
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        drop(page, "#document label", "stadt.txt", f"{mark}{LIST}".encode(encoding))
        expect(document).to_have_value(LIST.replace("\r\n", "\n"))
    document.fill(mine)
    drop(page, "#document label", "cut.txt", "Stadt \U0001f3d9".encode("utf-16")[:-2])
    expect(document).to_have_value("Stadt \ufffd")
    assert page.evaluate(IN_THE_ADDRESS, document.input_value())
    page.go_back()
    expect(document).to_have_value(mine)


def test_a_dropped_list_is_ranked_and_what_is_no_text_or_too_long_is_said(page: Page, app_url: str) -> None:
    ready(page, app_url)
    drop(page, "#top", "elsewhere.txt", b"nothing")
    open_tab(page, "Compare")
    documents, told = page.locator("#compare-documents textarea"), page.locator("#compare-link-status")
    before = documents.input_value()
    for name, content, says in (
        ("list.xlsx", b"PK\x03\x04\x14\x00\x06\x00", "The file “list.xlsx” holds no text. Save it as text or CSV"),
        (
            "<b>log</b>.txt",
            500_001,
            "The file “<b>log</b>.txt” has 500,001 bytes; at most 500,000 are read here.",
        ),
    ):
        drop(page, "#compare-documents textarea", name, content)
        expect(told).to_contain_text(says)
        expect(documents).to_have_value(before)
    drop(page, "#compare-documents textarea", "list.csv", LIST.encode("cp1252"))
    expect(documents).not_to_have_value(before)
    page.locator("#compare-start").click()
    texts = page.locator("#compare-rows .rl-rank-text")
    expect(texts.filter(has_text="Berlin hat 3,7 Millionen Einwohner.")).to_have_count(1)
    expect(texts.filter(has_text="Köln liegt am Rhein.")).to_have_count(1)
