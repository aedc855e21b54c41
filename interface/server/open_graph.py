"""What a link to the page shows elsewhere: our preview in place of the one that Gradio writes into every page."""

import os
import re
from collections.abc import Mapping
from html import escape

TAG = re.compile(r'((?:property|name)="(?:og|twitter):(title|description|image|url)"\s+content=)"[^"]*"')
SPACE = "https://huggingface.co/spaces/{}"
FILES = [
    ("Model card", "blob/main/models/demo-reranker/README.md"),
    ("Papers", "blob/main/docs/methods.md"),
    ("Code", "tree/main"),
]


def space_address() -> str | None:
    """The Space this runs in, if it runs in one."""
    space = os.environ.get("SPACE_ID")
    return SPACE.format(space) if space else None


def about() -> list[tuple[str, str]]:
    """The title line's links to what this Space is made of; none where the Space is not known."""
    space = space_address()
    return [(text, f"{space}/{path}") for text, path in FILES] if space else []


def preview(title: str, description: str) -> dict[str, str]:
    """Open Graph's names and ours, for `<head>`; picture and address where the Space is known."""
    space = space_address()
    tags = {"title": title, "description": description}
    return tags | ({"image": f"{space}/resolve/main/docs/screenshot.png", "url": space} if space else {})


def rewritten(page: str, tags: Mapping[str, str]) -> str:
    """A page, or its template, with our content in its `og:` and `twitter:` tags; those without ours are emptied."""

    def content(match: re.Match[str]) -> str:
        return f'{match[1]}"{escape(tags.get(match[2], ""))}"'

    return TAG.sub(content, page)
