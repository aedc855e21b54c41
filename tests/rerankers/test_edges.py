"""Small rules at their edges: prompts that a template changes, cut documents, pooling modes, descriptions."""

from __future__ import annotations

import dataclasses
import errno
import importlib.util
import inspect
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub.errors import HfHubHTTPError

from attribution.errors import InputError, ModelError
from attribution.rerankers.encoding import EncodedRow, _placed, cut_end
from attribution.rerankers.families.chain import pooling_of
from attribution.rerankers.loading import hub
from attribution.rerankers.loading.hub import KEPT, check_disk, reason_for
from attribution.rerankers.loading.models import BUNDLED, MODELS
from attribution.rerankers.prompts import Prompt
from attribution.rerankers.reranker import Reranker
from interface.programs.endpoints import _arguments, endpoint


def prompt(render: Any = None, suffix_ids: tuple[int, ...] = (90, 91)) -> Prompt:
    usual = lambda query, document: f"[q {query} d {document} ]"  # noqa: E731
    return Prompt(render or usual, ("[q ", " d ", " ]"), "query", suffix_ids, add_special_tokens=False)


def test_a_prompt_says_where_its_texts_are() -> None:
    assert prompt().write("ab", "cde") == ("[q ab d cde ]", {"query": (3, 5), "document": (8, 11)})
    turned = dataclasses.replace(prompt(lambda query, document: f"[q {document} d {query} ]"), first="document")
    assert turned.write("ab", "cde") == ("[q cde d ab ]", {"document": (3, 6), "query": (9, 11)})


@pytest.mark.parametrize(
    "render",
    [
        lambda query, document: f"[q {query.strip()} d {document.strip()} ]",
        lambda query, document: f"[q {query} d {document} ]".replace(" z", ""),
        lambda query, document: f"!{query} d {document} ]",
        lambda query, document: f"~[q {query} d {document} ]",
    ],
    ids=["strips", "drops", "sorts before", "sorts behind"],
)
def test_a_template_that_changes_a_text_is_refused(render: Any) -> None:
    with pytest.raises(InputError, match="prompt template changes these texts"):
        prompt(render).write(" a", "b z")


def rows(n_query: int, n_document: int, n_after: int) -> list[EncodedRow]:
    """A prompt's rows, each with its place as its id."""
    segments = ["template", *["query"] * n_query, "template", *["document"] * n_document, *["template"] * n_after]
    made: list[Any] = [
        EncodedRow(segment, 0, 1, {"input_ids": i, "attention_mask": 1})  # type: ignore[arg-type]
        for i, segment in enumerate(segments)
    ]
    return made


@pytest.mark.parametrize(
    ("offset", "placed"),
    [
        ((0, 4), ("query", 0, 4)),
        ((3, 6), ("query", 3, 4)),
        ((6, 9), ("document", 0, 2)),
        ((3, 9), ("document", 0, 2)),
        ((4, 7), ("template", None, None)),
    ],
)
def test_a_token_over_a_border_is_of_the_text_that_it_has_more_of(offset: tuple[int, int], placed: Any) -> None:
    """Of the query at 0 to 4 and the document at 7 to 12, whichever is nearer to its end."""
    segment, first, last = _placed(offset, {"query": (0, 4), "document": (7, 12)})
    assert (segment, *((first, last) if segment != "template" else (None, None))) == placed


@pytest.mark.parametrize(
    ("max_length", "document"), [(12, [4, 5, 6, 7, 8, 9]), (11, [4, 5, 6, 7, 8]), (10, [4, 5, 6, 7]), (7, [4])]
)
def test_a_prompts_end_is_written_anew_behind_what_is_left_of_the_text(max_length: int, document: list[int]) -> None:
    """By hand: 4 rows before the document, its 5, and an end of 2 written over the last tokens that fit."""
    cut = cut_end(rows(2, 5, 3), max_length, prompt())
    assert [row.inputs["input_ids"] for row in cut] == [0, 1, 2, 3, *document, 90, 91]
    assert [(*row[:3], row.inputs["attention_mask"]) for row in cut[-2:]] == [("template", 0, 0, 1)] * 2


def test_no_room_for_the_document_is_said_with_numbers() -> None:
    for n, many in ((2, 6), (4, 8)):  # template, query, template, and the end of 2
        says = f"are {many} tokens long and leave no room for the document: this model reads {many}"
        with pytest.raises(InputError, match=says):
            cut_end(rows(n, 5, 3), many, prompt())


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": ["cls"]}, "cls"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "mean", "include_prompt": True}, "mean"),
        ({"pooling_mode": "mean", "include_prompt": False}, ""),
        ({"pooling_mode": "weightedmean"}, ""),
        ({"pooling_mode": ["mean", "cls"]}, ""),
        ({}, ""),
    ],
)
def test_pooling_is_by_one_rule_that_is_known(config: dict[str, Any], mode: str) -> None:
    if mode:
        assert pooling_of(config, Path("folder")) == mode
        return
    with pytest.raises(ModelError) as caught:
        pooling_of(config, Path("folder"))
    assert ("its prompt left out" in str(caught.value)) == (config.get("include_prompt") is False)


