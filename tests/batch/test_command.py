"""`rerank-lens`: lines in, lines out; bad ones named, cut-off runs go on, exit codes that scripts can use."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomlkit
import torch
from safetensors.torch import load_file, save_file
from tqdm import tqdm

from attribution import explain, sentences
from attribution.__main__ import main
from attribution.batch.arguments import COMMANDS, DTYPES, parse_args
from attribution.batch.jobs import Job
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.probes.probe import probe
from attribution.evidence.probes.probe_set import probe_set
from attribution.evidence.probes.table import PROBES
from attribution.export import SCHEMA, SENTENCES_SCHEMA, sentences_to_dict
from attribution.rerankers.loading.load import DTYPES as LOADED
from attribution.rerankers.reranker import Reranker

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [
    {"query": "how many people live in berlin ?", "document": "berlin has about 3.7 million inhabitants ."},
    {"id": "museum", "query": "new york", "document": "famous for its museums"},
    {"query": "paris", "document": "the capital of france"},
]


@pytest.fixture
def command(
    tiny_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, Any, str]]:
    """`(stdin lines, *arguments) -> (exit code, lines of stdout, stderr)` with the tiny model."""

    def run(lines: list[Any], *arguments: str, as_text: bool = False) -> tuple[int, Any, str]:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = main([*arguments, "--model", str(tiny_folder("BertForSequenceClassification"))])
        out, err = capfdbinary.readouterr()
        return code, out.decode() if as_text else [json.loads(line) for line in out.splitlines()], err.decode()

    return run


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


def test_what_is_not_said_is_as_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    args = parse_args(["evaluate"])
    with pytest.raises(SystemExit):
        parse_args(["evaluate", "--help"])
    said = dict(re.findall(r"--(workers|top) [A-Z]+\s[^()]*\(default:\s+(\d+)\)", capsys.readouterr().out))
    assert said == {"workers": f"{args.workers}", "top": f"{args.top}"}
    assert (args.operator, args.engine, args.option, args.models) == ("mask", "local", [], [{"model_id": None}])
    assert signature(probe_set).parameters["seed"].default == signature(probe).parameters["seed"].default


def test_each_commands_help_is_of_that_command_and_its_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for name, command in COMMANDS.items():
        with pytest.raises(SystemExit) as left:
            parse_args([name, "--help"])
        assert left.value.code == 0
        said[name] = capsys.readouterr().out
        assert command.says in said[name]
        assert f"example: {command.example}" in said[name]
        assert parse_args(shlex.split(re.split("[<>]", command.example)[0])[1:]).task == name
    assert len(set(said.values())) == len(COMMANDS)
    options = {name: set(re.findall(r"--[a-z-]+", text)) for name, text in said.items()}
    assert options["evaluate"] - options["explain"] == {"--operator"}
    assert options["explain"] - options["rank"] >= {"--method", "--option"}
    with pytest.raises(SystemExit):
        parse_args(["--help"])
    assert all(
        command.says.split(":")[0] in " ".join(capsys.readouterr().out.split()) for command in [COMMANDS["rank"]]
    )


def test_of_several_models_each_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "a@b").mkdir()
    given = [
        "--max-length",
        "9",
        "--model",
        "o/a@main",
        "--label",
        "1",
        "--model",
        str(tmp_path / "a@b"),
        "--model",
        "c",
    ]
    assert parse_args(["probe", *given, "--template", "monot5", "--max-length", "8", "--revision", "r/1"]).models == [
        {"max_length": 9, "model_id": "o/a", "revision": "main", "label": 1},
        {"max_length": 9, "model_id": str(tmp_path / "a@b")},
        {"max_length": 8, "model_id": "c", "template": "monot5", "revision": "r/1"},
    ]
    for before in (["--label", "one", "--model", "a"], ["--model", "a", "--label", "one"]):
        assert parse_args(["rank", *before]).models == [{"model_id": "a", "label": "one"}]
    assert parse_args(["rank", "--label", "0"]).models == [{"model_id": None, "label": 0}]


def test_a_label_is_named_by_its_number(
    tiny_folder: Callable[[str], Path],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "two labels"
    shutil.copytree(tiny_folder("BertForSequenceClassification"), folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = torch.cat([weights[name][:1], -weights[name][:1] + 1, weights[name][:1] * 0])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config["id2label"] = {"0": "no", "1": "yes", "2": "none"}
    config["label2id"] = {"no": 0, "yes": 1, "none": 2}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    logits = []
    for label in ("1", "yes", "0"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(PAIRS[0]).encode())))
        assert main(["explain", "--method", "saliency", "--model", str(folder), "--label", label]) == 0
        logits.append(json.loads(capfd.readouterr().out)["logit"])
    assert logits[0] == logits[1] != logits[2]


def test_an_answer_depends_on_what_was_said_of_the_model() -> None:
    said = {"label": None, "template": "monot5", "max_length": 16}
    assert Job("rank", (), {}, loading=said).settings == {"template": "monot5", "max_length": 16}
    assert Job("explain", ("shapley",), {"seed": 1}, loading={}).settings == {"seed": 1}


def test_the_numbers_that_weights_are_kept_in(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tuple(LOADED) == DTYPES
    answers = [command(PAIRS[:1], "sentences")[1][0], command(PAIRS[:1], "sentences", "--dtype", "bfloat16")[1][0]]
    monkeypatch.setenv("RERANKER_DTYPE", "bfloat16")
    answers.append(command(PAIRS[:1], "sentences")[1][0])
    assert [answer["settings"].get("dtype") for answer in answers] == [None, "bfloat16", "bfloat16"]
    assert ["bfloat16" in " ".join(answer["notes"]) for answer in answers] == [False, True, True]
    assert answers[0]["logit"] != answers[1]["logit"] == answers[2]["logit"]
    assert command(PAIRS[:1], "sentences", "--dtype", "float32")[1][0]["logit"] == answers[0]["logit"]


def test_how_the_model_is_loaded(command: Any) -> None:
    long = [{"query": "berlin", "document": "berlin has about 3.7 million inhabitants . " * 3}]
    whole, cut = (command(long, "explain", *more)[1][0] for more in ([], ["--max-length", "16"]))
    assert (whole["truncated"], cut["truncated"], len(cut["tokens"])) == (False, True, 16)
    code, answers, err = command(long, "rank", "--label", "LABEL_7")
    assert (code, answers) == (2, [])
    assert "no label 'LABEL_7'" in err
    with pytest.raises(SystemExit):
        command(long, "rank", "--template", "mine")


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
    for number in (1, 3, 4, 5, 7, 8, 9):
        assert f"line {number} skipped: " in err
    assert "7 lines were skipped" in err


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
    code, (measured,), _ = command(PAIRS[:1], "evaluate", "--method", "saliency", "--method", "occlusion")
    pair = PAIRS[0]["query"], PAIRS[0]["document"]
    expected = measure(tiny_bert, {key: explain(tiny_bert, *pair, key) for key in ("saliency", "occlusion")})
    for key in ("saliency", "occlusion"):
        assert measured["methods"][key]["comprehensiveness"] == expected.methods[key].comprehensiveness


def test_a_cut_off_run_goes_on_where_it_ended(command: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ("explain", "--method", "saliency", "--output", str(out))
    assert command(PAIRS, *arguments)[0] == 0
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    out.write_bytes(lines[0] + lines[1][:100])  # killed in the middle of a line
    code, _, err = command(PAIRS, *arguments)
    assert code == 0
    assert "1 answers are there already" in err
    again = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [a["attributions"] for a in again] == [json.loads(line)["attributions"] for line in lines]
    assert again[0]["seconds"] == json.loads(lines[0])["seconds"], "the first pair was explained again"

    code, _, err = command([{**PAIRS[0], "document": "another text"}], *arguments)
    assert code == 1
    assert "already been written for another text" in err
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
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    arguments = ("explain", "--method", "saliency", "--output", str(out))
    assert command(PAIRS[:1], *arguments)[0] == 0
    assert command([{"id": "1", **PAIRS[0]}, *PAIRS[1:]], *arguments)[0] == 0
    rows = parquet.read_table(out).to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "out.parquet.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["1", "museum", "3"]
    nested = ("dict", "list")
    for row, line in zip(rows, lines, strict=True):
        assert {k: json.loads(row[k]) if type(v).__name__ in nested else row[k] for k, v in line.items()} == line


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

    def distributed(model: str, rows: Any, *_given: Any, workers: int) -> int:
        asked.append((model, [row.id for row in rows], workers))
        return 0

    monkeypatch.setattr("attribution.batch.commands.run_distributed", distributed)
    assert len(command(PAIRS, "explain", "--engine", "local")[1]) == 3
    assert asked == []
    code, answers, _ = command(PAIRS, "explain", "--engine", "ray", "--workers", "3")
    assert (code, answers) == (0, [])
    ((model, ids, workers),) = asked
    assert (Path(model).name, ids, workers) == ("BertForSequenceClassification", ["1", "museum", "3"], 3)


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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["explain", "--method", "magic"], "Unknown method 'magic'"),
        (["explain", "--method", "saliency", "--option", "n_steps=3"], "saliency does not take n_steps"),
        (["explain", "--option", "n_steps"], "has no value"),
        (["explain", "--output", "/nowhere/out.jsonl"], "No such file"),
        (["explain", "--method", "saliency", "--method", "occlusion"], "explain takes one --method"),
    ],
)
def test_what_cannot_begin_leaves_with_2(command: Any, arguments: list[str], says: str) -> None:
    code, answers, err = command(PAIRS, *arguments)
    assert (code, answers) == (2, [])
    assert says in err


def test_the_package_asks_for_what_the_space_asks_for() -> None:
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()["project"]
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert set(project["dependencies"]) == {r for r in requirements if r and not r.startswith(("#", "gradio"))}


def test_the_package_holds_every_room() -> None:
    packages = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()["tool"]["setuptools"][
        "packages"
    ]
    rooms = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("attribution/**/__init__.py")}
    assert set(packages) == rooms | {"attribution.demo_reranker"}


def test_probe_compares_two_models_on_what_they_read(
    command: Any, tiny_folder: Callable[[str], Path], tmp_path: Path, tiny: Callable[[str], Reranker]
) -> None:
    other, out = tiny_folder("ElectraForSequenceClassification"), tmp_path / "probes.json"
    lines = [*PAIRS, {"query": " ", "document": "nothing asked"}, {"query": "nothing told", "document": " "}]
    text = "\n".join(json.dumps(line) for line in lines)
    code, table, err = command([text], "probe", "--model", str(other), "--output", str(out), as_text=True)
    assert code == 1
    assert "line 4 skipped: The query is empty" in err
    assert "line 5 skipped: The document at index 0 is empty" in err
    found = json.loads(out.read_text(encoding="utf-8"))
    models = [str(other), str(tiny_folder("BertForSequenceClassification"))]
    assert list(found["shares"]) == models
    assert (found["pairs"], found["seed"]) == (len(lines), signature(probe_set).parameters["seed"].default)
    pairs = [(pair["query"], pair["document"]) for pair in PAIRS]
    for model, architecture in zip(
        models, ("ElectraForSequenceClassification", "BertForSequenceClassification"), strict=True
    ):
        expected = probe_set(tiny(architecture), pairs)
        assert [share["held"] for share in found["shares"][model]] == [share.held for share in expected.values()]
    assert [row.split(" | ")[0] for row in table.splitlines()[2:]] == [
        f"| {p.label}: {p.asks}" for p in PROBES.values()
    ]
    assert table.splitlines()[0].endswith(f"| {models[0]} | {models[1]} |")
