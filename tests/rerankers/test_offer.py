"""Which models are on offer, which one a page opens on, and how many stay in memory."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification

from attribution import MODELS, explain, load_reranker
from attribution.errors import ModelError
from attribution.numbers import number
from attribution.rerankers import memory
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.loading import files, hub
from attribution.rerankers.loading import load as loading
from attribution.rerankers.loading.checks import TEST_PAIR
from attribution.rerankers.loading.models import BUNDLED, Checkpoint, offer, split_ids
from attribution.rerankers.memory import gigabytes
from attribution.rerankers.prompts import TEMPLATES
from attribution.views.score import score_html

ROOT = Path(__file__).resolve().parents[2]
BERT = "BertForSequenceClassification"
Folder = Callable[[str], Path]
PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")


@pytest.fixture
def models() -> Iterator[None]:
    """`MODELS` is as before afterwards, its order too."""
    before = dict(MODELS)
    yield
    MODELS.clear()
    MODELS.update(before)


@pytest.fixture
def cache(tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a checkpoint into a cache of the Hub's client, as a download leaves it."""
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))

    def put(repo: str, commit: str) -> Path:
        folder = tmp_path / f"models--{repo.replace('/', '--')}" / "snapshots" / commit
        shutil.copytree(tiny_folder(BERT), folder)
        return folder

    return put


def test_a_page_opens_on_the_first_that_is_on_disk(cache: Callable[[str, str], Path]) -> None:
    assert loading.default_model() == BUNDLED
    key = "gte-reranker-modernbert-base"
    folder = cache(MODELS[key].path, str(MODELS[key].revision))
    assert loading.default_model() == key
    (folder / "model.safetensors").rename(folder / "half.safetensors")  # a download that broke off
    assert loading.default_model() == BUNDLED
    cache(MODELS["ms-marco-MiniLM-L6-v2"].path, "another-commit")
    assert loading.default_model() == BUNDLED


def test_models_are_pinned_and_readme_preloads_one_of_them() -> None:
    hosted = {key: row for key, row in MODELS.items() if key != BUNDLED}
    assert len(hosted) >= 7
    assert {row.architecture for row in MODELS.values()} <= set(FAMILIES)
    config = json.loads((Path(MODELS[BUNDLED].path) / "config.json").read_text())
    assert config["architectures"] == [MODELS[BUNDLED].architecture]
    for row in hosted.values():
        assert re.fullmatch(r"[0-9a-f]{40}", row.revision or "")
        assert row.parameters
        assert row.languages
        assert row.template is None or row.template in TEMPLATES
    front = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    (line,) = front["preload_from_hub"]
    repo, names, commit = line.split()
    assert (repo, commit) == (MODELS["ms-marco-MiniLM-L6-v2"].path, MODELS["ms-marco-MiniLM-L6-v2"].revision)
    assert files.needed(names.split(",")) == sorted(names.split(","))
    assert front["sdk"] == "gradio"


@pytest.mark.usefixtures("models")
def test_own_models_come_first_and_equal_names_are_told_apart(tiny_folder: Folder, tmp_path: Path) -> None:
    one, other = (str(shutil.copytree(tiny_folder(BERT), tmp_path / name / "reranker")) for name in ("a", "b"))
    ids = [one, other, "someone/unique", "someone/bge-reranker-base", "bge-reranker-base", one]
    assert offer(ids) == list(dict.fromkeys(ids))
    assert list(MODELS)[:5] == list(dict.fromkeys(ids))
    labels = [row.label for row in MODELS.values()]
    assert labels[:3] == [one, other, "unique"]
    assert len(set(labels)) == len(labels)
    assert loading.default_model() == one
    assert load_reranker(None, device="cpu").model_id == one


def test_the_setting_of_a_space_is_a_list() -> None:
    assert split_ids(" owner/a, ./b c ,\nowner/d\n") == ["owner/a", "./b c", "owner/d"]
    assert split_ids("") == []


