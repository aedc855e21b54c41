"""Lists as people have them, pasted: every form that the page says it reads; none is half read."""

from __future__ import annotations

import pytest

from attribution.batch.pasted import read_pasted
from interface.tabs.compare.documents import check_list
from tests.batch.conftest import within


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
        ("one\ntwo\n   ", [("1", "one"), ("2", "two")]),
        ("\ufeff \none\ntwo\n \n\t\n", [("1", "one"), ("2", "two")]),
        ("[1] one\n[Music] two", [("1", "[1] one"), ("2", "[Music] two")]),
        ("[1]\n2", [("1", "[1]"), ("2", "2")]),
        ("[[wiki]] one\n{{as}} two", [("1", "[[wiki]] one"), ("2", "{{as}} two")]),
        ('["one", "two"]', [("1", "one"), ("2", "two")]),
        ('[\n  "one",\n  "two"\n]\n', [("1", "one"), ("2", "two")]),
        ('[{"text": "one", "id": 7}, {"contents": "two"}]', [("7", "one"), ("2", "two")]),
        ('[\n {\n  "id": "a",\n  "text": "one"\n },\n {\n  "text": "two"\n }\n]', [("a", "one"), ("2", "two")]),
        ('{\n "text": "one"\n}\n{\n "text": "two"\n}', [("1", "one"), ("2", "two")]),
        ('{"text": "one"},\n{"text": "two"},', [("1", "one"), ("2", "two")]),
        ('"one",\n"two"', [("1", "one"), ("2", "two")]),
        ('{"_id": "a", "title": "T", "text": "one"}\n{"docid": "b", "segment": "two"}', [("a", "T one"), ("b", "two")]),
        ("1. one\n2. two\n3. three", [("1", "one"), ("2", "two"), ("3", "three")]),
        (" 1) one\n    still one\n 2) two\n", [("1", "one\nstill one"), ("2", "two")]),
        ("(9) one\n(10) two", [("1", "one"), ("2", "two")]),
        ("- one\n- two\n\n- three", [("1", "one"), ("2", "two"), ("3", "three")]),
        ("\u2022 one\n\u2022\ttwo", [("1", "one"), ("2", "two")]),
        ("* one\n  * more of it\n* two", [("1", "one\n* more of it"), ("2", "two")]),
        ("- one\n* two\n\u25aa three", [("1", "one"), ("2", "two"), ("3", "three")]),
        ("- one\n1. two", [("1", "- one"), ("2", "1. two")]),
        ("1. one\n3. no next", [("1", "1. one"), ("2", "3. no next")]),
        ("- one\ntwo", [("1", "- one"), ("2", "two")]),
        ("1999. A year\n2000. Another", [("1", "1999. A year"), ("2", "2000. Another")]),
        ('text\n"a, b."\nc', [("1", "a, b."), ("2", "c")]),  # as spreadsheets save one column
        ("text\na\nb", [("1", "text"), ("2", "a"), ("3", "b")]),
        ('id,text,,\n1,"a, b",,\n2,c,,\n', [("1", "a, b"), ("2", "c")]),  # empty columns of a spreadsheet
        ("sep=;\r\nid;text\r\n1;a\r\n2;b\r\n", [("1", "a"), ("2", "b")]),
        ('id,text,title\n1,"a, b",T\n2,"c, d"\n', [("1", "T a, b"), ("2", "c, d")]),  # nothing in the last cell
        (',text\n0,a\n1,"b, c"\n', [("0", "a"), ("1", "b, c")]),  # as pandas numbers rows
        ('\ufeffid,text\n\ufeff1,"a, b"\n2,c', [("1", "a, b"), ("2", "c")]),  # two files put together
        ('id,text\n7,"Berlin, the ""capital"""\n8,two', [("7", 'Berlin, the "capital"'), ("8", "two")]),
        (
            '"id";"title";"text"\r\n"a";"T";"one\n\nstill one"\r\n"b";"";"two"',
            [("a", "T one\n\nstill one"), ("b", "two")],
        ),
        ("docid\tcontents\na\tone, two\nb\tthree", [("a", "one, two"), ("b", "three")]),
        ('text\tid\none "so"\ta\ntwo\tb', [("a", 'one "so"'), ("b", "two")]),
        ('"one, two"\n"three ""four"""', [("1", "one, two"), ("2", 'three "four"')]),
        ('one\n"two\nstill two"', [("1", "one"), ("2", "two\nstill two")]),
        ('"text"\n"one, two"\n"three"', [("1", "one, two"), ("2", "three")]),
        ("a\tone two\nb\tthree", [("a", "one two"), ("b", "three")]),
        ('1,"one, two"\n2,"three"', [("1", "one, two"), ("2", "three")]),
        ("Berlin, Germany\nParis, France", [("1", "Berlin, Germany"), ("2", "Paris, France")]),
        ('"To be" he said.\n"Or not" she said.', [("1", '"To be" he said.'), ("2", '"Or not" she said.')]),
        ("one\u2028still one\ntwo", [("1", "one\u2028still one"), ("2", "two")]),
        ("| # | Passage |\n|---|:-:|\n| 1 | one \\| more |\n| 2 | two |\n", [("1", "one | more"), ("2", "two")]),
        ("id | text\n---|---\na | one\nb | two", [("a", "one"), ("b", "two")]),
        ("| id | text\n|---|---\n| a | one\n| b | two", [("a", "one"), ("b", "two")]),  # no bar at the ends
        ("| Answer |\n|-|\n| one |\n| two |", [("1", "one"), ("2", "two")]),
        (" id | text\n----+------\n a  | one\n b  | two", [("a", "one"), ("b", "two")]),  # of a database
        (
            "+---+------+\n| id | text |\n+===+======+\n| a | one |\n| b | two |\n+---+------+",
            [("a", "one"), ("b", "two")],
        ),
        (
            "\u2502id\u2502text\u2502\n\u251c\u2500\u253c\u2500\u2524\n\u2502a\u2502one\u2502\n\u2502b\u2502two\u2502",
            [("a", "one"), ("b", "two")],
        ),
        ('```json\n["one", "two"]\n```', [("1", "one"), ("2", "two")]),
        ("| id | **text** |\n| a | one |\n| b | two |", [("a", "one"), ("b", "two")]),  # no ruler
        ("|text|\n|--|\n|one|\n\n|text|\n|--|\n|two|", [("1", "one"), ("2", "two")]),
        ("1 | 2 | 3 | four\n5 | 6 | 7 | eight", [("1", "1 | 2 | 3 | four"), ("2", "5 | 6 | 7 | eight")]),
        ("one | more\ntwo || 2", [("1", "one | more"), ("2", "two || 2")]),
        ("[1] one\n    still one\n[2] two", [("1", "one\nstill one"), ("2", "two")]),
        ("1.- one\n2.- two", [("1", "one"), ("2", "two")]),
        ('id\ttext\na\t"One" she said\n\t\nb\t"two" and 3"', [("a", '"One" she said'), ("b", '"two" and 3"')]),
        ('a\t"One" she said\nb\ttwo', [("a", '"One" she said'), ("b", "two")]),
        ("\tid\t\ttext\n\ta\t\tone\n\tb\t\ttwo", [("a", "one"), ("b", "two")]),  # empty columns
        ("- [ ] one\n- [x] two\n  * more", [("1", "one"), ("2", "two\n* more")]),
        ("> 1. one\n>\n> 2. two", [("1", "one"), ("2", "two")]),
        ("o   one\no\ttwo", [("1", "one"), ("2", "two")]),  # Word's and Outlook's
        ("one\n[1]", [("1", "one"), ("2", "[1]")]),
        ("one\n(1, 2)", [("1", "one"), ("2", "(1, 2)")]),
        ("Document(s) of one\nDocument(s) of two", [("1", "Document(s) of one"), ("2", "Document(s) of two")]),
        ("o one\no two", [("1", "o one"), ("2", "o two")]),
        ('["one" "two",\n"three"]', [("1", "one"), ("2", "two"), ("3", "three")]),  # to Python, two
        ("['one', \"it's\"]", [("1", "one"), ("2", "it's")]),
        ("docs = (\n  'one',  # the first\n  'two',\n)", [("1", "one"), ("2", "two")]),
        ('const docs = ["one", "two"];', [("1", "one"), ("2", "two")]),
        ('["x = [one]", "y = (two)"]', [("1", "x = [one]"), ("2", "y = (two)")]),
        ("[('a', 'one'), ('b', 'two')]", [("a", "one"), ("b", "two")]),
        ("[{'id': 'a', 'text': 'one', 'score': None}, {'text': 'two'}]", [("a", "one"), ("2", "two")]),
        ('[{"text": "one",}, {"text": "two",},]', [("1", "one"), ("2", "two")]),
        (
            '[\n\xa0{\n\xa0\xa0"text": "a\xa0\\"b"\n\xa0},\n\xa0{"text": "two"}\n]',  # copied from a page
            [("1", 'a\xa0"b'), ("2", "two")],
        ),
        (
            " id |  text\n----+--------\n a  | one   +\n    |       +\n    | still\n b  | C++",  # psql's
            [("a", "one\n\nstill"), ("b", "C++")],
        ),
        (
            "\u2502id\u2506text\u2502\n\u2502---\u2506---\u2502\n\u2502str\u2506str\u2502\n"
            "\u255e\u2550\u256a\u2550\u2561\n\u2502a\u2506one\u2502\n\u2502b\u2506two\u2502",
            [("a", "one"), ("b", "two")],
        ),
        (" title | text\n-------+------\n       | one\n T     | two", [("1", "one"), ("2", "T two")]),
        ('{"id": "a", "text": "one"}\n{"id": "a", "text": "two"}', [("a", "one"), ("a (2)", "two")]),
        ('{"id": 2, "text": "one"}\n{"text": "two"}', [("2", "one"), ("2 (2)", "two")]),
        ("[('a', '1'), ('a (3)', '2'), ('a', '3')]", [("a", "1"), ("a (3)", "2"), ("a (3) (3)", "3")]),
        ('{"query": "q", "documents": ["one", "two"]}', [("1", "one"), ("2", "two")]),
        (
            '{"a": 1,\n"results": [{"document": {"text": "one"}}, {"document": {"text": "two"}}]}',
            [("1", "one"), ("2", "two")],
        ),
        (
            '{"response": {"docs": [{"id": "a", "title": ["T"], "about": ["the one"]}, {"id": 7, "about": ["the two"]}'
            ']}, "highlighting": {"a": {"text": ["<em>one</em>"]}}}',  # Solr's
            [("a", "T the one"), ("7", "the two")],
        ),
        (
            '{"hits": {"hits": [{"_id": "a", "_source": {"url": "u", "text": "one"}, '
            '"highlight": {"text": ["<b>one</b>"]}},'
            '{"_id": "b", "_source": {"url": "u", "text": "two"}, "highlight": {"text": ["<b>two</b>"]}}]}}',
            [("a", "one"), ("b", "two")],
        ),
        (
            "{'ids': [['a', 'b']], 'documents': [['one', 'two']], 'metadatas': [[{'source': 'a file'}, None]]}",
            [("1", "one"), ("2", "two")],
        ),
        (
            '{"id": null, "page_content": "is one", "metadata": {"source": "a"}}\n'
            '{"page_content": "is two", "type": "D"}',
            [("1", "is one"), ("2", "is two")],
        ),
        ("- one\n  two", [("1", "- one"), ("2", "  two")]),  # one bullet makes no list
        ("- one\n still one\n- two", [("1", "one\nstill one"), ("2", "two")]),
        ('"!a, b"\n"c"', [("1", "!a, b"), ("2", "c")]),
        ('id,text\n1,"a\tb"\n2,c', [("1", "a\tb"), ("2", "c")]),
        ('"one"\ntwo "so"', [("1", '"one"'), ("2", 'two "so"')]),  # a quoted first word
        ('"one"\n! two', [("1", '"one"'), ("2", "! two")]),
        ('New York,"a, b"\nOld York,"c"', [("1", 'New York,"a, b"'), ("2", 'Old York,"c"')]),
        ('text\n"a" b\nc', [("1", "text"), ("2", '"a" b'), ("3", "c")]),
        ('a, b\n"c" d, e', [("1", "a, b"), ("2", '"c" d, e')]),
        (  # twice as much text; an address is none
            '{"x": [{"a": "a b", "b": "is one", "u": "http://example.org/1"}, '
            '{"a": "c d", "b": "is two", "u": "http://example.org/2"}]}',
            [("1", "is one"), ("2", "is two")],
        ),
        ('{"id": "a", "hits": [{"t": "is one"}, {"t": "is two"}]}', [("1", "is one"), ("2", "is two")]),
        ('{"x": [{"title": [], "t": "is one"}, {"title": ["T"], "t": "two"}]}', [("1", "is one"), ("2", "T two")]),
        (" title | text\n-------+------\n T     | one\n       | two", [("1", "T one"), ("2", "two")]),
        ("id | text |\n---|---|\na | one |\nb | two |", [("a", "one"), ("b", "two")]),
        ("1 | 2 | 3 | four |\n5 | 6 | 7 | eight |", [("1", "1 | 2 | 3 | four |"), ("2", "5 | 6 | 7 | eight |")]),
        ("| 1 | 2 | four\n| 5 | 6 | eight", [("1", "| 1 | 2 | four"), ("2", "| 5 | 6 | eight")]),
        (" id | text\n----+------\n a  | one\n b  | two +\n    | still", [("a", "one"), ("b", "two\nstill")]),
        ("b) one\nc) two", [("1", "b) one"), ("2", "c) two")]),  # not from the beginning
        ("[1] one\n[3] two", [("1", "[1] one"), ("2", "[3] two")]),
        ("#1 one\n#3 two", [("1", "#1 one"), ("2", "#3 two")]),
        (within("abcd", '{"text": "one"}', '{"text": "two"}'), [("1", "one"), ("2", "two")]),
        (within("abcd", '["is one"]', '["is two"]'), [("1", "is one"), ("2", "is two")]),
        ("one\n---\ntwo", [("1", "one"), ("2", "---"), ("3", "two")]),
    ],
)
def test_every_form_of_a_list(pasted: str, expected: list[tuple[str, str]]) -> None:
    assert [(document.name, document.text) for document in check_list(read_pasted(pasted))] == expected


