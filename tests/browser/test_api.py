"""The same explanation over HTTP, as programs ask for it; and what a direct request cannot get around."""

from __future__ import annotations

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from attribution import explain, load_reranker

PAIR = ("how many people live in Berlin", "Berlin has about 3.7 million inhabitants.")


@pytest.fixture(scope="module")
def client(app_url: str) -> Client:
    return Client(app_url, verbose=False)


def test_the_api_gives_what_python_gives(client: Client) -> None:
    answer = client.predict(*PAIR, "saliency", api_name="/explain")
    expected = explain(load_reranker(), *PAIR, "saliency")
    assert answer["logit"] == pytest.approx(expected.logit, abs=1e-4)
    assert answer["attributions"] == pytest.approx(expected.attributions, rel=1e-3)
    assert [token["text"] for token in answer["tokens"]] == [token.text for token in expected.tokens]


def test_a_fallback_is_visible_in_the_api(client: Client) -> None:
    answer = client.predict(*PAIR, method="saliency", leaf="clone", api_name="/explain")
    assert answer["method"] == "embedding_magnitude"
    assert answer["requested_method"] == "saliency"
    assert ".grad" in answer["note"]


def test_the_budget_is_the_one_asked_for(client: Client) -> None:
    paths = client.predict(*PAIR, "integrated_gradients_captum", n_steps=7, api_name="/explain")["paths"]
    assert [path["n_steps"] for path in paths] == [7, 7]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"query": " "}, "query is empty"),
        ({"document": "x" * 20_001}, "at most 20,000"),
        ({"method": "magic"}, "Unknown method"),
        ({"baselines": "noise"}, "Unknown baseline"),
        ({"model": "/etc"}, "not on offer"),
        ({"method": "shapley", "n_samples": 9_999}, "n_samples is 9999; it must be a whole number between 2 and 64"),
        ({"method": "saliency", "n_steps": 50}, "saliency does not take n_steps"),
    ],
)
def test_bad_requests_get_a_clear_error(client: Client, arguments: dict[str, str], says: str) -> None:
    given = {"query": PAIR[0], "document": PAIR[1]} | arguments
    with pytest.raises(AppError, match=says):
        client.predict(**given, api_name="/explain")
    assert client.predict(*PAIR, "saliency", api_name="/explain")["logit"]  # still up


def test_only_one_endpoint_is_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {"/explain"}
