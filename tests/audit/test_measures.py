"""Measures are ir-measures' own: the same numbers as its command gives on the same files."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from attribution.audit.judged import Candidate, JudgedQuery, ScoredQuery
from attribution.audit.measures import averages, best_by_bm25, bm25, calculate, check_grades, measure_query, parse
from attribution.errors import InputError, OptionError

# ir-measures' own command; without the one function that needs `ast.Num`, which Python 3.14 has no more.
COMMAND = """import ast, ir_measures.util
ir_measures.util._ast_to_value = ast.literal_eval
from ir_measures.__main__ import main_cli
main_cli()"""
MEASURES = ("nDCG@10", "AP", "R@5", "RR@10", "P@1", "Judged@10")


def test_measures_equal_the_command_on_the_same_files(tmp_path: Path) -> None:
    rand = random.Random(3)
    found, run, qrels = [], [], []
    for q in range(30):
        grades = [rand.choice([None, -1, 0, 0, 0, 1, 2]) for _ in range(rand.randint(1, 25))]
        logits = [rand.uniform(-3, 3) for _ in grades]  # none are equal: of those each program has another order
        candidates = tuple(Candidate(f"d{i}", "text", grade) for i, grade in enumerate(grades))
        found.append(ScoredQuery(JudgedQuery(f"q{q}", "query", candidates, {"elsewhere": 1}), tuple(logits)))
        run += [f"q{q} Q0 d{i} 0 {logit} tag\n" for i, logit in enumerate(logits)]
        qrels += [f"q{q} 0 d{i} {grade}\n" for i, grade in enumerate(grades) if grade is not None]
        qrels.append(f"q{q} 0 elsewhere 1\n")
    found.append(ScoredQuery(JudgedQuery("lost", "query", (), {"x": 1}), ()))
    qrels.append("lost 0 x 1\n")
    (tmp_path / "run").write_text("".join(run))
    (tmp_path / "qrels").write_text("".join(qrels))
    command = [sys.executable, "-c", COMMAND, str(tmp_path / "qrels"), str(tmp_path / "run"), "-p", "6"]
    said = subprocess.run([*command, *MEASURES], capture_output=True, text=True, check=True).stdout
    expected = {name: float(value) for name, value in (line.split("\t") for line in said.splitlines())}
    for measure in MEASURES[:3]:
        every = averages([measure_query(s, measure) for s in found], 0)
        got = {a.measure: a.value for a in every if a.order == "model"}
        assert [a.ahead for a in every] == pytest.approx([got[a.measure] - a.value for a in every])
        assert all(a.ahead_low <= a.ahead <= a.ahead_high for a in every)
        assert list(got) == [measure, *MEASURES[3:]]
        assert got == pytest.approx({name: expected[name] for name in got}, abs=1e-6)


def measured(measure: str, *grades: int, ids: str = "d{}") -> Mapping[str, float]:
    """Of candidates in the order of their ids, by falling logit."""
    candidates = tuple(Candidate(ids.format(i), "text", grade) for i, grade in enumerate(grades))
    logits = tuple(-float(i) for i in range(len(grades)))
    return measure_query(ScoredQuery(JudgedQuery("q", "query", candidates, {}), logits), measure).values["model"]


@pytest.mark.parametrize("measure", ["nDCG@10", "nDCG", "AP", "RR@10", "RR", "P@2", "R@2", "Compat", "ERR@10", "Bpref"])
def test_of_equal_scores_all_measures_have_the_order_of_the_run(measure: str) -> None:
    rand = random.Random(measure)
    for _ in range(20):
        logits = {f"d{i}": float(rand.randint(0, 2)) for i in rand.sample(range(9), 9)}  # not in the order of ids
        grades = {id: rand.choice([0, 0, 1, 2]) for id in logits} | {"elsewhere": 1}
        candidates = tuple(Candidate(id, "text", grades[id]) for id in logits)
        scored = ScoredQuery(JudgedQuery("q", "query", candidates, {"elsewhere": 1}), tuple(logits.values()))
        apart = {one.id: -float(one.rank) for one in scored.placed}
        values = calculate(grades, {"tied": logits, "apart": apart}, {measure: parse(measure)})
        assert values["tied"] == values["apart"]


@pytest.mark.parametrize("grades", [(-1,), (-1, -1), (-2,), (-2, -2), (-3, -2), (-2, -1), (-2, 0)])
def test_a_query_of_which_all_is_junk_is_measured(grades: Sequence[int]) -> None:
    assert measured("nDCG@10", *grades) == {"nDCG@10": 0, "RR@10": 0, "P@1": 0, "Judged@10": 1}
    for measure in ("AP", "nDCG", "Bpref"):
        assert measured(measure, *grades)[measure] == 0


@pytest.mark.parametrize("ids", ["d{}", "1 {}", "a\t{} b", "柏林 {}", "{}\ud800", "d\0{}"])
def test_measures_by_gdeval_are_computed(ids: str) -> None:
    got = measured("ERR@3", 1, 0, 4, ids=ids)
    first, third = 1 / 16, 15 / 16  # (2**grade - 1) / 16, Chapelle et al. 2009
    assert got["ERR@3"] == pytest.approx(first + (1 - first) * third / 3, abs=1e-5)
    check_grades("ERR@3", {0, 4})
    check_grades("nDCG@10", {-2, 9})
    check_grades("AP", set())
    with pytest.raises(InputError, match=r"could not compute ERR@3 of the grades \[0, 9\]: its program refuses them"):
        check_grades("ERR@3", {9, 0})


def test_a_measure_is_read_without_what_python_3_14_has_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("ast.Num", raising=False)
    assert str(parse("P(rel=2)@5")) == "P(rel=2)@5"


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ("Accuracy", "its program divides by zero where all candidates of a query are relevant"),
        ("SDCG", r"it needs cutoff \(ranking cutoff threshold\) and max_rel \(maximum relevance score\)"),
        ("SDCG(max_rel=1)@10", "no program that computes it is installed"),
        ("AP(foo=3,rel=1,bar=2)@5", "it has no parameter foo, bar; it has cutoff, rel, judged_only"),
        ("AP(foo=3)", "it has no parameter foo; it has cutoff, rel, judged_only"),
        ("P@0", r"its cutoff \(.*\) is 0; it must be"),
        ("P@1000001", r"its cutoff \(.*\) is 1000001; it must be"),
        ("AP(rel=-1)", r"its rel \(.*\) is -1; it must be a whole number from 1 to 1,000,000"),
        ("R@True", r"its cutoff \(.*\) is True; it must be a whole number"),
        ('AP@"x"', r"its cutoff \(.*\) is 'x'; it must be a whole number"),
        ("IPrec@2", r"its recall \(recall threshold\) is 2, which it does not take"),
        ("P(rel=10**9)@5", "a value in it is no plain number, text or dict"),
        ("nDCG(gains={0:0,1:10001})", "its gains have 1: 10001"),
        ("nDCG(gains={0:0,1:-1})", "its gains have 1: -1; they must be whole numbers from 0 to 10,000 by whole grades"),
        ("nDCG(gains={1:100000000})", "its gains have 1: 100000000"),  # takes minutes, or all of the memory
        ('nDCG(gains={"1":3})', "its gains have '1': 3"),  # no grade is a text, so none would have this gain
    ],
)
def test_what_a_measure_cannot_compute_is_said(measure: str, says: str) -> None:
    with pytest.raises(OptionError, match=f"does not compute .* here: {says}.*. Valid are for example"):
        parse(measure)
    for valid in ("nDCG(gains={0:0,1:1,2:10000})@10", "P@1", "P@1000000"):
        parse(valid)


def test_a_lexical_order_is_that_of_bm25(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["the cat sat", "a dog and a cat and a cat", "rain", "cats"]
    scores = bm25("where is the cat", texts)
    assert sorted(range(4), key=lambda i: -scores[i])[:2] == [1, 0]
    assert scores[2] == scores[3] == 0
    assert bm25("nothing here", texts) == [0.0] * 4
    assert bm25("cat", []) == []
    assert bm25("cat", ["the", "..."]) == [0.0, 0.0]
    assert list(best_by_bm25(texts, ["where is the cat", "nothing"], 9)) == [[1, 0], []], "others hold no word of it"
    assert capsys.readouterr() == ("", "")
