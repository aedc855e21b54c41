"""What the machine and its container have left, read from files as the kernel writes them; rows padded either way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attribution.errors import ModelError
from attribution.rerankers import memory
from attribution.rerankers.families.decoders import left_padded
from attribution.rerankers.memory import check_room, free_memory, gigabytes

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
    monkeypatch.setattr(memory, "RESERVED", 10 * 1024)
    monkeypatch.setattr(memory, "LIMIT", 200 * 1024)
    machine(kernel, 100)
    check_room("m", 90 * 1024)
    with pytest.raises(ModelError, match=r"of which 0\.0 MB are kept for the work itself"):
        check_room("m", 90 * 1024 + 1)
    machine(kernel, 1000)
    check_room("m", 200 * 1024)
    with pytest.raises(ModelError, match=r"at most 0\.2 MB are allowed here"):
        check_room("m", 200 * 1024 + 1)


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
