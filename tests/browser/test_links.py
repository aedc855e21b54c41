"""A link carries the page: to somebody else, over F5 and Back, and nothing hostile into it."""

from __future__ import annotations

import re
from contextlib import suppress

from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from tests.browser.conftest import new_page
from tests.browser.looks import open_settings, open_tab
from tests.browser.test_public import QUERY, TEXT, box, done, fill, hash_holding, ready

NOT_COPIED = "The browser did not let the page copy; the link is in the address bar."


HOSTILE = [
    "#p=",
    "#p=9.abc",
    "#p=1.!!!!",
    "#p=1.eJwBAAD__wAAAAE",
    "#p=1." + "A" * 500,
    "#p=1.q1YqU7IyNDA0rgUA",
    "#<img src=x onerror=alert(1)>",
]


def test_the_address_carries_the_page(page: Page, app_url: str) -> None:
    """Round trip, Back, a link opened anew by somebody else, the copy button says what it did, a link to an example."""
    ready(page, app_url)
    documents = [f"{i} {TEXT}" for i in range(20)]
    same = page.evaluate(
        "async (state) => window.rerankLens.link.decode(await window.rerankLens.link.encode(state))",
        {"v": [QUERY, documents, ["saliency"], 7], "t": 2},
    )
    assert same == {"v": [QUERY, documents, ["saliency"], 7], "t": 2}

    fill(page, TEXT)
    link = hash_holding(page, TEXT)
    done(page)
    box(page, "document").fill("Another text.")
    hash_holding(page, "Another text.")
    page.go_back()
    expect(box(page, "document")).to_have_value(TEXT)
    expect(page.locator("#status")).to_contain_text("kept from an earlier run")  # it ran by itself
    page.go_forward()
    expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-document", "Another text.")
    open_tab(page, "Compare")
    expect(page.locator("#compare-status")).to_contain_text("Done")
    page.locator("#compare-copy-link").click()  # A and B, which the run chose, are in the address by then
    expect(page.locator("#compare-link-status")).to_contain_text("link is")
    page.go_back()
    expect(page.get_by_role("tab", name="Explain", exact=True)).to_have_attribute("aria-selected", "true")
    page.go_forward()
    expect(page.locator("#compare-tab")).to_be_visible()

    page.goto("about:blank")
    ready(page, f"{app_url}/{link}")
    expect(box(page, "query")).to_have_value(QUERY)
    expect(box(page, "document")).to_have_value(TEXT)
    expect(page.locator("#link-status")).to_have_text("Filled from a link.")
    expect(page.locator("#status")).to_contain_text("kept from an earlier run")
    expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-document", TEXT)
    expect(page.locator(".rl-result").first).not_to_have_attribute("data-rl-stale", re.compile(""))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#copy-link").click()
    expect(page.locator("#link-status")).to_have_text("The link is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == f"{app_url}/{page.evaluate('location.hash')}"
    page.evaluate("() => void (navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')))")
    page.locator("#copy-link").click()
    expect(page.locator("#link-status")).to_have_text(NOT_COPIED)

    script = """async (hash) => {
      const { v } = await rerankLens.link.decode(hash);
      return rerankLens.link.encode({ v: v.slice(0, -6), t: 2 }); // without what came in later versions
    }"""
    lab = page.evaluate(script, link)
    page.goto("about:blank")
    page.goto(f"{app_url}/{lab}")  # an older link, of another tab, which alone runs
    expect(page.locator("#lab-status")).to_contain_text("Done")
    page.get_by_role("tab", name="Explain", exact=True).click()
    expect(page.locator(".rl-result").first).to_have_attribute("data-rl-stale", "")

    page.get_by_role("tab", name="Compare", exact=True).click()
    page.locator("#compare-documents textarea").fill("\n".join(f"{i} {'首' * 10_000}" for i in range(14)))
    page.locator("#compare-copy-link").click()
    expect(page.locator("#compare-link-status")).to_contain_text("too long for a link")
    assert "#" not in page.url
    page.locator("#compare-documents textarea").fill("one\ntwo")
    expect(page.locator("#compare-link-status")).to_have_text("")


NUMBERS = """(tab) => [...document.querySelectorAll(`#${tab}-tab :is([data-v], [data-n], .rl-probe-change,
  .rl-rank-logit, .rl-zoom, .rl-dropped, #compare-what-if .rl-outcome, #lab-rows td, #compare-meet-settings input)`)]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.textContent, one.dataset.v, one.value, one.checked].join(" "))"""


PLACES = {  # a tab or a page of Learn: the tab that it is in, and its status
    "Explain": ("explain", "#status"),
    "Probes": ("probes", "#probes-status"),
    "Learn": ("learn", "#lab-status"),
    "Inside the model": ("learn", "#inside-status"),
    "Compare": ("compare", "#compare-status"),
}


SENTENCES = f"{TEXT} Berlin is large. It has about 3.7 million inhabitants."
SECOND = "Compare with a second model"


COPIED = """async () => {
  let text = "";
  for (let tries = 0; tries < 300 && !text; tries++) {
    await new Promise((go) => setTimeout(go, 100));
    text = await navigator.clipboard.readText();
  }
  return text;
}"""


def shared(page: Page) -> str:
    """The link that the button of the open tab copies; of a link before it the page may still say that it is copied."""
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name="Copy link").filter(visible=True).click()
    link = str(page.evaluate(COPIED))
    expect(page.get_by_text("The link is copied.").filter(visible=True)).to_be_in_viewport()
    return link


