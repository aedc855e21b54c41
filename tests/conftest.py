"""Tiny checkpoints on disk, one of each family, loaded once as a user would; and the plain model beside each."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from attribution.rerankers.reranker import Reranker

# Before torch and huggingface_hub are imported, which the fixtures therefore do themselves.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_DEACTIVATE_ASYNC_LOAD"] = "1"  # threads that take longer to start than these weights to read

# No test is timed; under CI hypothesis' own profile, the parent here, also draws the same examples each time.
settings.register_profile("rerank-lens", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rerank-lens")


def pytest_sessionstart() -> None:
    """Until all is imported nothing is garbage, and what the tests then leave is looked for less often than usual."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    gc.enable()


Tiny = Callable[[str], "Reranker"]
Folder = Callable[[str], Path]
Plain = Callable[[str], tuple[Any, Any]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts these bytes on the standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Architecture -> the folder of its tiny checkpoint."""
    root = tmp_path_factory.mktemp("tiny")

    @cache
    def folder(architecture: str) -> Path:
        from tests.tiny import save_tiny

        return save_tiny(architecture, root / architecture)

    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Callable[[str], Path]) -> Tiny:
    """Architecture -> the tiny checkpoint through `load_reranker`; the same object each time."""
    from attribution import load_reranker

    def load(architecture: str) -> Reranker:
        template = "monot5" if "T5" in architecture else None  # whose files say nothing of their prompt
        return load_reranker(str(tiny_folder(architecture)), device="cpu", template=template)

    return load


@pytest.fixture(scope="session")
def tiny_bert(tiny: Tiny) -> Reranker:
    """The family most tests need."""
    return tiny("BertForSequenceClassification")


@pytest.fixture(scope="session")
def plain(tiny_folder: Callable[[str], Path]) -> Plain:
    """Architecture -> `(tokenizer, model)` of the same files, loaded without any code of ours."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    @cache
    def load(architecture: str) -> tuple[Any, Any]:
        folder = tiny_folder(architecture)
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        return AutoTokenizer.from_pretrained(folder), model.eval()

    return load
