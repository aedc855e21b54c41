"""`rerank-lens`: lines in, lines out; bad ones named, cut-off runs go on, exit codes that scripts can use."""

from __future__ import annotations

import fcntl
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tqdm import tqdm

from attribution import explain, sentences
from attribution.batch import parquet
from attribution.batch.jobs import CUT, TASKS, Job
from attribution.evidence.faithfulness.measure import measure
from attribution.export import SCHEMA, SENTENCES_SCHEMA, sentences_to_dict
from attribution.rerankers.reranker import Reranker
from attribution.types import CAPPED
from tests.batch.conftest import PAIRS

ROOT = Path(__file__).resolve().parents[2]


def test_explain_gives_what_python_gives(command: Any, tiny_bert: Reranker) -> None:
    code, answers, _ = command(PAIRS, "explain", "--method", "shapley", "--option", "n_samples=3", "--option", "seed=1")
    assert code == 0
    assert [answer["id"] for answer in answers] == ["1", "museum", "3"]
    line = {**json.loads(SCHEMA.read_text(encoding="utf-8")), "$ref": "#/$defs/explanation"}
    for name in ("type", "required", "properties", "additionalProperties"):
        line.pop(name)
    for answer, pair in zip(answers, PAIRS, strict=True):
        jsonschema.validate(answer, line)
        expected = explain(tiny_bert, pair["query"], pair["document"], "shapley", n_samples=3, seed=1)
        assert answer["attributions"] == list(expected.attributions)


def test_bad_lines_are_named_and_skipped(command: Any) -> None:
    deep = "[" * 5000
    lines = [
        "nope",
        PAIRS[0],
        {"query": 3, "document": "x"},
        {"query": "x"},
        "[1]",
        "",
        {"query": " ", "document": "x"},
    ]
    code, answers, err = command([*lines, deep, {**PAIRS[1], "id": []}], "explain", "--method", "saliency")
    assert code == 1
    assert [answer["id"] for answer in answers] == ["2"]
    assert "query is a number; it must be a string. Its keys: query, document" in err
    assert "document is missing; it must be a string, under document, text, contents" in err
    for number in (1, 3, 4, 5, 7, 8, 9):
        assert f"line {number} skipped: " in err
    assert "skipped in all: 7" in err


CONTROLS = "\x1b[2J\x1b]0;title\x07\rline 9 skipped: \x9b31m\u202e"


@pytest.mark.parametrize("task", ["explain", "audit"])
def test_nothing_that_a_terminal_obeys_is_printed_of_the_input(task: str, command: Any, tmp_path: Path) -> None:
    """Ids, keys and fields are quoted in messages."""
    documents = [{"id": "d", "text": "berlin", CONTROLS: "x", "grade": grade} for grade in (1, 0)]
    row = {"id": f"a{CONTROLS}\nline 8 skipped: ", "query": "paris", "document": "berlin", CONTROLS: "x"}
    rows = [row, {**row, "document": "london"}] if task == "explain" else [{**row, "documents": documents}]
    output = ["--output", str(tmp_path / "out")]
    _, _, said = command(rows, task, *output, as_text=True)
    (path := tmp_path / "run").write_text(f"q Q0 {CONTROLS}\n")
    files = [
        part
        for name in ("run", "topics", "passages", *["qrels"] * (task == "audit"))
        for part in (f"--{name}", str(path))
    ]
    _, _, refused = command([], task, *output, *files, as_text=True)
    for text in (said, refused):
        assert "\\x1b[2J\\x1b]0;title\\x07" in text
        assert not set(text) & {*"\x1b\x07\x9b\u202e"}
        assert not re.search("[\r\n]line [89] ", text)


def test_a_row_that_comes_again_is_answered_once_and_counted(command: Any, tmp_path: Path) -> None:
    given = ("explain", "--method", "saliency", "--output", str(tmp_path / "out.jsonl"))
    for run in range(2):  # what an earlier run answered is not said to come again
        code, _, err = command([*PAIRS, PAIRS[1], PAIRS[1]], *given)
        assert code == 0
        assert err.splitlines()[-1] == "rows with the id and the texts of an earlier one, answered once: 2", run
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == len(PAIRS)
    assert "answered once" not in command(PAIRS, *given)[2]