ROMAN = "i ii iii iv v vi vii viii ix x xi"


@pytest.mark.parametrize(
    "marks",
    [
        *(
            "a) b)",
            "(a) (b)",
            "a. b.",
            "A) B)",
            "(i) (ii)",
            "I. II. III.",
            "#1 #2",
            "#1: #2:",
            "1\\. 2\\.",
            "1.\t 2.\t",
        ),
        *("**1.** **2.**", "__1__) __2__)", "1)\t 2)\t", "3. 3.", "\u2022\t \u2022\t", "\uf0b7\t \u25e6\t"),
        *(") ".join(ROMAN.split(" ")) + ")", ") ".join("abcdefghijk") + ")", "\u2014 \u2713", "> >", ">> >"),
    ],
)
def test_markers_of_a_list_are_read_in_all_lines_or_in_none(marks: str) -> None:
    each = [f"{mark.replace('>>', '> >')} " for mark in marks.split(" ")]
    lines = [f"{mark}text {n}" for n, mark in enumerate(each)]
    assert read_pasted("\n".join(lines)) == [f"text {n}" for n in range(len(each))]
    for others in ([*lines, "no mark"], [lines[0], *lines[2:], "99) other"]):
        assert read_pasted("\n".join(others)) == others


@pytest.mark.parametrize(
    "lines",
    [["**1. Bold** one", "**2. Bold** two"], ["A. Smith", "B. Jones"], ["Dr. A", "Dr. B"], ["a. one", "c. two"]],
)
def test_what_only_looks_like_a_marker_stays(lines: list[str]) -> None:
    assert read_pasted("\n".join(lines)) == lines


def test_what_of_a_list_is_not_read_is_said() -> None:
    said: list[str] = []
    read_pasted('{"text": "a", "score": 2, "metadata": {}}\n{"text": "b", "score": 1, "url": "u"}', said.append)
    read_pasted("id,text,score\n1,a,3\n2,b,4", said.append)
    read_pasted('{"model": "m", "results": [{"document": "a", "index": 0}, {"document": "b"}]}', said.append)
    assert said == [
        "the list: score is not read (first on line 1)",
        "the list: url is not read (first on line 2)",
        "the list: score is not read (first on line 2)",
        "the list: of it the 2 texts under results[].document are read",
    ]


def test_a_column_with_an_empty_cell_is_said_to_be_parted_there() -> None:
    """As a text of several paragraphs would be, which looks the same."""
    said: list[str] = []
    assert read_pasted("one\ntwo\n\nthree", said.append) == ["one\ntwo", "three"]
    assert said == ["Blank lines part the list into 2 documents; if each line is one, remove the blank lines"]
    for plain in ("one\ntwo\nthree", "one\n\ntwo", "1. one\n2. two\n\n3. three"):
        read_pasted(plain, said.append)
    assert len(said) == 1