def test_an_endpoint_keeps_its_name_and_its_parameters_lines() -> None:
    def function(first: str, query: str, second: int = 3) -> dict[str, Any]:
        """What it does.

        Args:
            first: The one, with a colon: here.
            second: The other.

        Returns:
            third: no parameter.
        """
        return {"first": first, "query": query, "second": second}

    assert _arguments(function) == {"first": "The one, with a colon: here.", "second": "The other."}
    checked = endpoint()(function)
    assert checked.__name__ == "function"
    of_all = "\n    query: What somebody searches for.\n    second:"
    assert inspect.getdoc(checked) == str(inspect.getdoc(function)).replace("\n    second:", of_all)


@pytest.mark.parametrize(
    ("model", "tokenizer", "pad"), [(7, 3, 7), (None, 3, 3), (-1, 3, 3), (None, None, 0), (-1, -1, 0), (0, 3, 0)]
)
def test_the_padding_id_is_the_models_own_else_the_tokenizers(
    model: int | None, tokenizer: int | None, pad: int
) -> None:
    of: Any = SimpleNamespace(
        model=SimpleNamespace(config=SimpleNamespace(pad_token_id=model)),
        tokenizer=SimpleNamespace(pad_token_id=tokenizer),
    )
    assert Reranker.pad_id.fget(of) == pad  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "shown"),
    [(OSError("first\nsecond"), "first"), (OSError(), "OSError"), (PermissionError("  no  "), "no")],
)
def test_an_unknown_fault_of_a_fetch_is_its_first_line(error: OSError, shown: str) -> None:
    assert reason_for("a/b", "main", error) == f"Could not download a/b: {shown} {KEPT}"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "answered 400 for"),
        (401, "accept this login (401)"),
        (402, "answered 402 for"),
        (403, "to this login (403)"),
        (404, "answered 404 for"),
        (428, "answered 428 for"),
        (429, "too many requests from here (429)"),
        (430, "answered 430 for"),
        (499, "answered 499 for"),
        (500, "a fault of its own (500)"),
        (503, "a fault of its own (503)"),
    ],
)
def test_each_status_of_the_hub_is_said_by_its_number(status: int, says: str) -> None:
    refused: Any = SimpleNamespace(status_code=status, headers={}, request=None)
    said = reason_for("a/b", None, HfHubHTTPError("", response=refused))
    assert says in said
    assert "a/b" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES])
def test_a_disk_is_full_by_any_of_its_errors(number: int) -> None:
    said = reason_for("a/b", None, OSError(number, "said"))
    assert ("is full" in said) == (number != errno.EACCES)


def test_a_download_fits_to_the_byte_or_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the disk of the nearest folder that is there: the cache itself comes with the first download."""
    asked: list[Path] = []

    def usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=3 * 2**20)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "not" / "yet"))
    check_disk("a/b", 3 * 2**20)
    with pytest.raises(ModelError, match=rf"a/b is 3\.0 MB to download, and {tmp_path} has 3\.0 MB left"):
        check_disk("a/b", 3 * 2**20 + 1)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    check_disk("a/b", 1)
    assert asked == [tmp_path] * 3


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, (5, 20)),  # docs/models.md says so
        ({"HF_HUB_ETAG_TIMEOUT": "", "HF_HUB_DOWNLOAD_TIMEOUT": ""}, (5, 20)),
        ({"HF_HUB_ETAG_TIMEOUT": "9", "HF_HUB_DOWNLOAD_TIMEOUT": "0.5"}, (9, 0.5)),
    ],
)
def test_how_long_the_hub_may_be_silent(
    variables: dict[str, str], seconds: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("hub_anew", str(hub.__file__))
    assert spec
    assert spec.loader
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert seconds == (anew.SECONDS, anew.STALLED)
    said = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text("utf-8")
    assert variables or f"time out after {anew.SECONDS:.0f} s, downloads after {anew.STALLED:.0f} s without" in said


def test_the_smallest_download_is_heard_of_in_tens_of_steps() -> None:
    assert 20 < (MODELS[BUNDLED].memory or 0) / hub.constants.DOWNLOAD_CHUNK_SIZE < 1000
