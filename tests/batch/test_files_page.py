"""docs/files.md: every example is read by the reader it is written for, and every key that is accepted is named."""

from __future__ import annotations

import re
from pathlib import Path

from attribution.batch.keys import DOCUMENT, PAIR, QUERY
from attribution.batch.pasted import read_pasted
from attribution.batch.rows import Row, read_json_lines, read_trec
from attribution.batch.trec import read_qrels

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
HAMLET = "Hamlet A play by William Shakespeare."


def example(heading: str) -> str:
    """The indented block of a section."""
    return "".join(line[4:] + "\n" for line in SECTIONS[heading].splitlines() if line.startswith("    "))


def test_every_example_is_read(tmp_path: Path) -> None:
    query, play = "who wrote Hamlet", "Shakespeare wrote it."
    assert list(read_json_lines(example("Pairs: pairs.jsonl").splitlines(), False)) == [
        Row("a", 1, query, (play,)),
        Row("2", 2, query, (HAMLET,)),
    ]
    assert list(read_json_lines(example("Pairs in a table: pairs.csv").splitlines(), False)) == [
        Row("2", 2, query, ("Shakespeare, who was an actor, too.",))
    ]
    assert list(read_json_lines(example("Lists: lists.jsonl").splitlines(), True)) == [
        Row("1", 1, query, (play, "Goethe wrote Faust."), ("1", "d2"))
    ]
    files = {}
    for heading in SECTIONS:
        name, _, file = heading.partition(": ")
        if file.endswith(("trec", "tsv", "passages.jsonl")):
            files[name.split()[-1].lower()] = tmp_path / file
            (tmp_path / file).write_text(example(heading), encoding="utf-8")
    assert read_qrels(files.pop("judgements")) == {"q1": {"d1": 1}}
    rows = read_trec(files["run"], files["topics"], files["passages"], top=9, many=True)
    assert list(rows) == [Row("q1", 1, query, (HAMLET, "Faust is a play by Goethe."), ("d1", "d2"))]
    assert read_pasted(example("Compare's box")) == [play, "Goethe wrote Faust."]


def test_every_accepted_key_is_named() -> None:
    rows = dict(re.findall(r"^\| a (\w+) \| (.*) \|$", SECTIONS["Keys"], re.MULTILINE))
    for name, keys in (("document", DOCUMENT), ("query", QUERY)):
        told = re.findall(r"`(\w+)`", rows[name])
        assert told == [*keys.ids, *keys.texts, *["title"] * keys.title]
    assert re.findall(r"`(\w+)`", rows["pair"]) == [*PAIR.ids, "query"]
