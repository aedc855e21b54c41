"""Many visitors at once against the real app, as they come to a Space, and against the app as it was `--before`.

Seven in ten click on an example, two bring a text that nobody brought before, one compares a list, runs the probes or
calls the API; who has an answer reads it for a while. Some press Stop, some vanish. The two versions take turns, with
the same visitors; then every answer is compared with the engine's own. What is refused has to say for how long.
`python -m benchmarks.load --clients 50 --minutes 5 --before 600768f` stores the result and writes docs/load.md's table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging

from attribution.rerankers.loading.models import BUNDLED, MODELS
from benchmarks.load_report import MIX, report, summary
from benchmarks.serve import CARD, ROOT, serve
from benchmarks.visitors import PATIENCE, Ask, Seen, Server, ask_api, ask_page, vanish
from interface.tabs.compare.documents import write_list

STORED = Path(__file__).parent / "load.json"
PAIRS, LISTS = (json.loads((ROOT / "examples" / f"{name}.json").read_text("utf-8")) for name in ("pairs", "lists"))
EXAMPLES = [
    Ask("example", "", BUNDLED, one["query"], tuple(one.get("documents") or [one["document"]]))
    for one in [*PAIRS, *LISTS]
]
READS = 2.0, 10.0  # seconds until who was answered asks again
METHODS = ("saliency", "input_x_gradient", "layerwise_relevance", "attention", "occlusion", "integrated_gradients")
IDLE = 0.2  # of a core


def half_as_deep(folder: Path) -> str:
    """A second model: the bundled one without its upper half, saved in `folder`."""
    source = MODELS[BUNDLED].path
    logging.set_verbosity_error()  # of the weights that are left out
    AutoModelForSequenceClassification.from_pretrained(source, num_hidden_layers=3).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return str(folder)


def megabytes(pid: int) -> float:
    """What the process has in memory."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def cpu_seconds(pid: int) -> float:
    """What the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_after(pid: int) -> float:
    """Seconds from now until the server does nothing any more."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        before, since = cpu_seconds(pid), time.perf_counter()
        time.sleep(0.5)
        if (cpu_seconds(pid) - before) / (time.perf_counter() - since) < IDLE:
            return since - began
    return PATIENCE


def text_of(draw: random.Random) -> tuple[str, str]:
    """A text that nobody brought before, of 8 to 300 words."""
    words = " ".join(pair["document"] for pair in PAIRS).split()
    n = int(8 * (300 / 8) ** draw.random())
    return f"who has number {draw.getrandbits(40)}", " ".join(draw.choices(words, k=n))


async def visitor(server: Server, models: Sequence[str], seed: str, until: float, seen: list[Seen]) -> None:
    """One client, on one page: asks again and again, and waits a little when it is refused."""
    draw, server = random.Random(seed), replace(server, session=f"load{seed}")
    await asyncio.sleep(draw.uniform(0, READS[1]))  # they do not all come at once
    while time.monotonic() < until:
        seen.append(await visit(server, models, draw))
        await asyncio.sleep(draw.uniform(*(READS if seen[-1].outcome == "answered" else (0.5, 2.0))))


async def visit(server: Server, models: Sequence[str], draw: random.Random) -> Seen:
    """One of a visitor's questions, and what came of it."""
    (kind,) = draw.choices([*MIX], [*MIX.values()])
    if kind == "example":
        return await click(server, draw.choice(EXAMPLES))
    query, document = text_of(draw)
    if kind == "own text":
        does = draw.random()
        if does < 0.05:
            return await vanish(server, models[0], draw.uniform(0.1, 3.0))
        return await click(server, Ask(kind, "", models[0], query, (document,)), stop=does < 0.2)
    start = draw.choice(["compare-start", "probes-tab", "explain", "rank"])
    several = (document, *(text_of(draw)[1] for _ in range(draw.randint(1, 5))))
    if start in ("compare-start", "probes-tab"):
        documents = several if start == "compare-start" else (document,)
        return await click(server, Ask(kind, start, models[0], query, tuple(documents)))
    model, methods = draw.choice(models), (draw.choice(METHODS),)
    documents = several if start == "rank" else (document,)
    return await ask_api(server, Ask(kind, start, model, query, tuple(documents), methods))


