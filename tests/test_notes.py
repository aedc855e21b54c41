"""What is known of a model, such as its precision, is in every result, on every page and in every file."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch

from attribution import MODELS, explain, rank
from attribution.__main__ import main
from attribution.audit.audit import audit
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.batch.jobs import TASKS, Job, answer
from attribution.batch.rows import Row
from attribution.errors import AttributionError
from attribution.evidence.probes.probe import probe
from attribution.export import FORMATS, PROBE_FORMATS, SCHEMA, answer_of, dumps, to_dict, to_json
from attribution.rerankers.loading.load import load_reranker
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.loading.readout import ReadOut
from attribution.rerankers.reranker import Reranker
from attribution.views.cards import two_models_html
from attribution.views.compare import identity_html as compare_identity
from attribution.views.page import Identity, identity_html
from attribution.views.score import score_html
from interface.programs import api
from tests.views.reading import read

BERT = "BertForSequenceClassification"
QUERY, DOCUMENTS = (
    "how many people live in berlin ?",
    ("berlin has 3.7 million .", "paris is the capital . it is old ."),
)
NOTES = ("Computed in another way.", "The number is label 1.")


@pytest.fixture(scope="module")
def noted(tiny_bert: Reranker) -> Reranker:
    return dataclasses.replace(tiny_bert, precision=NOTES[0], settings=ReadOut(reads="label 1"))


def test_in_every_file(noted: Reranker) -> None:
    assert noted.notes == NOTES
    explanation = explain(noted, QUERY, DOCUMENTS[0], "saliency")
    files = {f"cards {name}": one.write({"saliency": explanation}, None) for name, one in FORMATS.items()}
    probed = probe(noted, QUERY, DOCUMENTS[0], ["typo"])
    files |= {f"probes {name}": one.write(probed, noted.notes) for name, one in PROBE_FORMATS.items()}
    assert len(files) >= 8
    assert all(text.startswith("\ufeff") for name, text in files.items() if "CSV" in name), "as Excel knows UTF-8"
    assert {name for name, text in files.items() if not all(note in text for note in NOTES)} == set()
    jsonschema.validate(json.loads(to_json([explanation])), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_what_the_page_warns_of_in_the_texts_is_in_every_file_and_answer(tiny_bert: Reranker) -> None:
    """Letters that the vocabulary lacks, and what the tokenizer takes for a token of its own."""
    explanation = explain(tiny_bert, QUERY, "[SEP] \u4eac\u4eac\u4eac\u4eac\u4eac\u4eac", "occlusion")
    warnings = [
        " ".join(read(str(part)).text.split())
        for part in re.findall(r"<p class=.rl-note.*?</p>", score_html(explanation))
    ]
    assert [name in one for name, one in zip(["outside what", "[SEP]"], warnings, strict=True)] == [True, True]
    done = {"occlusion": explanation}
    files = {name: form.write(done, None) for name, form in FORMATS.items()}
    said = answer(
        tiny_bert, Row("1", 1, explanation.query, (explanation.document,)), Job("explain", ("occlusion",), {})
    )
    for name, text in {**files, "batch": said["notes"], "dict": to_dict(explanation)["notes"]}.items():
        whole = " ".join(read(text).text.split()) if isinstance(text, str) and name != "JSON" else str(text)
        assert all(one in whole for one in warnings), name
        drawn = read(text.partition("</desc>")[2]).text if "SVG" in name else whole
        assert "Most of the document is outside what" in drawn, "not only for who cannot see it"


@pytest.mark.parametrize("task", sorted(TASKS.keys() - {"failure"}))
def test_in_every_line_of_a_batch(task: str, noted: Reranker) -> None:
    said = answer(noted, Row("1", 1, QUERY, DOCUMENTS), Job(task, ("saliency",), {}))
    assert said["notes"] == list(NOTES)


def test_in_an_audit(noted: Reranker) -> None:
    judged = JudgedQuery("q", QUERY, (Candidate("a", DOCUMENTS[0], 1), Candidate("b", DOCUMENTS[1], 0)), {})
    assert audit(noted, [judged]).notes[:2] == NOTES


def test_on_every_page(noted: Reranker) -> None:
    explanation = explain(noted, QUERY, DOCUMENTS[0], "saliency")
    pages = [
        compare_identity(["boxes"], "tiny", rank(noted, QUERY, DOCUMENTS)),
        identity_html(Identity("id", "tiny", "r", QUERY, DOCUMENTS[0], notes=noted.notes)),
        two_models_html(["saliency"], ("first", "tiny"), ({}, {"saliency": explanation})),
    ]
    assert all(note in page for page in pages for note in NOTES)
    assert f"tiny: {NOTES[0]}" in pages[2]


def test_in_the_answers_for_programs_and_the_table_of_probes(
    tiny_folder: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The environment asks for half precision, for every way in."""
    folder, said = str(tiny_folder(BERT)), "Computed in bfloat16, as asked for"
    monkeypatch.setenv("RERANKER_DTYPE", "bfloat16")
    half = load_reranker(folder, device="cpu")
    assert half.half
    monkeypatch.setitem(MODELS, folder, Checkpoint("tiny", folder, "none", "tiny"))
    ranked: Any = api.rank(QUERY, list(DOCUMENTS), folder)
    assert said in ranked["notes"][0]
    line = json.dumps({"query": QUERY, "document": DOCUMENTS[0]})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
    assert main(["probe", "--model", folder, "--output", str(tmp_path / "probes.jsonl")]) == 0
    assert f"{folder}: {said}" in capsys.readouterr().out
    assert said in json.loads((tmp_path / "probes.jsonl").read_text("utf-8"))["notes"][0]
    monkeypatch.setenv("RERANKER_DTYPE", "float16")
    with pytest.raises(AttributionError, match="RERANKER_DTYPE is 'float16'; it must be one of float32, bfloat16"):
        load_reranker(folder)


def test_an_answer_without_a_number_is_a_sentence_that_names_the_field(noted: Reranker) -> None:
    broken = noted.trainable()
    with torch.no_grad():
        broken.model.classifier.bias = torch.nn.Parameter(torch.full_like(broken.model.classifier.bias, torch.nan))
    with pytest.raises(AttributionError, match=r"^rows\.0\.logit is nan, so this answer cannot be written: "):
        answer(broken, Row("1", 1, QUERY, DOCUMENTS), Job("rank", (), {}))
    for write in (dumps, lambda value: answer_of(value, ())):
        with pytest.raises(AttributionError, match=r"^paths\.1\.low is -inf, so"):
            write({"logit": 1.0, "paths": [{"low": 0.0}, {"low": -torch.inf}]})
