"""Average a reranker with its base: better away from the training data (WiSE-FT, arXiv:2109.01903).

python -m training.average --base PATH --model FOLDER --out FOLDER [--share 0.1]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

HEAD = "pooler"  # the base's read-out was never trained, so the reranker's stays


def average(trained: Mapping[str, Tensor], base: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """`(1 - share) trained + share base` for every weight that both have; the head's as trained."""
    return {
        name: value if name not in base or name.startswith(HEAD) else torch.lerp(value, base[name], share)
        for name, value in trained.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="folder or Hub id of the base bi-encoder")
    parser.add_argument("--model", required=True, help="the trained reranker")
    parser.add_argument("--out", required=True, help="where the average goes, in float16")
    parser.add_argument("--share", type=float, default=0.1, help="of the base")
    args = parser.parse_args()
    if not 0 <= args.share <= 1:
        parser.error(f"--share is {args.share}; it must be between 0 and 1.")
    base = AutoModel.from_pretrained(args.base, dtype=torch.float32)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float32)
    mixed = average(model.base_model.state_dict(), base.state_dict(), args.share)
    model.base_model.load_state_dict(mixed)
    model.save_pretrained(args.out, state_dict={name: value.half() for name, value in model.state_dict().items()})
    AutoTokenizer.from_pretrained(args.model).save_pretrained(args.out)


if __name__ == "__main__":
    main()