async def warm(url: str, models: Sequence[str]) -> None:
    """Every example was clicked once, and every model has run."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE)) as http:
        server = Server(url, http, session="loadwarm")
        await server.learn()
        for ask in [*EXAMPLES, *(replace(EXAMPLES[0], model=model) for model in models[1:])]:
            while (await click(server, ask)).outcome != "answered":
                await asyncio.sleep(1)


async def click(server: Server, ask: Ask, stop: bool = False) -> Seen:
    """A click on the page; without a `start` on Explain, or on Compare for a list."""
    start = ask.start or ("compare-start" if len(ask.documents) > 1 else "explain")
    filled = {"model": ask.model, "query": ask.query, "document": ask.documents[0]}
    if start == "compare-start":
        filled = {"model": ask.model, "compare-query": ask.query, "compare-documents": write_list(ask.documents)}
    lines = {"explain": "status", "compare-start": "compare-status", "probes-tab": "probes-status"}
    return await ask_page(server, Ask(ask.kind, start, *list(vars(ask).values())[2:]), filled, lines[start], stop)


async def crowd(url: str, models: Sequence[str], clients: int, seconds: float, seed: int = 0) -> list[Seen]:
    """All clients until the time is over; what each of their visits came to."""
    seen: list[Seen] = []
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE), limits=limits) as http:
        server = Server(url, http)
        await server.learn()
        until = time.monotonic() + seconds
        await asyncio.gather(*(visitor(server, models, f"{seed}.{i}", until, seen) for i in range(clients)))
        await asyncio.gather(*(vanish(server, models[0], 1.0) for _ in range(2)))  # the last ones leave in mid-work
    return seen


@contextmanager
def version(commit: str) -> Iterator[Path]:
    """A folder with the app as it was at `commit`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, commit], cwd=ROOT, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


def main() -> None:
    """Load both versions in turns, check, store, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0, help="for each version")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each version")
    parser.add_argument("--before", default="", metavar="COMMIT", help="also measure the app as it was then")
    parser.add_argument("--out", type=Path, default=STORED)
    args = parser.parse_args()
    with ExitStack() as stack:
        second = half_as_deep(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "half-as-deep")
        roots = {f"before ({args.before})": stack.enter_context(version(args.before))} if args.before else {}
        apps = {}
        for name, root in (roots | {"now": ROOT}).items():
            app = serve("app.py", "--model", second, shows=CARD, root=root, RERANK_LENS_BUDGET_SECONDS="60")
            apps[name] = stack.enter_context(app)
            asyncio.run(warm(apps[name][1], [BUNDLED, second]))
            idle_after(apps[name][0].pid)
        seen: dict[str, list[Seen]] = {name: [] for name in apps}
        memory = {name: [megabytes(process.pid)] for name, (process, _) in apps.items()}
        idle = dict.fromkeys(apps, 0.0)
        for turn in range(args.rounds):
            for name, (process, url) in apps.items():
                seconds = 60 * args.minutes / args.rounds
                seen[name] += asyncio.run(crowd(url, [BUNDLED, second], args.clients, seconds, seed=turn))
                idle[name] = max(idle[name], idle_after(process.pid))
                memory[name].append(megabytes(process.pid))
        found = {name: report(seen[name]) | {"memory_mb": memory[name], "idle_after": idle[name]} for name in apps}
    stored = {"clients": args.clients, "minutes": args.minutes, "rounds": args.rounds, "apps": found}
    args.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print(summary(stored))
    if args.out == STORED:
        subprocess.run([sys.executable, "-m", "tests.readme"], cwd=ROOT, check=True)
    if found["now"]["wrong"]:
        raise SystemExit(f"{found['now']['wrong']} answers were wrong: {found['now']['wrong_examples']}")


if __name__ == "__main__":
    main()
