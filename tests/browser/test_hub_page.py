"""The app pointed at a Hub of our own: it downloads, explains, and outlives everything that can go wrong there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import FloatRect, Locator, Page, Request, expect

from attribution.methods.defaults import default_methods
from tests.browser.conftest import App
from tests.browser.test_api import post
from tests.rerankers.test_hub import SAYS

OPENS_ON = "two-layers"
STALLED = "silent-file"  # takes a while to be given up
# What can go wrong: before any file, no answer, a wrong file, a bad one. The others come over HTTP.
FAULTS = ("gated", "silent", "short", "evil")


def choose(page: Page, label: str) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name=label, exact=True).click()


def status(page: Page) -> Locator:
    return page.locator("#status")


def test_downloads_explains_and_survives(page: Page, app: App) -> None:
    page.goto(app.url)  # as soon as the server listens: the first example comes by itself
    model, document = page.locator("#model input"), page.locator("#document textarea")
    expect(model).to_have_value(OPENS_ON)
    expect(page.locator("#cards .rl-strongest")).to_have_count(len(default_methods()))
    expect(page.locator(".rl-pending")).to_have_count(0)
    model.fill("slow")
    model.press("Enter")
    expect(page.get_by_text("Downloading slow:").first).to_be_visible()
    expect(status(page)).to_contain_text("slow is ready.")
    expect(page.locator("#count")).to_contain_text("128")  # the tokens it reads
    document.fill("berlin has about 3.7 million inhabitants . <kept>")
    claim = page.evaluate("window.gradio_config.dependencies.find((one) => one.api_name === 'claim_model').id")
    claims = list[Request]()

    def hear(request: Request) -> None:
        if (request.post_data_json or {}).get("fn_index") == claim:
            claims.append(request)

    page.on("request", hear)
    for name in FAULTS:
        choose(page, name)
        expect(status(page)).to_contain_text(SAYS[name])
        expect(model).to_have_value("slow")
    page.remove_listener("request", hear)
    assert len(claims) == len(FAULTS), "each choice is asked for once"
    expect(document).to_have_value("berlin has about 3.7 million inhabitants . <kept>")
    page.locator("#explain").click()
    expect(page.locator("#identity")).to_contain_text("slow")
    expect(status(page)).to_contain_text("Done")

    choose(page, STALLED)
    page.get_by_role("tab", name="Probes").click()
    expect(page.locator("#probes-status")).to_contain_text("Asking the Hub for silent-file, or waiting")
    page.locator("#stop").click()  # also what waits on another tab
    expect(model).to_have_value("slow")
    expect(page.locator("#stop")).to_be_hidden()


def test_every_fault_is_a_sentence_over_http_too(app: App) -> None:
    """Four at a time; the app goes on."""

    def said(name: str) -> str:
        event, answer = post(app.url, "explain", ["berlin", "museums", "saliency", f"someone/{name}"])
        assert event == "error"
        return str(answer["error"])

    with ThreadPoolExecutor(4) as pool:
        for name, answer in zip(SAYS, pool.map(said, SAYS), strict=True):
            assert SAYS[name] in answer


def test_two_models_side_by_side(page: Page, app: App) -> None:
    """A download that was cut, then the same pair under both: a row a method, its cards aligned, ranks below."""
    page.goto(app.url)
    page.get_by_role("button", name="Compare with a second model").click()
    second = page.get_by_label("Second model")
    second.click()
    page.get_by_role("option", name="cut", exact=True).click()
    page.get_by_role("button", name="Explain under both").click()
    expect(page.locator(".rl-two")).to_have_count(4)
    told = page.locator("#two-models [role=status]")
    expect(told).to_contain_text("Done")
    for row in page.locator(".rl-two").all():
        cards = row.locator(".rl-card")
        expect(cards).to_have_count(2)
        boxes = [card.bounding_box() or FloatRect(x=0, y=0, width=0, height=0) for card in cards.all()]
        assert boxes[0]["y"] == boxes[1]["y"], "side by side"
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    page.get_by_text("Ranks of words").first.click()
