"""Fine-tune a bi-encoder's weights into the bundled reranker: one logit, positive when the passage answers the query.

python -m training.train --base PATH --data FOLDER --wordnet /usr/share/wordnet --out FOLDER --minutes 180

Stops after `--minutes` of training; the learning rate falls to zero by then. Run again with the same `--out` to resume.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from training.corpus import N_PASSAGES, Corpus, make_batches, read_corpus
from training.data import blank, choose_passages, hide, miss, stuff, thin, vary

HELD_OUT = 400
WARM_UP = 100  # steps
HIDDEN = 0.4  # share of queries whose words are hidden: half of them in all passages, half in the right one only
STUFFED = 0.2  # share of queries whose words are put into one of the wrong passages
BLANK = 0.3  # share of queries that have the right passage, nearly all masked, among the wrong ones
MASKED = 0.3  # share of queries with up to half the words masked in all passages: gaps alone say nothing
SHARPNESS, BONUS = 20.0, 5.0  # nats: of a cosine of 1, and of being the right passage
MISSED = 0.25  # share of queries that have the right passage with one of their words swapped among the wrong ones
POSITIVE_WEIGHT = 6.0  # real candidates are easier than these negatives
SAVE_SECONDS = 300


@dataclass
class Run:
    """What a checkpoint holds."""

    model: Any
    optimizer: torch.optim.AdamW
    step: int = 0
    elapsed: float = 0.0

    def save(self, folder: Path, tokenizer: Any) -> None:
        """The checkpoint to resume from, and the model in float16 as it is shipped."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save({**state, "step": self.step, "elapsed": self.elapsed}, folder / "checkpoint.pt")
        half = {name: value.half() for name, value in self.model.state_dict().items()}
        self.model.save_pretrained(folder / "model", state_dict=half)
        tokenizer.save_pretrained(folder / "model")

    def resume(self, path: Path) -> None:
        """Continue where `path` left off, if it is there."""
        if path.exists():
            state = torch.load(path, map_location=self.model.device)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.elapsed = state["step"], state["elapsed"]


def start_run(start: str, learning_rate: float) -> Run:
    """The weights in `start`, under a new one-logit head if they have none; word embeddings frozen, and no dropout."""
    model = AutoModelForSequenceClassification.from_pretrained(
        start, num_labels=1, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    ).to("cuda" if torch.cuda.is_available() else "cpu")
    model.get_input_embeddings().weight.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0},
    ]
    return Run(model, torch.optim.AdamW(groups, lr=learning_rate))


def logits_of(
    model: Any, tokenizer: Any, corpus: Corpus, examples: list[int], args: argparse.Namespace, rng: random.Random
) -> tuple[torch.Tensor, list[str], list[str]]:
    """Logits `(query, passage)`, the right one first; and the queries and passages, before any words were hidden."""
    queries, passages = [], []
    for i in examples:
        example = corpus.pool.examples[i]
        chosen = choose_passages(example, corpus.neighbours[i], corpus.lexical[i], corpus.lengths, N_PASSAGES - 1, rng)
        queries += [vary(example.query, corpus.pool.passages[chosen[0]], rng)] * N_PASSAGES
        texts = [corpus.pool.passages[j] for j in chosen]
        if rng.random() < BLANK:
            texts[-1] = blank(texts[0], rng.choice([1.0, rng.uniform(0.75, 1.0)]), rng)
        if rng.random() < STUFFED:
            texts[1] = stuff(rng.choice(corpus.pool.passages)[: 2 * len(texts[0]) + 40], queries[-1], rng)
        if rng.random() < MISSED:
            missed = miss(texts[0], queries[-1], rng.choice(corpus.pool.examples).query, rng)
            texts[2] = missed if missed != texts[0] else texts[2]
        passages += texts
    shown = list(passages)
    for start in range(0, len(passages), N_PASSAGES):
        if rng.random() < HIDDEN:
            only_right = rng.random() < 0.5
            for j in range(start, start + N_PASSAGES):
                if j > start and only_right:
                    shown[j] = thin(passages[j], queries[j], rng)
                else:
                    shown[j] = hide(passages[j], queries[j], corpus.synonyms, rng)
        if rng.random() < MASKED:
            share = rng.uniform(0.0, 0.5)
            shown[start : start + N_PASSAGES] = [blank(text, share, rng) for text in shown[start : start + N_PASSAGES]]
    inputs = tokenizer(
        queries, shown, truncation="only_second", max_length=args.max_length, padding=True, return_tensors="pt"
    ).to(model.device)
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=args.bf16):
        logits = model(**inputs).logits
    return logits.float().view(-1, N_PASSAGES), queries[::N_PASSAGES], passages


