"""Pasted lists: every form that the page says it reads, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.errors import InputError
from interface.runs.limits import MAX_DOCUMENT
from interface.tabs.compare.documents import MOST, read_list, write_list

LISTS = json.loads((Path(__file__).resolve().parents[2] / "examples" / "lists.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("one\ntwo", [("1", "one"), ("2", "two")]),
        ("\none\r\ntwo\n\n", [("1", "one"), ("2", "two")]),
        ("one\nstill one\n \ntwo", [("1", "one\nstill one"), ("2", "two")]),
        ("  one \n\n\n\n two", [("1", "  one "), ("2", "two")]),
        ('{"text": "one", "id": 7}\n{"document": "two"}', [("7", "one"), ("2", "two")]),
        ('\n{"text": "a\\n\\nb"}\n\n{"text": "two", "other": 1}', [("1", "a\n\nb"), ("2", "two")]),
        ("{curly}\ntwo", [("1", "{curly}"), ("2", "two")]),
        ("3\n4", [("1", "3"), ("2", "4")]),
    ],
)
def test_every_form_of_a_list(pasted: str, expected: list[tuple[str, str]]) -> None:
    assert [(document.name, document.text) for document in read_list(pasted)] == expected


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("", "0 documents were given; 2 to 20"),
        ("only one", "1 document was given; 2 to 20"),
        ("\n".join("x" for _ in range(MOST + 1)), f"{MOST + 1} documents"),
        (f"one\n{'x' * (MAX_DOCUMENT + 1)}", "Document 2 has 20,001 characters"),
        ('{"text": "one"}\nplain', "Line 2 is no JSON object"),
        ('{"text": "one"}\n{"body": "two"}', "Line 2 has no string under text or document. Its keys: body"),
        (
            '{"text": "one"}\n{"id": true, "text": "two"}',
            "^Line 2: id is true or false; it must be a string or a whole",
        ),
        ('{"id": {"a": 1}, "text": "one"}\n{"text": "two"}', "^Line 1: id is an object"),
        ('{"id": null, "text": "one"}\n{"text": "two"}', "^Line 1: id is null"),
        ('{"text": " "}\n{"text": "two"}', "Document 1 is empty"),
    ],
)
def test_what_cannot_be_compared_is_said(pasted: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_list(pasted)


@settings(max_examples=40)
@example(["{}", "x"])
@example(["a\n \nb", "\nx"])
@example(["\na", "b"])
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")).filter(str.strip), min_size=2, max_size=5)
)
def test_what_is_written_is_read_again(texts: list[str]) -> None:
    assert [document.text for document in read_list(write_list(texts))] == texts


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["one", " ", "zwei \u00fc"], "one\nzwei \u00fc"),
        (["one\nstill one", "two"], "one\nstill one\n\ntwo"),
        (["{}", "\u9996\u90fd"], '{"text": "{}"}\n{"text": "\u9996\u90fd"}'),
        ([], ""),
    ],
)
def test_a_list_is_written_as_plainly_as_it_can_be(texts: list[str], written: str) -> None:
    assert write_list(texts) == written


def test_the_example_lists() -> None:
    assert len(LISTS) >= 4
    assert len({one["label"] for one in LISTS}) == len(LISTS)
    for one in LISTS:
        assert one["reason"]
        assert [d.text for d in read_list(write_list(one["documents"]))] == one["documents"]
    assert any(len(set(one["documents"])) < len(one["documents"]) for one in LISTS)  # a duplicate
