"""The recipes of docs/extending.md, each in a file of its own, through everything that iterates the table."""

from __future__ import annotations

import importlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import jsonschema
import pytest
import torch

import app
from attribution import METHODS, MODELS, explain, load_reranker, sentences
from attribution.__main__ import main
from attribution.batch.probing import probe_models, probes_markdown
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.probes.probe import probe
from attribution.evidence.probes.table import PROBES
from attribution.export import FORMATS, SCHEMA, to_csv, to_json
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.loading.models import BUNDLED, Checkpoint
from attribution.rerankers.reranker import Reranker
from attribution.views.faithfulness import faithfulness_html
from attribution.views.probes import probes_html
from benchmarks.summary import stored, summary
from interface.page import settings
from interface.programs import api
from interface.runs.handlers import Pair
from interface.runs.lanes import claim
from interface.tabs.table import TABS
from tests import tiny as checkpoints
from tests.interface.conftest import visitor
from tests.readme import (
    DOCS,
    believe_table,
    code_blocks,
    endpoints_table,
    families_table,
    methods_table,
    probes_table,
)

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
TABLES: tuple[dict[str, Any], ...] = (METHODS, PROBES, FAMILIES, FORMATS)
LISTS: tuple[list[Any], ...] = (TABS, api.ENDPOINTS)
RECIPES = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", (DOCS / "extending.md").read_text("utf-8"), re.M | re.S))
METHOD, PROBE, FAMILY = "masking_slope", "exclaimed", "Data2VecTextForSequenceClassification"


@pytest.fixture(scope="module", autouse=True)
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each recipe's code as a module of its own, imported; afterwards the tables are what they were."""
    before, listed = [dict(table) for table in TABLES], [[*rows] for rows in LISTS]
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(folder))
        for title, text in RECIPES.items():
            name = re.sub(r"\W", "_", title.lower())
            (folder / f"{name}.py").write_text("\n".join(code_blocks(text, "python")), encoding="utf-8")
            importlib.import_module(name)
        yield
    for table, old in zip(TABLES, before, strict=True):
        table.clear()
        table.update(old)
    for rows, were in zip(LISTS, listed, strict=True):
        rows[:] = were


@pytest.fixture(scope="module")
def demo() -> Any:
    """The page, built after the recipes were added."""
    return app.build([BUNDLED])[0]


@pytest.fixture(scope="module")
def page(demo: Any) -> list[Any]:
    """Every component of it."""
    return list(demo.blocks.values())


