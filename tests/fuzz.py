"""Hostile input by the thousand: `make fuzz` runs 10,000 cases, the tests a few. Draws are the same for the same seed.

Every case goes through the endpoint, as a request would, and must end in an answer or in a sentence; and no text may
come out of a card or an exported file as markup. The real page and HTTP get a share: tests/browser/fuzz.py.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from html.parser import HTMLParser
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gradio as gr
import torch

from attribution import METHODS, explain, load_reranker
from attribution.batch.pasted import read_pasted
from attribution.errors import InputError
from attribution.export import to_csv, to_dict, to_html, to_json, to_svg
from attribution.rerankers.loading.models import BUNDLED
from attribution.views.card import card_html
from interface.programs import api
from interface.runs.gpu import OUR_FAULT
from interface.tabs.compare.documents import check_list, write_list
from tests.hostile import WRONG, text_of

FULL = 10_000
STORED = Path(__file__).with_suffix(".json")
ALLOWED = {"article", "header", "h2", "h4", "h5", "p", "span", "div", "ul", "li", "details", "summary", "table",
           "thead", "tr",
           "th", "tbody", "td", "button", "small", "br", "b", "a", "svg", "path", "line", "rect", "text", "g", "title",
           "strong", "em", "mark", "section", "ol", "figure", "figcaption", "caption", "code", "dl", "dt", "dd", "h3",
           "h6", "i", "sup", "sub", "bdi", "abbr"}  # fmt: skip


class Tags(HTMLParser):
    """The names of a document's tags, and whether any attribute could run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.runs = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.runs |= any(name.startswith("on") or str(value).startswith("javascript:") for name, value in attrs)


def ask(draw: random.Random, model: str) -> str:
    """One request with now and then a value of a wrong kind; what became of it."""
    name = draw.choice(["explain", "explain", "rank", "contrast", "interaction"])
    makers: dict[str, Any] = {
        "explain": lambda: {"query": text_of(draw), "document": text_of(draw), "method": draw.choice([*METHODS])},
        "rank": lambda: {"query": text_of(draw), "documents": [text_of(draw) for _ in range(draw.randint(0, 4))]},
        "contrast": lambda: {"query": text_of(draw), "first": text_of(draw), "second": text_of(draw)},
        "interaction": lambda: {"query": text_of(draw), "document": text_of(draw), "n_words": 2},
    }
    arguments: dict[str, Any] = {**makers[name](), "model": model}
    if "method" in arguments and draw.random() < 0.5:
        arguments |= {"n_samples": 2} if arguments["method"] in ("shapley", "smoothgrad", "expected_gradients") else {}
    if draw.random() < 0.3:
        arguments[draw.choice([*arguments])] = draw.choice(WRONG)
    try:
        answer = next(endpoint for endpoint in api.ENDPOINTS if endpoint.__name__ == name)(**arguments)
    except gr.Error as error:
        said = str(error.message)
        assert said, f"{name} said nothing about {arguments!r}"
        assert said != OUR_FAULT, f"{name} failed at {arguments!r}"
        return "refused"
    json.dumps(answer, allow_nan=False)
    return "answered"


def show(draw: random.Random, model: str) -> str:
    """A hostile pair on a card and in every file."""
    reranker = load_reranker(model)
    try:
        explanation = explain(reranker, text_of(draw), text_of(draw), "saliency")
    except InputError:
        return "refused"
    content = to_dict(explanation)
    for side in ("query", "document"):
        assert "".join(text for text, _ in content["highlighted"][side]) == content[side]
    card = Tags(card_html(explanation, label="x"))
    assert card.tags <= ALLOWED, card.tags - ALLOWED
    assert not card.runs
    page = Tags(to_html({"saliency": explanation}))
    assert page.tags <= ALLOWED | {"html", "head", "meta", "title", "style", "body", "h1"}, page.tags
    assert not page.runs
    assert "script" not in Tags(to_svg(explanation)).tags
    json.loads(to_json([explanation]))
    to_csv([explanation])
    return "shown"


def listed(draw: random.Random, _model: str) -> str:
    """A pasted list of documents, as JSON or lines, often broken."""
    value: Any = draw.choice(
        [write_list([f"one {text_of(draw)}", f"two {text_of(draw)}"]), "[" * draw.randint(1, 3000), text_of(draw)]
    )
    try:
        check_list(read_pasted(value))
    except InputError:
        return "refused"
    return "read"


KINDS: dict[str, tuple[Callable[[random.Random, str], str], int]] = {
    "ask": (ask, 5),
    "show": (show, 3),
    "list": (listed, 2),
}


def run(numbers: Iterable[int], model: str, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """The cases of these numbers, each always the same: what became of them, and every failure in words."""
    became, failures = Counter[str](), list[str]()
    for number in numbers:
        draw = random.Random(f"{seed} {number}")
        (name,) = draw.choices([*KINDS], weights=[weight for _, weight in KINDS.values()])
        try:
            became[f"{name}: {KINDS[name][0](draw, model)}"] += 1
        except Exception as error:  # a crash is what is looked for; the next case goes on
            became[f"{name}: failed"] += 1
            failures.append(f"case {number} of seed {seed}, {name}: {type(error).__name__}: {str(error)[:400]}")
    return became, failures


def share(numbers: range, seed: int) -> tuple[Counter[str], list[str]]:
    """What one process does of a full run."""
    torch.set_num_threads(1)
    return run(numbers, BUNDLED, seed)


def summary(stored: dict[str, Any]) -> str:
    """README's table, from a stored run."""
    rows = ["| part | cases | what became of them | failures |", "| --- | --- | --- | --- |"]
    for part, became in stored["parts"].items():
        named = {of: f"with status {of}" if of.isdigit() else of for of in became}
        told = ", ".join(f"{n:,} {named[of]}" for of, n in became.items() if of != "failed")
        rows.append(f"| {part} | {sum(became.values()):,} | {told} | {became.get('failed', 0)} |")
    return "\n".join([*rows, "", f"<sub>{stored['date']}, seed {stored['seed']}, {stored['seconds']:.0f} s.</sub>"])


def main() -> None:
    """All of it, on two cores; stored when it is a full run."""
    from tests.browser import fuzz as browser

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=FULL, help="by function and endpoint; page and HTTP take a share")
    parser.add_argument("--seed", type=int, default=0)
    given, began = parser.parse_args(), time.perf_counter()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        shares = [range(first, given.cases, 2) for first in range(2)]
        done = [*pool.map(share, shares, [given.seed] * 2)]
    done.append(browser.run(given.cases // 100, given.cases // 50, given.seed))
    parts: dict[str, dict[str, int]] = {}
    for outcome, n in sorted(sum((became for became, _ in done), Counter[str]()).items()):
        part, _, name = outcome.partition(": ")
        parts.setdefault(part, {})[name] = n
    failures = [failure for _, failed in done for failure in failed]
    found = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "seed": given.seed, "parts": parts, "failures": failures}
    found |= {"seconds": time.perf_counter() - began}
    if given.cases >= FULL:
        STORED.write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    print(json.dumps(failures, indent=1), summary(found), sep="\n")
    if failures:
        raise SystemExit(f"{len(failures)} cases are not as they should be")


if __name__ == "__main__":
    main()
