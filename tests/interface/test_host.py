"""What the host's variables say, and what is wrong in them."""

from __future__ import annotations

import pytest

from attribution.errors import InputError
from attribution.rerankers.memory import Loaded
from interface.server.host import ANCESTORS, AUTH, accounts, headers


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", None),
        (" ", None),
        ("ada:engine", [("ada", "engine")]),
        (" ada:engine , alan:a:b,", [("ada", "engine"), ("alan", "a:b")]),
    ],
)
def test_accounts(given: str, expected: list[tuple[str, str]] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH, given)
    assert accounts() == expected


@pytest.mark.parametrize("given", ["ada", "ada:", ":engine", "ada:engine,alan", " : "])
def test_an_account_without_a_name_or_password_opens_nothing(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH, given)
    with pytest.raises(InputError, match="RERANK_LENS_AUTH is not of the form name:password") as error:
        accounts()
    assert "engine" not in str(error.value)  # what is in a log is no secret


def ancestors() -> str:
    return headers()["content-security-policy"].rpartition("frame-ancestors ")[2]


@pytest.mark.parametrize("given", ["'none'", "'self' https://a.example https://*.b.example:8443"])
def test_who_may_frame_the_page(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = ancestors()
    monkeypatch.setenv(ANCESTORS, given)
    assert ancestors() == given
    monkeypatch.setenv(ANCESTORS, " ")
    assert ancestors() == usual == "'self' https://huggingface.co https://*.hf.space"


@pytest.mark.parametrize("given", ["*; script-src *", "a,b", "a\r\nx: y", "a  b"])
def test_a_list_that_would_say_something_else_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ANCESTORS, given)
    with pytest.raises(InputError, match="RERANK_LENS_FRAME_ANCESTORS is"):
        headers()


def test_only_a_space_may_ask_the_hub_for_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert "connect-src 'self';" in headers()["content-security-policy"]
    monkeypatch.setenv("SPACE_ID", "someone/lens")
    assert "connect-src 'self' https://huggingface.co;" in headers()["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RERANKER_MAX_GB", "many"),
        ("RERANKER_MAX_TOKENS", "0"),
        ("RERANKER_DTYPE", "half"),
        ("RERANK_LENS_BUDGET_SECONDS", "soon"),
        ("RERANK_LENS_BUDGET_SECONDS", "-1"),
        ("RERANK_LENS_BUDGET_SECONDS", "nan"),
        (AUTH, "nobody"),
        (ANCESTORS, "a,b"),
    ],
)
def test_a_wrong_variable_ends_the_start_with_a_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    monkeypatch.setattr("attribution.rerankers.loading.load._kept", Loaded())
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"^error: .*{name} is "):
        app.start(app.parse_args([]))
