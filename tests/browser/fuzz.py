"""Hostile input through the real page and by HTTP: a part of `make fuzz`, a handful of it in every test run.

Whatever is typed, pasted or linked to: no error in the page, no dialog, no markup, no other host, and the text stays.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Dialog, Page, sync_playwright

from benchmarks.serve import serve
from tests.browser.conftest import launch
from tests.browser.looks import open_settings
from tests.hostile import WRONG, text_of

MARKUP = ":is(script, img, iframe, object, embed, form, link, meta, base, video, audio)"
RUNS = f"""() => document.querySelectorAll('.rl-result {MARKUP}').length +
  [...document.querySelectorAll('.rl-result *')].filter((e) => /(^|,)on/.test(e.getAttributeNames())).length"""
BUSY = "^(Done|Starting|Reading|Measured|Stopped|Ready|Scoring|Ranked|Colouring|\\d+ (before|of))"
SETTLED = f"""([result, status]) => {{
  const says = document.querySelector(`${{status}} .rl-status`).textContent.trim();
  if (document.querySelector(result).closest('.rl-result').hasAttribute('data-rl-stale')) return !/{BUSY}/.test(says);
  return /^Done/.test(says);
}}"""
FIELDS = "async () => { window.fields = (await rerankLens.link.decode(location.hash)).v.length; }"  # of our own links
SECONDS = 60  # an answer or a refusal by HTTP has to be there by then


def typed(draw: random.Random, page: Page, number: int) -> str:
    """A hostile pair in the boxes, explained."""
    page.get_by_role("tab", name="Explain", exact=True).click()
    boxes = [page.locator(f"#{name} textarea") for name in ("query", "document")]
    for box in boxes:
        box.fill(f"{_sendable(text_of(draw))} {number}")
    before = [box.input_value() for box in boxes]
    page.locator("#explain").click()
    page.wait_for_function(SETTLED, arg=["#identity", "#status"], timeout=60_000)
    assert [box.input_value() for box in boxes] == before, "the text did not stay"
    return _became(page, "#status")


def pasted(draw: random.Random, page: Page, number: int) -> str:
    """A hostile list, compared, from the one box or one box each."""
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.get_by_label("one list").check()
    box = page.locator("#compare-documents textarea")
    texts = [f"{_sendable(text_of(draw))} {number}" for _ in range(draw.randint(1, 3))]
    box.fill(draw.choice(["\n\n".join(texts), "\n".join(json.dumps({"text": text}) for text in texts)]))
    before = box.input_value()
    if draw.random() < 0.5:
        page.get_by_label("one box each").click()
    page.locator("#compare-start").click()
    page.wait_for_function(SETTLED, arg=["#compare-identity", "#compare-status"], timeout=60_000)
    if page.get_by_label("one list").is_checked():
        assert box.input_value() == before, "the list did not stay"
    else:
        assert page.get_by_label("Document 1", exact=True).input_value(), "the documents did not stay"
    return _became(page, "#compare-status")


def linked(draw: random.Random, page: Page, _number: int) -> str:
    """A hostile address: of our form with wrong values in it, or no such thing."""
    n = draw.choice([3, page.evaluate("window.fields")])
    values: list[Any] = [draw.choice([_sendable(text_of(draw)), 10**9, None, [], {}, [["x"]]]) for _ in range(n)]
    script = "async (values) => { location.hash = await window.rerankLens.link.encode({ v: values, t: values[0] }); }"
    page.evaluate("() => { document.querySelector('#link-status p').textContent = ''; }")
    if draw.random() < 0.7:
        page.evaluate(script, values)
    else:
        noise = "".join(draw.choices("ABCdef019_-.#<%>", k=draw.randint(1, 300)))
        page.evaluate("(hash) => { location.hash = hash; }", f"#p=1.{noise}")
    page.wait_for_function("() => document.querySelector('#link-status p').textContent", timeout=60_000)
    assert page.locator("#query textarea").count() == 1
    return "linked"


KINDS = (typed, pasted, linked, typed, typed, pasted, typed, linked, typed, typed)  # one after another


def through_the_page(page: Page, url: str, n: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """`n` cases on one page; what became of them, and every failure in words."""
    became, failures, wrong = Counter[str](), list[str](), list[str]()

    def on_dialog(dialog: Dialog) -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
    page.on("dialog", on_dialog)
    page.on("request", lambda request: wrong.extend([request.url] * _foreign(request.url, url)))
    page.goto(url)
    open_settings(page)
    for box in page.locator("#groups input[type=checkbox]").all()[1:]:
        box.uncheck()
    page.wait_for_function("() => location.hash.startsWith('#p=')")
    page.evaluate(FIELDS)
    for number in range(n):
        draw = random.Random(f"{seed} page {number}")
        kind = KINDS[number % len(KINDS)]
        try:
            outcome = kind(draw, page, number)
            assert page.evaluate(RUNS) == 0, "markup"
            assert not wrong, wrong
        except Exception as error:
            outcome = "failed"
            failures.append(f"page case {number} of seed {seed}, {kind.__name__}: {str(error)[:400]}")
            wrong.clear()
        became[f"{kind.__name__}: {outcome}"] += 1
    return became, failures


def by_http(url: str, n: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """`n` requests that no client of ours would send; each has to be answered or refused in time."""
    became, failures = Counter[str](), list[str]()
    for number in range(n):
        draw = random.Random(f"{seed} http {number}")
        path = draw.choice(["call/explain", "call/rank", "queue/join", "run/predict", "call/none", "upload"])
        to, headers = f"{url}/gradio_api/{path}", {"content-type": "application/json"}
        try:
            asked = httpx.post(to, content=_body(draw), headers=headers, timeout=SECONDS)
            assert "Traceback" not in asked.text
            if asked.status_code == 200 and path.startswith("call/"):
                event = httpx.get(f"{to}/{asked.json()['event_id']}", timeout=SECONDS).text
                assert event.lstrip().startswith("event: ")
            became[f"http: {asked.status_code}"] += 1
        except (httpx.HTTPError, AssertionError) as error:
            became["http: failed"] += 1
            failures.append(f"http case {number} of seed {seed}, {path}: {error!r}"[:400])
    assert httpx.get(url, timeout=SECONDS).status_code == 200
    return became, failures


def run(n_page: int, n_http: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Both, against an app of their own."""
    with serve("app.py") as (_, url), sync_playwright() as playwright:
        browser = launch(playwright)
        became, failures = through_the_page(browser.new_page(), url, n_page, seed)
        more, others = by_http(url, n_http, seed)
    return became + more, failures + others


