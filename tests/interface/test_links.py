"""What of the page a link has: by place, so a version of links adds its fields at the end, and older links open."""

from __future__ import annotations

import json

import gradio as gr

from attribution.views.page import COMPARE
from interface.page.settings import groups
from interface.tabs.compare.documents import MOST
from interface.tabs.table import TABS

BOXES = [f"Document {i}" for i in range(1, MOST + 1)]
VERSIONS = [
    ["Model", "Query", "Document", *groups(), "Baseline", "How saliency takes the embeddings"],
    ["To measure faithfulness, remove words by", "n_samples", "n_steps"],
    ["Documents as", "Names", "Query", "Documents, 2 to 20", *BOXES],
    ["Why A over B, by", "Colour the rows by", "A, B and what if", "Page", "Show"],
    ["Edited words"],  # 1
    ["Layer and head"],  # 2
    ["Second model", "Text", "Words or sentences", "How"],  # 3
]


def test_a_link_of_an_audits_report_opens_compare() -> None:
    assert TABS[COMPARE].id == "compare"


def test_what_a_version_adds_stands_behind_what_older_links_have(demo: gr.Blocks) -> None:
    for event in (event for event in demo.fns.values() if "link.read(" in str(event.js)):
        rules, _ = json.JSONDecoder().raw_decode(str(event.js).partition("link.read(")[2])
        assert [rule["name"] for rule in rules] == [name for names in VERSIONS for name in names]
        assert [getattr(part, "label", None) for part in event.outputs] == [rule["name"] for rule in rules]


def test_no_box_cuts_what_is_pasted_into_it(demo: gr.Blocks) -> None:
    """Without a word; what is too long is said."""
    boxes = [part for part in demo.blocks.values() if isinstance(part, gr.Textbox)]
    assert len(boxes) > len(BOXES)
    assert [box.label for box in boxes if box.max_length is not None] == []
