"""A model asked for again: saved anew into its folder, at a named revision, from a cache that others filled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attribution import load_reranker
from attribution.errors import ModelError
from attribution.rerankers.loading import load as loading
from attribution.rerankers.loading.hub import _sentence
from attribution.rerankers.loading.models import MODELS, place_of
from tests.conftest import Folder
from tests.loopback import SHA, loopback_hub, make_repositories
from tests.tiny import save_tiny

ROOT, BERT = Path(__file__).resolve().parents[2], "BertForSequenceClassification"
PAIR = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants .", "museums"])


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_a_model_saved_again_into_its_folder_is_loaded_anew(kind: str, tmp_path: Path) -> None:
    def save(seed: int) -> Any:
        save_tiny(BERT, tmp_path, seed)
        if kind == "bin":
            torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
            (tmp_path / "model.safetensors").unlink()
        return load_reranker(str(tmp_path), device="cpu")

    first, second = save(0), save(1)
    assert load_reranker(str(tmp_path), device="cpu") is second
    assert first.revision != second.revision
    assert first.score(*PAIR) != pytest.approx(second.score(*PAIR), abs=1e-2)


def test_what_is_asked_of_memory_is_not_the_model_that_was_there_before(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "model")
    before = load_reranker(str(folder))
    assert loading.in_memory(str(folder)) is before
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 20}))
    assert loading.in_memory(str(folder)) is None
    assert load_reranker(str(folder)).max_length == 20
    shutil.rmtree(folder)
    assert loading.in_memory(str(folder)) is not None, "a folder that is gone takes no model out of memory"


def test_where_a_model_is_and_at_which_revision(tmp_path: Path) -> None:
    key = next(key for key, row in MODELS.items() if row.revision)
    row = MODELS[key]
    assert place_of(key) == (row.path, row.revision)
    assert place_of(f"{key}@v2") == (row.path, "v2")
    assert place_of("someone/else@refs/pr/1") == place_of("someone/else", "refs/pr/1") == ("someone/else", "refs/pr/1")
    assert place_of("someone/else@v2", "v2") == ("someone/else", "v2")
    (tmp_path / "a@b").mkdir()
    assert place_of(str(tmp_path / "a@b")) == (str(tmp_path / "a@b"), None)
    for wrong, asked, says in (("a/b@v1", "v2", "names the revision 'v1', and 'v2'"), ("a/b@", None, "no id@revision")):
        with pytest.raises(ModelError, match=says):
            place_of(wrong, asked)
    with pytest.raises(ModelError, match="is a folder, which has no revisions: 'v1'"):
        load_reranker(f"{tmp_path}@v1")


LOAD = """
import json, sys
from attribution.__main__ import main
from attribution.errors import ModelError
from attribution.rerankers.loading import hub, load as loading
hub.SECONDS, hub.STALLED = 2.0, 2.0
answers = []
for model_id in sys.argv[2:]:
    if model_id.startswith("command:"):
        answers.append(main(["rank", "--model", model_id.removeprefix("command:")]))
        continue
    try:
        one = loading.load_reranker(model_id, device="cpu")
        answers.append([one.revision, one.score(*json.loads(sys.argv[1])), one.precision])
    except ModelError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories of a reranker whose queries have an instruction before them."""
    made = save_tiny(BERT, tmp_path_factory.mktemp("prompted") / "tiny")
    prompts = {"model_type": "CrossEncoder", "prompts": {"q": "paris of france : "}, "default_prompt_name": "q"}
    (made / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    (made / "modules.json").write_text(json.dumps([module]))
    return make_repositories(made, tmp_path_factory.mktemp("repositories"))


@pytest.fixture(scope="module")
def told(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What new processes answer, with the client's own storage of large files on, and what was asked of the Hub.

    The cache holds what another program put there, without files; then the Hub is there, then the client is offline.
    """
    home = tmp_path_factory.mktemp("home")

    def ask(*model_ids: str, endpoint: str, **environment: str) -> list[Any]:
        ours = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, json.dumps(PAIR), *model_ids],
            env={**ours, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [*json.loads(done.stdout), done.stderr]

    cache = home / "hub" / "models--someone--tiny"
    snapshot = shutil.copytree(root / "someone" / "tiny", cache / "snapshots" / SHA)
    for name in ("modules.json", "config_sentence_transformers.json"):
        (snapshot / name).unlink()
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(SHA)
    alone, _ = ask("someone/tiny", endpoint="http://127.0.0.1:9")
    with loopback_hub(root) as (endpoint, asked):
        tiny = (f"someone/tiny@{SHA}", "someone/tiny")
        xet = ("someone/xet-forbidden", "someone/xet-refused", "command:someone/xet-forbidden")
        *online, errors = ask(*tiny, *xet, endpoint=endpoint)
    (snapshot / "modules.json").unlink()
    offline, _ = ask("someone/tiny", endpoint=endpoint, HF_HUB_OFFLINE="1")
    return {"alone": alone, "online": online, "errors": errors, "offline": offline, "asked": asked}


def test_a_cache_that_others_filled(root: Path, told: dict[str, Any]) -> None:
    """Without the files that put an instruction before a query: fetched where the Hub answers, else said."""
    whole = load_reranker(str(root / "someone" / "tiny"), device="cpu").score(*PAIR)
    _, without, said = told["alone"]
    assert without != pytest.approx(whole, abs=1e-2)
    assert "another program, and the Hub could not be asked" in said
    named, same, *_ = told["online"]
    assert named[1] == same[1] == pytest.approx(whole, abs=1e-5)
    assert (named[0], named[2]) == (SHA, "")
    weights = [line for line in told["asked"] if line.startswith("GET") and "model.safetensors" in line]
    assert not [line for line in weights if "/tiny/" in line]
    assert told["offline"][2] == (
        "The Hub's cache lacks files of this model, which may change its score: modules.json."
    )


def test_the_storage_of_large_files_fails_in_sentences(told: dict[str, Any]) -> None:
    """Its client tries for minutes where nobody listens; nobody waits so long. The command leaves with 2."""
    *_, forbidden, refused, code = told["online"]
    assert "(403)" in forbidden
    assert "sent nothing for 2 seconds" in refused
    assert code == 2
    assert forbidden in told["errors"]
    assert "Traceback" not in told["errors"]
    said = _sentence("a/b", None, RuntimeError("Task error: CAS Client Error"))
    assert "storage of large files (Xet) refused or broke off while a/b was asked for: Task error: CAS Client" in said
    assert "HF_HUB_DISABLE_XET=1" in said
