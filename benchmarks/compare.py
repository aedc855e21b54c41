"""The Compare tab's claims, measured: `python -m benchmarks.compare --data FOLDER` writes `compare.json`.

How many words must go before the first document of a list falls below the second, and how far the attributions had
predicted the drop of the first of them; how far the cheap forms of interaction agree with the exact one; what twenty
documents and telling two of them apart cost. The data are named in the model card.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attribution import contrast, counterfactual, explain, interaction, load_reranker, rank
from attribution.evidence.agreement import spearman
from attribution.removal import OPERATORS
from attribution.rerankers.reranker import Reranker
from benchmarks.data import read_jsonl

STORED = Path(__file__).with_name("compare.json")
FEW = 3  # words that one can check by eye
FORMS = ("layerwise_relevance", "input_x_gradient", "integrated_gradients")
COST_DOCUMENTS, COST_WORDS = 20, 150


@dataclass(frozen=True)
class Flip:
    """One list. `words`: how many had to go, None if no number did; `predicted`, `measured`: the first one's drop."""

    candidates: int
    document_words: int
    words: int | None
    predicted: float
    measured: float


def read_lists(folder: Path, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Queries of SelQA's dev split with the sentences of one section each, shuffled."""
    rows = [row for row in read_jsonl(folder / "candidates.jsonl.gz") if row["split"] == "dev"]
    random.Random(seed).shuffle(rows)
    for row in rows:
        candidates = list(dict.fromkeys(text for text in row["candidates"] if text.strip()))
        if len(candidates) > 1:
            yield row["query"], candidates


def flips(reranker: Reranker, folder: Path, n: int, seed: int) -> dict[str, list[Flip]]:
    """`n` lists: what it takes to put the first below the second, by both ways of taking a word away."""
    found: dict[str, list[Flip]] = {operator: [] for operator in OPERATORS}
    for query, candidates in read_lists(folder, seed):
        first, second = rank(reranker, query, candidates).rows[:2]
        explanation = explain(reranker, query, first.document)
        for operator, done in found.items():
            one = counterfactual(
                reranker, query, first.document, second.document, operator=operator, explanation=explanation
            )
            if len(one.dropped) < 1:
                continue  # no word raises it: there is nothing to drop
            words = len(one.dropped) if one.flipped else None
            drops = (one.logits[0] - one.predicted[1], one.logits[0] - one.logits[1])
            done.append(Flip(len(candidates), len(first.document.split()), words, *drops))
        print(f"{len(found['delete'])} of {n} lists", flush=True)
        if all(len(done) >= n for done in found.values()):
            break
    return found


def agreement(reranker: Reranker, folder: Path, n: int, seed: int) -> dict[str, list[float]]:
    """Spearman of each cheap form's matrix with the exact one's, over the same words, for the first of `n` lists."""
    found: dict[str, list[float]] = {form: [] for form in FORMS}
    for query, candidates in read_lists(folder, seed):
        document = rank(reranker, query, candidates).rows[0].document
        exact = interaction(reranker, query, document, n_words=64)
        for form, done in found.items():
            cheap = interaction(reranker, query, document, n_words=64, form=form)
            r = spearman([v for row in exact.values for v in row], [v for row in cheap.values for v in row])
            done += [] if r is None else [r]
        print(f"{len(found[FORMS[0]])} of {n} matrices", flush=True)
        if all(len(done) >= n for done in found.values()):
            break
    return found


def cost(reranker: Reranker, folder: Path, seed: int) -> dict[str, float]:
    """Twenty documents of 150 words and two of them told apart, against the forwards of the twenty, in the same run.

    In CPU seconds of this process, which other load does not change.
    """
    lists = read_lists(folder, seed)
    query, texts = next(lists)
    words = [word for _, candidates in lists for text in candidates for word in text.split()]
    texts = [" ".join(words[i * COST_WORDS : (i + 1) * COST_WORDS]) for i in range(COST_DOCUMENTS)]
    reranker.score(query, texts[:2])  # warm
    began = time.process_time()
    reranker.score(query, texts)
    plain = time.process_time() - began
    began = time.process_time()
    ranking = rank(reranker, query, texts)
    compared = contrast(reranker, query, *(row.document for row in ranking.rows[:2]))
    whole = time.process_time() - began
    rows = [explain(reranker, query, row.document, "layerwise_relevance") for row in ranking.rows]
    coloured = time.process_time() - began
    return {
        "plain_seconds": plain,
        "ratio": whole / plain,
        "ratio_with_coloured_rows": coloured / plain,
        "n_forward": ranking.n_forward + compared.n_forward,
        "n_backward": compared.n_backward,
        "n_forward_coloured": sum(row.n_forward for row in rows),
        "n_backward_coloured": sum(row.n_backward for row in rows),
        "tokens": statistics.fmean(len(reranker.encode(query, text).tokens) for text in texts),
    }


def summary(stored: dict[str, Any]) -> str:
    """README's table and line, from a stored run."""
    lines = [
        f"| words removed by | lists | order reversed by 1 word | by at most {FEW} | by any number | "
        "first word: predicted against measured drop, Pearson (Spearman) | measured drop for each unit predicted |",
        "|---|---|---|---|---|---|---|",
    ]
    for operator, rows in stored["flips"].items():
        needed = [row["words"] for row in rows]
        predicted, measured = ([row[name] for row in rows] for name in ("predicted", "measured"))
        shares = [
            f"{100 * sum(w is not None and w <= most for w in needed) / len(needed):.0f} %" for most in (1, FEW, 10**6)
        ]
        r, rho = statistics.correlation(predicted, measured), spearman(predicted, measured) or 0.0
        slope = statistics.linear_regression(predicted, measured).slope
        lines.append(f"| {operator} | {len(rows)} | {' | '.join(shares)} | {r:.2f} ({rho:.2f}) | {slope:.2f} |")
    lines.append("")
    if forms := stored.get("agreement"):
        told = ", ".join(f"`{form}` {statistics.median(values):.2f}" for form, values in forms.items())
        n = len(forms[FORMS[0]])
        lines.append(f"Interaction by attributions against the exact one, median Spearman over {n} matrices: {told}.")
    if spent := stored.get("cost"):
        lines.append(
            f"To score twenty documents of {COST_WORDS} words and to tell two of them apart takes {spent['ratio']:.0f} "
            f"times the CPU time of scoring alone ({spent['n_forward']:.0f} forward and {spent['n_backward']:.0f} "
            f"backward passes); with all rows coloured, as on the page, {spent['ratio_with_coloured_rows']:.0f} times."
        )
    return "\n".join(lines).rstrip("\n")


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with candidates.jsonl.gz (SelQA)")
    parser.add_argument("--n", type=int, default=100, help="lists; matrices are a tenth of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("flips", "agreement", "cost"), help="one part; the others stay as stored")
    parser.add_argument("--out", type=Path, default=STORED)
    args = parser.parse_args()
    reranker = load_reranker()
    parts: dict[str, Callable[[], Any]] = {
        "flips": lambda: {
            operator: [asdict(row) for row in rows]
            for operator, rows in flips(reranker, args.data, args.n, args.seed).items()
        },
        "agreement": lambda: agreement(reranker, args.data, max(2, args.n // 10), args.seed),
        "cost": lambda: cost(reranker, args.data, args.seed),
    }
    stored = json.loads(args.out.read_text("utf-8")) if args.only and args.out.exists() else {}
    stored["model"] = [reranker.model_id, reranker.revision]
    for name in [args.only] if args.only else parts:
        stored[name] = parts[name]()
    args.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
