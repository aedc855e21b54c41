"""What handlers check before the model runs: lengths to the character, budgets, types; what an error becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest

from attribution import MODELS
from attribution.errors import InputError, OptionError, check_range, check_text
from interface.programs.endpoints import endpoint, register
from interface.runs import lanes as runs
from interface.runs.gpu import OUR_FAULT
from interface.runs.handlers import UNCHANGED, Pair, check_fields, handler
from interface.runs.limits import (
    BUDGETS,
    LONGEST_REQUEST,
    MAX_DOCUMENT,
    MAX_QUERY,
    OverBudget,
    check_budgets,
    check_model,
    check_share,
    check_texts,
)
from interface.server.gradio_private import Page, install
from interface.tabs.compare.documents import LEAST, MOST, check_list

pytestmark = pytest.mark.usefixtures("unserved")


def test_the_longest_request_holds_the_longest_texts_however_their_characters_are_spelt() -> None:
    longest = "\U0001f389" * (2_000 + 50 * 20_000)  # a query, and a list of documents
    assert len(json.dumps(longest)) - len('""') == LONGEST_REQUEST


def test_a_run_that_has_had_its_share_leaves_a_dear_method_out_while_others_wait() -> None:
    check_share(0, 99.0, 99.0)
    check_share(2, 1.5, 0.5)  # two seconds are its share
    with pytest.raises(OverBudget, match="since 1 other waits and this takes about 1 s more"):
        check_share(1, 1.5, 0.6)
    with pytest.raises(OverBudget, match="since 2 others wait and this takes about 7 s more"):
        check_share(2, 0.0, 7.0)


@pytest.mark.parametrize(
    ("query", "document", "says"),
    [
        ("q" * MAX_QUERY, "d" * MAX_DOCUMENT, ""),
        ("q" * (MAX_QUERY + 1), "d", "The query has 2,001 characters; at most 2,000 are allowed. Shorten it."),
        ("q", "d" * (MAX_DOCUMENT + 1), "The document has 20,001 characters; at most 20,000 are allowed. Shorten it."),
        (" ", "d", "The query is empty. Type or paste some text."),
        ("q", "\n", "The document is empty. Type or paste some text."),
        ("q\ud800", "d", "The query holds half of a character (a lone surrogate). Type or paste it again."),
        (" ", " ", "The query is empty. Type or paste some text."),
    ],
)
def test_texts_are_checked_to_the_character(query: str, document: str, says: str) -> None:
    assert all(field["is_valid"] for field in check_fields(query, document, claimed=1)), "checked when it was claimed"
    fields = check_fields(query, document, claimed=0)
    problems = [field["message"] for field in fields if not field["is_valid"]]
    if says:
        with pytest.raises(InputError) as caught:
            check_texts(query, document)
        assert str(caught.value) == says == problems[0]
        wrong = [not field["is_valid"] for field in fields]
        assert wrong == ["query" in says, "document" in says or query == document, False]
    else:
        check_texts(query, document)
        assert problems == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "The query is None (NoneType), not text. Give one string."),
        (10**39, f"The query is {10**39} (int), not text. Give one string."),
        (10**40, f"The query is {10**39} \u2026 (int), not text. Give one string."),
        ("its first half \ud800", "The query holds half of a character (a lone surrogate). Type or paste it again."),
        ("or its second \udfff", "The query holds half of a character (a lone surrogate). Type or paste it again."),
        ("\u2003\n", "The query is empty. Type or paste some text."),
        ("\ud7ff\ue000\uffff", ""),
    ],
)
def test_what_is_no_text_is_said_with_as_much_of_it_as_a_line_holds(value: object, says: str) -> None:
    said = ""
    try:
        check_text("query", value)
    except InputError as error:
        said = str(error)
    assert said == says


@pytest.mark.parametrize("wrong", ["no such model", "../models", "", None, 3, ["demo-reranker"]])
def test_only_models_on_offer_are_loaded(wrong: Any) -> None:
    with pytest.raises(InputError, match="not on offer"):
        check_model(wrong)
    for key in MODELS:
        check_model(key)


@pytest.mark.parametrize("name", BUDGETS)
def test_budgets_are_checked_at_both_ends(name: str) -> None:
    least, most = {"n_samples": (2, 64), "n_steps": (2, 200)}[name]
    for value in (least, most):
        check_budgets({name: value})
    wrongs: list[Any] = [least - 1, most + 1, 2.5, "3"]
    for wrong in wrongs:
        with pytest.raises(OptionError, match=f"{name} is .*; it must be a whole number between {least} and {most}"):
            check_budgets({name: wrong})


@pytest.mark.parametrize("typed", [1, 65, -3, None])
def test_a_number_that_is_being_typed_leaves_no_trace_in_the_log(typed: Any) -> None:
    install()
    slider = gr.Slider(2, 64)
    assert [slider.preprocess(value) for value in (2, 64)] == [2, 64]
    with pytest.raises(gr.Error, match=f"The number is {typed}; it must be 2 to 64") as refused:
        slider.preprocess(typed)
    assert not refused.value.print_exception


@pytest.mark.parametrize(("value", "fits"), [(0.0, True), (1.0, True), (1, True), (-0.1, False), (1.1, False)])
def test_a_range_of_numbers_takes_both_its_ends(value: float, fits: bool) -> None:
    if fits:
        check_range("share", value, 0.0, 1.0)
        return
    with pytest.raises(OptionError, match="must be a number between"):
        check_range("share", value, 0.0, 1.0)


def test_a_result_names_the_model_by_its_label() -> None:
    of = Pair("demo-reranker", "q", "d").identity("r1", "all of it")
    assert (of.model_id, of.model_label, of.revision) == ("demo-reranker", MODELS["demo-reranker"].label, "r1")
    assert (of.query, of.document, of.settings) == ("q", "d", "all of it")


def handled(error: Exception | None, updates: int) -> tuple[list[Any], str]:
    """What a handler's page gets when it yields so often and then fails, and the toast's sentence."""

    @handler(lane="lab")
    def run(_asked: Any, _run: Any) -> Iterator[Any]:
        yield from [{"result": "shown", "status": "status"}] * updates
        if error:
            raise error

    seen: list[Any] = []
    try:
        seen.extend(run(None))
    except gr.Error as toast:
        return seen, str(toast.message)
    return seen, ""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (None, ""),
        (InputError("The query is <empty>."), "The query is <empty>."),
        (gr.Error("Said already."), "Said already."),
        (ZeroDivisionError("secret path"), OUR_FAULT),
    ],
    ids=["none", "ours", "gradio's", "unknown"],
)
@pytest.mark.parametrize("updates", [0, 1])
def test_an_error_is_a_toast_and_a_status_line_and_nothing_else_changes(
    error: Exception | None, says: str, updates: int
) -> None:
    seen, toast = handled(error, updates)
    assert seen[:updates] == [{"result": "shown", "status": "status"}] * updates
    assert toast.startswith(says)
    assert "secret" not in toast
    (last,) = seen[updates:]
    assert last.keys() == {"status"}
    assert says.replace("<", "&lt;").replace(">", "&gt;") in str(last["status"]) if error else last == UNCHANGED


def called(**given: Any) -> str:
    @endpoint()
    def function(text: str, n: int = 5, many: list[str] = ["a"], free: Any = None) -> dict[str, Any]:  # noqa: B006
        return {"text": text, "n": n, "many": many, "free": free}

    try:
        return str(list(function(**given).values()))
    except gr.Error as error:
        return str(error.message)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"text": "x"}, "['x', 5, ['a'], None]"),
        ({"text": "x", "n": None, "many": None, "free": 1}, "['x', 5, ['a'], 1]"),
        ({"text": "x", "n": 7, "many": []}, "['x', 7, [], None]"),
        ({"text": None}, "text is 'None' (NoneType); it must be a text."),
        ({"text": 3}, "text is '3' (int); it must be a text."),
        ({"text": "x", "n": True}, "n is 'True' (bool); it must be a whole number."),
        ({"text": "x", "n": "9" * 50}, f"n is '{'9' * 40}' (str); it must be a whole number."),
        ({"text": "x", "n": 1.5}, "n is '1.5' (float); it must be a whole number."),
        ({"text": "x", "many": "ab"}, "many is 'ab' (str); it must be a list of texts."),
        ({"text": "x", "many": ["a", 1]}, "many is \"['a', 1]\" (list); it must be a list of texts."),
    ],
)
def test_an_endpoint_checks_types_and_takes_null_for_the_default(given: dict[str, Any], answer: str) -> None:
    assert called(**given) == answer


def test_a_list_has_its_least_and_its_most() -> None:
    for n in (LEAST, MOST):
        assert len(check_list(["x"] * n)) == n
    for n in (0, LEAST - 1, MOST + 1):
        with pytest.raises(InputError, match=rf"^{n} documents? (was|were) given; 2 to 20 can be compared"):
            check_list(["x"] * n)
    assert [document.name for document in check_list(["a", "b"])] == ["1", "2"]
    assert len(check_list(["x" * MAX_DOCUMENT] * 2)) == 2
    with pytest.raises(InputError, match="Document second has 20,001 characters; at most 20,000"):
        check_list(["x", ("second", "x" * (MAX_DOCUMENT + 1))])


@pytest.fixture
def took(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets how long the last runs took."""

    def set_to(*seconds: float) -> None:
        monkeypatch.setattr(runs, "_seconds", list(seconds))

    return set_to


