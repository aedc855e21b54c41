"""How often an audit claims a cause where there is none: `python -m benchmarks.audit_null [--sets 200] [--seed N]`.

Random weights and shuffled grades, small sets. A random model has tastes all the same, for long texts say, and what it
prefers goes with its failures; so this asks more than that chance alone is kept out.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter

import torch
from transformers import BertConfig, BertForSequenceClassification

from attribution.audit.causes import CAUSES, find_causes
from attribution.audit.failures import Wanted, survey
from attribution.audit.judged import Candidate, JudgedQuery, score_query
from attribution.audit.lifting import lifting_words
from attribution.audit.statistics import excesses
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.reranker import Reranker
from benchmarks.toy import SPECIALS, word_tokenizer

WORDS = tuple(a + b + c for a in "bdfgklmn" for b in "aeiou" for c in ("l", "ran"))
QUERIES, CANDIDATES, RELEVANT, LENGTH = 12, 6, 2, 6


def random_reranker(seed: int) -> Reranker:
    """A BERT of two narrow layers, its weights drawn by `seed`."""
    torch.manual_seed(seed)
    names = ["input_ids", "token_type_ids", "attention_mask"]
    config = BertConfig(
        vocab_size=len(SPECIALS) + len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=128, num_labels=1, pad_token_id=0,
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval().requires_grad_(False)
    family = FAMILIES["BertForSequenceClassification"]
    return Reranker(
        model_id="random",
        revision=str(seed),
        model=model,
        tokenizer=word_tokenizer(WORDS, names, 128),
        family=family,
        adapter=EmbeddingAdapter(
            {
                "word": model.get_submodule("bert.embeddings.word_embeddings"),
                "block": model.get_submodule("bert.embeddings"),
            }
        ),
        max_length=128,
        device=torch.device("cpu"),
    )


def shuffled_set(seed: int) -> list[JudgedQuery]:
    """Queries of four words; texts of one to six sentences of any words; which are relevant is drawn by lot."""
    rand = random.Random(seed)
    found = []
    for i in range(QUERIES):
        texts = [" ".join(_sentence(rand) for _ in range(rand.randint(1, LENGTH))) for _ in range(CANDIDATES)]
        relevant = rand.sample(range(CANDIDATES), RELEVANT)
        candidates = tuple(Candidate(f"d{k}", text, int(k in relevant)) for k, text in enumerate(texts))
        found.append(JudgedQuery(f"q{i}", " ".join(rand.sample(WORDS, 4)), candidates, {}))
    return found


def _sentence(rand: random.Random) -> str:
    return f"{' '.join(rand.choices(WORDS, k=LENGTH))} ."


def claims(seed: int) -> list[str]:
    """The causes, and the words, that an audit of the set claims."""
    reranker = random_reranker(seed)
    found = survey((score_query(reranker, one) for one in shuffled_set(seed)), Wanted("nDCG@10", QUERIES, seed))
    cases = [(one.case, *one.controls) for one in found.inversions if one.controls]
    held = [[find_causes(reranker, case) for case in of_query] for of_query in cases]
    told = excesses(CAUSES, [(failure, controls) for failure, *controls in held], seed)
    words = [one.word for one in lifting_words(reranker, found.inversions, seed) if one.claimed]
    return [*(key for key, excess in told.items() if excess.claimed), *words]


def main() -> None:
    """Print how many of the sets claim anything, and what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first set; the others follow")
    args = parser.parse_args()
    found = [claims(seed) for seed in range(args.seed, args.seed + args.sets)]
    print(f"{args.sets} sets from seed {args.seed}, {sum(map(bool, found))} claim anything")
    for what, wanted in (("cause", True), ("word", False)):
        held = [[key for key in one if (key in CAUSES) is wanted] for one in found]
        print(f"{sum(map(bool, held))} claim a {what}: {dict(Counter(key for one in held for key in one))}")


if __name__ == "__main__":
    main()
