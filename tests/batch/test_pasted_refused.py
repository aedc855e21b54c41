"""Pasted lists that cannot be read, or be compared: what is wrong is said, with the place, and what to do."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from attribution.batch.pasted import read_pasted
from attribution.errors import InputError
from interface.runs.limits import MAX_DOCUMENT
from interface.tabs.compare.documents import MOST, check_list
from tests.batch.conftest import within


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
            within("abcde", '{"text": "one"}', '{"text": "two"}'),
            r"Its keys: a\. There is one under a\.b\.c\.d\.e\.text",
        ),
        (within("abcde", '["is one"]', '["is two"]'), r"Its keys: a\.$"),
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
