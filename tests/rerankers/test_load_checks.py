"""What is looked at while a checkpoint is loaded: words, names of weights, files, and what a library says of them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attribution.errors import ModelError
from attribution.rerankers.loading.checks import check_keys, check_tokenizer, unloadable
from attribution.rerankers.loading.files import MODULES, fingerprint, module_types


def test_a_folder_s_revision_is_twelve_digits_of_names_and_contents(tmp_path: Path) -> None:
    """A file of another name, and a byte that went from one file to the next, are another model."""
    contents: list[dict[str, bytes]] = [
        {"config.json": b"{}", "tokenizer.json": b"{ }"},
        {"config.json": b"{}", "vocab.json": b"{ }"},
        {"config.json": b"{}{", "tokenizer.json": b" }"},
        {"config.json": b"{}", "tokenizer.json": b"{ }", "vocab.txt": b""},
    ]
    found = set()
    for i, files in enumerate(contents):
        (tmp_path / str(i)).mkdir()
        for name, data in files.items():
            (tmp_path / str(i) / name).write_bytes(data)
        found.add(fingerprint(tmp_path / str(i)))
    assert len(found) == len(contents)
    assert all(re.fullmatch("sha256:[0-9a-f]{12}", revision) for revision in found)


class Words(dict[str, int]):
    """A tokenizer's vocabulary, and what is asked of it at load."""

    is_fast, all_special_ids = True, (0,)

    def get_vocab(self) -> dict[str, int]:
        return self


def test_a_tokenizer_is_fast_has_words_and_ids_up_to_the_embeddings_last_row() -> None:
    words: Any = Words({"[UNK]": 0, "b": 6})
    check_tokenizer("m", words, SimpleNamespace(num_embeddings=7))
    for n in (6, 5):
        with pytest.raises(ModelError, match=f"m has a tokenizer with ids up to 6, but an embedding of only {n} rows"):
            check_tokenizer("m", words, SimpleNamespace(num_embeddings=n))
    words.is_fast = False
    with pytest.raises(ModelError, match="has no fast tokenizer"):
        check_tokenizer("m", words, SimpleNamespace(num_embeddings=7))
    without: Any = Words({"[UNK]": 0})
    with pytest.raises(ModelError, match="has no fast tokenizer"):
        check_tokenizer("m", without, SimpleNamespace(num_embeddings=7))


@pytest.mark.parametrize(
    ("missing", "unexpected", "says"),
    [
        ([], [], ""),
        ([], ["pooler.dense.weight", "bert.pooler.dense.bias", "cls.predictions.bias", "x.position_ids"], ""),
        (["c", "b", "a", "d"], [], r"lacks weights that a reranker needs \(a, b, c\):"),
        ([], ["d", "cls.x", "b", "c", "a"], r"would not use \(a, b, c\), so"),
        (["a"], ["b"], r"lacks weights that a reranker needs \(a\):"),
        (["a"], ["module.a", "module.b"], 'begin with "module."'),
        (["a"], ["_orig_mod.a"], 'begin with "_orig_mod.", as torch.compile writes them'),
        (["a"], ["module.a", "b"], r"lacks weights that a reranker needs \(a\):"),
        ([], ["module.a"], r"would not use \(module.a\), so"),
    ],
)
def test_missing_and_unknown_weights_are_named_three_at_most(
    missing: list[str], unexpected: list[str], says: str
) -> None:
    loading = {"missing_keys": missing, "unexpected_keys": unexpected}
    if not says:
        check_keys("m", loading)
        return
    with pytest.raises(ModelError, match=says):
        check_keys("m", loading)


@pytest.mark.parametrize(
    ("modules", "kind"),
    [
        ('[{"type": "a.Transformer"', "{}"),
        ("[]", "{"),
        ("3", "{}"),
        ("[3]", "{}"),
        ('[{"path": ""}]', "{}"),
        ("[]", "[]"),
        ("[]", b"\xff"),
    ],
)
def test_damaged_files_of_sentence_transformers_are_said_so(modules: str, kind: str | bytes) -> None:
    found: dict[str, Any] = dict(zip(MODULES, (modules, kind), strict=True))
    with pytest.raises(ModelError, match=r"modules\.json or config_sentence_transformers\.json is damaged: .* again"):
        module_types(found, found.__getitem__)
    assert module_types([MODULES[0]], found.__getitem__) == [], "one of the two alone says nothing"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError("first\nsecond"), "Could not load m: first. Give"),
        (OSError(), "Could not load m: OSError. Give"),
        (EOFError("ran out"), "Could not load m: its weights are damaged, or hold more than weights"),
        (
            ImportError("no jumanpp\nmore"),
            "Could not load m: it needs a package that is not installed. no jumanpp. Give",
        ),
    ],
)
def test_what_a_library_raises_is_its_first_line(error: Exception, says: str) -> None:
    assert str(unloadable("m", error)).startswith(says)
