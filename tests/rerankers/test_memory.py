"""What the machine and its container have left, read from files as the kernel writes them; rows padded either way."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers

from attribution import MODELS, load_reranker
from attribution.errors import ModelError
from attribution.rerankers import memory
from attribution.rerankers.families.decoders import left_padded
from attribution.rerankers.loading.load import choose_device
from attribution.rerankers.loading.models import BUNDLED, Checkpoint
from attribution.rerankers.memory import check_room, free_memory, gigabytes
from attribution.rerankers.states import MAX_ATTENTION_BYTES

MB = 2**20


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    return tmp_path


def machine(kernel: Path, kilobytes: int) -> None:
    (kernel / "meminfo").write_text(
        f"MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable: {kilobytes} kB\nCached: 5 kB\n"
    )


def container(kernel: Path, limit: str, current: int, stat: str = "anon 7\ninactive_file 30\nactive_file 5\n") -> None:
    (kernel / "memory.max").write_text(f"{limit}\n")
    (kernel / "memory.current").write_text(f"{current}\n")
    (kernel / "memory.stat").write_text(stat)


def test_the_smaller_of_both_counts_is_free(kernel: Path) -> None:
    assert free_memory() is None, "neither is told"
    machine(kernel, 1000)
    assert free_memory() == 1000 * 1024
    container(kernel, "5000", 4000)
    assert free_memory() == 5000 - 4000 + 30
    container(kernel, "5000", 4000, "anon 7\n")
    assert free_memory() == 1000
    container(kernel, "max", 4000)
    assert free_memory() == 1000 * 1024, "no limit"
    container(kernel, "90000000", 4000)
    assert free_memory() == 1000 * 1024, "the machine has less"
    (kernel / "memory.current").write_text("nothing of use\n")
    assert free_memory() == 1000 * 1024
    (kernel / "meminfo").write_text("nothing of use\n")
    assert free_memory() is None


@pytest.mark.parametrize(
    ("n", "shown"), [(2**30, "1.0 GB"), (2**27, "0.1 GB"), (2**27 - 1, "128.0 MB"), (3 * MB // 2, "1.5 MB")]
)
def test_sizes_as_a_message_prints_them(n: int, shown: str) -> None:
    assert gigabytes(n) == shown


def test_a_model_fits_to_the_byte_or_is_refused(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANKER_MAX_GB", str(200 * 1024 / 2**30))
    kept = memory.RESERVED // 1024
    machine(kernel, kept + 90)
    check_room("m", 90 * 1024)
    with pytest.raises(ModelError, match=r"of which 0\.5 GB are kept for the work itself"):
        check_room("m", 90 * 1024 + 1)
    machine(kernel, kept + 1000)
    check_room("m", 200 * 1024)
    with pytest.raises(ModelError, match=r"at most 0\.2 MB are allowed here.* load it in half of that, .*'bfloat16'"):
        check_room("m", 200 * 1024 + 1)
    with pytest.raises(ModelError, match=r"in bfloat16; at most 0\.2 MB are allowed here.* allow more, or choose a"):
        check_room("m", 200 * 1024 + 1, "bfloat16")


@pytest.mark.parametrize(
    ("mask", "ids", "turned"),
    [
        ([[1, 1, 1], [1, 1, 0]], [[1, 2, 3], [4, 5, 0]], [[1, 2, 3], [0, 4, 5]]),
        ([[1, 1, 1], [1, 0, 0]], [[1, 2, 3], [4, 0, 0]], [[1, 2, 3], [0, 0, 4]]),
        ([[1, 1, 1], [0, 1, 1]], [[1, 2, 3], [0, 4, 5]], [[1, 2, 3], [0, 4, 5]]),
        ([[0, 1, 1], [1, 1, 0]], [[0, 2, 3], [4, 5, 0]], [[0, 2, 3], [0, 4, 5]]),
    ],
)
def test_padding_goes_before_the_text(mask: list[list[int]], ids: list[list[int]], turned: list[list[int]]) -> None:
    given = {"attention_mask": torch.tensor(mask), "input_ids": torch.tensor(ids)}
    found = left_padded(given)
    assert found["input_ids"].tolist() == turned
    assert found["attention_mask"].tolist() == [sorted(row) for row in mask]


@pytest.mark.parametrize("trims", [True, False])
def test_freed_memory_is_given_back_where_the_c_library_can(trims: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """musl has no `malloc_trim`; glibc is asked for all of it."""
    asked: list[int] = []
    library = SimpleNamespace(malloc_trim=asked.append) if trims else SimpleNamespace()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: library)
    monkeypatch.setattr(memory.sys, "platform", "linux")
    memory.return_freed()
    assert asked == [0] * trims
    for platform in ("darwin", "win32"):
        monkeypatch.setattr(memory.sys, "platform", platform)
        memory.return_freed()
    assert asked == [0] * trims


def test_a_model_on_offer_takes_four_bytes_a_parameter() -> None:
    assert {key: row.memory for key, row in MODELS.items()} == {
        key: row.parameters * 4 for key, row in MODELS.items() if row.parameters
    }
    assert Checkpoint(label="", path="", licence="", about="").memory is None


def test_the_bundled_models_parameters_are_its_own() -> None:
    reranker = load_reranker("demo-reranker")
    parameters = [*reranker.model.parameters()]
    assert sum(weights.numel() for weights in parameters) == MODELS["demo-reranker"].parameters
    assert sum(weights.nbytes for weights in parameters) == reranker.weight_bytes == MODELS["demo-reranker"].memory


DEBERTA = {"type_vocab_size": 0, "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm"}
DEBERTA |= {"share_att_key": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
QWEN3 = {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True}
QWEN2 = {"num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True}
XLM = {"type_vocab_size": 1, "num_attention_heads": 16}
SHAPES: dict[str, tuple[int, int, int, int, dict[str, Any]]] = {  # layers, hidden, intermediate, words: config.json's
    "ms-marco-MiniLM-L6-v2": (6, 384, 1536, 30522, {}),
    "ms-marco-MiniLM-L12-v2": (12, 384, 1536, 30522, {}),
    "mxbai-rerank-xsmall-v1": (12, 384, 1536, 128100, DEBERTA),
    "gte-reranker-modernbert-base": (22, 768, 1152, 50368, {}),
    "bge-reranker-base": (12, 768, 3072, 250002, XLM | {"max_position_embeddings": 514}),
    "bge-reranker-v2-m3": (24, 1024, 4096, 250002, XLM | {"max_position_embeddings": 8194}),
    "gte-multilingual-reranker-base": (12, 768, 3072, 250048, {"type_vocab_size": 1}),
    "Qwen3-Reranker-0.6B": (28, 1024, 3072, 151669, QWEN3),
    "mxbai-rerank-base-v2": (24, 896, 4864, 151936, QWEN2),
    "ms-marco-TinyBERT-L2-v2": (2, 128, 512, 30522, {"num_attention_heads": 2}),
}


@pytest.mark.parametrize("key", [key for key in MODELS if key != BUNDLED])
def test_the_parameters_of_a_model_on_offer_are_those_of_its_published_shape(key: str) -> None:
    layers, hidden, intermediate, words, more = SHAPES[key]
    sizes = {"num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": intermediate, "vocab_size": words}
    model_class = getattr(transformers, MODELS[key].architecture.replace("NewFor", "GteFor"))
    with torch.device("meta"):  # shapes without numbers
        model = model_class(model_class.config_class(num_labels=1, **sizes, **more))
    assert sum(weights.numel() for weights in model.parameters()) == MODELS[key].parameters


def test_what_is_kept_for_the_work_holds_large_attentions_and_lets_a_small_machine_load_the_smallest(
    kernel: Path,
) -> None:
    layers, heads, tokens, float32 = 24, 16, 512, 4  # a full pair of the largest encoder on offer
    assert layers * heads * tokens**2 * float32 <= MAX_ATTENTION_BYTES <= memory.RESERVED
    machine(kernel, 2**20)  # a gigabyte
    check_room("m", MODELS[BUNDLED].memory or 0)


def test_the_largest_on_offer_is_allowed_and_one_of_three_billion_parameters_is_not() -> None:
    for row in MODELS.values():
        assert (row.memory or 0) <= memory.LIMIT
    with pytest.raises(ModelError, match=r"^m takes 11\.2 GB in float32; at most 8\.0 GB are allowed here\."):
        check_room("m", 4 * 3_000_000_000)


@pytest.mark.parametrize(
    ("n_gpus", "device", "chosen"),
    [
        (0, None, "cpu"),
        (1, "cuda", "cuda"),
        (2, None, "cuda"),
        (2, "cuda", "cuda"),
        (2, "cuda:0", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
        (2, "cuda:2", ""),
        (1, "cuda:1", ""),
        (0, "cuda", ""),
        (2, "cuda:x", ""),
        (2, "tpu", ""),
        (2, "cpu", "cpu"),
        (2, "mps", ""),
    ],
)
def test_a_device_is_one_of_this_machine(
    n_gpus: int, device: str | None, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    if chosen:
        assert choose_device(device) == chosen
        return
    valid = "cpu, cuda" if n_gpus else "cpu"
    with pytest.raises(ModelError, match=rf"There is no device {device!r} on this machine\. Valid: {valid}\.$"):
        choose_device(device)
