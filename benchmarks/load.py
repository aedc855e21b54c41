"""Many visitors at once against the real app: `python -m benchmarks.load --clients 50 --minutes 5`.

Methods, lengths and two models are mixed; some press Stop, some vanish, half bring a text that nobody brought before.
Afterwards every answer is compared with the engine's own. What is refused has to say for how long.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging

from attribution import explain, load_reranker
from attribution.evidence.compare.contrast import rank
from attribution.numbers import MINUS
from attribution.rerankers.loading.models import BUNDLED, MODELS
from benchmarks.serve import CARD, serve
from benchmarks.visitors import LOGIT, PATIENCE, Ask, Seen, Server, ask_api, ask_page, vanish

ROOT = Path(__file__).parent.parent
STORED = Path(__file__).parent / "load.json"
EXAMPLES = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
METHODS = ("saliency", "input_x_gradient", "layerwise_relevance", "attention", "occlusion", "integrated_gradients")
POPULAR = 0.5  # of the visitors take an example, the others bring a text of their own
TOLERANCE = 1e-3  # in logits: other batches, other rounding
ROUNDED = 0.006  # of the logit as the page prints it
OUTCOMES = ("answered", "refused", "capped", "stopped", "vanished", "unanswered")  # all but wrong
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
    """An example, or a text that nobody brought before, of 8 to 300 words."""
    if draw.random() < POPULAR:
        example = draw.choice(EXAMPLES)
        return example["query"], example["document"]
    words = " ".join(example["document"] for example in EXAMPLES).split()
    n = int(8 * (300 / 8) ** draw.random())
    return f"who has number {draw.getrandbits(40)}", " ".join(draw.choices(words, k=n))


async def visitor(server: Server, models: Sequence[str], seed: int, until: float, seen: list[Seen]) -> None:
    """One client: asks again and again, and waits a little when it is refused."""
    draw = random.Random(seed)
    while time.monotonic() < until:
        seen.append(await visit(server, models, draw))
        if seen[-1].outcome == "refused":
            await asyncio.sleep(draw.uniform(0.5, 2.0))


async def visit(server: Server, models: Sequence[str], draw: random.Random) -> Seen:
    """One of a visitor's questions, and what came of it."""
    (query, document), model = text_of(draw), draw.choice(models)
    kind = draw.choices(["explain", "rank", "page", "stop", "vanish"], weights=[35, 15, 30, 10, 10])[0]
    if kind == "vanish":
        return await vanish(server, model, draw.uniform(0.1, 3.0))
    if kind == "rank":
        documents = (document, *(text_of(draw)[1] for _ in range(draw.randint(0, 5))))
        return await ask_api(server, Ask("rank", model, query, documents))
    if kind == "explain":
        return await ask_api(server, Ask("explain", model, query, (document,), (draw.choice(METHODS),)))
    methods = draw.choice([("saliency", "layerwise_relevance"), ("input_x_gradient", "occlusion", "attention")])
    return await ask_page(server, Ask("page", model, query, (document,), methods), kind == "stop")


async def crowd(url: str, models: Sequence[str], clients: int, seconds: float) -> list[Seen]:
    """All clients until the time is over; what each of their visits came to."""
    seen: list[Seen] = []
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE), limits=limits) as http:
        server = Server(url, http)
        await server.learn()
        until = time.monotonic() + seconds
        await asyncio.gather(*(visitor(server, models, seed, until, seen) for seed in range(clients)))
        await asyncio.gather(*(vanish(server, models[0], 1.0) for _ in range(2)))  # the last ones leave in mid-work
    return seen


@cache
def engine(ask: Ask) -> Any:
    """What the library says: the logits, and one value a token for an explanation."""
    reranker = load_reranker(ask.model)
    if ask.kind == "rank":
        return [row.logit for row in rank(reranker, ask.query, ask.documents).rows]
    if ask.kind == "page":
        return reranker.score(ask.query, ask.documents)
    said = explain(reranker, ask.query, ask.documents[0], ask.methods[0])
    return [said.logit, *said.attributions]


