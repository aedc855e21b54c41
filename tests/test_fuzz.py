"""A small share of `make fuzz` with every test run."""

from __future__ import annotations

import pytest

from attribution import MODELS
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from tests.fuzz import run


def test_hostile_input_ends_in_an_answer_or_a_sentence(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = Checkpoint(label="tiny", path=tiny_bert.model_id, licence="", about="")
    monkeypatch.setitem(MODELS, tiny_bert.model_id, offered)
    became, failures = run(range(150), tiny_bert.model_id)
    assert failures == []
    assert set(became) >= {"ask: answered", "ask: refused", "show: shown", "list: read", "list: refused"}
