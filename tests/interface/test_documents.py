"""Compare's documents: as one list or a box each, written as they are read, and the example lists."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.batch.pasted import read_pasted
from interface.tabs.compare.documents import BOXES, EMPTY, LIST, MOST, check_list, convert, show, write_list

LISTS = json.loads((Path(__file__).resolve().parents[2] / "examples" / "lists.json").read_text("utf-8"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@settings(max_examples=40)
@example(["{}", "x"])
@example(["- a", "- b"])
@example(["a\tb", "c\td"])
@example(['"a"', '"b"'])
@example(["id,text", "1,b"])
@example(["sep=;", "\ufeffb"])
@example(["[]", "[1]"])
@example(["a\n \nb", "\nx"])
@example(["\na", "b"])
@given(st.lists(TEXTS.filter(str.strip), min_size=2, max_size=5))
def test_what_is_written_is_read_again(texts: list[str]) -> None:
    assert [document.text for document in check_list(read_pasted(write_list(texts)))] == texts


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["one", "zwei \u00fc"], "one\nzwei \u00fc"),
        ([("a", "one"), "two"], '{"id": "a", "text": "one"}\n{"text": "two"}'),
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
        assert [d.text for d in check_list(read_pasted(write_list(one["documents"])))] == one["documents"]
    assert any(len(set(one["documents"])) < len(one["documents"]) for one in LISTS)  # a duplicate


@pytest.mark.parametrize(
    "pasted",
    [
        '{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n{"id": "c", "text": "three"}',
        'id,text\n7,"one, of"\n8,two',
        '[\n "one",\n "two"\n]',
        "1. one\n2. two",
        '{"id": 7, "text": "one"},\n{"text": "two"},',
        "one\n\n\ntwo\n ",
    ],
)
def test_a_list_whose_boxes_nobody_edited_is_the_same_list_to_the_letter(pasted: str) -> None:
    mode, kept, names, layout, _, *boxes = convert(BOXES, pasted, [], *EMPTY)
    assert (mode, kept, layout) == (BOXES, pasted, [BOXES, len([box for box in boxes if box]) or 2])
    assert convert(LIST, pasted, names, *boxes)[:2] == [LIST, pasted]
    edited = convert(LIST, pasted, names, "another", *boxes[1:])[1]
    before = [(document.name, document.text) for document in check_list([*read_pasted(pasted), "one more"])]
    after = [(document.name, document.text) for document in check_list([*read_pasted(edited), "one more"])]
    assert after == [(before[0][0], "another"), *before[1:]]


@pytest.mark.parametrize(
    ("pasted", "says"),
    [('{"text": 1}', "text is a number"), ("x\n" * 21, "21 documents were given; there are 20 boxes")],
)
def test_a_list_that_is_not_read_stays_a_list_and_so_do_the_boxes(pasted: str, says: str) -> None:
    mode, kept, names, layout, problem, *boxes = convert(BOXES, pasted, ["a"], "kept", *EMPTY[1:])
    assert (mode, kept, names, layout, boxes) == (LIST, pasted, ["a"], [LIST, 2], ["kept", *EMPTY[1:]])
    assert says in problem


def test_the_form_in_sight_is_the_one_of_the_layout_and_a_layout_that_is_none_is_refused() -> None:
    seen = [update["visible"] for update in show([LIST, 3])]
    assert seen == [True, False, *[True] * 3, *[False] * (MOST - 3)]
    assert [update["visible"] for update in show([BOXES, MOST])] == [False, True, *[True] * MOST]
    for layout in ([LIST], [LIST, "3"], [3, LIST], (LIST, 3), None, "", {LIST: 3}):
        with pytest.raises(gr.Error, match="must be"):
            show(layout)