def test_a_link_of_every_tab_shows_somebody_else_the_same_numbers(page: Page, app_url: str, browser: Browser) -> None:
    """Own text, settings, edits, an opened sentence, menus, a layer and head, A and B and a what-if.

    Explain by its link, the others typed into the address bar of the open page; Compare after F5 is in test_compare.
    """
    ready(page, app_url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fill(page, SENTENCES)
    open_settings(page)
    page.get_by_label("delete", exact=True).check()
    page.keyboard.press("Escape")
    done(page)
    expect(page.locator(".rl-sum-sentence")).to_have_css("font-weight", "700")
    page.locator(".rl-sentence-open").last.click()
    page.locator(".rl-zoom [data-w]", has_text="million").click()
    expect(page.locator("[data-n=edited]")).to_be_visible()
    page.get_by_role("button", name=SECOND).click()
    choose(page, page.get_by_label("Second model"), "slow")
    links, seen = {}, {}
    for place, (tab, status) in PLACES.items():
        open_tab(page, place)
        expect(page.locator(status)).to_contain_text("Done")
        if place == "Inside the model":
            pick_inside(page)
        if place == "Compare":
            page.locator("#compare-rows .rl-rank-row").last.get_by_role("button", name=re.compile("as A$")).click()
            expect(page.locator("#compare-why .rl-told")).to_contain_text("A is behind by")
            page.locator('.rl-panel[data-which="A"] .rl-drop button').first.click()
            expect(page.locator("#compare-what-if .rl-outcome")).to_contain_text("without")
            pick_meet(page.locator("#compare-meet-settings"))
        links[place], seen[place] = shared(page), page.evaluate(NUMBERS, tab)
        assert len(seen[place]) > 5
    other = new_page(browser)
    for place, (tab, _) in PLACES.items():
        other.goto(links[place])
        if place == "Inside the model":
            other.reload()
        expect_shown(other, tab, seen[place])
        expect(other.get_by_text("Filled from a link.").filter(visible=True)).to_be_visible()
    open_tab(other, "Explain")
    other.get_by_role("button", name=SECOND).click()
    expect(other.get_by_label("Second model")).to_have_value("slow")
    other.context.close()


def choose(page: Page, menu: Locator, option: str) -> None:
    """One of the menu's options."""
    menu.click()
    page.get_by_role("option", name=option, exact=True).click()


def pick_meet(settings: Locator) -> None:
    """How words would meet, all of it other than the page opens with."""
    settings.get_by_label("B", exact=True).check()
    settings.get_by_role("spinbutton").fill("5")
    choose(settings.page, settings.get_by_label("How"), "change of Layerwise relevance, for long texts")


def pick_inside(page: Page) -> None:
    """One layer, one of its heads, and another measure of the states."""
    attention = page.locator("#inside-attention tbody td").first
    for menu, name in (("Layer", "layer 1"), ("Head", "head 2")):
        before = attention.get_attribute("data-v") or ""
        page.get_by_label(menu, exact=True).select_option(name)
        expect(attention).not_to_have_attribute("data-v", before)
    page.get_by_label("gradient \u00d7 activation").check()
    expect(page.locator("#inside-states td.rl-in-lowers").first).to_be_visible()


def expect_shown(page: Page, tab: str, numbers: list[str]) -> None:
    """By itself the tab has come to these numbers."""
    same = f"(to) => JSON.stringify(({NUMBERS})(to[0])) === JSON.stringify(to[1])"
    with suppress(TimeoutError):
        page.wait_for_function(same, arg=[tab, numbers], timeout=60_000, polling=500)  # each look goes over the page
    assert page.evaluate(NUMBERS, tab) == numbers
    expect(page.locator(f"#{tab}-tab")).to_be_visible()
    expect(page.locator("[data-rl-stale]").filter(visible=True)).to_have_count(0)


def test_a_hostile_link_gives_the_page_as_it_opens(page: Page, app_url: str) -> None:
    """One by its link, the others typed into the address bar."""
    page.goto(f"{app_url}/{HOSTILE[0]}")
    expect(page.locator("#cards .rl-card").first).to_be_visible()
    told = page.locator("#link-status")
    expect(told).to_contain_text("The link could not be read")
    usual = "What the visitor has typed."
    box(page, "document").fill(usual)
    n = page.evaluate("async (hash) => (await rerankLens.link.decode(hash)).v.length", hash_holding(page, usual))
    assert page.evaluate("document.querySelectorAll('#document').length") == 1
    script = "(n) => window.rerankLens.link.encode({v: Array(n).fill({__proto__: null}), t: 'x'})"
    for fragment in [*HOSTILE[1:], page.evaluate(script, n - 1), page.evaluate(script, n)]:
        page.evaluate("rerankLens.say(document.querySelector('#link-status p'), '')")
        page.evaluate("hash => { location.hash = hash; }", fragment)
        expect(told).to_contain_text("link" if fragment.startswith("#p=") else "")
        expect(box(page, "document")).to_have_value(usual)
    expect(told).to_contain_text("except for what this page does not have: Model; Query; Document; ")
    begin, body = page.evaluate("(v) => rerankLens.link.encode({ v })", [None, None, "Sent."]).split("=")
    for mangled in (f"{begin}%3D{body}", f"{begin}%253d{body}", f"{begin}={body})", f"{begin}={body}&fbclid=1"):
        page.evaluate("hash => { location.hash = hash; }", mangled)
        expect(box(page, "document")).to_have_value("Sent.")
        page.evaluate("hash => { location.hash = hash; }", f"{begin}={body[:9]}")
        expect(told).to_contain_text("could not be read")
        box(page, "document").fill(usual)
        hash_holding(page, usual)


def test_what_a_link_asks_for_and_the_page_has_not_is_named_and_the_rest_stays(page: Page, app_url: str) -> None:
    """A model, a method, settings and a tab of elsewhere, a name; and a text that is too long, which F5 once lost."""
    ready(page, app_url)
    long = "word " * 5_000
    fill(page, long)
    values = page.evaluate("(hash) => rerankLens.link.decode(hash).then(({ v }) => v)", hash_holding(page, long))
    model, _, _, methods, *rest = values
    told, too_long = page.locator("#link-status"), page.locator("#status").get_by_text("has 25,000 characters")
    named = "Model “someone/else”; Gradient “new”; 1 of the settings of another version; the tab that it opens."
    page.reload()
    for state, says in (
        (None, "Filled from a link."),
        ({"v": ["someone/else", QUERY, long, [*methods, "new"], *rest, 1], "tab": 9}, f"{named} The model in the box"),
        ({"v": {"Document": long, "Weather": 1}, "t": 0}, "have: 1 of the settings of another version."),
    ):
        if state:
            page.evaluate("async (state) => { location.hash = await rerankLens.link.encode(state); }", state)
        expect(told).to_contain_text(says)
        expect(box(page, "document")).to_have_value(long)
        expect(too_long).to_be_visible()
    held = page.evaluate("(hash) => rerankLens.link.decode(hash).then(({ v }) => v)", hash_holding(page, long))
    assert [held[0], held[3]] == [model, methods]


HELD_UP = """async ([link, ours]) => {
  const Real = DecompressionStream;
  let go;
  const held = new Promise((now) => (go = now));
  window.DecompressionStream = class {
    constructor(format) {
      const { readable, writable } = new Real(format);
      const late = new TransformStream({ transform: (part, out) => held.then(() => out.enqueue(part)) });
      Object.assign(this, { writable, readable: readable.pipeThrough(late) });
    }
  };
  const changed = new Promise((now) => addEventListener("hashchange", now, { once: true }));
  location.hash = link;
  await changed;
  await rerankLens.link.copy("", ...ours);
  const address = location.hash;
  go();
  window.DecompressionStream = Real;
  return address;
}"""


def test_a_link_that_is_still_read_is_not_written_over(page: Page, app_url: str) -> None:
    """By what the page has yet to write of the texts before it: F5 would bring those back."""
    ready(page, app_url)
    fill(page, "ours")
    ours = page.evaluate("(hash) => rerankLens.link.decode(hash).then(({ v }) => v)", hash_holding(page, "ours"))
    theirs = page.evaluate(
        "(v) => rerankLens.link.encode({ v: v.map((one) => (one === 'ours' ? 'theirs' : one)), tab: 0 })", ours
    )
    assert page.evaluate(HELD_UP, [theirs, ours]) == theirs
    expect(box(page, "document")).to_have_value("theirs")
    page.reload()
    expect(box(page, "document")).to_have_value("theirs")