def is_right(seen: Seen) -> bool:
    """Whether an answer is the engine's, and of the text that was asked about."""
    expected, said = engine(seen.ask), seen.said
    if seen.ask.kind == "page":
        shown = LOGIT.search(said[1])
        own = f'data-query="{seen.ask.query}"' in html.unescape(said[0])
        cards = all(f'data-method="{method}"' in "".join(said[5:-1]) for method in seen.ask.methods)
        logits = [float(shown[1].replace(MINUS, "-"))] if shown else []
        return own and cards and _near(logits, expected, ROUNDED)
    if seen.ask.kind == "rank":
        return _near([row["logit"] for row in said["rows"]], expected, TOLERANCE)
    of = said["query"], said["document"]
    return of == (seen.ask.query, *seen.ask.documents) and _near(
        [said["logit"], *said["attributions"]], expected, TOLERANCE
    )


def _near(given: Sequence[float], expected: Sequence[float], tolerance: float) -> bool:
    return len(given) == len(expected) and all(abs(a - b) <= tolerance for a, b in zip(given, expected, strict=True))


def report(seen: Sequence[Seen]) -> dict[str, Any]:
    """What became of the visits, how long the answered ones took, and what keeping answers saved."""
    answered = [one for one in seen if one.outcome == "answered"]
    checked = [(one, is_right(one)) for one in tqdm(answered, desc="checking against the engine", disable=None)]
    wrong = [f"{one.ask.kind}: {one.said}"[:300] for one in seen if one.outcome == "wrong"]
    unanswered = [
        f"{one.ask.kind}: {one.said} after {one.seconds:.0f} s" for one in seen if one.outcome == "unanswered"
    ]
    wrong += [f"{one.ask.kind} differs from the engine: {one.ask}"[:300] for one, right in checked if not right]
    computed, kept = ([one.seconds for one in answered if one.kept is which] for which in (False, True))
    stops = [one.seconds for one in seen if one.outcome == "stopped"]
    return {
        "visits": len(seen),
        **{name: sum(one.outcome == name for one in seen) for name in OUTCOMES},
        "wrong": len(wrong),
        "wrong_examples": wrong[:5],
        "unanswered_examples": unanswered[:5],
        "seconds": {"computed": _spread(computed), "kept": _spread(kept), "stop": _spread(stops)},
        "hit_rate": len(kept) / max(1, len(answered)),
        "seconds_saved": sum(one.saved for one in answered),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """p50 and p95; None of fewer than two."""
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18]}


def summary(stored: dict[str, Any]) -> str:
    """README's table, from a stored run."""
    s, seconds = stored, stored["seconds"]

    def p(name: str) -> str:
        return f"{seconds[name]['p50']:.1f} s / {seconds[name]['p95']:.1f} s" if seconds[name] else "–"

    cells = {
        "clients": s["clients"],
        "minutes": f"{s['minutes']:g}",
        "answered": s["answered"],
        "wrong": s["wrong"],
        "refused with the wait": s["refused"],
        "ended by the cap": s["capped"],
        "stopped": s["stopped"],
        "vanished": s["vanished"],
        f"no answer in {PATIENCE:.0f} s": s["unanswered"],
        "p50 / p95": p("computed"),
        "kept answers": f"{100 * s['hit_rate']:.0f} %, {s['seconds_saved']:.0f} s saved",
        "p50 / p95 of those": p("kept"),
        "Stop took": p("stop"),
        "memory, start to end": f"{s['memory_mb'][0]:.0f} to {s['memory_mb'][1]:.0f} MB",
        "idle after the last one left": f"{s['idle_after']:.1f} s",
    }
    rows = (cells, ["---"] * len(cells), cells.values())
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def main() -> None:
    """Load the app, check, store and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=STORED)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        second = half_as_deep(Path(folder) / "half-as-deep")
        with serve("app.py", "--model", second, shows=CARD, RERANK_LENS_BUDGET_SECONDS="60") as (process, url):
            models = ["demo-reranker", second]
            asyncio.run(crowd(url, models, 2, 5.0))  # warm: both models have run
            before = megabytes(process.pid)
            seen = asyncio.run(crowd(url, models, args.clients, 60 * args.minutes))
            idle, after = idle_after(process.pid), megabytes(process.pid)
        found = report(seen)
    found |= {"clients": args.clients, "minutes": args.minutes, "memory_mb": [before, after], "idle_after": idle}
    args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    print(summary(found))
    if found["wrong"]:
        raise SystemExit(f"{found['wrong']} answers were wrong")


if __name__ == "__main__":
    main()
