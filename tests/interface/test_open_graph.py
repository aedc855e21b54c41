"""A link to the page shows its own title, words and picture, not Gradio's."""

from functools import partial

import gradio.routes
import pytest

from interface.server import gradio_private
from interface.server.open_graph import preview, rewritten

TAGS = [f"{kind}:{name}" for kind in ("og", "twitter") for name in ("title", "description", "image")]


@pytest.mark.parametrize("name", ["index", "share"])
@pytest.mark.parametrize("space", ["", "someone/lens"])
def test_the_page_gets_our_preview_and_nothing_else(name: str, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", space)
    templates = gradio.routes.templates
    config = {"title": "theirs", "thumbnail": "theirs", "simple_description": "theirs"}
    gradio_private.install()
    before = templates.get_template(f"frontend/{name}.html").render(config=config).split('"')
    gradio_private.install(partial(rewritten, tags=preview('A "title"', "words")))
    after = templates.get_template(f"frontend/{name}.html").render(config=config).split('"')
    gradio_private.install()
    picture = f"https://huggingface.co/spaces/{space}/resolve/main/docs/screenshot.png" if space else ""
    ours = ["A &quot;title&quot;", "words", picture]
    for tag, content in zip(TAGS, [*ours, *ours], strict=True):
        assert after.count(tag) == 2
        assert {after[i + 2] for i, part in enumerate(after) if part == tag} == {content}
    assert len(before) == len(after)
    changed = {after[i - 2] for i, part in enumerate(after) if part != before[i]}
    assert changed == {*TAGS, "og:url"}
