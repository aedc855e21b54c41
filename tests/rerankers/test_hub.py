"""Rerankers from the Hub by the real client over real HTTP, from a Hub of our own; each failure a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attribution import MODELS, load_reranker
from tests.loopback import SHA, WEIGHTS, loopback_hub, make_repositories

ROOT = Path(__file__).resolve().parents[2]
BERT = "BertForSequenceClassification"
PAIR = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants .", "museums"])
LOAD = """
import json, resource, sys
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import urlopen
from attribution.errors import ModelError
from attribution.rerankers.loading import hub, load as loading
hub.SECONDS, hub.STALLED, hub.constants.DOWNLOAD_CHUNK_SIZE = 1.0, 2.0, 4096

def ask(model_id, revision):
    heard = []
    try:
        reranker = loading.load_reranker(
            model_id, revision=revision, device="cpu", on_bytes=lambda *bytes: heard.append(bytes)
        )
    except ModelError as error:
        return [str(error)]
    return [[reranker.model_id, reranker.revision, reranker.score(*json.loads(sys.argv[2])), heard]]

def special(name):
    if name == "forget":  # what is in memory, and mark the place in what the Hub was asked
        loading._kept = loading.Loaded()
        try:
            urlopen(hub.constants.ENDPOINT + "/mark")
        except HTTPError:
            pass
    else:  # no file may grow beyond so many bytes, as on a disk that is full
        soft = 40_000 if name == "full" else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
    return []

answers = []
for group in json.loads(sys.argv[1]):  # whose members wait beside each other
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, *one) if len(one) == 2 else pool.submit(special, *one) for one in group]
    answers += [answer for one in asked for answer in one.result()]
print(json.dumps(answers))
"""
SAYS = {
    "silent": "did not answer within 1 seconds",
    "silent-file": "sent nothing for 2 seconds, after",
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


def load_in_new_process(groups: list[list[Any]], home: Path, endpoint: str) -> list[Any]:
    """One answer a request: `[model_id, revision, scores, bytes heard of]`, or the `ModelError`'s message."""
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("HF_")}
    environment = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(groups), json.dumps(PAIR)],
        env={**inherited, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "B/s" not in done.stderr, "the client's own progress is drawn into the log"
    answers: list[Any] = json.loads(done.stdout)
    return answers


def fetched(asked: list[str], repo: str) -> list[str]:
    return sorted(line.partition(f"{SHA}/")[2] or line[-11:] for line in asked if line.startswith(f"GET /{repo}/"))


MAIN = [(f"someone/{name}", None) for name in ("tiny", "pickled", "cut", "slow")]
NAMED = [("someone/tiny", SHA), ("someone/tiny", "no-branch")]
BAD = [(f"someone/{name}", None) for name in SAYS]
FORGET = [("forget",)]
FULL = [("full",), ("someone/roomy", None), ("room",), ("someone/roomy", None)]
AGAIN = [("someone/pickled", None), ("someone/tiny", None), ("someone/tiny", SHA)]
RESUMED = [("someone/cut-off", None)]


@pytest.fixture(scope="module")
def answers(hub: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """One process asks for all of them, as an app that stays up."""
    one_by_one = ([one] for one in (*RESUMED, *FULL, *FORGET, *AGAIN))
    asked_for: list[list[Any]] = [*([one] for one in (*MAIN, *NAMED)), BAD, *one_by_one]
    return load_in_new_process(asked_for, tmp_path_factory.mktemp("home"), hub[0])


def test_hub_id_loads_like_a_folder(answers: list[Any], hub: tuple[str, list[str]], root: Path) -> None:
    """Its revision is the commit served, what is needed comes once, a broken transfer goes on where it broke."""
    asked = hub[1]
    scores = load_reranker(str(root / "someone" / "tiny"), device="cpu").score(*PAIR)
    for (repo, _), answer in zip([*MAIN, NAMED[0]], answers, strict=False):
        assert answer[:3] == [repo, SHA, pytest.approx(scores, rel=1e-5)]
    assert "has no revision 'no-branch'" in answers[len(MAIN) + 1]
    needed = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "extra.jinja"}
    needed |= {"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"}
    assert fetched(asked, "someone/tiny") == sorted(needed)
    assert fetched(asked, "someone/cut").count("model.safetensors") == 2
    assert [line for line in asked if line.startswith("bytes=") and "/cut/" in line], "from where it broke"
    assert answers[len(MAIN) + len(NAMED) + len(BAD)][:2] == ["someone/cut-off", SHA], "after a failure too"
    heard = answers[3][3]
    assert len({done for done, _ in heard}) > 3, "the slow transfer was heard of on its way"
    assert len(heard) < 300, "a few times a second"
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {0, heard[-1][1]}, "no total before all files are known"
    assert heard[-1][0] == heard[-1][1]


def test_what_is_on_disk_is_not_asked_for(answers: list[Any], hub: tuple[str, list[str]]) -> None:
    assert [answer[:2] for answer in answers[-3:]] == [[repo, SHA] for repo, _ in AGAIN]
    assert hub[1][-1] == "GET /mark"


def test_a_full_disk_is_said_and_with_room_again_the_model_loads(answers: list[Any]) -> None:
    full, roomy = answers[-5:-3]
    assert "is full, and someone/roomy did not fit. Free some space" in full
    assert roomy[:2] == ["someone/roomy", SHA]


def test_each_failure_is_a_sentence(answers: list[Any], hub: tuple[str, list[str]], root: Path) -> None:
    """And the app goes on: what was asked for afterwards loaded."""
    bad = dict(zip(SAYS, answers[len(MAIN) + len(NAMED) :], strict=False))
    for name, says in SAYS.items():
        assert says in bad[name], f"{name}: {bad[name]}"
    for name in BEFORE_WEIGHTS:
        assert not [file for file in fetched(hub[1], f"someone/{name}") if file.endswith(WEIGHTS)], name
    assert all(key in bad["private"] for key in MODELS), "a name that is not there is answered with those that are"
    assert "bge-reranker-v2-m3" in bad["own-code"]
    assert not (root / "marker").exists()