def test_no_line_of_an_answer_ends_within_a_text(command: Any) -> None:
    """Some readers of lines end them at more than line feeds."""
    text = "berlin\u2028paris\u2029new\x85york"
    code, said, _ = command([{"query": "berlin", "document": text}], "explain", "--method", "saliency", as_text=True)
    assert code == 0
    (line,) = said.splitlines()
    assert json.loads(line)["document"] == text


def test_sentences_give_what_python_gives(command: Any, tiny_bert: Reranker) -> None:
    code, (said,), _ = command(PAIRS[:1], "sentences")
    expected = sentences_to_dict(sentences(tiny_bert, PAIRS[0]["query"], PAIRS[0]["document"]))
    assert code == 0
    assert said["operator"] == "delete"
    given = {"id", "format", "seconds", "settings", "model_id"}
    assert {k: v for k, v in said.items() if k not in given} == {
        k: v for k, v in json.loads(json.dumps(expected)).items() if k not in given
    }
    jsonschema.validate(said, json.loads(SENTENCES_SCHEMA.read_text(encoding="utf-8")))


def test_rank_and_evaluate_give_what_python_gives(command: Any, tiny_bert: Reranker) -> None:
    documents = ["paris is the capital of france .", "museums", "berlin has about 3.7 million inhabitants ."]
    code, (ranked,), _ = command([{"query": "berlin", "documents": documents}], "rank")
    logits = tiny_bert.score("berlin", documents)
    assert code == 0
    assert [place["logit"] for place in ranked["rows"]] == sorted(logits, reverse=True)
    assert [documents[place["place"] - 1] for place in ranked["rows"]] == [p["document"] for p in ranked["rows"]]
    code, (left,), said = command(
        [{"query": "berlin", "documents": [documents[0], " ", documents[2], None, "\ud83d", "\u200b\0"]}], "rank"
    )
    assert code == 1
    reasons = {2: "is empty", 4: "is empty", 5: "holds half of a character", 6: "holds no visible character"}
    assert all(f"line 1, document {place}, skipped: its text {reason}" in said for place, reason in reasons.items())
    assert {place["document_id"]: place["logit"] for place in left["rows"]} == {"1": logits[0], "3": logits[2]}
    code, (measured,), _ = command(PAIRS[:1], "evaluate", "--method", "saliency", "--method", "occlusion")
    pair = PAIRS[0]["query"], PAIRS[0]["document"]
    expected = measure(tiny_bert, {key: explain(tiny_bert, *pair, key) for key in ("saliency", "occlusion")})
    for key in ("saliency", "occlusion"):
        assert measured["methods"][key]["comprehensiveness"] == expected.methods[key].comprehensiveness


def test_what_an_explanation_would_say_of_itself_is_in_the_line_that_measures_it(command: Any) -> None:
    capped = ("integrated_gradients", "--option", "tolerance=0.0001", "--option", "max_evaluations=17")
    for options in (("saliency", "--option", "leaf=output"), capped, ("saliency", "--max-length", "8")):
        _, (explained,), told = command(PAIRS[:1], "explain", "--method", *options)
        _, (measured,), err = command(PAIRS[:1], "evaluate", "--method", *options)
        said = [explained["note"], *[CAPPED] * any(path["capped"] for path in explained["paths"])]
        assert measured["notes"] == [note for note in said if note]
        assert measured["notes"] or measured["truncated"]
        assert measured["truncated"] == explained["truncated"] == ("--max-length" in options)
        counted = [
            f"{note} Answers of this run with that: 1." for note in [*measured["notes"], *[CUT] * measured["truncated"]]
        ]
        assert all(one in told and one in err for one in counted)


def test_what_is_said_of_answers_is_counted(command: Any, tmp_path: Path) -> None:
    lists = [{"query": "berlin", "documents": [text, "paris"]} for text in ("city " * 9, "new york " * 9, "city")]
    given = ("rank", "--max-length", "8", "--output", str(tmp_path / "out"))
    assert f"{CUT} Answers of this run with that: 2." in command(lists, *given)[2]
    assert CUT not in command(lists, *given)[2], "nothing was answered anew"


