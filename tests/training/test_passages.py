"""The benchmark on passages, on a tiny model: it goes on where it stopped, and its tables are what was measured."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attribution import METHODS, load_reranker, sentences
from attribution.methods.defaults import Prior, prior_of
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from benchmarks import passages
from benchmarks.data import PASTED, Pair, read_passages
from benchmarks.passage_tables import COSTLY, OVERLAP, SEES, believe, stored, summary, tables
from benchmarks.passages import controls, measured
from tests.views.reading import EXPLANATION

QUERY = "how many people live in berlin ?"
PARTS = [
    "berlin has about 3.7 million inhabitants.\n",
    "paris is the capital of france.\n",
    "cats sleep in the park.\n",
]


def said(method: str, model_id: str = "m", revision: str = "r", n_words: int = 100) -> Explanation:
    return replace(EXPLANATION, method=method, model_id=model_id, revision=revision, document="word " * n_words)


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One passage long enough of each source, and one of each that is too short."""
    long = "".join(PARTS) * 7
    spans = [{"query": QUERY, "passage": text, "spans": [[0, len(PARTS[0])]]} for text in (long, "".join(PARTS))]
    write(tmp_path / "evidence_spans.jsonl.gz", spans)
    texts = [{"doc_id": str(i), "title": "the park", "text": text} for i, text in enumerate((long, PARTS[0]))]
    write(tmp_path / "scifact_corpus.jsonl.gz", texts)
    write(tmp_path / "scifact_queries.jsonl.gz", [{"query": QUERY, "relevant": [str(i)]} for i in range(2)])
    return tmp_path


def test_passages_are_as_long_as_people_paste_and_of_both_sources(data: Path) -> None:
    found = read_passages(data, 10)
    assert [pair.source for pair in found] == ["onestopqa", "scifact abstract"]
    assert all(PASTED[0] <= len(pair.document.split()) <= PASTED[1] for pair in found)
    assert found[0].spans == ((0, len(PARTS[0])),)
    assert found[1].document.startswith("the park\n")