def test_the_wait_is_the_runs_before_by_how_long_runs_took(took: Callable[..., None]) -> None:
    """By hand: two places; a run of 3 s on average, or 6 s."""
    took()
    assert runs.wait_of_a_full_queue() == 2
    with runs.latest_run("a"):
        for session in "bc":
            runs.claim(session)
        assert runs.ahead("b") == (0, 0.0), "one place is free"
        assert runs.ahead("c") == (1, 1.5)
        took(4.0, 8.0)
        assert runs.ahead("c") == (1, 3.0)
        runs.claim("d")
        assert runs.ahead("d") == (2, 6.0)
        runs.claim("e", runs.CHOOSING)
        assert runs.ahead("e", runs.CHOOSING) == (0, 0.0), "choosing a model takes no place"
        assert runs.ahead("d") == (2, 6.0)
        assert runs.wait_of_a_full_queue() == 3
    took(0.1)
    assert runs.wait_of_a_full_queue() == 1
    for session in "bcde":
        runs.end(session)


def test_an_endpoint_is_on_the_page_with_a_label_a_parameter() -> None:
    def count(text: str) -> dict[str, Any]:
        """Counts.

        Args:
            text: what is counted
        """
        return {"n": len(text)}

    with Page() as page:
        register(page, [endpoint()(count)])
    assert page.endpoints == {"count"}
    (event,) = page.fns.values()
    assert event.api_name == "count"
    assert [part.label for part in event.inputs] == ["text: what is counted"]
