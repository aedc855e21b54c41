"""Any host: behind a proxy with a path of its own, with a login, on a Space, framed, asked for its health."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import app as the_app
from tests.browser.conftest import App, new_page, started_here
from tests.browser.test_public import box

PREFIX = "/lens"
VARIABLES: dict[str, Any] = {
    "GRADIO_ROOT_PATH": PREFIX,
    "SPACE_ID": "someone/lens",
    "RERANK_LENS_AUTH": "ada:engine, alan:enigma:2",
    "RERANK_LENS_FRAME_ANCESTORS": "https://wiki.example.org https://*.example.com",
    "RERANK_LENS_BUDGET_SECONDS": "50",
}


@contextmanager
def proxied(url: str) -> Iterator[str]:
    """The address of a proxy that hands on what is under `PREFIX`, without it, and streams as it comes."""
    client = httpx.Client(timeout=60)  # one for all requests, since each reads its certificates

    class Proxy(BaseHTTPRequestHandler):
        def hand_on(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            to = url + self.path.removeprefix(PREFIX)
            with client.stream(self.command, to, headers=dict(self.headers), content=body) as answer:
                self.send_response(answer.status_code)
                for name, value in answer.headers.multi_items():
                    if name not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.end_headers()
                for piece in answer.iter_raw():
                    self.wfile.write(piece)
                    self.wfile.flush()

        do_GET = do_POST = do_HEAD = hand_on  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, httpx.HTTPError):  # either side has left
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
    server.shutdown()
    client.close()


def test_a_page_under_a_path_that_the_server_does_not_know_says_so(page: Page, app_url: str) -> None:
    with proxied(app_url) as address:
        page.goto(address)
        expect(page.locator("#cards .rl-card").first).to_be_visible()
        box(page, "document").fill("A text that stays.")
        page.locator("#explain").click()
        expect(page.locator("#status")).to_contain_text(f"has to be started with GRADIO_ROOT_PATH={PREFIX}.")
        expect(box(page, "document")).to_have_value("A text that stays.")
        page.get_by_role("tab", name="Probes", exact=True).click()
        expect(page.locator("#probes-status")).to_contain_text(f"has to be started with GRADIO_ROOT_PATH={PREFIX}.")


def test_it_listens_where_the_variable_says(app_url: str) -> None:
    """At every address of this machine, where it would be at 127.0.0.1 alone."""
    assert httpx.get(f"{app_url.replace('127.0.0.1', '127.0.0.2')}/healthz").json() == {"status": "ok"}


def test_the_api_link_opens_gradios_panel(page: Page, app_url: str) -> None:
    panel = page.locator(".api-docs")
    page.goto(app_url)
    expect(page.locator("#cards .rl-card").first).to_be_visible()
    expect(panel).to_have_count(0)
    page.get_by_role("link", name="API", exact=True).click()
    expect(panel).to_contain_text("explain")
    assert len(page.context.pages) == 1
    page.reload()
    expect(page).to_have_url(f"{app_url}/?view=api")
    expect(panel).to_contain_text("explain")


@pytest.mark.parametrize("path", ["/", f"/{the_app.host.LINK[1]}", "/config"])
def test_what_is_large_is_packed_for_who_can_unpack_it(app_url: str, path: str) -> None:
    sent = {}
    for coding in ("gzip", "identity"):
        with httpx.stream("GET", app_url + path, headers={"accept-encoding": coding}) as answer:
            text = answer.read()
            assert answer.headers.get("content-encoding", "identity") == coding
            sent[coding] = answer.num_bytes_downloaded
    assert len(text) == sent["identity"] > 5 * sent["gzip"]


@pytest.mark.parametrize(
    ("name", "body", "status", "says"),
    [
        ("explain", {"query": "a"}, 422, "document. explain takes query, document, method, "),
        ("explain", {"querry": "a", "document": "b"}, 422, "`querry` is not a valid key-word argument. explain takes"),
        ("rank", {}, 422, "query. rank takes query, documents"),
        ("explian", {"query": "a"}, 404, "There is no endpoint 'explian'; it must be one of contrast, "),
        ("x" * 50, {}, 404, f"There is no endpoint {'x' * 40!r}; it"),
    ],
)
def test_the_form_with_keywords_names_what_is_wrong(
    app_url: str, name: str, body: dict[str, str], status: int, says: str
) -> None:
    answer = httpx.post(f"{app_url}/gradio_api/call/v2/{name}", json=body)
    assert answer.status_code == status
    assert says in answer.json()["error"]


@pytest.mark.parametrize("path", ["run/predict", "api/predict", "queue/join", "run/explain"])
@pytest.mark.parametrize("number", [-1, 10**9])
def test_a_number_that_no_endpoint_has_is_not_found(app_url: str, path: str, number: int) -> None:
    body = {"data": [], "fn_index": number, "session_hash": "numbers"}
    answer = httpx.post(f"{app_url}/gradio_api/{path}", json=body)
    assert answer.status_code == 404
    assert answer.json()["error"].startswith(f"There is no endpoint {number}; it must be one of contrast, ")


def test_too_few_values_for_a_handler_of_the_page_are_counted(app_url: str) -> None:
    answer = httpx.post(f"{app_url}/gradio_api/run/predict", json={"data": [1, 2], "fn_index": 0})
    assert " got 2 values; it takes 3." in answer.json()["error"]


def test_whoever_cancels_at_once_and_twice_hears_of_no_error(app_url: str) -> None:
    asked = {"data": ["a", "b " * 2000, "shapley"], "session_hash": "cancels"}
    fn = next(e["id"] for e in httpx.get(f"{app_url}/config").json()["dependencies"] if e["api_name"] == "explain")
    joined = httpx.post(f"{app_url}/gradio_api/queue/join", json={**asked, "fn_index": fn}).json()
    cancel = {"session_hash": "cancels", "fn_index": fn, **joined}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: httpx.post(f"{app_url}/gradio_api/cancel", json=cancel, timeout=60), range(16))
        )
    assert {answer.status_code for answer in answers} == {200}


def test_every_variable_does_what_is_said_of_it(
    app: App, browser: Browser, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, value in {**VARIABLES, "RERANKER_MODELS": app.model, "GRADIO_TEMP_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with started_here() as (url, _), proxied(url) as address:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        for door in ("config", "gradio_api/info", "gradio_api/mcp/", "gradio_api/runs"):
            assert httpx.get(f"{url}/{door}", follow_redirects=True).status_code in (401, 404), door
        assert httpx.post(f"{url}/gradio_api/call/explain", json={"data": ["a", "b"]}).status_code == 401
        start = httpx.get(url)
        assert "https://huggingface.co/spaces/someone/lens" in start.text
        policy = start.headers["content-security-policy"]
        assert policy.endswith("; frame-ancestors https://wiki.example.org https://*.example.com")
        assert "connect-src 'self' https://huggingface.co;" in policy

        page = new_page(browser)
        refused: list[str] = []
        page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(address)
        for name, password in (("alan", "wrong"), ("alan", "enigma:2")):
            page.get_by_label("username").fill(name)
            page.get_by_label("password").fill(password)
            page.get_by_role("button", name="Login").click()
            if password == "wrong":
                expect(page.get_by_text("Incorrect")).to_be_visible()
        expect(page.locator("#model input")).to_have_value(Path(app.model).name)
        box(page, "document").fill("Berlin has about 3.7 million inhabitants.")
        page.locator("#explain").click()
        expect(page.locator("#status")).to_contain_text("Done")
        assert refused == []
        page.context.close()
        assert str(tmp_path) == the_app.demo.GRADIO_CACHE
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [], "the page writes no files"
    said = "".join(capfd.readouterr())
    assert "HOT_RELOAD" not in said
    assert "Traceback" not in said


def test_a_body_of_300_mb_is_refused_by_its_length(app_url: str) -> None:
    request = urllib.request.Request(f"{app_url}/gradio_api/queue/join", b"{}", {"Content-Length": "300000000"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=60)
    assert refusal.value.code == 413
    assert "at most 12,024,000 bytes" in json.load(refusal.value)["error"]
