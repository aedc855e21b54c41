"""A model asked for again: saved anew into its folder, at a named revision, from a cache that others filled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attribution import explain, load_reranker
from attribution.__main__ import main
from attribution.errors import ModelError
from attribution.export import to_csv, to_html, to_json
from attribution.rerankers.loading import load as loading
from attribution.rerankers.loading.hub import reason_for
from attribution.rerankers.loading.models import MODELS, place_of
from tests.conftest import Folder
from tests.loopback import SHA, client, loopback_hub, make_repositories
from tests.tiny import save_tiny

BERT = "BertForSequenceClassification"
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


def test_a_folder_may_be_a_path_and_no_name_is_no_default(tiny_folder: Folder) -> None:
    folder = tiny_folder(BERT)
    assert load_reranker(folder) is load_reranker(str(folder))
    for nothing in ("", " ", 0, False, b"x"):
        with pytest.raises(ModelError, match=f"The model is {nothing!r}. Give a model on offer"):
            load_reranker(nothing)  # type: ignore[arg-type]


def test_what_is_asked_of_memory_is_not_the_model_that_was_there_before(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "model")
    before = load_reranker(str(folder))
    assert loading.in_memory(str(folder)) is before
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 20}))
    assert loading.in_memory(str(folder)) is None
    assert load_reranker(str(folder)).max_length == 20
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert loading.in_memory(str(folder)) is None, "smaller than it was"


def test_what_stays_in_memory_of_a_folder_that_is_gone_says_so_in_every_answer(
    tiny_folder: Folder, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "model")
    before = load_reranker(str(folder))
    folder.rename(tmp_path / "elsewhere")
    for after in (load_reranker(str(folder)), loading.in_memory(str(folder))):
        assert after
        assert after.model is before.model
        note = f"files as they were when the model was loaded, {before.revision}. Its folder is gone."
        assert note in after.notes[0]
        found = explain(after, PAIR[0], PAIR[1][0], "saliency")
        assert all(note in said for said in (to_json([found]), to_csv([found]), to_html({"saliency": found})))
    (tmp_path / "elsewhere").rename(folder)
    assert load_reranker(str(folder)) is before


def test_where_a_model_is_and_at_which_revision(tmp_path: Path) -> None:
    key = next(key for key, row in MODELS.items() if row.revision)
    row = MODELS[key]
    assert place_of(key) == (row.path, row.revision)
    assert place_of(f"{key}@v2") == (row.path, "v2")
    assert place_of("someone/else@refs/pr/1") == place_of("someone/else", "refs/pr/1") == ("someone/else", "refs/pr/1")
    assert place_of("someone/else@v2", "v2") == ("someone/else", "v2")
    (tmp_path / "a@b").mkdir()
    assert place_of(str(tmp_path / "a@b")) == (str(tmp_path / "a@b"), None)
    for wrong, asked, says in (("a/b@v1", "v2", "names the revision 'v1', and 'v2'"), ("a/b@", None, "be id@revision")):
        with pytest.raises(ModelError, match=says):
            place_of(wrong, asked)
    with pytest.raises(ModelError, match="is a folder, which has no revisions: 'v1'"):
        load_reranker(f"{tmp_path}@v1")


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
    home, said = tmp_path_factory.mktemp("home"), dict[str, Any]()
    cache = home / "hub" / "models--someone--tiny"
    snapshot = shutil.copytree(root / "someone" / "tiny", cache / "snapshots" / SHA)
    for name in ("modules.json", "config_sentence_transformers.json"):
        (snapshot / name).unlink()
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(SHA)
    with client(HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(home)):
        said["alone"] = load_reranker("someone/tiny", device="cpu")
    with loopback_hub(root) as (endpoint, said["asked"]), client(HF_ENDPOINT=endpoint, HF_HOME=str(home)) as printed:
        said["named"], said["same"] = (load_reranker(f"someone/tiny{at}", device="cpu") for at in (f"@{SHA}", ""))
        for name in ("xet-forbidden", "xet-refused"):
            with pytest.raises(ModelError) as raised:
                load_reranker(f"someone/{name}", device="cpu")
            said[name] = str(raised.value)
        said["code"] = main(["rank", "--model", "someone/xet-forbidden"])
        said["printed"] = printed.getvalue()
    (snapshot / "modules.json").unlink()
    with client(HF_ENDPOINT=endpoint, HF_HOME=str(home), HF_HUB_OFFLINE="1"):
        said["offline"] = load_reranker("someone/tiny", device="cpu")
    return said


def test_a_cache_that_others_filled(root: Path, told: dict[str, Any]) -> None:
    """Without the files that put an instruction before a query: fetched where the Hub answers, else said."""
    whole = load_reranker(str(root / "someone" / "tiny"), device="cpu").score(*PAIR)
    assert told["alone"].score(*PAIR) != pytest.approx(whole, abs=1e-2)
    assert "another program, and the Hub could not be asked" in told["alone"].precision
    named, same = told["named"], told["same"]
    assert named.score(*PAIR) == same.score(*PAIR) == pytest.approx(whole, abs=1e-5)
    assert (named.revision, named.precision) == (SHA, "")
    weights = [line for line in told["asked"] if line.startswith("GET") and "model.safetensors" in line]
    assert not [line for line in weights if "/tiny/" in line]
    assert told["offline"].precision == (
        "The Hub's cache lacks files of this model, which may change its score: modules.json."
    )


def test_the_storage_of_large_files_fails_in_sentences(told: dict[str, Any]) -> None:
    """Its client tries for minutes where nobody listens; nobody waits so long. The command leaves with 2."""
    assert "(403)" in told["xet-forbidden"]
    assert "sent nothing for 5 seconds" in told["xet-refused"]
    assert told["code"] == 2
    assert told["xet-forbidden"] in told["printed"]
    assert "Traceback" not in told["printed"]
    said = reason_for("a/b", None, RuntimeError("Task error: CAS Client Error"))
    assert "storage of large files (Xet) refused or broke off while a/b was asked for: Task error: CAS Client" in said
    assert "HF_HUB_DISABLE_XET=1" in said
