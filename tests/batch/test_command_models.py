"""`rerank-lens`: which model is loaded, how it is read, and several beside each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from inspect import signature
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attribution.__main__ import main
from attribution.batch.arguments import DTYPES, parse_args
from attribution.batch.jobs import Job
from attribution.batch.probing import probe_models
from attribution.evidence.probes.probe_set import probe_set
from attribution.evidence.probes.table import PROBES
from attribution.rerankers.loading.load import DTYPES as LOADED
from attribution.rerankers.reranker import Reranker
from tests.batch.conftest import PAIRS


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
    typed: Callable[[bytes], None],
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
        typed(json.dumps(PAIRS[0]).encode())
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


def test_probe_compares_two_models_on_what_they_read(
    command: Any, tiny_folder: Callable[[str], Path], tmp_path: Path, tiny: Callable[[str], Reranker]
) -> None:
    other, out = tiny_folder("ElectraForSequenceClassification"), tmp_path / "probes.json"
    lines = [*PAIRS, {"query": " ", "document": "nothing asked"}, {"query": "nothing told", "document": " "}]
    text = "\n".join(json.dumps(line) for line in lines)
    code, table, err = command([text], "probe", "--model", str(other), "--output", str(out), as_text=True)
    assert code == 1
    assert "line 4 skipped: The query is empty" in err
    assert "line 5 skipped: The document is empty" in err
    assert err.endswith("skipped in all: 2\n")
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
    skipped = err[err.index("line 4 skipped") :]
    *again, said = command([text], "probe", "--model", str(other), "--output", str(out), as_text=True)
    assert (again, said) == ([code, table], f"{out}: 1 answer found there; going on.\n{skipped}")


def test_a_terminal_of_another_encoding_ends_no_run(
    tiny_folder: Callable[[str], Path], typed: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(json.dumps(PAIRS[0]).encode())
    out = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(out, encoding="ascii", write_through=True))
    assert main(["probe", "--model", str(tiny_folder("BertForSequenceClassification"))]) == 0
    assert b"does \\u201cnot\\u201d count" in out.getvalue()


def test_a_model_given_again_has_a_column_of_its_own(tiny_folder: Callable[[str], Path]) -> None:
    folder = str(tiny_folder("BertForSequenceClassification"))
    short: dict[str, Any] = {"max_length": 40}
    table, revisions = probe_models([folder] * 5, [("q", "a b.")], 0, loading=[{}, {}, short, short, {}])
    expected = [folder, f"{folder} 2", f"{folder} (max_length 40)", f"{folder} (max_length 40) 2", f"{folder} 3"]
    assert [*table] == [*revisions] == expected