def test_it_goes_on_where_it_stopped(
    data: Path, tiny_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(passages, "CHEAP", {})
    monkeypatch.setattr(passages, "METHODS", {key: METHODS[key] for key in ("saliency", "embedding_magnitude")})
    out, lines = data / "passages.json", data / "lines.jsonl"
    model = str(tiny_folder("BertForSequenceClassification"))
    arguments = ["--data", str(data), "--model", model, "--lines", str(lines), "--out", str(out)]
    passages.main([*arguments, "--pairs", "1"])
    first = lines.read_text(encoding="utf-8")
    passages.main([*arguments, "--pairs", "2"])
    both = lines.read_text(encoding="utf-8")
    assert both.startswith(first)
    assert [json.loads(line)["pair"] for line in both.splitlines()] == [0, 1]
    results = json.loads(out.read_text(encoding="utf-8"))
    assert results["pairs"] == 2
    assert summary(results) in capsys.readouterr().out
    passages.main(["--lines", str(lines), "--out", str(out)])
    assert json.loads(out.read_text(encoding="utf-8"))["tables"] == results["tables"]
    rows = results["tables"][0]["rows"]
    assert {row["method"] for row in rows} >= {*SEES.values(), f"{OVERLAP} (control)", "random (control)"}
    assert {row[0] for row in believe(results)} == {row["method"] for row in rows}


def test_the_costliest_sentence_is_the_one_that_costs_most(
    tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "METHODS", {"saliency": METHODS["saliency"]})
    pair = Pair(QUERY, "".join(PARTS), "test", ((len(PARTS[0]), len(PARTS[0]) + 20),))
    rows = measured(tiny_bert, 2, pair)["rows"]
    costs = [s.without or 0.0 for s in sentences(tiny_bert, QUERY, pair.document).sentences]
    best = costs.index(max(costs))
    assert rows["without"]["costliest"] == 1.0
    assert rows["first"]["costliest"] == float(best == 0)
    assert rows["longest"]["costliest"] == float(best == 0)
    assert rows[OVERLAP]["costliest"] == float(best == 0)
    assert rows["random"]["costliest"] == pytest.approx(1 / 3)
    assert rows["first"]["marked"] == 0.0
    assert rows["random"]["marked"] == pytest.approx(1 / 3)
    assert rows["first"]["word_marked"] == 0.0


def test_controls_never_see_the_score() -> None:
    pair = Pair("which river flows", "", "test")
    found = controls(pair, ["The river.", "A flows river flows", "no"])
    assert found["longest"] == [10.0, 19.0, 2.0]
    assert found["first"] == [0.0, -1.0, -2.0]
    assert found[OVERLAP] == [1.0, 2.0, 0.0]


def line(pair: int, rows: dict[str, dict[str, float]], words: int = 100) -> dict[str, Any]:
    about = {"words": words, "sentences": 5, "source": "s", "commit": "c", "model": "m", "revision": "r"}
    return {"pair": pair, **about, "rows": rows}


def test_only_what_is_above_overlap_on_the_same_pairs_is_said_to_be() -> None:
    def of(pair: int, method: float, overlap: float) -> dict[str, Any]:
        rows = {"saliency": {"costliest": method, "faithful": 0.0}, OVERLAP: {"costliest": overlap, "faithful": 0.0}}
        return line(pair, rows)

    better = tables([of(i, 1.0, float(i % 2)) for i in range(20)])
    assert better["against overlap"]["costliest"] == [METHODS["saliency"].label]
    same = tables([of(i, float(i % 2), 1 - float(i % 2)) for i in range(20)])
    assert same["against overlap"]["costliest"] == []


@pytest.mark.parametrize("n", [1, 5])
def test_best_on_is_the_share_of_passages_among_methods_measured_on_all(tmp_path: Path, n: int) -> None:
    """Occlusion is first on the even ones; Shapley, far ahead, is not measured on the last; a control never counts."""
    lines = []
    for i in range(n):
        values = {"saliency": 1.0, "occlusion": 2.0 - 2 * (i % 2), "saliency_l2": 1.0, "shapley": 9.0, OVERLAP: 8}
        if i == n - 1:
            del values["shapley"]
        lines.append(line(i, {key: {"word_faithful": v, "faithful": -v} for key, v in values.items()}, 100 + 50 * i))
    file, out = tmp_path / "lines.jsonl", tmp_path / "passages.json"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    passages.main(["--lines", str(file), "--out", str(out)])
    by_words = {row["method"]: row for row in json.loads(out.read_text(encoding="utf-8"))["tables"][1]["rows"]}
    n_even = (n + 1) // 2
    assert by_words["Occlusion"]["best on"]["mean"] == n_even / n
    assert by_words["Saliency, L1"]["best on"] == by_words["Saliency, L2"]["best on"]
    assert by_words["Saliency, L1"]["best on"]["mean"] == (n - n_even) / n
    assert by_words[f"{OVERLAP} (control)"]["best on"] is None
    assert not [method for method in by_words if method.startswith("Shapley")], "not on the same passages as the others"
    prior = prior_of(said("occlusion"), out)
    assert prior == Prior(n, 100, 100 + 50 * (n - 1), n_even / n)
    assert prior_of(said("occlusion", n_words=99), out) is None, "a shorter document"
    assert prior_of(said("occlusion", revision="other"), out) is None, "another model"
    assert prior_of(said("shapley"), out) is None
    assert prior_of(said("occlusion"), tmp_path / "none.json") is None


def test_costly_methods_stand_beside_all_others_on_their_own_passages() -> None:
    """Every row of a table is of the same passages, though a method is measured on some only."""
    cheap = {"saliency": {"costliest": 1.0, "faithful": 1.0}, "random": {"costliest": 0.5}}
    cheap[OVERLAP] = {"costliest": 0.25, "faithful": 0.5}
    costly = {key: {"costliest": 0.0, "faithful": 2.0} for key in COSTLY}
    found = tables([line(i, {**cheap, **(costly if i % 2 else {})}) for i in range(6)])
    everywhere, some = found["tables"][0], found["all methods"][0]
    assert {row["method"] for row in everywhere["rows"]} == {
        METHODS["saliency"].label,
        f"{OVERLAP} (control)",
        "random (control)",
    }
    assert len(some["rows"]) == 3 + len(COSTLY)
    assert "On the 3 of these passages" in some["title"]
    assert some["rows"][0]["best on"]["mean"] == 1.0
    assert [row[1] for row in believe(found, "all methods")] == ["0 %", "0 %", "100 %", "25 %", "50 %"]


def test_no_line_is_told_and_nothing_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        passages.main(["--lines", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    assert "has no passage that was measured" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_stored_is_of_the_bundled_reranker() -> None:
    reranker = load_reranker()
    found = prior_of(said("layerwise_relevance", reranker.model_id, reranker.revision, 150))
    assert found is not None
    assert found.passages == stored()["pairs"]
    assert 0 <= found.share <= 1
