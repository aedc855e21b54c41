"""The same explanation over HTTP, as programs ask for it; and what a direct request cannot get around."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client

from attribution import METHODS, MODELS, contrast_sentences, counterfactual, explain, raise_above
from attribution.evidence.compare.contrast import contrast, rank
from attribution.evidence.compare.interaction import interaction
from attribution.evidence.probes.probe import probe
from attribution.export import plain
from attribution.rerankers.reranker import Reranker
from interface.runs.lanes import SLOTS
from interface.server.body import NO_FILES
from tests.browser.conftest import OFFERED, App
from tests.readme import DOCS, README, section

PAIR = ("how many people live in Berlin", "Berlin has about 3.7 million inhabitants.")


@pytest.fixture(scope="module")
def client(app_url: str) -> Client:
    return Client(app_url, verbose=False)


def test_the_api_gives_what_python_gives(client: Client, reranker: Reranker) -> None:
    answer = client.predict(*PAIR, "saliency", api_name="/explain")
    expected = explain(reranker, *PAIR, "saliency")
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


def test_a_download_takes_nobodys_place(app_url: str) -> None:
    """As many as may run wait for a file that never comes whole; who asks later for what is there is answered first."""
    asked = [("someone/silent-file", f"berlin {i}") for i in range(SLOTS)] + [("", "berlin")]
    called, ended = f"{app_url}/gradio_api/call/explain", list[str]()
    events = [
        httpx.post(called, json={"data": [query, PAIR[1], "saliency", model]}).json()["event_id"]
        for model, query in asked
    ]

    def follow(event: str) -> None:
        httpx.get(f"{called}/{event}", timeout=60)
        ended.append(event)

    with ThreadPoolExecutor(len(events)) as pool:
        list(pool.map(follow, events))
    assert ended[0] == events[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"query": " "}, "query is empty"),
        ({"document": "x" * 20_001}, "at most 20,000"),
        ({"method": "magic"}, "Unknown method"),
        ({"baselines": "noise"}, "Unknown baseline"),
        ({"model": "/etc"}, "not on offer"),
        ({"model": {"a": []}}, "model is .* it must be a text"),
        ({"n_steps": "many"}, "n_steps is 'many' .str.; it must be a whole number"),
        ({"method": "shapley", "n_samples": 9_999}, "n_samples is 9999; it must be a whole number between 2 and 64"),
        ({"method": "saliency", "n_steps": 50}, "saliency does not take n_steps"),
    ],
)
def test_bad_requests_get_a_clear_error(client: Client, arguments: dict[str, str], says: str) -> None:
    given = {"query": PAIR[0], "document": PAIR[1]} | arguments
    with pytest.raises(AppError, match=says):
        client.predict(**given, api_name="/explain")


def test_after_bad_requests_it_is_still_up(client: Client) -> None:
    assert client.predict(*PAIR, "saliency", api_name="/explain")["logit"]


TIMES = ("seconds", "n_forward", "n_backward")
NAMES = {"explain", "rank", "sentences", "probe", "models"}
NAMES |= {"contrast", "contrast_sentences", "interaction", "counterfactual", "raise_above"}
DOCUMENTS = [PAIR[1], "Paris is the capital of France.", "Berlin, a city of 3.7 million."]


def same(answer: Any, expected: Any) -> None:
    """Equal but for time and float noise of other batch sizes."""
    if isinstance(expected, dict):
        assert set(answer) - {"kept"} == set(expected)
        for key in expected.keys() - set(TIMES):
            same(answer[key], expected[key])
    elif isinstance(expected, list):
        for one, other in zip(answer, expected, strict=True):
            same(one, other)
    else:
        assert answer == (pytest.approx(expected, rel=1e-3, abs=1e-3) if isinstance(expected, float) else expected)


def test_every_endpoint_gives_what_python_gives(client: Client, app: App, reranker: Reranker) -> None:
    query, document = PAIR
    notes = {"notes": list(reranker.notes)}  # beside every answer
    same(client.predict(query, DOCUMENTS, api_name="/rank"), plain(rank(reranker, query, DOCUMENTS)))
    answer = client.predict(query, document, DOCUMENTS[1], api_name="/contrast")
    same(answer, {**plain(contrast(reranker, query, document, DOCUMENTS[1])), **notes})
    answer = client.predict(query, document, n_words=3, api_name="/interaction")
    same(answer, {**plain(interaction(reranker, query, document, n_words=3)), **notes})
    same(client.predict(query, document, api_name="/probe")["results"], plain(probe(reranker, query, document)))
    by_logit = dict(zip(reranker.score(query, DOCUMENTS), DOCUMENTS, strict=True))
    ordered = by_logit[max(by_logit)], by_logit[min(by_logit)]
    answer = client.predict(query, *ordered, api_name="/counterfactual")
    same(answer, {**plain(counterfactual(reranker, query, *ordered)), **notes})
    passages = [f"{DOCUMENTS[1]} {ordered[0]} It is old.", f"{DOCUMENTS[1]} It is old."]
    answer = client.predict(query, *passages, api_name="/contrast_sentences")
    why = contrast_sentences(reranker, query, *passages)
    same(answer, {**plain(why), "difference": why.difference, "says": "2 sentences are in both documents, of 3 of the "
                  "first and 2 of the second.", **notes})  # fmt: skip
    assert len(answer["bars"]) == 1
    answer = client.predict(query, *passages, unit="sentence", api_name="/counterfactual")
    same(answer, {**plain(counterfactual(reranker, query, *passages, unit="sentence")), **notes})
    assert answer["dropped"][0]["text"].strip() == ordered[0]
    answer = client.predict(query, passages[0], unit="sentence", api_name="/interaction")
    same(answer, {**plain(interaction(reranker, query, passages[0], unit="sentence")), **notes})
    answer = client.predict(query, passages[1], passages[0], api_name="/raise_above")
    same(answer, {**plain(raise_above(reranker, query, passages[1], passages[0])), **notes})
    with pytest.raises(AppError, match="Leave method empty"):
        client.predict(query, *passages, "occlusion", unit="sentence", api_name="/counterfactual")
    listed = client.predict(api_name="/models")
    assert {model["key"] for model in listed["models"]} == {*MODELS, *OFFERED, app.model}
    assert {method["key"] for method in listed["methods"]} == set(METHODS)
    assert "/" not in {str(model.get("path", ""))[:1] for model in listed["models"]}, "a path of the server's"


def test_every_parameter_is_described(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {name.strip("/") for name in endpoints} == NAMES
    for endpoint in endpoints.values():
        for parameter in endpoint["parameters"]:
            assert parameter["label"].startswith(f"{parameter['parameter_name']}: ")


def post(url: str, name: str, data: list[Any]) -> tuple[str, Any]:
    """`(event, data)` as the two calls of `curl` in docs/api.md give them."""
    body = json.dumps({"data": data}).encode()
    request = urllib.request.Request(f"{url}/gradio_api/call/{name}", body, {"Content-Type": "application/json"})
    event_id = json.load(urllib.request.urlopen(request, timeout=60))["event_id"]
    stream = urllib.request.urlopen(f"{url}/gradio_api/call/{name}/{event_id}", timeout=60).read().decode()
    event, _, answer = stream.strip().rpartition("\ndata: ")
    return event.rsplit("event: ", 1)[1], json.loads(answer)


def test_a_post_without_the_values_that_have_defaults_works(app_url: str, reranker: Reranker) -> None:
    event, (answer,) = post(app_url, "explain", list(PAIR))
    assert event == "complete"
    same(answer, plain(explain(reranker, *PAIR)))
    assert post(app_url, "explain", [*PAIR, None, None])[0] == "complete"
    event, answer = post(app_url, "explain", ["only a query"])
    assert event == "error"
    assert "lacks document: The text that was found" in answer["error"]
    assert post(app_url, "rank", ["x", []])[1]["error"] == "documents has 0 texts; give 1 to 50."


@pytest.mark.parametrize("meta", [{"_type": "gradio.FileData"}, "text", None])
@pytest.mark.parametrize("path", ["/etc/hostname", "a.txt", "http://127.0.0.1:9/a.txt"])
def test_a_file_in_a_request_is_refused_and_not_fetched(path: str, meta: Any, app_url: str) -> None:
    for given in ({"path": path, "meta": meta}, {"path": "", "url": path, "meta": meta}):
        event, answer = post(app_url, "explain", [PAIR[0], given])
        assert (event, answer["error"]) == ("error", NO_FILES)
        assert post(app_url, "rank", ["x", ["a", given]])[1]["error"] == NO_FILES


def test_no_value_is_dropped(app_url: str) -> None:
    assert (
        post(app_url, "sentences", [*PAIR, "delete", "", "more"])[1]["error"] == "sentences got 5 values; it takes 4."
    )
    assert post(app_url, "models", ["more"])[1]["error"] == "models got 1 value; it takes 0."


def test_a_wrong_name_is_answered_with_the_right_ones(app_url: str) -> None:
    answer = httpx.post(f"{app_url}/gradio_api/call/explian", json={"data": [*PAIR]})
    assert answer.status_code == 404
    assert answer.json() == {"error": f"There is no endpoint 'explian'; it must be one of {', '.join(sorted(NAMES))}."}
    assert "content-security-policy" in answer.headers


def shown_in(path: Path, name: str, app_url: str) -> str:
    """The commands between the two marks of `name`, as they stand there but for the address."""
    body = section(path.read_text(encoding="utf-8"), name)
    return re.sub(r"(?m)^```.*$", "", body).replace("http://127.0.0.1:7860", app_url)


def test_readmes_programs_run_as_they_stand_there(
    app_url: str, reranker: Reranker, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = explain(reranker, "who wrote Hamlet", "Shakespeare wrote it.", "occlusion")
    exec(shown_in(README, "gradio_client", app_url), {})
    logit, words = capsys.readouterr().out.split(" ", 1)
    assert float(logit) == pytest.approx(expected.logit, abs=1e-3)
    assert "Shakespeare" in words
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shown_in(DOCS / "api.md", "curl", app_url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    event, _, answer = said.stdout.strip().rpartition("\ndata: ")
    assert event.endswith("event: complete")
    assert json.loads(answer)[0]["logit"] == pytest.approx(expected.logit, abs=1e-3)


def mcp_url(app_url: str) -> str:
    """As the docs show it, but for the address."""
    settings = re.search(r"`(\{\"mcpServers\".*?\}\}\})`", (DOCS / "api.md").read_text(encoding="utf-8"))
    assert settings
    shown: str = json.loads(settings[1])["mcpServers"]["rerank-lens"]["url"]
    return shown.replace("http://127.0.0.1:7860", app_url)


def test_mcp_answers_json(app_url: str, reranker: Reranker) -> None:
    url = mcp_url(app_url)

    async def talk() -> tuple[types.ListToolsResult, list[types.CallToolResult]]:
        async with (
            streamablehttp_client(url) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            query, document = PAIR
            calls: list[tuple[str, dict[str, Any]]] = [
                ("explain", {"query": query, "document": document, "method": "saliency"}),
                ("rank", {"query": query, "documents": DOCUMENTS}),
                ("explain", {"query": query, "document": document, "method": "magic"}),
                ("rank", {"query": query, "documents": DOCUMENTS, "method": "saliency"}),
                ("models", {"model": ""}),
            ]
            return await session.list_tools(), [await session.call_tool(*call) for call in calls]

    with ThreadPoolExecutor(1) as pool:  # Playwright keeps a loop of its own in the main thread
        tools, (explained, ranked, failed, *unfit) = pool.submit(asyncio.run, talk()).result()
    assert {tool.name for tool in tools.tools} == NAMES
    described = next(tool for tool in tools.tools if tool.name == "explain").inputSchema
    assert all("description" in schema for schema in described["properties"].values())
    assert described["required"] == ["query", "document"]
    same(explained.structuredContent, plain(explain(reranker, *PAIR, "saliency")))
    assert json.loads(explained.content[0].text) == explained.structuredContent
    same(ranked.structuredContent, plain(rank(reranker, PAIR[0], DOCUMENTS)))
    assert failed.isError
    assert "Unknown method" in failed.content[0].text
    assert [(answer.isError, answer.content[0].text) for answer in unfit] == [
        (True, "Parameter `method` is not a valid key-word argument. rank takes query, documents, model."),
        (True, "Parameter `model` is not a valid key-word argument. models takes nothing."),
    ]


def test_what_an_mcp_client_leaves_ends(client: Client, app_url: str) -> None:
    """Two who ask for minutes of work fill all places; after they left, there is one for the next."""

    async def leave(words: int) -> None:
        arguments = {"query": "who leaves", "document": "word " * words, "method": "shapley", "n_samples": 64}
        async with streamablehttp_client(mcp_url(app_url)) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(session.call_tool("explain", arguments), 1)

    async def both() -> None:
        await asyncio.gather(leave(100), leave(101))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, both()).result()
    assert client.submit(PAIR[0], "Somebody who stays.", "saliency", api_name="/explain").result(timeout=60)["logit"]
