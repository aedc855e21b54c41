"""The benchmark's parts against what is known on paper, and the whole of it on a tiny model in seconds."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch

from attribution import METHODS, explain
from attribution.rerankers.reranker import Reranker
from benchmarks import complete, faithful, planted, plausible, run, sanity
from benchmarks.bench import COSTLY, Bench
from benchmarks.data import LONG, WORDS, Pair, lengths, read_evidence, read_pairs
from benchmarks.report import Interval, Table, from_json, interval
from benchmarks.summary import COLUMNS, summary
from benchmarks.summary import stored as results_of_the_last_run
from tests import linear

QUERY = "how many people live in berlin ?"
SENTENCES = [
    "berlin has about 3.7 million inhabitants .",
    "paris is the capital of france and the largest city of the land .",
    "the quick brown fox jumps over the lazy dog while 1,234 cats sleep .",
]
LINEAR = ("saliency", "integrated_gradients", "occlusion", "embedding_magnitude")


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as the real one, three rows a file."""
    document = " ".join(SENTENCES)
    start = document.index(SENTENCES[1])
    span = [start, start + len(SENTENCES[1])]
    candidates = [
        {"query": QUERY, "candidates": SENTENCES, "relevant": [i], "split": "dev" if i else "train"} for i in range(3)
    ]
    passage = " ".join([*SENTENCES, *SENTENCES])
    write(tmp_path / "candidates.jsonl.gz", candidates * 2)
    write(tmp_path / "evidence_spans.jsonl.gz", [{"query": QUERY, "passage": passage, "spans": [span]}])
    write(tmp_path / "scifact_corpus.jsonl.gz", [{"doc_id": "7", "title": SENTENCES[0], "text": document * 3}])
    write(tmp_path / "scifact_queries.jsonl.gz", [{"query": QUERY, "relevant": ["7"]}])
    return tmp_path