def test_every_recipe_passes_the_linter(tmp_path: Path) -> None:
    for title, text in RECIPES.items():
        (tmp_path / f"{title.replace(' ', '_').lower()}.py").write_text("\n".join(code_blocks(text, "python")), "utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(DOCS.parent / "pyproject.toml")]
    found = subprocess.run([*ruff, "--ignore", "D100,I001", str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_every_recipe_is_one_row(recipes: None) -> None:
    for text in RECIPES.values():
        rows = re.findall(r"^\w+(?:\[\"\w+\"\] = |\.append\()", "\n".join(code_blocks(text, "python")), re.M)
        functions = re.findall(r"^def ", "\n".join(code_blocks(text, "python")), re.M)
        assert (len(rows), len(functions) <= 1) == (1, True)


def test_the_method_explains_as_its_formula_says(tiny_bert: Reranker) -> None:
    """By a second route: the slope of the logit as the words move to the mask, by differences."""
    explanation = explain(tiny_bert, QUERY, DOCUMENT, METHOD)
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    start = tiny_bert.embed(pair)
    step = 1e-3 * (start - tiny_bert.baselines(pair, "mask", ("query", "document")))
    with torch.no_grad():
        ends = tiny_bert.forward_func(pair)(torch.cat([start + step, start - step]))
    assert sum(explanation.attributions) == pytest.approx((ends[0] - ends[1]).item() / 2e-3, rel=1e-2, abs=1e-3)


def test_the_method_is_on_the_page(page: list[Any], tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its box, the cost line, and a card."""
    boxes = [block for block in page if isinstance(block, gr.CheckboxGroup)]
    assert (METHODS[METHOD].label, METHOD) in [choice for box in boxes for choice in box.choices]
    monkeypatch.setitem(MODELS, tiny_bert.model_id, Checkpoint("tiny", tiny_bert.model_id, "none", "tiny"))
    monkeypatch.setattr(settings, "in_memory", lambda _model_id: tiny_bert)
    size = [20, 7, 6, 1]
    assert settings.label(tiny_bert.model_id, size, [METHOD], 4, 4).startswith(f"1 of {len(METHODS)} methods, about")
    done = {METHOD: explain(tiny_bert, QUERY, DOCUMENT, METHOD)}
    measured = measure(tiny_bert, done)
    assert METHODS[METHOD].label in faithfulness_html(measured, done)
    assert METHODS[METHOD].label in FORMATS["HTML"].write(done, measured)


def test_the_method_is_in_every_other_table(
    tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tiny_folder: Any
) -> None:
    label = METHODS[METHOD].label
    assert f"| `{METHOD}` | {label}: " in methods_table()
    assert f"| {label} | not measured | not measured | 1 |" in believe_table()
    assert f"| {label} | not measured |" in summary(stored())
    done = [explain(tiny_bert, QUERY, DOCUMENT, METHOD)]
    jsonschema.validate(json.loads(to_json(done)), json.loads(SCHEMA.read_text("utf-8")))
    assert to_csv(done).count(f"{METHOD},{METHOD}") == 7 + 7
    folder = str(tiny_folder("BertForSequenceClassification"))
    line = json.dumps({"query": QUERY, "document": DOCUMENT}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    assert main(["explain", "--method", METHOD, "--model", folder]) == 0
    answer = json.loads(capsysbinary.readouterr().out)
    assert answer["attributions"] == pytest.approx(done[0].attributions)
    monkeypatch.setitem(MODELS, folder, Checkpoint("tiny", folder, "none", "tiny"))
    of_api = api.explain(QUERY, DOCUMENT, METHOD, folder)
    assert of_api["attributions"] == pytest.approx(done[0].attributions)
    assert METHOD in [row["key"] for row in api.models()["methods"]]


def test_the_probe_runs_and_stored_results_say_that_it_was_not_measured(tiny_bert: Reranker, tiny_folder: Any) -> None:
    results = probe(tiny_bert, QUERY, DOCUMENT)
    (mine,) = [result for result in results if result.probe == PROBE]
    (edited,) = mine.variants
    assert edited.document == DOCUMENT.removesuffix(" .") + "!"
    logit = tiny_bert.score(QUERY, [edited.document])[0]
    assert edited.logit == pytest.approx(logit, abs=1e-5)
    assert PROBES[PROBE].label in probes_html(results, PROBES, n_forward=1, seconds=1.0)
    table, _ = probe_models([str(tiny_folder("BertForSequenceClassification"))], [(QUERY, DOCUMENT)], 0)
    begins = f"| {PROBES[PROBE].label}: {PROBES[PROBE].asks} | "
    (row,) = [line for line in probes_markdown(table).splitlines() if line.startswith(begins)]
    assert row.endswith(" of 1 |")
    (row,) = [line for line in probes_table().splitlines() if line.startswith(begins)]
    assert row.endswith("| not measured |")


def test_the_family_loads_scores_and_explains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checkpoints.CONFIGS, FAMILY, {"max_position_embeddings": 132})
    folder = checkpoints.save_tiny(FAMILY, tmp_path / "tiny")
    reranker = load_reranker(str(folder), device="cpu")
    inputs = reranker.tokenizer(QUERY, DOCUMENT, return_tensors="pt")
    plain = reranker.family.auto_class.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = plain(**inputs).logits.item()
    for method in METHODS:
        explanation = explain(reranker, QUERY, DOCUMENT, method, **checkpoints.CHEAP.get(method, {}))
        assert explanation.logit == pytest.approx(expected, abs=1e-5)
    assert f"| `{FAMILY}` | data2vec: " in families_table()


def test_the_format_is_on_the_page_and_writes(demo: Any, page: list[Any], tiny_bert: Reranker) -> None:
    """By its button, which gives it all that the page has of the pair."""
    (button,) = [block for block in page if isinstance(block, gr.Button) and block.value == "Markdown"]
    (click,) = [event for event in demo.fns.values() if (button._id, "click") in event.targets]
    done = {key: explain(tiny_bert, QUERY, DOCUMENT, key) for key in ("saliency", METHOD)}
    file, _ = click.fn((done, None, sentences(tiny_bert, QUERY, DOCUMENT), "of"), "of")
    assert file[:2] == ["words.md", "text/markdown"]
    lines = file[2].splitlines()
    assert lines[0] == f"| word | saliency | {METHOD} |"
    assert len(lines) == 2 + 7
    assert lines[2].startswith("| berlin | ")


def test_the_tab_is_on_the_page_and_runs(demo: Any, page: list[Any]) -> None:
    """Its run as the page makes it: claimed, then started, in the tab's own lane, with the tab's own components."""
    assert "Tokens" in [block.label for block in page if isinstance(block, gr.Tab)]
    (run,) = [event for event in demo.fns.values() if event.api_name == "run_tokens"]
    asked = Pair(BUNDLED, QUERY, DOCUMENT)
    claim("visitor", "tokens", asked, run.fn.__qualname__)
    first, *_ = run.fn(visitor(), gr.Progress(), claimed=0, query=QUERY, document=DOCUMENT)
    (rows,) = [value for component, value in first.items() if isinstance(component, gr.Dataframe)]
    tokens = load_reranker().encode(QUERY, DOCUMENT).tokens
    assert rows == [[token.text, token.segment] for token in tokens]
    assert f"Done: {len(tokens)} tokens." in " ".join(map(str, first.values()))
    assert "tokens-status" in [block.elem_id for block in page]


def test_the_endpoint_answers_as_the_model_scores(
    demo: Any, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, tiny_bert.model_id, Checkpoint("tiny", tiny_bert.model_id, "none", "tiny"))
    (score,) = [endpoint for endpoint in api.ENDPOINTS if endpoint.__name__ == "score"]
    answer = score(QUERY, DOCUMENT, tiny_bert.model_id)
    assert answer["logit"] == pytest.approx(tiny_bert.score(QUERY, [DOCUMENT])[0], abs=1e-5)
    with pytest.raises(gr.Error, match="The document is empty"):
        score(QUERY, " ", tiny_bert.model_id)
    assert "score" in [event.api_name for event in demo.fns.values() if event.api_visibility == "public"]
    assert "| `score` | Score one document for a query. |" in endpoints_table()