def _body(draw: random.Random) -> bytes:
    values: list[Any] = [draw.choice([*WRONG[:7], *WRONG[9:], text_of(draw)]) for _ in range(draw.randint(0, 9))]
    kinds: list[Callable[[], bytes]] = [
        lambda: json.dumps({"data": [v if not isinstance(v, bytes) else "x" for v in values]}).encode(),
        lambda: json.dumps(
            {"data": values[:1] * 2, "fn_index": draw.choice([-1, 0, 10**9, "x"])}, default=str
        ).encode(),
        lambda: b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        lambda: json.dumps({"data": ["who", "x" * 10_000_000]}).encode(),
        lambda: bytes(draw.choices(range(256), k=500)),
        lambda: b'{"data": ["\\ud800", "\\u0000"]}',
    ]
    return draw.choices(kinds, weights=[6, 4, 1, 1, 2, 1])[0]()


def _foreign(asked: str, ours: str) -> bool:
    to = urlsplit(asked)
    return to.scheme in ("http", "https", "ws", "wss") and to.netloc != urlsplit(ours).netloc


def _sendable(text: str) -> str:
    """A lone surrogate cannot be sent to a browser: it is no character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _became(page: Page, status: str) -> str:
    return "answered" if page.locator(f"{status} .rl-status").inner_text().strip().startswith("Done") else "refused"
