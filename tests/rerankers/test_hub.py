"""Rerankers from the Hub by the real client over real HTTP, from a Hub of our own; each failure a sentence."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from attribution import MODELS, load_reranker
from attribution.errors import ModelError
from tests.loopback import SHA, WEIGHTS, client, loopback_hub, make_repositories

BERT = "BertForSequenceClassification"
PAIR = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants .", "museums"])
SAYS = {
    "silent": "did not answer within 2 seconds",
    "silent-file": "sent nothing for 5 seconds, after",
    "login": "does not accept this login (401)",
    "gated": "is gated: its owner asks you to accept terms first. Accept them on its page",
    "forbidden": "forbids someone/forbidden to this login (403)",
    "busy": "too many requests from here (429)",
    "busy-file": "too many requests from here (429)",
    "broken": "fault of its own (500)",
    "broken-file": "fault of its own (500)",
    "cut-off": "forbids someone/cut-off to this login (403)",
    "portal": "Something other than the Hub answered",
    "closed": "The Hub broke off",
    "short": "came with the wrong length",
    "large": "takes 40.0 GB in float32; at most 8.0 GB are allowed here",
    "own-code": "needs code of its own, which this program never runs",
    "embedder": "has the architecture BertModel, which is not supported: this is an embedding model",
    "adapter": "Merge the adapter first",
    "gguf": "holds GGUF weights",
    "no-config": "has no config.json",
    "evil": "weights are damaged, or hold more than weights",
    "private": "it does not exist, or it is private",
}
BEFORE_WEIGHTS = {"large", "own-code", "embedder", "adapter", "gguf", "no-config", "gated", "busy-file", "broken-file"}


@pytest.fixture(scope="module")
def root(tiny_folder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories of the tiny BERT: with files no reranker needs, as a pickle, changed, and one for each fault."""
    return make_repositories(tiny_folder(BERT), tmp_path_factory.mktemp("repositories"))


@pytest.fixture(scope="module")
def hub(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked."""
    with loopback_hub(root) as served:
        yield served


def ask(model_id: str, revision: str | None = None) -> Any:
    """`[model_id, revision, scores, bytes heard of]`, or the `ModelError`'s message."""
    heard: list[tuple[int, int]] = []
    try:
        one = load_reranker(model_id, revision=revision, device="cpu", on_bytes=lambda *done: heard.append(done))
    except ModelError as error:
        return str(error)
    return [one.model_id, one.revision, one.score(*PAIR), heard]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 40 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fetched(asked: list[str], repo: str) -> list[str]:
    return sorted(line.partition(f"{SHA}/")[2] or line[-11:] for line in asked if line.startswith(f"GET /{repo}/"))


MAIN = [f"someone/{name}" for name in ("tiny", "pickled", "cut", "slow")]
AGAIN = [("someone/pickled", None), ("someone/tiny", None), ("someone/tiny", SHA)]


@pytest.fixture(scope="module")
def answers(hub: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One process asks for all of them, as an app that stays up; then another, of which the Hub hears nothing."""
    environment = {"HF_ENDPOINT": hub[0], "HF_HOME": str(tmp_path_factory.mktemp("home")), "HF_HUB_DISABLE_XET": "1"}
    with client(**environment) as printed:
        said: dict[str, Any] = {"main": [ask(repo) for repo in MAIN]}
        said |= {revision: ask("someone/tiny", revision) for revision in (SHA, "no-branch")}
        with ThreadPoolExecutor(4) as pool:  # who wait beside each other
            said["bad"] = dict(zip(SAYS, pool.map(ask, [f"someone/{name}" for name in SAYS]), strict=True))
        said["resumed"] = ask("someone/cut-off")
        with full_disk():
            said["full"] = ask("someone/roomy")
        said["roomy"] = ask("someone/roomy")
    with client(**environment):
        with suppress(HTTPError):
            urlopen(f"{hub[0]}/mark")
        said["again"] = [ask(*one) for one in AGAIN]
    assert "B/s" not in printed.getvalue(), "the client's own progress is drawn into the log"
    return said


def test_hub_id_loads_like_a_folder(answers: dict[str, Any], hub: tuple[str, list[str]], root: Path) -> None:
    """Its revision is the commit served, what is needed comes once, a broken transfer goes on where it broke."""
    asked = hub[1]
    scores = load_reranker(str(root / "someone" / "tiny"), device="cpu").score(*PAIR)
    for repo, answer in zip([*MAIN, "someone/tiny"], [*answers["main"], answers[SHA]], strict=True):
        assert answer[:3] == [repo, SHA, pytest.approx(scores, rel=1e-5)]
    assert "has no revision 'no-branch'" in answers["no-branch"]
    needed = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "extra.jinja"}
    needed |= {"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"}
    assert fetched(asked, "someone/tiny") == sorted(needed)
    assert fetched(asked, "someone/cut").count("model.safetensors") == 2
    assert [line for line in asked if line.startswith("bytes=") and "/cut/" in line], "from where it broke"
    assert answers["resumed"][:2] == ["someone/cut-off", SHA], "after a failure too"
    heard = answers["main"][3][3]
    assert len({done for done, _ in heard}) > 3, "the slow transfer was heard of on its way"
    assert len(heard) < 300, "a few times a second"
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {0, heard[-1][1]}, "no total before all files are known"
    assert heard[-1][0] == heard[-1][1]


def test_what_is_on_disk_is_not_asked_for(answers: dict[str, Any], hub: tuple[str, list[str]]) -> None:
    assert [answer[:2] for answer in answers["again"]] == [[repo, SHA] for repo, _ in AGAIN]
    assert hub[1][-1] == "GET /mark"


def test_a_full_disk_is_said_and_with_room_again_the_model_loads(answers: dict[str, Any]) -> None:
    assert "is full, and someone/roomy did not fit. Free some space" in answers["full"]
    assert answers["roomy"][:2] == ["someone/roomy", SHA]


def test_each_failure_is_a_sentence(answers: dict[str, Any], hub: tuple[str, list[str]], root: Path) -> None:
    """And the app goes on: what was asked for afterwards loaded."""
    bad = answers["bad"]
    for name, says in SAYS.items():
        assert says in bad[name], f"{name}: {bad[name]}"
    for name in BEFORE_WEIGHTS:
        assert not [file for file in fetched(hub[1], f"someone/{name}") if file.endswith(WEIGHTS)], name
    assert all(key in bad["private"] for key in MODELS), "a name that is not there is answered with those that are"
    assert "bge-reranker-v2-m3" in bad["own-code"]
    assert not (root / "marker").exists()