def test_a_cut_off_run_goes_on_where_it_ended(command: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ("explain", "--method", "saliency", "--output", str(out))
    assert command(PAIRS, *arguments)[0] == 0
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    out.write_bytes(lines[0] + lines[1][:100])  # killed in the middle of a line
    code, _, err = command(PAIRS, *arguments)
    assert code == 0
    assert "1 answer found there" in err
    again = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [a["attributions"] for a in again] == [json.loads(line)["attributions"] for line in lines]
    assert again[0]["seconds"] == json.loads(lines[0])["seconds"], "the first pair was explained again"

    code, _, err = command([{**PAIRS[0], "document": "another text"}], *arguments)
    assert code == 1
    assert "already been written for another text" in err
    ranked = [{"id": "q", "query": "berlin", "documents": [{"id": id, "text": id} for id in ("a", "b")]}]
    renamed = [{**ranked[0], "documents": [{"id": f"new {id}", "text": id} for id in ("a", "b")]}]
    ranking = ["rank", "--output", str(out.with_name("ranked.jsonl"))]
    assert [command(ranked, *ranking)[0] for _ in range(2)] == [0, 0]
    without: list[Any] = [{**ranked[0], "documents": ["a", "b"]}]
    for other in (renamed, without):
        code, _, err = command(other, *ranking)
        assert code == 1
        assert "already been written for other document ids" in err
    for other in (["occlusion"], ["saliency", "--max-length", "16"], ["saliency", "--option", "leaf=clone"]):
        code, _, err = command(PAIRS, "explain", "--output", str(out), "--method", *other)
        assert code == 2
        assert "Give another --output" in err
    assert out.read_bytes().count(b"\n") == len(PAIRS)
    for line in (b"no JSON\n", b"[1]\n", b'"text"\n', b'{"query": "without an id"}\n'):
        out.write_bytes(line)
        code, _, err = command(PAIRS, *arguments)
        assert code == 2
        assert "Line 1 of" in err
        assert "was not written by this program. Give another --output." in err
        assert out.read_bytes() == line, "somebody's file"


def test_parquet_holds_what_the_lines_hold(command: Any, tmp_path: Path) -> None:
    tables = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    arguments = ("explain", "--method", "saliency", "--output", str(out))
    assert command(PAIRS[:1], *arguments)[0] == 0
    assert command([{"id": "1", **PAIRS[0]}, *PAIRS[1:]], *arguments)[0] == 0
    rows = tables.read_table(out).to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "out.parquet.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["1", "museum", "3"]
    nested = ("dict", "list")
    for row, line in zip(rows, lines, strict=True):
        assert {k: json.loads(row[k]) if type(v).__name__ in nested else row[k] for k, v in line.items()} == line


@pytest.mark.parametrize("task", ["explain", "sentences", "evaluate"])
def test_a_table_holds_what_is_there_in_later_rows_only(
    task: str, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The types of its columns are not those of the first thousand rows, nor the columns."""
    tables = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet, "ROWS", 1)
    path = tmp_path / "out.parquet"
    rows = [
        {"query": "paris", "document": text} for text in ("one", "berlin . it is large . it is old .", "two . three .")
    ]
    assert command(rows, task, "--output", str(path))[0] == 0
    lines = [json.loads(line) for line in parquet.journal_of(path).read_bytes().splitlines()]
    table = tables.read_table(path).to_pylist()
    assert [{name: parquet._cell(value) for name, value in line.items()} for line in lines] == table
    if task == "sentences":
        assert table[0]["costliest"] is None is not table[1]["costliest"], "or this shows nothing"
    with parquet.journal_of(path).open("a") as journal:
        journal.write(json.dumps({**lines[0], "later": 0.5}) + "\n")
    parquet.write_parquet(path)
    assert [row["later"] for row in tables.read_table(path).to_pylist()] == [None, None, None, 0.5]


def test_a_trec_run_is_explained_by_its_top_passages(command: Any, tmp_path: Path) -> None:
    run, topics, passages = tmp_path / "run.trec", tmp_path / "topics.tsv", tmp_path / "passages.jsonl"
    run.write_text(
        "q1 Q0 d1 2 1.5 bm25\nq1 Q0 d2 1 9.0 bm25\nq1 Q0 d3 3 0.1 bm25\nq2 Q0 d3 1 3 bm25\nq2 Q0 lost 2 2 bm25\n"
    )
    topics.write_text("q1\thow many people live in berlin ?\nq2\tnew york\n")
    passages.write_text(
        "".join(json.dumps({"id": f"d{i}", "contents": f"passage {i} of berlin"}) + "\n" for i in range(1, 5))
    )
    files = ("--run", str(run), "--topics", str(topics), "--passages", str(passages), "--top", "2")
    code, answers, err = command([], "explain", "--method", "saliency", *files)
    assert code == 1
    assert [answer["id"] for answer in answers] == ["q1 d2", "q1 d1", "q2 d3"]
    assert "line 5 skipped: the run names passage lost" in err
    _, ranked, _ = command([], "rank", *files)
    assert [{p["document_id"] for p in entry["rows"]} for entry in ranked] == [{"d1", "d2"}, {"d3"}]
    run.write_text("not a run\n")
    code, _, err = command([], "explain", *files)
    assert code == 2
    assert "Line 1 of run.trec is not of a TREC run" in err


def test_the_engine_asked_for_does_the_work(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def distributed(rows: Any, job: Job, *_given: Any, workers: int) -> int:
        asked.append((job.loading["model_id"], [row.id for row in rows], workers))
        return 0

    monkeypatch.setattr("attribution.batch.engines.run_distributed", distributed)
    assert len(command(PAIRS, "explain", "--engine", "local")[1]) == 3
    assert asked == []
    code, answers, _ = command(PAIRS, "explain", "--engine", "ray", "--workers", "3")
    assert (code, answers) == (0, [])
    ((model, ids, workers),) = asked
    assert (Path(model).name, ids, workers) == ("BertForSequenceClassification", ["1", "museum", "3"], 3)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried")])
def test_a_row_that_the_memory_is_too_small_for_is_skipped(
    error: Exception, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_given: Any) -> Any:
        raise error

    monkeypatch.setitem(TASKS, "sentences", fails)
    code, answers, err = command(PAIRS[:1], "sentences")
    assert (code, answers) == (1, [])
    assert "line 1 skipped: it needs more memory than this machine has left; shorten it" in err


def test_progress_counts_every_row_and_every_pair_of_every_model(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real bar, which by itself is silent where no terminal is."""
    bars: list[Any] = []

    class Bar(tqdm):
        def __init__(self, **given: Any) -> None:
            super().__init__(**{**given, "disable": False, "file": io.StringIO()})
            bars.append(self)

    monkeypatch.setattr("attribution.batch.commands.tqdm", Bar)
    for task, n, total in (("explain", 4, None), ("probe", 3, 3)):
        command([*PAIRS, "nope"], task, *["--method", "saliency"][: 2 * (task == "explain")], as_text=True)
        assert (bars[-1].n, bars[-1].total) == (n, total)


@pytest.mark.parametrize("task", ["explain", "rank", "evaluate", "sentences", "probe"])
def test_an_input_that_cannot_be_read_at_all_makes_no_file(command: Any, task: str, tmp_path: Path) -> None:
    """One sentence, however long the input is."""
    output = tmp_path / "out.jsonl"
    table = ["query,document,why", "q1,d1,", "q2,d2,"] if task == "rank" else ["q1,d1", "q2,d2"]
    for rows in (["[{", '"query": "q"'], table):
        code, _, err = command(rows, task, "--output", str(output), as_text=True)
        assert (code, output.exists()) == (2, False)
        assert re.fullmatch("error: [Tt]he input.*\n", err)


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_second_run_into_the_file_of_one_that_goes_on_is_refused(command: Any, name: str, tmp_path: Path) -> None:
    given = ["explain", "--method", "saliency", "--output", str(tmp_path / name)]
    assert command(PAIRS, *given)[0] == 0
    held = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with parquet.journal_of(tmp_path / name).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        code, _, err = command([*PAIRS, PAIRS[0]], *given)
    assert (code, "is being written by another run" in err) == (2, True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == held
    assert command(PAIRS, *given)[0] == 0
