"""The checkpoints on offer. Visitors choose from this table only; `app.py --model` and RERANKER_MODELS add to it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from attribution.errors import ModelError

ROOT = Path(__file__).resolve().parents[3]
CHECKOUT, INSTALLED = ROOT / "models" / "demo-reranker", ROOT / "attribution" / "demo_reranker"  # pip puts it there
BUNDLED = "demo-reranker"


@dataclass(frozen=True)
class Checkpoint:
    """`path`: a folder of this project, or a Hub id; `revision`: the commit it is pinned to; `parameters`: how many.

    `template`: a key of `TEMPLATES`, where the files of a language model name no prompt. `architecture`: a key of
    `FAMILIES`, as its config.json says; loading reads it there, this is for tables.
    """

    label: str
    path: str
    licence: str
    about: str
    languages: str = ""
    parameters: int | None = None
    revision: str | None = None
    template: str | None = None
    architecture: str = ""

    @property
    def memory(self) -> int | None:
        """Bytes of its weights in float32."""
        return None if self.parameters is None else 4 * self.parameters


# In the order in which a page opens on them when they are on disk: known and quick first, the bundled one last.
MODELS: dict[str, Checkpoint] = {
    "ms-marco-MiniLM-L6-v2": Checkpoint(
        label="MS MARCO MiniLM-L6 v2",
        path="cross-encoder/ms-marco-MiniLM-L6-v2",
        licence="Apache-2.0",
        about="a widely used reranker, trained on MS MARCO (Bing queries)",
        languages="English",
        parameters=22_713_601,
        revision="c5ee24cb16019beea0893ab7796b1df96625c6b8",
        architecture="BertForSequenceClassification",
    ),
    "ms-marco-MiniLM-L12-v2": Checkpoint(
        label="MS MARCO MiniLM-L12 v2",
        path="cross-encoder/ms-marco-MiniLM-L12-v2",
        licence="Apache-2.0",
        about="the same with twice the layers",
        languages="English",
        parameters=33_360_385,
        revision="7b0235231ca2674cb8ca8f022859a6eba2b1c968",
        architecture="BertForSequenceClassification",
    ),
    "mxbai-rerank-xsmall-v1": Checkpoint(
        label="mxbai-rerank xsmall v1",
        path="mixedbread-ai/mxbai-rerank-xsmall-v1",
        licence="Apache-2.0",
        about="a small DeBERTa-v3",
        languages="English",
        parameters=70_830_337,
        revision="b5c6e9da73abc3711f593f705371cdbe9e0fe422",
        architecture="DebertaV2ForSequenceClassification",
    ),
    "gte-reranker-modernbert-base": Checkpoint(
        label="gte-reranker ModernBERT base",
        path="Alibaba-NLP/gte-reranker-modernbert-base",
        licence="Apache-2.0",
        about="reads 8,192 tokens",
        languages="English",
        parameters=149_605_633,
        revision="f7481e6055501a30fb19d090657df9ec1f79ab2c",
        architecture="ModernBertForSequenceClassification",
    ),
    "bge-reranker-base": Checkpoint(
        label="bge-reranker base",
        path="BAAI/bge-reranker-base",
        licence="MIT",
        about="XLM-RoBERTa base",
        languages="English, Chinese",
        parameters=278_044_417,
        revision="2cfc18c9415c912f9d8155881c133215df768a70",
        architecture="XLMRobertaForSequenceClassification",
    ),
    "bge-reranker-v2-m3": Checkpoint(
        label="bge-reranker v2 m3",
        path="BAAI/bge-reranker-v2-m3",
        licence="Apache-2.0",
        about="XLM-RoBERTa large; reads 8,192 tokens",
        languages="more than 100",
        parameters=567_755_777,
        revision="953dc6f6f85a1b2dbfca4c34a2796e7dde08d41e",
        architecture="XLMRobertaForSequenceClassification",
    ),
    "gte-multilingual-reranker-base": Checkpoint(
        label="gte-multilingual-reranker base",
        path="Alibaba-NLP/gte-multilingual-reranker-base",
        licence="Apache-2.0",
        about="reads 8,192 tokens",
        languages="more than 70",
        parameters=305_959_681,
        revision="8215cf04918ba6f7b6a62bb44238ce2953d8831c",
        architecture="NewForSequenceClassification",
    ),
    "Qwen3-Reranker-0.6B": Checkpoint(
        label="Qwen3-Reranker 0.6B",
        path="Qwen/Qwen3-Reranker-0.6B",
        licence="Apache-2.0",
        about="a language model asked for yes or no; without a GPU an explanation takes minutes",
        languages="more than 100",
        parameters=595_776_512,
        revision="e61197ed45024b0ed8a2d74b80b4d909f1255473",
        template="qwen3-reranker",
        architecture="Qwen3ForCausalLM",
    ),
    "mxbai-rerank-base-v2": Checkpoint(
        label="mxbai-rerank base v2",
        path="mixedbread-ai/mxbai-rerank-base-v2",
        licence="Apache-2.0",
        about="a language model asked for 1 or 0; without a GPU an explanation takes minutes",
        languages="more than 100",
        parameters=494_032_768,
        revision="3ea9d4dffa7d12a4f366be8e275c349de9fc9865",
        template="mxbai-rerank-v2",
        architecture="Qwen2ForCausalLM",
    ),
    "ms-marco-TinyBERT-L2-v2": Checkpoint(
        label="MS MARCO TinyBERT-L2 v2",
        path="cross-encoder/ms-marco-TinyBERT-L2-v2",
        licence="Apache-2.0",
        about="two layers, the smallest of these",
        languages="English",
        parameters=4_386_049,
        revision="81d1926f67cb8eee2c2be17ca9f793c7c3bd20cc",
        architecture="BertForSequenceClassification",
    ),
    BUNDLED: Checkpoint(
        label="Demo reranker (bundled, MiniLM-L6)",
        path=str(INSTALLED if INSTALLED.is_dir() else CHECKOUT),
        licence="Apache-2.0; data CC BY-SA 4.0, 3.0, Apache-2.0, WordNet",
        about="trained for this project on SQuAD 1.1, QED, SelQA, WordNet 3.0",
        languages="English, lower-cased",
        parameters=22_713_601,
        architecture="BertForSequenceClassification",
    ),
}


def offer(model_ids: Iterable[str]) -> list[str]:
    """Puts folders and Hub ids into `MODELS` under their own names, before all others; returns their keys.

    Names that two of them share are told apart by the folder or the owner they are under.
    """
    keys = list(dict.fromkeys(model_ids))
    before = {key: MODELS.pop(key) for key in list(MODELS)}
    taken = [row.label for row in before.values()] + [Path(key).name for key in keys]
    for key in keys:
        name = Path(key).name if taken.count(Path(key).name) == 1 else key
        MODELS[key] = before.get(key) or Checkpoint(name, key, licence="see its card", about="given with --model")
    MODELS.update({key: row for key, row in before.items() if key not in MODELS})
    return keys


def place_of(model_id: str, revision: str | None = None) -> tuple[str, str | None]:
    """Where a model is, a folder or a Hub id, and at which revision: the one asked for, or of "id@revision", or pinned.

    Raises `ModelError` when two are named.
    """
    row = MODELS.get(model_id)
    path = row.path if row else model_id
    name, at, own = path.rpartition("@")
    if not at or Path(path).expanduser().exists():
        return path, revision or (row.revision if row else None)
    if revision and revision != own:
        raise ModelError(f"{model_id} names the revision {own!r}, and {revision!r} is asked for. Give one of the two.")
    if not name or not own:
        raise ModelError(f"{model_id} must be id@revision: something is missing on one side of the @. {advice()}")
    return (MODELS[name].path if name in MODELS else name), own


def advice() -> str:
    """The end of a message about a model that cannot be found."""
    return (
        f"Give a model on offer ({', '.join(MODELS)}), a local folder with config.json, tokenizer.json and "
        "safetensors, or a Hub id that can be reached."
    )


def split_ids(setting: str) -> list[str]:
    """The ids and paths of `RERANKER_MODELS`, separated by commas or line ends."""
    return [item.strip() for item in re.split(r"[,\n]", setting) if item.strip()]
