"""The checkpoints on offer. A public Space takes models from this table only; `app.py --model` adds to it locally."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT, INSTALLED = ROOT / "models" / "demo-reranker", ROOT / "attribution" / "demo_reranker"  # pip puts it there


@dataclass(frozen=True)
class Checkpoint:
    """`path`: a folder of this project, or a Hub id."""

    label: str
    path: str
    licence: str
    trained_on: str


MODELS: dict[str, Checkpoint] = {
    "demo-reranker": Checkpoint(
        label="Demo reranker (bundled, MiniLM-L6)",
        path=str(INSTALLED if INSTALLED.is_dir() else CHECKOUT),
        licence="Apache-2.0; data CC BY-SA 4.0, 3.0, Apache-2.0, WordNet",
        trained_on="SQuAD 1.1, QED, SelQA, WordNet 3.0",
    ),
}
DEFAULT_MODEL = "demo-reranker"
