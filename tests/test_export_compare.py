"""A compared list as it leaves the page: the numbers of the page itself, safe for a spreadsheet, and read as UTF-8."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Any

import pytest

from attribution import contrast, contrast_sentences, rank
from attribution.export_compare import COLUMNS, COMPARE_FORMATS
from attribution.rerankers.reranker import Reranker
from attribution.types import CAPPED
from attribution.views.compare import Cut
from interface.tabs.compare.documents import check_list
from interface.tabs.compare.draw import exported
from interface.tabs.compare.state import Asked, Compared, Version

QUERY = "how many people live in berlin ?"
TEXTS = ["berlin is large .", "=1+1 größe \U0001f600 <script>alert(1)</script>", "paris . " * 200]


@pytest.fixture(scope="module")
def noted(tiny_bert: Reranker) -> Reranker:
    return dataclasses.replace(tiny_bert, precision="Computed in another way.")


@pytest.fixture(scope="module")
def compared(noted: Reranker) -> Compared:
    documents = tuple(check_list([("@id", TEXTS[0]), *TEXTS[1:]]))
    asked = Asked(noted.model_id, QUERY, documents, "", "integrated_gradients", "saliency")
    return Compared(asked, rank(noted, QUERY, TEXTS), a=2, b=1)


def read_csv(compared: Compared) -> list[dict[str, str]]:
    saved = COMPARE_FORMATS["CSV"].write(*exported(compared)).encode()
    assert saved.startswith(b"\xef\xbb\xbf"), "Excel reads a file without it as an old code page"
    return list(csv.DictReader(io.StringIO(saved.decode("utf-8-sig"), newline="")))


def test_the_table_is_the_ranking_with_what_if_beside_it(noted: Reranker, compared: Compared) -> None:
    edited = TEXTS[0][6:]
    (after,) = noted.score(QUERY, [edited])
    changed = dataclasses.replace(compared, versions={"B": Version(edited, after, (Cut(0, 6),), -0.5)})
    rows = read_csv(changed)
    logits = noted.score(QUERY, TEXTS)
    by_rank = sorted(range(3), key=lambda i: -logits[i])
    assert tuple(rows[0]) == COLUMNS
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert [float(row["logit"]) for row in rows] == pytest.approx([logits[i] for i in by_rank], abs=1e-5)
    by_place = {i + 1: row for i, row in zip(by_rank, rows, strict=True)}
    assert [by_place[i]["name"] for i in (1, 2, 3)] == ["'@id", "2", "3"]
    assert [by_place[i]["text"] for i in (1, 2, 3)] == [TEXTS[0], f"'{TEXTS[1]}", TEXTS[2]]
    assert [by_place[i]["truncated"] for i in (1, 2, 3)] == ["False", "False", "True"]
    assert [by_place[i]["compared_as"] for i in (1, 2, 3)] == ["B", "A", ""]
    assert [by_place[i]["what_if_logit"] for i in (1, 2, 3)] == [str(after), "", ""]
    assert {row["notes"] for row in rows} == {"Computed in another way."}
    assert {row["what_if_logit"] for row in read_csv(compared)} == {""}


def test_json_has_the_contrast_and_what_if_that_are_shown(noted: Reranker, compared: Compared) -> None:
    said = json.loads(COMPARE_FORMATS["JSON"].write(*exported(compared)))
    assert (said["contrast"], said["contrast_by"], said["what_ifs"]) == (None, None, [])
    assert said["ranking"]["notes"] == ["Computed in another way."]
    assert [row["document"] for row in said["ranking"]["rows"]] == [row.document for row in compared.ranking.rows]
    reasons: list[tuple[str, Any]] = [
        ("word", contrast(noted, QUERY, TEXTS[1], TEXTS[0])),
        ("sentence", contrast_sentences(noted, QUERY, TEXTS[1], TEXTS[0])),
    ]
    for unit, why in reasons:
        version = Version("another text", 2.5, (), None)
        page = dataclasses.replace(compared, why=why, versions={"A": version})
        said = json.loads(COMPARE_FORMATS["JSON"].write(*exported(page)))
        bars = said["contrast"]["sides"][0]["bars"] if unit == "word" else said["contrast"]["bars"]
        given = why.sides[0].bars if unit == "word" else why.bars
        assert said["contrast_by"] == unit
        terms = list(csv.DictReader(io.StringIO(COMPARE_FORMATS["Why, CSV"].write(*exported(page)).lstrip("\ufeff"))))
        assert any(unit in term["by"] and term["text"].strip("'") == given[0].text for term in terms)
        for by in {term["by"] for term in terms}:
            total = sum(float(term["value"]) for term in terms if term["by"] == by)
            assert total == pytest.approx(why.difference, abs=1e-4)
        assert [bar["value"] for bar in bars] == [bar.value for bar in given] != []
        (what_if,) = said["what_ifs"]
        assert (what_if["which"], what_if["text"], what_if["after"]) == ("A", "another text", 2.5)
        assert what_if["before"] == next(row.logit for row in compared.ranking.rows if row.place == 2)


def test_why_says_that_the_step_cap_was_hit(noted: Reranker, compared: Compared) -> None:
    found = contrast(noted, QUERY, *TEXTS[:2])
    paths = tuple(dataclasses.replace(path, capped=True) for path in found.second.paths)
    stopped = dataclasses.replace(found, second=dataclasses.replace(found.second, paths=paths))
    for why, notes in ((found, "Computed in another way."), (stopped, f"Computed in another way. {CAPPED}")):
        file = COMPARE_FORMATS["Why, CSV"].write(*exported(dataclasses.replace(compared, why=why)))
        assert {row["notes"] for row in csv.DictReader(io.StringIO(file))} == {notes}
