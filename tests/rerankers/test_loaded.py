"""The models in memory: who goes first, and when their memory is given back."""

from __future__ import annotations

import gc
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attribution import explain, load_reranker
from attribution.rerankers import memory
from attribution.rerankers.loading import load as loading
from attribution.rerankers.memory import Loaded
from attribution.rerankers.reranker import Reranker
from tests.conftest import Folder

BERT = "BertForSequenceClassification"
PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")


@pytest.fixture(autouse=True)
def collected_quickly() -> None:
    """What is there before a test is no garbage of it."""
    gc.freeze()


def copies(tiny_folder: Folder, tmp_path: Path, n: int) -> list[str]:
    return [str(shutil.copytree(tiny_folder(BERT), tmp_path / f"copy{i}")) for i in range(n)]


def test_the_least_recently_used_goes_and_a_model_in_use_lives_on(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_bert: Reranker
) -> None:
    monkeypatch.setattr(loading, "_kept", held := Loaded(limit=5 * tiny_bert.weight_bytes // 2))
    a, b, c = copies(tiny_folder, tmp_path, 3)
    first, second = load_reranker(a), load_reranker(b)
    assert load_reranker(a) is first
    third = load_reranker(c)
    assert [held.get(loading_key(path)) for path in (a, b, c)] == [first, None, third]
    explained = explain(second, *PAIR, "saliency")  # let go, but in use here
    assert explained.attributions == explain(first, *PAIR, "saliency").attributions
    assert load_reranker(b) is not second


class Model:
    """Something that weighs, and that only the collector can free."""

    def __init__(self, weight_bytes: int) -> None:
        self.weight_bytes = weight_bytes
        self.itself = self


def test_the_limit_holds_to_the_byte_and_memory_is_given_back_when_a_model_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr(memory, "return_freed", lambda: given_back.append(True))
    room, models = Loaded(limit=20), {"a": Model(10), "b": Model(10), "c": Model(1)}

    def there() -> str:
        return "".join(key for key in "abc" if room.get(key))  # in this order used

    for key, left in (("a", "a"), ("b", "ab"), ("c", "bc")):
        room.put(key, models[key])  # type: ignore[arg-type]
        assert there() == left
    assert given_back == [True]
    gone = [weakref.ref(models.pop(key)) for key in "bc"]
    gc.disable()
    try:
        room.make_room(10)
        assert there() == "c"
        room.make_room(20)
        assert there() == ""
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()
    room.make_room(30)
    assert given_back == [True] * 3


def loading_key(path: str) -> tuple[object, ...]:
    return (path, None, loading.choose_device(None), "float32", None, None, None)


def test_two_visitors_ask_for_different_models_at_once(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_bert: Reranker
) -> None:
    monkeypatch.setattr(loading, "_kept", Loaded(limit=3 * tiny_bert.weight_bytes // 2))
    expected = explain(tiny_bert, *PAIR, "saliency").attributions
    paths = copies(tiny_folder, tmp_path, 3)
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda i: explain(load_reranker(paths[i % 3]), *PAIR, "saliency").attributions, range(6))
        assert all(attributions == expected for attributions in done)
