"""Random sequences of clicks on the real page, at four latencies: `python -m tests.browser.clicks` runs 200 of them.

Whatever is clicked, and however late the answers come: once all is quiet, every result is of what the boxes hold or is
marked as another one's, the boxes hold what was typed last, nothing failed, and nothing is left half done.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, Response, sync_playwright

from benchmarks.serve import CARD, serve
from tests.browser.conftest import TEN_FRAMES, launch
from tests.browser.looks import open_tab
from tests.tiny import save_two_layers

STORED = Path(__file__).parents[1] / "clicks.json"
LATENCIES = (0, 120, 300, 800)  # ms before each answer
PAUSES = (0, 0, 100, 400, 1500)  # ms after an action
WRITTEN = 800  # ms in which what is typed reaches the address, which F5 and Back come to
PATIENCE = 60.0  # seconds until all is quiet
STREAM = re.compile("heartbeat|queue/data")  # Gradio leaves one open where an answer came before it
TEXTS = ("who wrote Hamlet", "Shakespeare wrote Hamlet, a play.", "Berlin is large. It is old. It is a city.", "من كتب")
CLICK = """([selector, at]) => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled;
  const all = [...document.querySelectorAll(selector)].filter(shown);
  const one = all[Math.floor(at * all.length)];
  one?.click();
  return one ? { ...one.dataset } : null;
}"""
BUSY = "() => Boolean(document.body.dataset.rlStops)"
WRONG = """() => {
  const value = (of) => document.querySelector(`#${of} textarea`).value;
  const wrong = [];
  document.querySelectorAll("[data-rl-identity]").forEach((identity) => {
    const result = identity.closest(".rl-result");
    if (result.hasAttribute("data-rl-stale")) return;
    const { query, document: text } = identity.dataset;
    if (query !== value("query") || text !== value("document")) wrong.push(`${identity.id} is of another text`);
    result.querySelectorAll("#cards > .rl-cards .rl-card").forEach((card) => {
      const texts = [...card.querySelectorAll(".rl-text")].map((one) => one.textContent);
      if (texts.length && JSON.stringify(texts) !== JSON.stringify([query, text])) wrong.push("a card of another text");
    });
  });
  const list = document.querySelector("#compare-identity [data-inputs]");
  if (list && !document.querySelector("#compare-result").hasAttribute("data-rl-stale")) {
    const [, query] = JSON.parse(list.dataset.inputs);
    const rows = [...document.querySelectorAll("#compare-rows .rl-rank-row")];
    rows.sort((one, other) => one.dataset.place - other.dataset.place); // as given
    const texts = rows.map((row) => row.querySelector(".rl-rank-text").textContent.trim());
    const lines = value("compare-documents").split("\\n").filter((line) => line.trim()); // here one document each
    if (query !== value("compare-query") || String(texts) !== String(lines)) wrong.push("a ranking of another list");
  }
  document.querySelectorAll(".rl-status").forEach((line) => {
    if (/^(Starting|\\d+ before)/.test(line.textContent.trim())) wrong.push(`left: ${line.textContent}`);
  });
  const stopped = document.querySelector("#status .rl-stopped");  // what was ready by then is kept
  if (document.querySelector(".rl-pending") && !stopped) wrong.push("a card is pending");
  if (document.body.innerText.includes("Something went wrong")) wrong.push("something went wrong");
  if (document.querySelector(".rl-waiting:not([hidden])")) wrong.push("an edit has no answer");
  return wrong;
}"""


@dataclass
class Seen:
    """What a sequence has done and met. `typed`: what the boxes must hold, None where the address decides."""

    actions: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked: set[Any] = field(default_factory=set)
    typed: dict[str, str | None] = field(default_factory=dict)


def click(page: Page, draw: random.Random, selector: str) -> Any:
    """One of the elements in sight that can be clicked; its data, or None where there is none."""
    return page.evaluate(CLICK, [selector, draw.random()])


def clicks(selector: str) -> Callable[[Page, random.Random, Seen], None]:
    """The action that clicks one of these."""

    def action(page: Page, draw: random.Random, _seen: Seen) -> None:
        click(page, draw, selector)

    return action


def example(page: Page, draw: random.Random, seen: Seen) -> None:
    """Fills both boxes and starts."""
    chosen = click(page, draw, "#examples .rl-chip")
    if chosen:
        seen.typed = {name: chosen[name] for name in ("query", "document")}


def write(page: Page, draw: random.Random, seen: Seen) -> None:
    """Other text in a box that is in sight."""
    name = draw.choice(["query", "document", "compare-query", "compare-documents"])
    box, text = (
        page.locator(f"#{name} textarea"),
        draw.choice(TEXTS) + ("\nBerlin" if name == "compare-documents" else ""),
    )
    if box.is_visible():
        box.fill(text)
        seen.typed[name] = text


def tab(page: Page, draw: random.Random, _seen: Seen) -> None:
    """Another tab."""
    open_tab(page, draw.choice(["Explain", "Compare", "Probes", "Learn"]))


def method(page: Page, draw: random.Random, _seen: Seen) -> None:
    """A method ticked or not, of the quick ones."""
    click(page, draw, "#settings > button:not(.open)")
    click(page, draw, "#groups .block:first-child input[type=checkbox]")
    page.keyboard.press("Escape")


def reload(page: Page, _draw: random.Random, _seen: Seen) -> None:
    """F5."""
    page.wait_for_timeout(WRITTEN)
    page.reload()
    page.wait_for_selector("#query textarea", state="attached", timeout=1000 * PATIENCE)


def back(page: Page, _draw: random.Random, seen: Seen) -> None:
    """To an earlier address of the page, where there is one."""
    page.wait_for_timeout(WRITTEN)
    if page.evaluate("navigation.currentEntry.index > 0"):
        page.go_back()
        seen.typed = {}


ACTIONS: dict[str, Callable[[Page, random.Random, Seen], None]] = {
    "example": example,
    "write": write,
    "explain": clicks("#explain, .rl-again, #compare-start"),
    "stop": clicks("#stop, #compare-stop"),
    "tab": tab,
    "drop": clicks(".rl-card:has(.rl-badge-verdict) [data-side=document] [data-w]"),
    "sentence": clicks("button.rl-sentence-open, button.rl-sentence-text"),
    "list": clicks("#compare-lists .rl-chip"),
    "pick": clicks("#compare-rows .rl-pick"),
    "what if": clicks("#compare-flip, #compare-raise, .rl-part, .rl-zoom"),
    "page of Learn": clicks("#learn-page input"),
    "method": method,
    "reload": reload,
    "back": back,
}
WEIGHTS = [4, 3, 4, 3, 5, 2, 1, 2, 3, 3, 2, 1, 1, 1]


def watch(page: Page, seen: Seen) -> None:
    """What fails on the page, and what it waits for."""

    def asks(request: Request) -> None:
        if "/gradio_api/" in request.url and not STREAM.search(request.url):
            seen.asked.add(request)

    def has(request: Request) -> None:
        seen.asked.discard(request)

    def answered(response: Response) -> None:
        if response.status >= 400:
            seen.wrong.append(f"{response.status} {response.url.rpartition('/')[2]} {response.request.post_data}"[:300])

    page.on("pageerror", lambda error: seen.wrong.append(f"page error: {error}"))
    page.on("request", asks)
    page.on("requestfinished", has)
    page.on("requestfailed", has)
    page.on("response", answered)


def quiet(page: Page, seen: Seen) -> bool:
    """Whether nothing runs or is asked any more, for a second on end, before `PATIENCE` is over."""
    end, still = time.monotonic() + PATIENCE, 0
    while time.monotonic() < end and still < 5:
        page.wait_for_timeout(200)
        still = 0 if seen.asked or page.evaluate(BUSY) else still + 1
    return still == 5


def sequence(context: BrowserContext, url: str, seed: str, latency: int) -> dict[str, Any]:
    """One sequence on a page of its own: its actions, and what was wrong at its end."""
    draw, seen, page = random.Random(seed), Seen(), context.new_page()
    page.add_init_script(TEN_FRAMES)
    watch(page, seen)
    page.goto(url)
    page.wait_for_function("() => document.querySelector('#document textarea')?.dir === 'auto'")
    network = context.new_cdp_session(page)
    conditions = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", conditions)
    for _ in range(draw.randint(5, 9)):
        (name,) = draw.choices([*ACTIONS], WEIGHTS)
        seen.actions.append(name)
        ACTIONS[name](page, draw, seen)
        page.wait_for_timeout(draw.choice(PAUSES))
    if not quiet(page, seen):
        seen.wrong.append(f"never quiet: {[one.url.rpartition('/')[2] for one in seen.asked]}")
    seen.wrong += page.evaluate(WRONG)
    for name, text in seen.typed.items():
        box = page.locator(f"#{name} textarea")
        if text is not None and box.count() and box.input_value() != text:
            seen.wrong.append(f"{name} has lost its text")
    page.close()
    return {"seed": seed, "latency": latency, "actions": seen.actions, "wrong": seen.wrong}


def store(rows: list[dict[str, Any]]) -> None:
    """One line a sequence."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main() -> None:
    """Run them, tell of each that found something, and store all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as here, sync_playwright() as playwright:
        model = str(save_two_layers(Path(here) / "two-layers"))
        with serve("app.py", "--model", model, shows=CARD) as (_, url):
            browser = launch(playwright)
            context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
            for i in range(args.sequences):
                rows.append(sequence(context, url, f"{args.seed} {i}", LATENCIES[i % len(LATENCIES)]))
                if rows[-1]["wrong"]:
                    print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    store(rows)
    print(f"{len(rows)} sequences, {sum(bool(row['wrong']) for row in rows)} found something")


if __name__ == "__main__":
    main()
