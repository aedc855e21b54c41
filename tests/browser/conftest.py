"""The real app in a process of its own, beside a Hub of our own, and a headless Chromium to click through it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

import app as the_app
from attribution import MODELS, load_reranker
from attribution.rerankers.reranker import Reranker
from benchmarks.serve import CARD, await_page, serve
from tests.loopback import ANSWERS, GOOD, STALLED, loopback_hub, make_repositories
from tests.rerankers.test_hub import SAYS
from tests.tiny import save_two_layers

# The shell is the engine without a browser's own windows, at two thirds of the cost.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
# On each frame Gradio draws its clocks anew, which takes a tenth of a core at sixty a second.
TEN_FRAMES = """window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 100);
window.cancelAnimationFrame = clearTimeout;"""
OFFERED = [f"someone/{name}" for name in (*GOOD, *SAYS)]  # with repositories that are not there
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that ends the app comes after all others, which share it."""
    items.sort(key=lambda item: item.path.name == "test_server_dies.py")


@dataclass(frozen=True)
class App:
    """The app's process and address, from its first byte on, and the model it opens on."""

    process: subprocess.Popen[bytes]
    url: str
    model: str


@pytest.fixture(scope="session")
def app(tiny_folder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a quick model; what the Hub has is on offer, and its cache is empty."""
    here = tmp_path_factory.mktemp("app")
    model = str(save_two_layers(here / "two-layers"))
    root = make_repositories(tiny_folder("BertForSequenceClassification"), here / "repositories")
    arguments = [part for name in (model, *OFFERED) for part in ("--model", name)]
    with loopback_hub(root) as (endpoint, _asked):
        home: dict[str, Any] = {
            "HF_HUB_OFFLINE": "0",
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(here / "home"),
            "GRADIO_SERVER_NAME": "0.0.0.0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_ETAG_TIMEOUT": f"{ANSWERS:.0f}",
            "HF_HUB_DOWNLOAD_TIMEOUT": f"{STALLED:.0f}",
        }
        home |= {name: "" for name in os.environ if name.lower().endswith("_proxy")}
        with serve("app.py", *arguments, log=here / "log.txt", **home) as (process, url):
            yield App(process, url, model)


@contextmanager
def started_here(*arguments: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """`python app.py ARGUMENTS` in this process, where all is imported; its address, and what is left to do then."""
    offered = dict(MODELS)
    once_it_listens = the_app.start(the_app.parse_args([*arguments]))
    try:
        yield f"http://127.0.0.1:{the_app.demo.server_port}", once_it_listens
    finally:
        the_app.demo.close()
        MODELS.clear()
        MODELS.update(offered)


@pytest.fixture(scope="session")
def app_url(app: App) -> str:
    """Its address, once it shows the first example's cards."""
    assert await_page(app.process, app.url, CARD), "the app has ended"
    return app.url


@pytest.fixture(scope="session")
def reranker(app: App) -> Reranker:
    """The same model in this process."""
    return load_reranker(app.model)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield launch(playwright)


def launch(playwright: Playwright) -> Browser:
    """Chromium as all tests click in it."""
    assert CHROMIUM, "Chromium is missing; `make browser` installs it"
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def new_page(browser: Browser, **options: Any) -> Page:
    """The page of somebody new, on which little moves."""
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.add_init_script(TEN_FRAMES)
    return page


@pytest.fixture(scope="session")
def opened(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """One page for all tests, which loads the app in half the time of a new one; and what went wrong on it."""
    page = new_page(browser)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    yield page, errors
    page.context.close()


@pytest.fixture
def page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    page, errors = opened
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # spinners draw sixty frames a second
    errors.clear()
    yield page
    found = [*errors]
    page.unroute_all(behavior="ignoreErrors")  # of what is on its way still
    page.goto("about:blank")  # which ends what still runs
    page.context.clear_permissions()
    assert not found
