"""What the tests of the page read it with: its text, its tags, its numbers; and an explanation of hostile texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from attribution.types import Explanation, Token

EXPLANATION = Explanation(
    method="saliency",
    requested_method="saliency",
    note=None,
    model_id="<b>model</b>",
    revision="r",
    query="a <i>query</i>",
    document="the <script>alert(1)</script> document",
    tokens=(Token("a", "query", 0, 1), Token("[SEP]", "template", None, None), Token("the", "document", 0, 3)),
    attributions=(0.5, 0.25, -1.0),
    logit=1.5,
    paths=(),
    truncated=False,
    n_forward=2,
    n_backward=1,
    seconds=0.1,
)


class Reader(HTMLParser):
    """The text between the tags, and the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(str(html))  # what is added to a Markup is escaped
    reader.close()
    return reader


def numbers(html: str) -> dict[str, list[str]]:
    """What stands on the page under each name, with its unit."""
    found: dict[str, list[str]] = {}
    for name, text in re.findall(r'data-n="([\w-]+)">([^<]*)<', str(html)):
        found.setdefault(name, []).append(text)
    return found
