"""Fine-tune a bi-encoder's weights into the bundled reranker: one logit, positive when the passage answers the query.

python -m training.train --base PATH --data FOLDER --out FOLDER --minutes 100

Stops after `--minutes` of training; the learning rate falls to zero by then. Run again with the same `--out` to resume.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from training.data import Pool, build_pool, choose_passages, mine_lexical, overlap, vary

N_PASSAGES = 4  # one positive, three negatives
TOKENS_A_BATCH = 3072
HELD_OUT = 400


def encode_texts(base: str, texts: list[str], bf16: bool) -> np.ndarray:
    """Mean-pooled, normalised embeddings `(text, hidden)` by the base bi-encoder."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = SentenceTransformer(base, device=device)
    encoder.max_seq_length = 80
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
        return encoder.encode(texts, batch_size=128, normalize_embeddings=True, show_progress_bar=True)


def mine_neighbours(base: str, pool: Pool, cache: Path, bf16: bool, keep: int = 40) -> np.ndarray:
    """The `keep` nearest passages of each example's query `(example, keep)`, kept on disk."""
    if cache.exists():
        return np.load(cache)
    passages = encode_texts(base, pool.passages, bf16)
    queries = encode_texts(base, [example.query for example in pool.examples], bf16)
    nearest = np.empty((len(queries), keep), dtype=np.int32)
    for start in range(0, len(queries), 512):
        scores = queries[start : start + 512] @ passages.T  # (query, passage)
        top = np.argpartition(-scores, keep, axis=1)[:, :keep]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
        nearest[start : start + 512] = np.take_along_axis(top, order, axis=1)
    np.save(cache, nearest)
    return nearest


def make_batches(pool: Pool, indices: list[int], lengths: np.ndarray, rng: random.Random) -> list[list[int]]:
    """One epoch of example indices, grouped by the positive's length so that a batch holds about the same tokens."""
    shuffled = sorted(indices, key=lambda i: lengths[pool.examples[i].positives[0]] + rng.random() * 8)
    batches: list[list[int]] = []
    current: list[int] = []
    for i in shuffled:
        longest = max(lengths[list(pool.examples[j].positives)].max() for j in [*current, i]) * 1.2 + 30
        if current and (len(current) + 1) * N_PASSAGES * longest > TOKENS_A_BATCH:
            batches.append(current)
            current = []
        current.append(i)
    batches.append(current)
    rng.shuffle(batches)
    return batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="folder or Hub id of sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", required=True, type=Path, help="folder with train_pairs and candidates")
    parser.add_argument("--out", required=True, type=Path, help="where checkpoints and the model go")
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--learning-rate", type=float, default=8e-5)
    parser.add_argument("--max-length", type=int, default=224)
    parser.add_argument("--bf16", action="store_true", help="bfloat16 autocast, for processors that have it")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(args.base, model_max_length=512)
    model = AutoModelForSequenceClassification.from_pretrained(
        args.base,
        num_labels=1,
        dtype=torch.float32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ).to(device)
    model.get_input_embeddings().weight.requires_grad_(False)

    pool = build_pool(args.data, rng)
    neighbours = mine_neighbours(args.base, pool, args.out / "neighbours.npy", args.bf16)
    lexical = mine_lexical(pool, args.out / "lexical.npy")
    overlaps = [overlap(example.query, pool.passages[example.positives[0]]) for example in pool.examples]
    lengths = np.array([len(ids) for ids in tokenizer(pool.passages, add_special_tokens=False)["input_ids"]])
    lengths = np.minimum(lengths, args.max_length)
    indices = list(range(len(pool.examples)))
    rng.shuffle(indices)
    held_out, indices = indices[:HELD_OUT], indices[HELD_OUT:]
    print(f"{len(pool.passages):,} passages, {len(indices):,} queries, on {device}")

    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=args.learning_rate
    )

    def logits_of(examples: list[int], rng: random.Random) -> torch.Tensor:
        queries, passages = [], []
        for i in examples:
            example = pool.examples[i]
            chosen = choose_passages(example, neighbours[i], lexical[i], lengths, N_PASSAGES - 1, rng)
            queries += [vary(example.query, pool.passages[chosen[0]], rng)] * N_PASSAGES
            passages += [pool.passages[j] for j in chosen]
        inputs = tokenizer(
            queries, passages, truncation="only_second", max_length=args.max_length, padding=True, return_tensors="pt"
        ).to(device)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=args.bf16):
            logits = model(**inputs).logits
        return logits.float().view(-1, N_PASSAGES)  # (query, passage), the positive first

    checkpoint = args.out / "checkpoint.pt"
    step, elapsed = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, elapsed = state["step"], state["elapsed"]
        rng.seed(args.seed + step)
        print(f"resumed at step {step}, {elapsed / 60:.1f} minutes")

    def save() -> None:
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "elapsed": elapsed},
            checkpoint,
        )
        half = {name: value.half() for name, value in model.state_dict().items()}
        model.save_pretrained(args.out / "model", state_dict=half)
        tokenizer.save_pretrained(args.out / "model")

    def held_out_accuracy() -> tuple[float, float]:
        fixed = random.Random(1)
        with torch.inference_mode():
            logits = torch.cat([logits_of(held_out[i : i + 8], fixed) for i in range(0, HELD_OUT, 8)])
        right_sign = ((logits[:, 0] > 0).float().mean() + (logits[:, 1:] < 0).float().mean()) / 2
        return (logits.argmax(1) == 0).float().mean().item(), right_sign.item()

    budget = args.minutes * 60
    bar = tqdm(total=int(args.minutes), initial=int(elapsed / 60), unit="min")
    batches: list[list[int]] = []
    since_save = time.perf_counter()
    mean_loss = 1.4
    while elapsed < budget:
        began = time.perf_counter()
        if not batches:
            kept = [i for i in indices if rng.random() > 0.75 * overlaps[i]]  # fewer that word matching would solve
            batches = make_batches(pool, kept, lengths, rng)
        rate = args.learning_rate * min(1.0, (step + 1) / 100) * (1 - elapsed / budget)
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits = logits_of(batches.pop(), rng)
        order = cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.long))
        labels = torch.zeros_like(logits)
        labels[:, 0] = 1
        sign = binary_cross_entropy_with_logits(logits, labels, pos_weight=logits.new_tensor(N_PASSAGES - 1.0))
        loss = order + 0.5 * sign
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decayed + plain, 1.0)
        optimizer.step()
        step += 1
        mean_loss = 0.98 * mean_loss + 0.02 * loss.item()
        elapsed += time.perf_counter() - began
        bar.update(int(elapsed / 60) - bar.n)
        if step % 25 == 0:
            bar.set_postfix(step=step, loss=f"{mean_loss:.3f}", lr=f"{rate:.1e}")
        if time.perf_counter() - since_save > 300 or elapsed >= budget:
            save()
            ranked, signed = held_out_accuracy()
            tqdm.write(f"step {step}: right passage first {ranked:.3f}, right sign {signed:.3f}, loss {mean_loss:.3f}")
            since_save = time.perf_counter()


if __name__ == "__main__":
    main()