def similarities(teacher: SentenceTransformer, queries: list[str], passages: list[str], bf16: bool) -> torch.Tensor:
    """The base bi-encoder's cosines `(query, passage)`: what it knows of meaning."""
    with torch.autocast(teacher.device.type, dtype=torch.bfloat16, enabled=bf16):
        vectors = teacher.encode(
            [*queries, *passages], convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False
        )
    vectors = vectors.float().clone()
    of_queries, of_passages = vectors[: len(queries)], vectors[len(queries) :]
    return (of_queries[:, None] * of_passages.view(len(queries), N_PASSAGES, -1)).sum(-1)


def loss_of(logits: torch.Tensor, cosines: torch.Tensor) -> torch.Tensor:
    """Order: softmax towards the teacher's order with a bonus for the right passage. Sign: half a binary loss."""
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    order = cross_entropy(logits, (SHARPNESS * cosines + BONUS * labels).softmax(-1))
    balance = logits.new_tensor(POSITIVE_WEIGHT)
    return order + 0.5 * binary_cross_entropy_with_logits(logits, labels, pos_weight=balance)


def held_out_accuracy(logits: torch.Tensor) -> tuple[float, float]:
    """How often the right passage is first, and how often the sign is right (both kinds weighted alike)."""
    right_sign = ((logits[:, 0] > 0).float().mean() + (logits[:, 1:] < 0).float().mean()) / 2
    return (logits.argmax(1) == 0).float().mean().item(), right_sign.item()


def train(run: Run, tokenizer: Any, corpus: Corpus, args: argparse.Namespace, rng: random.Random) -> None:
    """Until `--minutes` of training are over."""
    budget = args.minutes * 60
    indices = random.Random(args.seed).sample(range(len(corpus.pool.examples)), len(corpus.pool.examples))
    held_out, indices = indices[:HELD_OUT], indices[HELD_OUT:]
    parameters = [p for group in run.optimizer.param_groups for p in group["params"]]
    teacher = SentenceTransformer(args.base, device=run.model.device.type)
    teacher.max_seq_length = 256
    batches: list[list[int]] = []
    mean_loss = float("nan")
    since_save = time.perf_counter()
    bar = tqdm(total=int(args.minutes), initial=int(run.elapsed / 60), unit="min")
    while run.elapsed < budget:
        began = time.perf_counter()
        if not batches:
            drawn = (i for i in indices for _ in range(corpus.pool.examples[i].repeat))
            kept = [i for i in drawn if rng.random() > 0.75 * corpus.overlaps[i]]  # fewer that words alone solve
            batches = make_batches(corpus.pool, kept, corpus.lengths, rng)
        for group in run.optimizer.param_groups:
            group["lr"] = args.learning_rate * min(1.0, (run.step + 1) / WARM_UP) * (1 - run.elapsed / budget)
        logits, queries, passages = logits_of(run.model, tokenizer, corpus, batches.pop(), args, rng)
        loss = loss_of(logits, similarities(teacher, queries, passages, args.bf16))
        run.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        run.optimizer.step()
        run.step += 1
        mean_loss = loss.item() if run.step == 1 or mean_loss != mean_loss else 0.98 * mean_loss + 0.02 * loss.item()
        run.elapsed += time.perf_counter() - began
        bar.update(int(run.elapsed / 60) - bar.n)
        bar.set_postfix(step=run.step, loss=f"{mean_loss:.3f}")
        if time.perf_counter() - since_save > SAVE_SECONDS or run.elapsed >= budget:
            run.save(args.out, tokenizer)
            fixed = random.Random(1)
            parts = [held_out[i : i + 8] for i in range(0, len(held_out), 8)]
            with torch.inference_mode():
                logits = torch.cat([logits_of(run.model, tokenizer, corpus, p, args, fixed)[0] for p in parts])
            first, signed = held_out_accuracy(logits)
            tqdm.write(
                f"step {run.step}: right passage first {first:.3f}, right sign {signed:.3f}, loss {mean_loss:.3f}"
            )
            since_save = time.perf_counter()


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="folder or Hub id of sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--start", help="a reranker to train further; default: the base's weights under a new head")
    parser.add_argument("--data", required=True, type=Path, help="folder with train_pairs and candidates")
    parser.add_argument("--wordnet", type=Path, help="folder with WordNet 3.0's data.noun and so on")
    parser.add_argument("--out", required=True, type=Path, help="where checkpoints and the model go")
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--learning-rate", type=float, default=8e-5)
    parser.add_argument("--max-length", type=int, default=320)
    parser.add_argument("--bf16", action="store_true", help="bfloat16 autocast, for processors that have it")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.base, model_max_length=512)
    corpus = read_corpus(args, tokenizer, rng)
    run = start_run(args.start or args.base, args.learning_rate)
    run.resume(args.out / "checkpoint.pt")
    rng.seed(args.seed + run.step)
    print(f"{len(corpus.pool.passages):,} passages, {len(corpus.pool.examples):,} queries, from step {run.step}")
    train(run, tokenizer, corpus, args, rng)


if __name__ == "__main__":
    main()
