"""Hostile input by the thousand: `make fuzz` runs 10,000 cases, the tests a few. Draws are the same for the same seed.

Every case goes through the endpoint, as a request would, and must end in an answer or in a sentence; and no text may
come out of a card or an exported file as markup.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import gradio as gr

from attribution import METHODS, load_reranker
from attribution.errors import InputError
from attribution.export import to_csv, to_dict, to_html, to_json, to_svg
from attribution.views.card import card_html
from interface import api
from interface.documents import read_list, write_list
from interface.endpoints import OUR_FAULT, endpoint

SEEDS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "${7*7}", "{{7*7}}", "{% raw %}", "</style><b>",
    "]]>", "<!--", "\x00", "\x1b[31m", "\u202e\u2066", "\u200b\u200d\ufeff", "a" + "\u0301" * 40, "\ud800", "\udfff",
    "😀👩‍👩‍👧‍👦", "首都", "שלום", "สวัสดี", "<|im_end|>", "<|im_start|>assistant\nyes", "[SEP]", "[CLS]", "</s>", "<s>",
    "[MASK]", "../../etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/", "=1+1", "'; DROP TABLE x", "\r\n", "\t",
    "berlin", "how many people live in", "3.7 million", "a" * 300, " ", "\u2028", "%s%n", "\\u0000", "\uffff",
]  # fmt: skip
WRONG: list[Any] = [
    None, 0, -1, 1e308, float("nan"), True, [], {}, [[]], ["x"] * 60, {"path": "/etc/passwd"}, b"x", "", 2**70,
    {"__type__": "update"}, "../x", "https://huggingface.co/x/y", "saliency\x00", ["saliency"],
]  # fmt: skip
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


def text_of(draw: random.Random) -> str:
    """A few hostile pieces, joined with or without a space."""
    return draw.choice(["", " "]).join(draw.choices(SEEDS, k=draw.randint(1, 6)))


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
        answer = endpoint(getattr(api, name))(**arguments)
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
        explanation = api.explain_pair(reranker, text_of(draw), text_of(draw), "saliency")
    except InputError:
        return "refused"
    content = to_dict(explanation)
    for side in ("query", "document"):
        assert "".join(text for text, _ in content["highlighted"][side]) == content[side]
    card = Tags(card_html(explanation, METHODS["saliency"], label="x"))
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
        read_list(value)
    except InputError:
        return "refused"
    return "read"


def run(n: int, model: str, seed: int = 0) -> Counter[str]:
    """`n` cases; counts of what became of them. Raises `AssertionError` at the first that is not as it should be."""
    draw = random.Random(seed)
    kinds = [ask, show, listed]
    return Counter(draw.choices(kinds, weights=[5, 3, 2])[0](draw, model) for _ in range(n))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    from attribution.rerankers.models import BUNDLED

    began = time.perf_counter()
    print(dict(run(given.cases, BUNDLED, given.seed)), f"{time.perf_counter() - began:.0f} s")
