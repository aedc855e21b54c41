"""What a stranger gets: links that carry the page, files of what is on it, and a browser that asks no other host."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema
import pytest
from playwright.sync_api import Page, Route, expect

from attribution.export import SCHEMA
from tests.browser.fuzz import by_http, through_the_page

TEXT = "Zürich 🎉 首都 שלום‏ <b>bold</b> ${7*7} {{7*7}} a\u0301 end."
MARKUP = "<img src=x onerror=\"document.title='run'\"> ${document.title='run'} & &amp;"
QUERY = "how many people live in Zürich ? 🎉"


def box(page: Page, name: str) -> Any:
    return page.locator(f"#{name} textarea")


def ready(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#cards .rl-card").first).to_be_visible()


def hash_holding(page: Page, text: str) -> str:
    """The address once it holds `text` as the document; Playwright takes a promise for a yes, so it is awaited here."""
    script = """async (text) => {
      const held = () => rerankLens.link.decode(location.hash).then((state) => state.v[2], () => null);
      const wait = () => new Promise((go) => setTimeout(go, 100));
      for (let tries = 0; tries < 150 && (await held()) !== text; tries++) await wait();
      return location.hash;
    }"""
    found = str(page.evaluate(script, text))
    assert page.evaluate("async (hash) => (await window.rerankLens.link.decode(hash)).v[2]", found) == text
    return found


def fill(page: Page, document: str) -> None:
    box(page, "query").fill(QUERY)
    box(page, "document").fill(document)


def done(page: Page) -> None:
    page.locator("#explain").click()
    expect(page.locator("#status")).to_contain_text("Done")


def test_what_is_on_the_page_can_be_taken_along(page: Page, app_url: str, tmp_path: Path) -> None:
    ready(page, app_url)
    example = page.get_by_role("link", name="Example audit")
    report = page.request.get(f"{app_url}/{example.get_attribute('href')}")
    assert (report.status, report.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>" in report.text()
    text = f"{MARKUP} {TEXT}"
    box(page, "query").fill(QUERY)
    box(page, "document").fill(text)
    page.locator("#explain").click()
    expect(page.locator("#identity [data-rl-identity]")).to_have_attribute("data-document", text)
    expect(page.locator("#status")).to_contain_text("Done")
    for card in page.locator("#cards .rl-card").all():
        assert card.locator(".rl-text").all_inner_texts() == [QUERY, text]
    assert page.locator(".rl-card img, .rl-text b, .rl-card script").count() == 0
    assert page.title() == "Rerank Lens"
    files: dict[str, Path] = {}
    for label in ("JSON", "CSV", "HTML", "SVG", "Post, PNG"):
        with page.expect_download() as download:
            page.locator("#downloads").get_by_role("button", name=label, exact=True).click()
        files[label] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[label])
    document = json.loads(files["JSON"].read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    shown = page.locator("#cards .rl-card").count()
    assert [e["document"] for e in document["explanations"]] == [text] * shown
    assert set(document["faithfulness"]["methods"]) >= {e["requested_method"] for e in document["explanations"]}
    rows = list(csv.DictReader(files["CSV"].read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == sum(len(e["words"]) for e in document["explanations"])
    assert "<svg" in files["SVG"].read_text(encoding="utf-8")
    png = files["Post, PNG"].read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)] == [1200, 630]
    forgotten = '"session_hash":"another"'  # a session of which nothing is kept: after a while, or by a new server

    def forget(route: Route) -> None:
        route.continue_(post_data=re.sub(r'"session_hash":"\w+"', forgotten, route.request.post_data or ""))

    page.route("**/gradio_api/run/predict*", forget)
    again = page.locator("#downloads").get_by_role("button", name="CSV", exact=True)
    again.click()
    expect(page.locator("#downloads-label")).to_contain_text("is not kept any more")
    page.unroute_all()
    done(page)
    expect(page.locator("#downloads-label")).to_have_text("Download", use_inner_text=True)
    with page.expect_download():
        again.click()
    expect(page.locator("#downloads-label")).to_have_text("Download", use_inner_text=True)

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(files["HTML"].as_uri())
    expect(page.locator(".rl-card")).to_have_count(shown)
    expect(page.locator("body")).to_contain_text("<b>bold</b> ${7*7} {{7*7}}")
    assert page.locator("img[src=x]").count() == 0
    assert asked == [files["HTML"].as_uri()]


def test_no_text_reaches_the_server_before_a_start_and_no_other_host_is_asked(page: Page, app_url: str) -> None:
    hosts: set[str] = set()
    sent: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    refused: list[str] = []
    page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)
    answer = page.goto(app_url)
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    expect(page.locator("#cards .rl-card").first).to_be_visible()
    assert refused == []
    count = page.locator("#count")
    expect(count).to_have_text(re.compile(r"of 512 tokens\s*$"))
    box(page, "query").fill("private question?")
    box(page, "document").fill("private passage. " * 20)
    expect(count).to_contain_text("of 512 tokens; a result has the exact number.")
    cost = page.locator("#settings > button")
    expect(cost).to_contain_text("about")
    before_long = cost.inner_text()
    box(page, "document").fill("private passage. " * 400)
    expect(count).to_contain_text("Over 512 tokens, about 1,2")
    expect(cost).not_to_have_text(before_long)  # the cost follows the size, and only that was sent
    box(page, "document").fill("private passage. " * 170)
    expect(count).to_contain_text("the end of the document may be cut")
    box(page, "document").fill("private passage. " * 20)
    hash_holding(page, "private passage. " * 20)
    with page.expect_request(lambda request: "private passage" in (request.post_data or "")):
        before = list(sent)
        page.locator("#explain").click()
    assert len(before) > 10
    assert not [request for request in before if "private" in request]
    expect(count).to_have_text(re.compile(r"of 512 tokens\s*$"))  # now the server has counted
    assert hosts == {urlsplit(app_url).netloc}
    with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        page.evaluate("new Image().src = 'http://127.0.0.2:9/x.png'")


def test_closed_doors(app_url: str) -> None:
    doors = [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=app.py",
        "/gradio_api/proxy=http://127.0.0.1:9/",
        "/monitoring",
        "/gradio_api/runs",
        "/gradio_api/file=models/demo-reranker/config.json",
    ]
    for door in doors:
        status = httpx.get(f"{app_url}{door}").status_code
        assert status in (400, 401, 403, 404), f"{door} answered {status}"
    upload = httpx.post(f"{app_url}/gradio_api/upload", files={"files": ("a.txt", b"x" * 70_000, "text/plain")})
    assert upload.status_code == 403
    config = httpx.get(f"{app_url}/config").json()
    assert config["run_history"] is False
    assert config.get("enable_monitoring") in (None, False)


def test_events_without_progress_keep_none(app_url: str) -> None:
    """Else Gradio reads, at each step of any run, all that lies in their outputs: the tabs and every box."""
    events = httpx.get(f"{app_url}/config").json()["dependencies"]
    ours = [event for event in events if event["api_visibility"] == "private" and event["outputs"]]
    quiet = [event for event in ours if event["show_progress"] == "hidden"]
    assert len(quiet) > 20
    assert [event["api_name"] for event in quiet if event["show_progress_on"] != []] == []


def last_said(url: str, event: int, session: str, inputs: list[Any]) -> list[Any]:
    """The outputs with which a handler of the page ends."""
    asked = {"data": inputs, "fn_index": event, "session_hash": session}
    httpx.post(f"{url}/gradio_api/queue/join", json=asked).raise_for_status()
    said = httpx.get(f"{url}/gradio_api/queue/data?session_hash={session}", timeout=60)
    assert "content-encoding" not in said.headers  # or nothing would come before the end
    (end,) = (line for line in said.text.splitlines() if '"process_completed"' in line)
    outputs: list[Any] = json.loads(end.removeprefix("data:"))["output"]["data"]
    return outputs


@pytest.mark.parametrize("tab", ["lab", "inside", "probes"])
def test_a_run_that_nobody_claimed_leaves_the_tab_as_it_is(app_url: str, tab: str) -> None:
    """There is nothing new to say, which Gradio by itself takes for empty outputs."""
    config = httpx.get(f"{app_url}/config").json()
    place = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    (event,) = (one for one in config["dependencies"] if one["api_name"] == f"run_{tab}")
    texts = {place["query"]: "berlin", place["document"]: "berlin is a city"}
    said = last_said(app_url, event["id"], tab, [texts.get(part) for part in event["inputs"]])
    *shown, status = [part for part in said if part is not None]  # what is None stays on the server
    assert "Press again" in str(status)
    assert len(shown) >= 2
    assert all(part["__type__"] == "update" and "value" not in part for part in shown)


def test_hostile_input_through_the_page_and_by_http(page: Page, app_url: str) -> None:
    became, failures = through_the_page(page, app_url, 3)
    assert failures == []
    assert {outcome.partition(":")[0] for outcome in became} == {"typed", "pasted", "linked"}
    assert by_http(app_url, 12)[1] == []