def test_all_sections_on_a_tiny_model(
    data: Path,
    tmp_path: Path,
    tiny_folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every section stores its tables; a second run of one section keeps the others."""
    monkeypatch.setattr(planted, "STEPS", 2)
    monkeypatch.setattr(planted, "PAIRS", 2)
    model = str(tiny_folder("BertForSequenceClassification"))
    arguments = ["--data", str(data), "--model", model, "--pairs", "2", "--out", str(tmp_path)]
    run.main([*arguments, "--only", *(name for name in run.SECTIONS if name != "plausibility")])
    first = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    run.main([*arguments, "--only", "plausibility"])
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert stored["sections"] == {**first["sections"], "plausibility": stored["sections"]["plausibility"]}
    assert set(stored["sections"]) == set(run.SECTIONS)
    markdown = (tmp_path / "results.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    for section in stored["sections"].values():
        assert section["date"] in markdown
        assert section["commit"] in markdown
        for table in map(from_json, section["tables"]):
            assert table.markdown() in markdown
            assert table.markdown() in printed
    labels = {method.label for method in METHODS.values()}
    for name in ("planted", "faithfulness"):
        for table in stored["sections"][name]["tables"]:
            assert {row["method"] for row in table["rows"]} - labels == {"random order (control)"}
    assert_rows_of_a_table_have_the_same_pairs(stored)
    lines = summary(stored).splitlines()
    for key, method in METHODS.items():  # one row a method, with a cell a column
        cells = [] if key in COSTLY else [len(COLUMNS)]
        assert [line.count(" | ") for line in lines if line.startswith(f"| {method.label} |")] == cells


def assert_rows_of_a_table_have_the_same_pairs(results: dict[str, Any]) -> None:
    for section in results["sections"].values():
        for table in section["tables"]:
            assert len({row.get("pairs") for row in table["rows"]}) == 1, table["title"]


def test_stored_results_compare_like_with_like() -> None:
    """What README shows, from the last run."""
    assert_rows_of_a_table_have_the_same_pairs(results_of_the_last_run())


def test_a_row_over_other_pairs_is_refused(tmp_path: Path) -> None:
    """A method that lacks one of a table's pairs is an error, not a shorter row."""
    write_linear(tmp_path)
    bench = linear_bench(tmp_path)
    pair = read_pairs(tmp_path, 3)[0]
    measured = [
        faithful.measure(bench.reranker, {method: bench.explain(pair, method) for method in methods})
        for methods in (LINEAR, LINEAR[:2])
    ]
    with pytest.raises(KeyError, match="occlusion"):
        faithful._table("mask", measured, LINEAR, "two pairs")


def test_a_third_of_the_pairs_are_passages_and_none_was_trained_on(data: Path) -> None:
    pairs = read_pairs(data, 6)
    assert [pair.source in ("onestopqa", "scifact abstract") for pair in pairs] == [False, False, True] * 2
    for i, pair in enumerate(pairs):
        low, high = LONG if i % 3 == 2 else WORDS
        assert low <= len(pair.document.split()) <= high
        if pair.source == "selqa":
            assert any(sentence in pair.document for sentence in SENTENCES[1:])  # the first is of the train split
    assert read_pairs(data, 6) == pairs
    assert lengths(pairs).startswith("6 pairs, documents of ")
    assert lengths(pairs).endswith("; 2 are passages")


def linear_bench(folder: Path, **changes: Any) -> Bench:
    return Bench(linear.linear_reranker(), folder, pairs=3, methods=LINEAR, **changes)


def write_linear(folder: Path) -> None:
    draw = random.Random(0)
    words = [word for word in linear.WORDS if word.isalpha() and len(word) > 1]
    texts = [" ".join(draw.choices(words, k=24)) for _ in range(3)]
    rows = [{"query": linear.QUERY, "candidates": [text], "relevant": [0], "split": "dev"} for text in texts]
    write(folder / "candidates.jsonl.gz", rows)
    write(folder / "scifact_corpus.jsonl.gz", [{"doc_id": "7", "title": texts[0], "text": texts[1]}])
    write(folder / "scifact_queries.jsonl.gz", [{"query": linear.QUERY, "relevant": ["7"]}])
    write(folder / "evidence_spans.jsonl.gz", [])  # no passages: the toy reads 64 tokens


def test_what_is_right_by_construction_comes_first(tmp_path: Path) -> None:
    """On a linear reranker no order is more comprehensive than that of integrated gradients and occlusion."""
    write_linear(tmp_path)
    masked, deleted = faithful.run(linear_bench(tmp_path))  # no costly method among them: two tables
    best = {METHODS[method].label for method in ("integrated_gradients", "occlusion")}
    assert {row["method"] for row in masked.rows[:2]} == best
    assert [row["beats every random order"] for row in masked.rows[:2]] == ["100 %"] * 2
    assert {row["pairs"] for row in [*masked.rows, *deleted.rows]} == {2}
    assert "operator “delete”" in deleted.title


def test_explanations_are_made_once(tmp_path: Path) -> None:
    bench = linear_bench(tmp_path)
    pair = Pair(linear.QUERY, linear.DOCUMENT, "test")
    assert bench.explain(pair, "saliency") is bench.explain(pair, "saliency")


def test_average_precision_by_hand() -> None:
    values, relevant = [0.9, 0.1, 0.5, 0.3], [True, False, False, True]
    assert plausible.average_precision(values, relevant, 0) == pytest.approx((1 / 1 + 2 / 3) / 2)
    ties = [plausible.average_precision([0.0] * 4, relevant, seed) for seed in range(400)]
    expected = fmean((1 / a + 2 / b) / 2 for a in range(1, 5) for b in range(a + 1, 5))
    assert fmean(ties) == pytest.approx(expected, abs=0.05)


def test_evidence_is_found(data: Path) -> None:
    """The second sentence is marked, so an oracle that says so has precision 1."""
    (pair,) = read_evidence(data, 5)
    ((start, end),) = pair.spans
    assert pair.document[start:end] == SENTENCES[1]
    assert plausible.query_overlap("where is Berlin?", ["the", " Berlin", " is"]) == [0, 1, 0]


def test_planted_words_are_where_it_says() -> None:
    draw = random.Random(0)
    for n in (0, 1, 3):
        pair = planted.plant(draw, n)
        found = [i for i, word in enumerate(pair.document) if word in pair.query]
        assert found == sorted(pair.places)
        assert len(found) == n


def test_captums_rule_is_captums(tiny_bert: Reranker, tmp_path: Path) -> None:
    pair = Pair(QUERY, SENTENCES[0], "test")
    bench = Bench(tiny_bert, tmp_path, pairs=1)
    ours = complete.gauss_legendre_values(complete.document_path(bench, pair), 8)
    theirs = explain(tiny_bert, *(pair.query, pair.document), "integrated_gradients_captum", n_steps=8)
    places = tiny_bert.encode(pair.query, pair.document).positions("document")
    assert ours[places].tolist() == pytest.approx([theirs.attributions[i] for i in places], abs=1e-4)


def test_no_node_is_evaluated_twice() -> None:
    asked: list[float] = []

    def evaluate(alphas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        asked.extend(alphas.tolist())
        return alphas**2, 2 * alphas[:, None] * torch.tensor([0.5, 0.5])

    remembered = complete.remember(evaluate)
    nodes = torch.linspace(0, 1, complete.REFERENCE)
    assert torch.equal(remembered(nodes)[0], nodes**2)
    n = [n for n, _ in complete.nested_doubling(remembered)]
    assert n == [9, 17, 33, 65]
    assert len(asked) == complete.REFERENCE
    needed = complete.evaluations_needed(complete.nested_doubling(remembered), torch.tensor([0.5, 0.5]))
    assert needed == [9, 9, 9]  # the trapezoid rule is exact on a straight slope
    assert complete.evaluations_needed(complete.nested_doubling(remembered), torch.tensor([0.9, 0.1])) == [None] * 3


def test_shuffling_starts_at_the_top(tiny_bert: Reranker) -> None:
    """Each stage changes its weights only, keeps their values, and leaves the reranker itself alone."""
    before = {name: value.clone() for name, value in tiny_bert.model.named_parameters()}
    stages = dict(sanity.randomised(tiny_bert))
    changed = {
        stage: {name for name, value in other.model.named_parameters() if not torch.equal(value, before[name])}
        for stage, other in stages.items()
    }
    head, top, layers, everything = changed.values()
    assert head < top < layers < everything
    assert head >= {"classifier.weight", "bert.pooler.dense.weight"}
    assert not any("encoder" in name or "embeddings" in name for name in head)
    assert not any("layer.0." in name for name in top)
    assert not any("embeddings" in name for name in layers)
    assert "bert.embeddings.word_embeddings.weight" in everything
    for name, value in stages["+ embeddings"].model.named_parameters():
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        assert torch.equal(tiny_bert.model.get_parameter(name), before[name])


def test_shuffling_follows_its_seed(tiny_bert: Reranker) -> None:
    def heads(seed: int) -> list[float]:
        _stage, shuffled = next(sanity.randomised(tiny_bert, seed))
        weights: list[float] = shuffled.model.get_parameter("classifier.weight").flatten().tolist()
        return weights

    assert heads(5) == heads(5) != heads(6)


def test_interval_holds_the_mean_and_narrows() -> None:
    draw = random.Random(0)
    few, many = ([draw.gauss(3, 1) for _ in range(n)] for n in (20, 2000))
    wide, narrow = interval(few), interval(many)
    assert narrow.low < 3 < narrow.high
    assert wide.mean == pytest.approx(fmean(few))
    assert wide.low < wide.mean < wide.high
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 / 2000**0.5, rel=0.1)
    assert interval([2.0, 2.0]) == Interval(2.0, 2.0, 2.0)


def test_tables_survive_json() -> None:
    table = Table("T", "How to read it.", [{"a": "x", "b": Interval(1, 0.5, 1.5), "c": None, "d": 0.25}])
    assert from_json(json.loads(json.dumps(table.json()))) == table
    assert table.markdown().splitlines()[-1] == "| x | 1.00 [0.50, 1.50] | – | 0.25 |"
