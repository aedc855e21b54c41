"""Two visitors of the app switch between three models again and again: does memory stay where the first round left it?

python -m benchmarks.switches              all three fit, as by default
python -m benchmarks.switches --keep 2     room for two, so that every round loads and lets go
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from gradio_client import Client
from transformers import AutoConfig, AutoModelForSequenceClassification

from attribution.rerankers.loading.models import BUNDLED, CHECKOUT
from benchmarks.serve import serve

APP = """
import sys
from attribution.rerankers.loading import load as loading
keep = int(sys.argv.pop(1))
if keep:
    loading._kept.limit = int((keep + 0.5) * loading.load_reranker().weight_bytes)
import app
app.main()
"""
QUERY = "how many people live in berlin ?"
DOCUMENT = "Berlin has about 3.7 million inhabitants, more than any other city of the European Union. "
METHODS = ("integrated_gradients", "attention", "layerwise_relevance")


def make_models(folder: Path) -> list[str]:
    """The bundled reranker, and two of its size with random weights."""
    for i in (1, 2):
        shutil.copytree(CHECKOUT, folder / f"random{i}")
        torch.manual_seed(i)
        config = AutoConfig.from_pretrained(CHECKOUT)
        AutoModelForSequenceClassification.from_config(config).save_pretrained(folder / f"random{i}")
    return [BUNDLED, str(folder / "random1"), str(folder / "random2")]


def resident(pid: int) -> float:
    """MB of a process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def switch(url: str, models: list[str], rounds: int, pid: int) -> Iterator[float]:
    """Both visitors ask for every model in turn, two different ones at a time; MB after each round, the start first."""
    visitors = [Client(url, verbose=False) for _ in range(2)]

    def ask(visitor: Client, turn: int) -> None:
        for method in METHODS:
            visitor.predict(QUERY, DOCUMENT, method, model=models[turn % len(models)], api_name="/explain")

    yield resident(pid)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            for turn in range(len(models)):
                list(pool.map(ask, visitors, (turn, turn + 1)))
            yield resident(pid)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=int, default=0, help="models that fit into the cache (default: all)")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = make_models(Path(folder))
        offered = [part for model in models if model != BUNDLED for part in ("--model", model)]
        with serve("-c", APP, str(args.keep), *offered) as (app, url):
            print("| after round | MB resident |\n|---|---|")
            for i, size in enumerate(switch(url, models, args.rounds, app.pid)):
                print(f"| {i or 'start'} | {size:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
