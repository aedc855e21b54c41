"""Pasted lists: every form that the page says it reads, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_lowercase

import gradio as gr
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.batch.pasted import read_pasted
from attribution.errors import InputError
from interface.runs.limits import MAX_DOCUMENT
from interface.tabs.compare.documents import BOXES, EMPTY, LIST, MOST, check_list, convert, show, write_list

LISTS = json.loads((Path(__file__).resolve().parents[2] / "examples" / "lists.json").read_text("utf-8"))


def _within(keys: str, *values: str) -> str:
    """A JSON array of the values, each inside objects that have one of these keys."""
    for key in reversed(keys):
        values = tuple(f'{{"{key}": {value}}}' for value in values)
    return f"[{', '.join(values)}]"


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
        (_within("abcd", '{"text": "one"}', '{"text": "two"}'), [("1", "one"), ("2", "two")]),
        (_within("abcd", '["is one"]', '["is two"]'), [("1", "is one"), ("2", "is two")]),
        ("one\n---\ntwo", [("1", "one"), ("2", "---"), ("3", "two")]),
    ],
)
def test_every_form_of_a_list(pasted: str, expected: list[tuple[str, str]]) -> None:
    assert [(document.name, document.text) for document in check_list(read_pasted(pasted))] == expected


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("", "0 documents were given; 2 to 20"),
        ("only one", "1 document was given; 2 to 20"),
        ("\n".join("x" for _ in range(MOST + 1)), f"{MOST + 1} documents"),
        (f"one\n{'x' * (MAX_DOCUMENT + 1)}", "Document 2 has 20,001 characters"),
        ('{"text": "one"}\nplain', "Line 2 is not a JSON object"),
        ('{"text": "one"}\n{"url": "two"}', "Line 2: it has no text under text, contents.*Its keys: url"),
        ('[\n"one",\n"two', "Line 3 is not a JSON object, but the list begins as JSON"),
        ('{"hits": {"hits": [{"_id": "a", "_source": {"text": "one"}}]}}', "1 document was given"),
        (
            '{"hits": [{"a": {"text": "one"}}, {"a": {"title": "two"}}]}',
            r"those under hits\[\]\.a\.text, which not every element has; leave out those that have none\.$",
        ),
        (
            '{"x": [{"a": "is it so", "b": "yes it is"}, {"a": "or not", "b": "no"}]}',
            r"may be those under x\[\]\.a or those under x\[\]\.b\. Give one of the two alone, or name its key",
        ),
        (
            '[{"query": "q", "documents": ["one", "two"]}, {"query": "r", "documents": ["three"]}]',
            r"those under \[\]\.documents\[\], in more than one list; give one of the lists alone\.$",
        ),
        ('{"d1": "one of them", "d2": "two of them"}', r"it has no text under .* Its keys: d1, d2\.$"),
        ('{"text": {"0": "one of them"}}', "text is an object; it must be a string"),
        ('[{"id": 1, "payload": {"content": "one"}}]', r"There is one under payload\.content: give"),  # Qdrant's
        (
            _within("abcde", '{"text": "one"}', '{"text": "two"}'),
            r"Its keys: a\. There is one under a\.b\.c\.d\.e\.text",
        ),
        (_within("abcde", '["is one"]', '["is two"]'), r"Its keys: a\.$"),
        ('{"texts": [["is one", "is two"], ["is three", "is four"]]}', r"Its keys: texts\.$"),
        ("a\tone\na\ttwo", "The list is a table of 2 columns"),  # no ids
        ("\n".join(f"{letter}) one" for letter in [*ascii_lowercase, "a"]), "27 documents were given"),
        ("['one' 'two']", "Line 1 is not a JSON object"),  # as numpy prints it: to Python, one string
        ("[{'text': 'one', 'score': nan}, {'text': 'two'}]", "Line 1 is not a JSON object"),
        ("docs = [\n  'one',\n  3,\n]", "Line 3 holds a number; give a string"),
        ('Hits:\n{"text": "one"}\n{"text": "two"}', 'JSON or Python below the line "Hits:". Remove that line'),
        ('Results:\n["one", "two"]', 'JSON or Python below the line "Results:". Remove that line'),
        (f'{"x" * 50}\n["one", "two"]', f'below the line "{"x" * 40}". Remove'),
        (f"|text|id|\n|--|--|\n|one|a|\n{'x' * 50}", f'"{"x" * 40}" is no row of it'),
        ("[('a', 'one', 3), ('b', 'two', 4)]", "Line 1 holds a list"),
        ("[('a', 1), ('b', 2)]", "Line 1 holds a list"),
        ("text | id\n---|---\none |\ntwo | b", "Row 2 of the table has no id"),
        ("| text | id\n|---|---\n| one |\n| two | b", "Row 2 of the table has no id"),
        (" id | text\n----+-----\n a | b | C+\n b | two", "Row 2 of the table has 3 cells"),
        (
            "\u2502text\u2502\n\u2502---\u2502\n\u2502str\u2502\n\u255e\u2550\u2561\n\u2502one\u2502",
            "1 document was given",
        ),
        ('{"x": [{"t": ["is one"]}, {"t": "is two"}]}', r"Its keys: x\."),
        ('{"x": [{"t": ["is one"]}, {"t": []}]}', r"Its keys: x\."),
        ('{"x": [{"d": {"text": "is one"}}, {"d": {"id": "\\ud800", "text": "is two"}}]}', "^Line 2: the id"),
        (">>> docs\n['one', 'two']", 'JSON or Python below the line ">>> docs". Remove'),
        ("<ul>\n<li>one</li>\n<li>two</li>\n</ul>", "The list is HTML. Give one document a line"),
        ("{\\rtf1\\ansi one\\par\ntwo\\par}", "The list is RTF"),
        ("- id: a\n  text: one\n- id: b\n  text: two", "The list is YAML"),
        ("[Document(metadata={}, page_content='one'),\n Document(page_content='two')]", "The list is Python objects"),
        ("page_content='one' metadata={}\npage_content='two'", "The list is Python objects"),
        ("   id  text\n0   a  one.\n1   b  two.", r"a table as pandas prints it, .*; df.to_csv\(\) gives all of it"),
        ("0    one\n1    two\nName: text, dtype: object", "as pandas prints it"),
        ("-[ RECORD 1 ]\nid   | a\ntext | one\n-[ RECORD 2 ]\nid   | b\ntext | two", "one below another"),
        ("****** 1. row ******\n  id: a\ntext: one\n****** 2. row ******\n  id: b\ntext: two", "one below another"),
        ("  text\n--------\n one\n two\n(2 rows)", "whose cells only blanks part"),
        ("id  text\n--  ----\na   one\nb   two", "whose cells only blanks part"),
        ('2024-01-01 10:00 {"text": "one"}\n2024-01-01 10:01 {"text": "two"}', "JSON with a time before it"),
        ("| id | text |\n|---|---|\n| a | one |\n|   | still one |", "Row 3 of the table has no id, and others have"),
        ("|text|id|\n|--|--|\n|one|a|\n|two\nstill two|b|", '"|two" is no row of it. Remove that line, or write the'),
        ('{"text": "one"\n{"text": "two"}', "Line 1 is not a JSON object"),
        (
            '[{"text": "one"}, 7]',
            "give a string, or an object with an id .*, with a title where there is one.$",
        ),
        ('[\n{"text": "one"},\ntwo\n]', "Line 3 is not a JSON object"),
        ("[\none\n]", "Line 2 is not a JSON object"),
        ('[{"text": "one"}, null]', "Line 1 holds null"),
        ("a\tb\tone\nc\td\ttwo", "The list is a table of 3 columns, and nothing says which one is the text"),
        ("1.\ta\tone\n2.\tb\ttwo", "The list is a table of 3 columns"),
        ("some text\tmore\nother text\tmore", "The list is a table of 2 columns"),
        ('"a","b","one"\n"c","d","two"', "The list is a table of 3 columns"),
        (
            '{"text": "one"}\n{"id": true, "text": "two"}',
            "^Line 2: id is true or false; it must be a string or a whole",
        ),
        ('{"id": {"a": 1}, "text": "one"}\n{"text": "two"}', "^Line 1: id is an object"),
        ('{"id": null, "text": "one"}\n{"text": "two"}', "^Line 1: id is null"),
        ('{"text": " "}\n{"text": "two"}', "Document 1 is empty"),
        ('id;Inhalt\n1;"a; b"\n2;c', "The list is a table of 2 columns, and nothing says which one is the text"),
        ("id,text\n1,one, two\n2,three", "Row 2 of the table has 3 cells, and its first row names 2. Put texts"),
        ("[1, 2]", "Line 1 holds a number; give a string"),
        ('[["one"], ["two"]]', "Line 1 holds a list; give a string"),
        ('["one",\n"two"', "Line 2 is the last and there is no ], but the list begins as JSON"),
        ('id,text\n1,"a" b\n2,c', "Line 2 cannot be read as a row of the table: .*write a double quote in it twice"),
        ('id\ttext\n1\t"a" b\n2\t"c\nd"', "Line 2 cannot be read as a row of the table"),
        ("id,text,text\n1,a,b", "The first row of the table names the column text twice"),
        ("| a | one |\n| b | two |", "The list is a table of 2 columns"),
        ("| Name | About |\n|---|---|\n| a | one |", "The list is a table of 2 columns"),
        ("Found:\n\n| id | text |\n|--|--|\n| a | one |", 'drawn with bars, and "Found:" is no row of it'),
        ("text | id\n-----+---\none | 1\n(1 row)", r'"\(1 row\)" is no row of it'),
        ("| text |\n|---|\n| one | two |", "Row 2 of the table has 2 cells, and its first row names 1"),
    ],
)
def test_what_cannot_be_compared_is_said(pasted: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_list(read_pasted(pasted))


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
