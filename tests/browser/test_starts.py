"""Starts that follow each other: the latest wins, in any order of clicks, and no late answer undoes what it shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from interface.runs.limits import BUDGETS
from tests.browser.conftest import new_page
from tests.browser.looks import open_settings, open_tab
from tests.browser.test_page import EXAMPLES, chip, expect_result_of, fill, press, ready

LONG = "the tower was completed in a spring long ago and " * 30
MIDDLING = LONG[: len(LONG) // 3]  # still seconds, of which a visitor sees the beginning


PASSES_BESIDE_WORDS = """() => {
  const line = document.querySelector("#compare-status");
  const [passes, words] = [".progress-text", ".rl-status"].map((one) => line.querySelector(one));
  if (!passes?.textContent.includes("passes") || !words.textContent.includes("A is above B")) return false;
  const seen = (one) => {
    const box = one.getBoundingClientRect();
    one.style.pointerEvents = "auto";
    return one.contains(document.elementFromPoint(box.right - 10, box.top + box.height / 2));
  };
  return seen(passes) && getComputedStyle(words).opacity === "1";
}"""


OFFERS = """() => {
  const offered = document.querySelector("#offered");
  window.offers = [];
  const look = () => window.offers.push(offered.textContent.trim());
  new MutationObserver(look).observe(offered, { childList: true, characterData: true, subtree: true });
}"""


def choose_shapley(page: Page) -> None:
    """With the most orders: on a long text it takes long on a quick machine too, so that the page asks first."""
    open_settings(page)
    page.get_by_role("checkbox", name=re.compile("^Shapley values")).check()
    page.get_by_role("spinbutton", name=re.compile("n_samples")).fill(str(BUDGETS["n_samples"][1]))
    page.keyboard.press("Escape")


def explain_long(page: Page) -> None:
    """Explain on a long text, which a busy machine asks about first."""
    press(page, "Explain")
    asked = page.get_by_role("button", name="Start anyway")
    expect(page.locator("#stop:visible").or_(asked).first).to_be_visible()
    if asked.is_visible():
        asked.click()
    expect(page.locator("#stop")).to_be_visible()


def test_the_latest_start_wins_in_any_order_of_clicks(page: Page, app_url: str) -> None:
    ready(page, app_url)
    fill(page, "when was the tower completed", MIDDLING)
    explain_long(page)
    assert page.evaluate("document.getAnimations().length") == 0, "who asks for no motion sees none"
    chip(page, 1).click()  # 1: a long run, then an example
    expect_result_of(page, EXAMPLES[1]["query"], EXAMPLES[1]["document"])
    for i in (2, 6, 3, 7, 11):  # 2: five examples at once
        chip(page, i).click()
    expect(page.locator("#query textarea")).to_have_value(EXAMPLES[11]["query"])
    expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-query", EXAMPLES[11]["query"])
    expect(page.locator("#stop")).to_be_hidden()
    expect_result_of(page, EXAMPLES[11]["query"], EXAMPLES[11]["document"])
    choose_shapley(page)
    fill(page, "when was the tower completed", LONG)
    explain_long(page)  # 3: a start that is refused while another runs, then Explain, Stop, Explain, all at once
    expect(page.locator("#status")).to_contain_text("Shapley values")
    page.locator("#document textarea").fill("")
    press(page, "Explain")
    refused = page.locator("#status .rl-refused")
    expect(refused).to_contain_text("empty")
    expect(refused).to_have_css("opacity", "1")
    expect(page.locator("#status").get_by_test_id("status-tracker")).to_be_hidden()  # of the run that goes on
    press(page, "Stop")
    expect(page.locator("#explain")).to_be_focused()
    fill(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    press(page, "Explain")
    expect_result_of(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    expect(page.locator("#stop")).to_be_hidden()


def test_an_answer_that_comes_late_does_not_take_stop_from_what_runs_now(page: Page, app_url: str) -> None:
    """Held back until the next run is at work: what the page is told once the run before it is over."""
    ready(page, app_url)
    told = page.evaluate("gradio_config.dependencies.filter((it) => /^again/.test(it.api_name)).map((it) => it.id)")
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if (route.request.post_data_json or {}).get("fn_index") in told:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/gradio_api/run/predict*", hold)
    chip(page, 1).click()
    expect_result_of(page, EXAMPLES[1]["query"], EXAMPLES[1]["document"])
    choose_shapley(page)
    fill(page, "when was the tower completed", LONG)
    press(page, "Explain")
    page.get_by_role("button", name="Start anyway").click()
    expect(page.locator("#status")).to_contain_text("of 5 methods")
    assert held
    page.evaluate(OFFERS)
    for route, answer in held:
        route.fulfill(response=answer)
    # The late answer has been read; the run's own ones may have come over it at once.
    page.wait_for_function("(late) => window.offers.includes(late)", arg=held[-1][1].json()["data"][-1].strip())
    assert page.locator("#stop").is_visible()
    press(page, "Stop")
    expect(page.locator("#stop")).to_be_hidden()


def test_what_was_started_runs_though_the_boxes_are_emptied_meanwhile(page: Page, app_url: str) -> None:
    """Held back until they are: the answer to the click, after which the run goes into the queue."""
    ready(page, app_url)
    claims = page.evaluate(
        "gradio_config.dependencies.filter((it) => it.api_name === 'claim_explain').map((it) => it.id)"
    )
    pair = ("who wrote Hamlet", "Shakespeare wrote Hamlet for the stage.")

    def empty(route: Route) -> None:
        answer = route.fetch()
        if (route.request.post_data_json or {}).get("fn_index") in claims:
            fill(page, "", "")
        route.fulfill(response=answer)

    fill(page, *pair)
    page.route("**/gradio_api/run/predict*", empty)
    press(page, "Explain")
    identity = page.locator("#identity [data-rl-identity]")
    expect(identity).to_have_attribute("data-document", pair[1])
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator("#stop")).to_be_hidden()


def test_a_run_that_fails_leaves_no_stop_behind(page: Page, app_url: str) -> None:
    ready(page, app_url)
    open_tab(page, "Compare")
    status, stop = page.locator("#compare-status"), page.locator("#compare-stop")
    expect(status).to_contain_text("Done")
    page.locator("#compare-documents textarea").fill("Hamlet is a play.\nHamlet is a play.")
    press(page, "Compare")
    expect(page.locator("#compare-why .rl-told")).to_contain_text("A and B are level")
    expect(stop).to_be_hidden()
    stop.evaluate("(stop) => { stop.style.visibility = 'visible'; stop.focus(); }")  # as long as something runs
    stop.evaluate("(stop) => stop.style.removeProperty('visibility')")
    page.locator("#compare-query textarea").evaluate("(box) => box.classList.toggle('drawn')")
    expect(page.locator("#compare-start")).to_be_focused()
    for button in ("#compare-flip", "#compare-raise"):
        expect(stop).to_be_hidden()
        page.locator(button).click()
        expect(status).to_contain_text("Both documents score")
        expect(stop).to_be_hidden()


def test_a_run_whose_passes_nobody_knows_beforehand_says_what_it_does_and_how_many_it_has_made(
    page: Page, app_url: str
) -> None:
    ready(page, app_url)
    open_tab(page, "Compare")
    line = page.locator("#compare-status")
    expect(line).to_contain_text("Done")
    passages = [" ".join(f"{name} {i} has a tower in the park ." for i in range(40)) for name in ("Berlin", "Paris")]
    page.locator("#compare-documents textarea").fill("\n".join(passages))
    press(page, "Compare")
    page.wait_for_function(PASSES_BESIDE_WORDS)  # at once: a quick machine is done in two seconds
    page.locator("#compare-stop").click()
    expect(line).to_contain_text("Stopped")
    expect(line.get_by_test_id("status-tracker")).to_be_hidden()
    expect(line.locator(".rl-status")).to_have_css("opacity", "1")


# A slow page reads the answer to a start before the words that close its stream, which were sent earlier.
SLOW_TO_CLOSE = """
const fetched = window.fetch;
let close_now;
const closes = new Promise((go) => (close_now = go));
window.fetch = async (request, options) => {
  const answer = await fetched(request, options);
  if (window.late && answer.url.includes("/queue/join")) answer.clone().text().then(() => setTimeout(close_now));
  if (!answer.url.includes("/queue/data")) return answer;
  const hold = new TransformStream({
    async transform(text, out) {
      const at = text.indexOf('data: {"msg":"close_stream"');
      out.enqueue(at < 0 ? text : text.slice(0, at));
      if (at < 0) return;
      await closes;
      out.enqueue(text.slice(at));
    },
  });
  const slow = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(hold).pipeThrough(new TextEncoderStream());
  return new Response(slow, { headers: answer.headers });
};
"""


def test_a_start_whose_stream_is_just_being_closed_gets_its_answer(browser: Browser, app_url: str) -> None:
    page = new_page(browser)
    page.add_init_script(SLOW_TO_CLOSE)
    ready(page, app_url)
    fill(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    press(page, "Explain")
    expect_result_of(page, "who wrote Hamlet", "Shakespeare wrote Hamlet.")
    page.evaluate("window.late = true")
    chip(page, 1).click()
    expect_result_of(page, EXAMPLES[1]["query"], EXAMPLES[1]["document"])
    page.context.close()


# Of two clicks the first takes longer on its way, until the other is answered or a second has passed.
FIRST_IS_SLOW = """
const fetched = window.fetch;
let other_answered;
const other = new Promise((go) => (other_answered = go));
window.slow = [];
window.fetch = async (request, options) => {
  if (!String(request.url ?? request).includes("/run/predict")) return fetched(request, options);
  const { fn_index } = JSON.parse(options.body);
  const name = gradio_config.dependencies.find((one) => one.id === fn_index).api_name;
  if (!window.slow.some((start) => name.startsWith(start))) return fetched(request, options);
  if (window.passed) return fetched(request, options).finally(other_answered);
  window.passed = name;
  await Promise.race([other, new Promise((go) => setTimeout(go, 1000))]);
  return fetched(request, options);
};
"""


@pytest.mark.parametrize("first", ["a start", "a stop"])
def test_starts_and_stops_reach_the_server_in_the_order_of_the_clicks(
    browser: Browser, app_url: str, first: str
) -> None:
    page = new_page(browser)
    page.add_init_script(FIRST_IS_SLOW)
    ready(page, app_url)
    if first == "a start":
        page.evaluate("window.slow = ['claim_']")
        chip(page, 1).click()
        page.wait_for_function("window.passed")
    else:
        fill(page, "when was the tower completed", MIDDLING)
        explain_long(page)
        page.evaluate("window.slow = ['claim_', 'halt']")
        press(page, "Stop")
    chip(page, 2).click()
    expect_result_of(page, EXAMPLES[2]["query"], EXAMPLES[2]["document"])
    page.context.close()
