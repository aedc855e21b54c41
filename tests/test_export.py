"""What leaves the page: JSON by its schema, offsets in two counts, CSV, one HTML file, SVG, a notebook's card."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import jsonschema
import pytest

from attribution import METHODS, explain, sentences
from attribution.errors import AttributionError
from attribution.evidence.faithfulness.measure import measure
from attribution.export import (
    FORMATS,
    PROBE_FORMATS,
    SCHEMA,
    SENTENCES_SCHEMA,
    dumps,
    probes_to_csv,
    sentences_to_dict,
    to_csv,
    to_dict,
    to_html,
    to_json,
    to_svg,
)
from attribution.rerankers.reranker import Reranker
from attribution.types import CAPPED, Explanation
from attribution.views.picture import COLUMNS, lay_out
from attribution.views.picture import share_svg as to_share_svg
from attribution.words import to_words

HOSTILE = "=1+1 \U0001f600 <script>alert(1)</script> &amp; {{ 7 * 7 }}\x0b </style> berlin ]]> 'ok\""
PAIR = ("how many \uffff\U00010000 people", HOSTILE)  # the last code point of one UTF-16 unit, the first of two


@pytest.fixture(scope="module")
def explanation(tiny_bert: Reranker) -> Explanation:
    return explain(tiny_bert, *PAIR, "occlusion")


def test_json_is_what_its_schema_says_and_keeps_every_number(tiny_bert: Reranker, explanation: Explanation) -> None:
    path = explain(tiny_bert, *PAIR, "integrated_gradients", max_evaluations=17)
    document = json.loads(to_json([explanation, path], measure(tiny_bert, {"occlusion": explanation})))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert document["explanations"][1]["attributions"] == list(path.attributions)
    assert document["explanations"][1]["paths"][0]["baseline_logit"] == path.paths[0].baseline_logit
    assert document["faithfulness"]["methods"]["occlusion"]["deletion"][0] == pytest.approx(explanation.logit, abs=1e-4)
    fields = {f.name for f in dataclasses.fields(Explanation)}
    assert fields <= set(schema["$defs"]["explanation"]["properties"]), "a new field needs its line in the schema"


def test_both_counts_of_offsets_cut_the_same_text(explanation: Explanation) -> None:
    content = to_dict(explanation)
    for part in [*content["words"], *content["tokens"]]:
        if part["start"] is None:
            assert part["start_utf16"] is None
            continue
        text = content[part["segment"]]
        javascript = text.encode("utf-16-le")[2 * part["start_utf16"] : 2 * part["end_utf16"]].decode("utf-16-le")
        assert javascript == text[part["start"] : part["end"]]
    assert any(part["start"] != part["start_utf16"] for part in content["words"]), "nothing stood behind the emoji"
    for side in ("query", "document"):
        assert "".join(text for text, _ in content["highlighted"][side]) == content[side]
    total = sum(word["attribution"] for word in content["words"]) + content["template_attribution"]
    assert total == pytest.approx(sum(explanation.attributions), abs=1e-5)


def test_csv_holds_every_word_and_no_formula(explanation: Explanation) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([explanation]))))
    words = to_dict(explanation)["words"]
    assert [float(row["attribution"]) for row in rows] == [word["attribution"] for word in words]
    assert [int(row["start_utf16"]) for row in rows] == [word["start_utf16"] for word in words]
    for side in ("query", "document"):
        places = [int(row["word"]) for row in rows if row["segment"] == side]
        assert places == list(range(len(to_words(explanation, side)))), "as `to_words` counts them"
    assert not any(row["text"].strip().startswith(("=", "+", "@")) for row in rows)
    assert any(row["text"].startswith("'=") for row in rows)


def test_files_say_what_was_cut_capped_and_replaced(tiny_bert: Reranker, explanation: Explanation) -> None:
    path, *others = explain(tiny_bert, *PAIR, "integrated_gradients").paths
    paths = (dataclasses.replace(path, capped=True), *others)
    said = dataclasses.replace(explanation, truncated=True, note="Another method ran.", paths=paths)
    for one, expected in ((explanation, ("False", "")), (said, ("True", f"Another method ran. {CAPPED}"))):
        rows = csv.DictReader(io.StringIO(to_csv([one])))
        assert {(row["truncated"], row["notes"]) for row in rows} == {expected}
    for picture in (to_svg, lambda one: to_share_svg({one.requested_method: one})):
        assert CAPPED in picture(said)
        assert CAPPED not in picture(explanation)


def test_no_file_holds_a_control_code(tiny_bert: Reranker) -> None:
    """Which a terminal runs, and which ends some programs' reading; each is one sign, so that no word is longer."""
    codes = "".join(chr(n) for n in (*range(9), *range(14, 32), *range(127, 160), 0xFFFE, 0xFFFF) if n != 0x85)
    done = {"saliency": explain(tiny_bert, "berlin", f"a{codes}b", "saliency")}
    for file in (to_html(done, None, None, {"occlusion": codes}), to_svg(done["saliency"]), to_share_svg(done)):
        assert not set(codes) & set(file)
    assert "a" + "\ufffd" * len(codes) + "b" in to_html(done)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\rx", " \n=1", "berlin", "'=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str, tiny_bert: Reranker) -> None:
    """By OWASP's list of first characters; white space before them is none to a spreadsheet."""
    document = f"x{text}" if text[0].isspace() else text  # the white space belongs to the word after it
    rows = csv.DictReader(
        io.StringIO(to_csv([explain(tiny_bert, "berlin", document, "embedding_magnitude")]), newline="")
    )
    cells = [row["text"] for row in rows if row["segment"] == "document"]
    dangerous = [cell for cell in cells if cell.lstrip(" \n")[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert dangerous == []
    quoted = [cell for cell in cells if cell.lstrip(" \n").startswith("'")]
    assert bool(quoted) == (text != "berlin")


class Tags(HTMLParser):
    """Names of all tags, and every attribute that could load or run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.live: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.live += [name for name, _ in attrs if name in ("src", "href", "srcdoc") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_file_needs_nothing_and_runs_nothing(tiny_bert: Reranker, explanation: Explanation) -> None:
    done = {"occlusion": explanation}
    for html in (to_html(done, measure(tiny_bert, done)), explanation._repr_html_()):
        page = Tags(html)
        assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
        assert page.live == []
        assert not re.search(r"url\(|@import", html)
        assert "<script>alert(1)</script>" in page.text.replace("\n", "")
        assert "--a:" in html
    assert "prefers-color-scheme: dark" in html
    assert "Which method to believe is not known until all of them are measured." in html, "a file waits for nothing"


def test_svg_is_well_formed_and_shows_every_word(explanation: Explanation) -> None:
    root = ElementTree.fromstring(to_svg(explanation))
    shown = "".join(node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text"))
    expected = re.sub(r"\s", "", HOSTILE).replace("\x0b", "")
    assert expected in re.sub(r"\s", "", shown)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    alphas = [float(r.get("fill-opacity", 0)) for r in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert max(alphas) == pytest.approx(0.62)


def test_words_stay_inside_the_picture(tiny_bert: Reranker) -> None:
    long = explain(tiny_bert, "berlin", "x" * 200 + " 首都 " * 50 + "\n\n\tpark שלום", "saliency")
    pieces = lay_out(to_words(long, "document"), 1.0, METHODS["saliency"])
    assert "".join(piece.text for piece in pieces) == re.sub(r"\s", "", long.document)
    assert all(piece.x >= 0 and piece.x + piece.width <= COLUMNS * 8.4 + 1e-6 for piece in pieces)
    hebrew = to_words(explain(tiny_bert, "berlin", "שלום עולם", "saliency"), "document")
    first, second = lay_out(hebrew, 1.0, METHODS["saliency"])
    assert first.x > second.x


@pytest.mark.parametrize("text", ["plain", "\u9996\u90fd \U0001f600", "half \ud800 of one", "and \udfff"])
def test_json_is_valid_utf8_and_text_stays_readable_where_it_can(text: str) -> None:
    said = dumps({"text": text})
    assert json.loads(said.encode("utf-8")) == {"text": text}
    assert (text in said) == (not any("\ud800" <= character <= "\udfff" for character in text))
    with pytest.raises(AttributionError, match=r"^number is nan, so"):  # which no browser reads
        dumps({"text": text, "number": math.nan})


def test_a_saved_table_is_read_as_utf8_by_excel(tiny_bert: Reranker) -> None:
    """By the byte order mark in front; `utf-8-sig`, as pandas and csv are told, takes it away again."""
    done = {"saliency": explain(tiny_bert, "münchen", "größe", "saliency")}
    for saved, text in (
        (FORMATS["CSV"].write(done, None), to_csv([*done.values()])),
        (PROBE_FORMATS["CSV"].write([]), probes_to_csv([])),
    ):
        assert saved.encode().startswith(b"\xef\xbb\xbf")
        assert saved.encode().decode("utf-8-sig") == text


def test_sentences_leave_by_their_schema_and_whole(tiny_bert: Reranker) -> None:
    """An emoji before them, one with markup, and more than the model reads."""
    document = (
        f"\U0001f600 berlin is large.\n=1+1\n<script>alert(1)</script> paris.\n{HOSTILE}\n" + "cats sleep.\n" * 40
    )
    found = sentences(tiny_bert, PAIR[0], document)
    content = json.loads(dumps(sentences_to_dict(found)))
    schema = json.loads(SENTENCES_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    assert set(content) == set(schema["properties"]) - {"id", "settings"}, "a new field needs its line in the schema"
    assert "".join(s["text"] for s in content["sentences"]) == document
    utf16 = document.encode("utf-16-le")
    for s in content["sentences"]:
        assert utf16[2 * s["start_utf16"] : 2 * s["end_utf16"]].decode("utf-16-le") == s["text"]
    assert content["unread"] == list(found.unread) != []