def test_more_than_is_free_or_allowed_is_refused(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(shutil.copytree(tiny_folder(BERT), tmp_path / "copy"))
    monkeypatch.setattr("attribution.rerankers.loading.load._kept", memory.Loaded())  # the others' models stay
    monkeypatch.setattr(memory, "free_memory", lambda: memory.RESERVED + 1000)
    with pytest.raises(ModelError, match=r"takes .* MB in float32, and .* of memory are free"):
        load_reranker(folder)
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    monkeypatch.setenv("RERANKER_MAX_GB", str(1000 / 2**30))
    with pytest.raises(ModelError, match=r"at most .* are allowed here"):
        load_reranker(folder)


def test_a_half_precision_file_counts_as_what_it_becomes() -> None:
    sizes = {"config.json": 7, "model.safetensors": 60, "1_Dense/model.safetensors": 40, "model.onnx": 9}
    for half in ({"dtype": "bfloat16"}, {"torch_dtype": "float16"}):
        assert files.stored_bytes(half, sizes, "float32") == 200
    assert files.stored_bytes({}, sizes, "float32") == 100
    assert files.stored_bytes({}, sizes, "bfloat16") == 50


def test_weights_that_an_index_names_are_missed() -> None:
    parts = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    index = json.dumps({"weight_map": {"a": parts[0], "b": parts[1], "c": parts[0]}}).encode()

    def missing(*names: str) -> list[str]:
        return files.missing_weights(["config.json", *names], {"model.safetensors.index.json": index}.__getitem__)

    assert missing("model.safetensors.index.json", parts[0]) == [parts[1]]
    assert missing("model.safetensors.index.json", *parts) == []
    assert missing("model.safetensors") == []
    assert missing("1_Dense/model.safetensors") == ["model.safetensors"]  # of a module, not of the model


def test_only_what_is_needed_is_read() -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    own = ["1_Dense/config.json", "1_Dense/model.safetensors", "modules.json", "config_sentence_transformers.json"]
    tokenizer = [
        "tokenizer.json",
        "spiece.model",
        "merges.txt",
        "chat_template.jinja",
        "additional_chat_templates/a.jinja",
    ]
    left = ["pytorch_model.bin", "onnx/model.onnx", "onnx/config.json", "README.md", "flax_model.msgpack", "own.py"]
    assert files.needed([*names, *own, *tokenizer, *left]) == sorted([*names, *own, *tokenizer])
    for mixed in (  # folder by folder
        ["1_Dense/pytorch_model.bin", "pytorch_model.bin"],
        ["1_Dense/model.safetensors", "2_Dense/pytorch_model.bin", "pytorch_model.bin"],
        ["1_Dense/pytorch_model.bin", "model.safetensors"],
    ):
        assert files.needed(mixed[::-1]) == mixed


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_is_said_with_how_far_it_is(name: str, tiny_folder: Folder, tmp_path: Path) -> None:
    """Against the plain model in that type, as other programs load it."""
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "half")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": name}))
    reranker = load_reranker(str(folder), device="cpu")
    assert all(parameter.dtype == torch.float32 for parameter in reranker.model.parameters())
    half = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        plain = half(**reranker.encode(*TEST_PAIR).inputs).logits.item()
    (score,) = reranker.score(TEST_PAIR[0], [TEST_PAIR[1]])
    assert plain != score
    assert f"Other programs run this checkpoint in {name} by default" in reranker.precision
    assert f"test pair differs by {number(abs(plain - score))}" in reranker.precision
    explanation = explain(reranker, *PAIR, "saliency")
    assert explanation.precision == reranker.precision
    assert reranker.precision in score_html(explanation)
    assert load_reranker(str(tiny_folder(BERT))).precision == ""


def test_sizes_are_said_in_binary_units() -> None:
    said = {2**30: "1.0 GB", 5 * 2**29: "2.5 GB", 2**27: "0.1 GB", 2**27 - 2**20: "127.0 MB", 2**19: "0.5 MB"}
    assert {n: gigabytes(n) for n in said} == said


@pytest.mark.parametrize(
    ("model_id", "asked", "of", "revision"),
    [
        ("bge-reranker-base", None, "BAAI/bge-reranker-base", MODELS["bge-reranker-base"].revision),
        ("bge-reranker-base", "main", "BAAI/bge-reranker-base", "main"),
        ("BAAI/bge-reranker-base", None, "BAAI/bge-reranker-base", None),
        ("someone/else", "v2", "someone/else", "v2"),
    ],
)
def test_a_model_on_offer_is_asked_for_at_the_commit_it_is_pinned_to(
    model_id: str, asked: str | None, of: str, revision: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str | None]] = []

    def hub_gives(repo: str, commit: str | None, _on_bytes: object, _dtype: str) -> Path:
        heard.append((repo, commit))
        return Path("/cache/snapshots/abc")

    monkeypatch.setattr(loading, "fetch", hub_gives)
    assert loading._locate(model_id, *loading.place_of(model_id, asked), None, "float32") == (
        Path("/cache/snapshots/abc"),
        "abc",
    )
    assert heard == [(of, revision)]


@pytest.mark.usefixtures("models")
def test_a_model_on_offer_is_asked_with_its_own_template_unless_another_is_named(tiny_folder: Folder) -> None:
    folder = str(tiny_folder("Qwen3ForCausalLM"))
    MODELS["asked"] = Checkpoint("", folder, "", "", template="mxbai-rerank-v2")
    MODELS["as it says"] = Checkpoint("", folder, "", "")
    own = load_reranker("asked", device="cpu", max_length=400)
    named = load_reranker("asked", device="cpu", template="qwen3-reranker", max_length=400)
    by_file = load_reranker("as it says", device="cpu", max_length=400)
    assert [reranker.settings.reads for reranker in (own, named, by_file)] == [
        f"the logit of {true!r} less that of {false!r} as the next token"
        for true, false in (("1", "0"), ("yes", "no"), ("yes", "no"))
    ]
    texts = [r.tokenizer.decode(r.encode("berlin", "paris").inputs["input_ids"][0]) for r in (own, named, by_file)]
    assert texts == [
        TEMPLATES["mxbai-rerank-v2"].render("berlin", "paris"),
        TEMPLATES["qwen3-reranker"].render("berlin", "paris"),
        "<|im_start|>system\nanswer from the web<|im_end|>\n<|im_start|>user\n<Query>: berlin\n<Document>: paris"
        "<|im_end|>\n<|im_start|>assistant",
    ]
