"""What the page costs beside the methods: start, memory, a flood of pairs, one pair at a time, bytes a run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from functools import partial

import httpx

from attribution import explain, rank
from attribution.removal import score_kept, seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import Job, side_by_side
from benchmarks.limit import page
from benchmarks.plain_model import QUERY, SENTENCE, forward, pair_of
from benchmarks.report import Cell, Table
from benchmarks.serve import CARD, PATIENCE, ROOT, await_page, serve

LIST_LENGTHS, COLOUR = (1, 2, 5, 10, 20), "layerwise_relevance"
BARE = """
import gradio
page = gradio.Interface(str, 'text', 'text', api_name='predict')
page.launch(quiet=True)
"""
# What this app imports to serve one model; transformers imports most of itself only when a model class is asked for.
LIBRARIES = "gradio, torch, transformers with one model class, mcp"
IMPORTS = "import gradio, torch, gradio.mcp; from transformers import AutoTokenizer, BertForSequenceClassification"
BARE_FIRST, APP_FIRST = "bare Gradio app, first byte", "this app, first byte"
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
AT_512 = """
from attribution import load_reranker, explain, METHODS
from attribution.evidence.faithfulness.measure import measure
from attribution.types import TokenizedPair
from benchmarks.plain_model import pair_of
reranker = load_reranker(device="cpu")
pair = pair_of(reranker, 512)
made = {m: explain(reranker, pair.query, pair.document, m) for m in METHODS if m not in ("shapley", "occlusion")}
measure(reranker, made)
"""


def start_up() -> Table:
    """Process start to the first byte of the page and to its first card, beside a bare Gradio app and the imports."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, check=True)
    imports = time.perf_counter() - began
    taken = {f"imports of {LIBRARIES}": imports}
    taken[BARE_FIRST], taken["bare Gradio app, first answer of its function"] = _start("-c", BARE)
    taken[APP_FIRST], taken["this app, first example's cards on the page"] = _start("app.py", shows=CARD)
    rows: list[dict[str, Cell]] = [
        {"what": name, "s": seconds, "ratio to the imports": seconds / imports} for name, seconds in taken.items()
    ]
    return Table("Start-up", "One cold process each, in turn; from its start.", rows)


def _start(*command: str, shows: str = "") -> tuple[float, float]:
    """Seconds to the first byte, and until the page `shows` that; without, until its function `predict` answers."""
    began = time.perf_counter()
    with serve(*command) as (process, url):
        first = time.perf_counter() - began
        if shows:
            await_page(process, url, shows)
        else:
            at = f"{url}/gradio_api/call/predict"
            asked = httpx.post(at, json={"data": ["x"]}, timeout=PATIENCE).raise_for_status()
            httpx.get(f"{at}/{asked.json()['event_id']}", timeout=PATIENCE).raise_for_status()
        return first, time.perf_counter() - began


def peak_memory() -> Table:
    """Largest resident set of a process that explains 512 tokens by every method but the two dear in forwards only."""
    rows: list[dict[str, Cell]] = []
    for what, code in {"imports alone": IMPORTS, "512 tokens, eleven methods and faithfulness": AT_512}.items():
        run = subprocess.run(
            [sys.executable, "-c", f"{code}\n{PEAK}"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        rows.append({"what": what, "MB": int(run.stdout.split()[-1])})
    says = "Occlusion and Shapley values score the same batches as faithfulness does, so they add nothing to the peak."
    return Table("Peak memory", says, rows)


def busy(reranker: Reranker, rounds: int) -> Table:
    """The page's default run on 128 tokens, alone and with a process that spins on each core."""
    job = {"page": partial(page, reranker, pair_of(reranker, 128))}
    rows: list[dict[str, Cell]] = []
    alone = side_by_side(job, rounds)["page"]
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        beside = side_by_side(job, rounds)["page"]
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    for what, seconds in {"alone": alone, f"beside {len(spinners)} busy processes": beside}.items():
        rows.append({"what": what, "s": seconds, "ratio to alone": seconds / alone})
    return Table("A busy machine", "The page's default run with faithfulness, 128 tokens.", rows)


def flood(reranker: Reranker, n: int, rounds: int) -> Table:
    """`n` passages of mixed length against one query; and sets of words against forwards one at a time."""
    draw = random.Random(0)
    sentence = SENTENCE.split()
    documents = [" ".join(draw.choices(sentence, k=draw.randint(5, 300))) for _ in range(n)]
    rows: list[dict[str, Cell]] = []

    def one_at_a_time() -> None:
        for document in documents[: n // 10]:
            reranker.score(QUERY, [document])

    taken = side_by_side({"batched": lambda: reranker.score(QUERY, documents), "alone": one_at_a_time}, rounds)
    alone = taken["alone"] * 10
    rows.append(_row(f"reranker.score, {n} passages of 5 to 300 words", None, n / taken["batched"], n / alone))
    for length in (32, 128, 512):
        pair = pair_of(reranker, length)
        words = seen_words(pair)
        sets = [frozenset(draw.sample(range(len(words)), len(words) // 2)) for _ in range(64 if length < 512 else 16)]
        jobs: dict[str, Job] = {
            "batched": partial(score_kept, reranker, pair, words, sets),
            "alone": partial(_forwards, reranker, pair, len(sets)),
        }
        taken = side_by_side(jobs, rounds)
        rows.append(_row("sets of words", length, len(set(sets)) / taken["batched"], len(sets) / taken["alone"]))
    return Table("Scale", "Pairs a second, batched and one at a time.", rows)


def documents(reranker: Reranker, rounds: int) -> Table:
    """Compare's list of documents of 100 words, all scored and coloured, as it grows."""
    draw = random.Random(0)
    texts = [" ".join(draw.choices(SENTENCE.split(), k=100)) for _ in range(max(LIST_LENGTHS))]

    def compare(n: int) -> None:
        for row in rank(reranker, QUERY, texts[:n]).rows:
            explain(reranker, QUERY, row.document, COLOUR)

    def plain(n: int) -> None:
        for text in texts[:n]:
            forward(reranker, reranker.encode(QUERY, text))

    rows: list[dict[str, Cell]] = []
    for n in LIST_LENGTHS:
        taken = side_by_side({"list": partial(compare, n), "plain": partial(plain, n)}, rounds)
        ratio = taken["list"] / taken["plain"]
        rows.append({"documents": n, "s": taken["list"], "s a document": taken["list"] / n, "ratio to forwards": ratio})
    says = f"Compare's list of documents of 100 words, scored and coloured by {COLOUR}; beside one plain forward each."
    return Table("Growth with documents", says, rows)


def _forwards(reranker: Reranker, pair: TokenizedPair, times: int) -> None:
    for _ in range(times):
        forward(reranker, pair)


def _row(what: str, tokens: int | None, batched: float, alone: float) -> dict[str, Cell]:
    return {"what": what, "tokens": tokens, "batched": batched, "one at a time": alone, "gain": batched / alone}
