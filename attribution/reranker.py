"""`load_reranker` and `Reranker`: a frozen model, its tokenizer, and forwards that count themselves."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from attribution.embedding import EmbeddingAdapter
from attribution.errors import ModelError, OptionError
from attribution.families import Family, choose_family
from attribution.models import DEFAULT_MODEL, MODELS
from attribution.types import Point, Segment, TokenizedPair

TOKENS_A_CHUNK = 2048  # batching gains up to about this many tokens a forward on a CPU
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
BASELINES = {
    "mask": "[MASK] in place of every word",
    "unk": "the unknown token in place of every word",
    "pad": "the padding token's embedding, attention left on",
    "zero": "zero vectors: far from anything the model was trained on",
}


@dataclass
class Meter:
    """Counts sequences through the model, forward and backward; `on_pass` hears of each batch and may raise."""

    on_pass: Callable[[Meter], None] | None = None
    n_forward: int = 0
    n_backward: int = 0

    def forward(self, n: int) -> None:
        if self.on_pass:
            self.on_pass(self)
        self.n_forward += n

    def backward(self, n: int) -> None:
        self.n_backward += n


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered(meter: Meter) -> Iterator[Meter]:
    """Count the passes of this thread into `meter`."""
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


@dataclass(frozen=True)
class Reranker:
    """One loaded cross-encoder; `model` is frozen, in eval mode, float32, and shared by all threads."""

    model_id: str
    revision: str
    model: Any
    tokenizer: PreTrainedTokenizerBase
    family: Family
    adapter: EmbeddingAdapter
    max_length: int
    device: torch.device
    scale_invariant: bool = field(default=False)

    def encode(self, query: str, document: str) -> TokenizedPair:
        """The pair as the model reads it, on its device. Raises `InputError`."""
        pair = self.family.encode(self.tokenizer, query, document, self.max_length)
        inputs = {name: value.to(self.device) for name, value in pair.inputs.items()}
        return dataclasses.replace(pair, inputs=inputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Logits `(batch,)` of the model as it is; `inputs` are `(batch, seq)` each."""
        meter = _meter.get()
        batch = len(inputs["input_ids"])
        if meter:
            meter.forward(batch)
        logit: Tensor = self.family.read_logit(self.model(**inputs))  # (batch,)
        if meter and logit.requires_grad:
            logit.register_hook(lambda _grad: meter.backward(batch))
        return logit

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """Raw logits of `documents` for `query`, in the order given."""
        pairs = [self.encode(query, document) for document in documents]
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].tokens))
        logits = [0.0] * len(pairs)
        while order:
            longest = len(pairs[order[-1]].tokens)
            chunk = [order.pop() for _ in range(min(len(order), max(1, TOKENS_A_CHUNK // longest)))]
            features = [{name: value[0].tolist() for name, value in pairs[i].inputs.items()} for i in chunk]
            inputs = self.tokenizer.pad(features, return_tensors="pt").to(self.device)  # (batch, seq) each
            with torch.inference_mode():
                values = self.forward(dict(inputs)).tolist()
            for i, value in zip(chunk, values, strict=True):
                logits[i] = value
        return logits

    def forward_func(self, pair: TokenizedPair, point: Point = "word") -> Callable[[Tensor], Tensor]:
        """Embeddings `(batch, seq, hidden)` at `point` -> logit `(batch,)`; all else as the pair has it."""

        def forward_func(inputs_embeds: Tensor) -> Tensor:
            inputs = {name: value.expand(len(inputs_embeds), -1) for name, value in pair.inputs.items()}
            with self.adapter.intercept(point, lambda _output: inputs_embeds):
                return self.forward(inputs)

        return forward_func

    def embed(self, pair: TokenizedPair, point: Point = "word") -> Tensor:
        """What the layer at `point` returns for the pair, `(1, seq, hidden)`."""
        with torch.no_grad():
            words = self.word_embeddings(pair.inputs["input_ids"])
            return words if point == "word" else self._through_block(pair, words)

    def baselines(
        self, pair: TokenizedPair, name: str, segments: Sequence[Segment] = ("document",), point: Point = "word"
    ) -> Tensor:
        """The reference input `(1, seq, hidden)`: the pair with the words of `segments` replaced, see `BASELINES`.

        Specials, template, positions, token types and length stay, so it explains F(pair) - F(pair without them).
        """
        places = pair.positions(*segments)
        input_ids = pair.inputs["input_ids"].clone()
        if name != "zero":
            input_ids[:, places] = self.baseline_id(name)
        with torch.no_grad():
            words = self.word_embeddings(input_ids).clone()
            if name == "zero":
                words[:, places] = 0
            return words if point == "word" else self._through_block(pair, words)

    @property
    def word_embeddings(self) -> nn.Module:
        """The layer the encoder really calls: `input_ids (batch, seq)` -> `(batch, seq, hidden)`."""
        layer: nn.Module = self.model.get_submodule(self.family.word_embeddings)
        return layer

    def baseline_id(self, name: str) -> int:
        """The token id that baseline `name` puts in place of a word. Raises `OptionError`."""
        ids = {name: getattr(self.tokenizer, f"{name}_token_id", None) for name in ("mask", "unk", "pad")}
        if ids.get(name) is None:
            valid = [key for key, value in ids.items() if value is not None] + ["zero"]
            raise OptionError(f"Unknown baseline {name!r} for {self.model_id}. Valid: {', '.join(valid)}.")
        return int(ids[name])

    @property
    def default_baseline(self) -> str:
        """MASK where the tokenizer has one, else UNK, else PAD."""
        return next(n for n in ("mask", "unk", "pad") if getattr(self.tokenizer, f"{n}_token_id", None) is not None)

    def trainable(self) -> Reranker:
        """The same weights in memory, as a model of its own whose parameters require grad. Costs no copy of weights."""
        shared = {id(p): nn.Parameter(p.detach(), requires_grad=True) for p in self.model.parameters()}
        return dataclasses.replace(self, model=copy.deepcopy(self.model, shared))

    def _through_block(self, pair: TokenizedPair, words: Tensor) -> Tensor:
        captured: list[Tensor] = []

        def capture(output: Tensor) -> Tensor:
            captured.append(output)
            return output

        with self.adapter.intercept("block", capture):
            self.forward_func(pair)(words)
        return captured[0]


_loaded: dict[tuple[str, str | None, str], Reranker] = {}
_load_lock = threading.Lock()


def load_reranker(
    model_id: str | None = None, *, revision: str | None = None, device: str | None = None
) -> Reranker:
    """Load once and keep. `model_id`: a key of `MODELS`, a local folder or a Hub id; None: the bundled reranker.

    Raises `ModelError` when the checkpoint is missing, not of a supported family, or fails the self-test.
    """
    model_id = model_id or DEFAULT_MODEL
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    key = (model_id, revision, device)
    if key in _loaded:  # never wait behind another visitor's download
        return _loaded[key]
    with _load_lock:
        if key not in _loaded:
            _loaded[key] = _load(model_id, revision, device)
        return _loaded[key]


def _load(model_id: str, revision: str | None, device: str) -> Reranker:
    known = MODELS.get(model_id)
    folder = Path(known.path if known else model_id).expanduser()
    try:
        if not folder.is_dir():
            folder = Path(snapshot_download(str(folder), revision=revision, allow_patterns=HUB_FILES))
            revision = folder.name
        config = AutoConfig.from_pretrained(folder)
        family = choose_family(config, model_id)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = family.auto_class.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"Could not load {model_id}: {str(error).splitlines()[0]} Give a key of MODELS ({', '.join(MODELS)}), a local "
            "folder with config.json, tokenizer.json and safetensors, or a Hub id that can be reached."
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(f"{model_id} has no fast tokenizer (tokenizer.json), which character spans need.")
    model.eval().requires_grad_(False).to(device)
    adapter = EmbeddingAdapter(
        {"word": model.get_submodule(family.word_embeddings), "block": model.get_submodule(family.embeddings)}
    )
    reranker = Reranker(
        model_id=model_id,
        revision=revision or _fingerprint(folder),
        model=model,
        tokenizer=tokenizer,
        family=family,
        adapter=adapter,
        max_length=_max_length(config, tokenizer),
        device=torch.device(device),
    )
    return dataclasses.replace(reranker, scale_invariant=self_test(reranker))


def _fingerprint(folder: Path) -> str:
    """A local folder's revision: a hash of its weights, so that changed weights never pass for the old ones."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()[:12]}"


def _max_length(config: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens the model reads: the tokenizer's limit where it states one, else the position table's, at most 8192."""
    positions = int(getattr(config, "max_position_embeddings", None) or 512)
    if config.model_type in ("roberta", "xlm-roberta", "mpnet"):
        positions -= config.pad_token_id + 1  # their positions start after the padding index
    return min(tokenizer.model_max_length, positions, 8192)


def self_test(reranker: Reranker) -> bool:
    """Check at load that explaining is sound for this checkpoint; returns whether it is scale-invariant.

    The score through the adapter equals the plain one, the embedding layer is called once, the gradient is finite and
    not zero. Scale-invariant: the word embedding is normalised first, so `sum(grad * x)` is 0. Raises `ModelError`.
    """
    pair = reranker.encode("which city is the capital of France", "Paris is the capital of France.")
    calls: list[int] = []

    def leaf_of(output: Tensor) -> Tensor:
        calls.append(1)
        return inputs_embeds

    with torch.no_grad():
        plain = reranker.forward(dict(pair.inputs))
    inputs_embeds = reranker.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    with reranker.adapter.intercept("word", leaf_of):
        logit = reranker.forward(dict(pair.inputs))
    (grad,) = torch.autograd.grad(logit.sum(), inputs_embeds)
    problems = {
        "the score through the embedding hook differs from the plain score": not torch.allclose(logit, plain, atol=1e-4),
        f"the embedding layer was called {len(calls)} times instead of once": len(calls) != 1,
        "the gradient is not finite or all zero": not bool(torch.isfinite(grad).all() and grad.abs().sum() > 0),
    }
    for problem, found in problems.items():
        if found:
            raise ModelError(f"{reranker.model_id} failed the self-test at load: {problem}.")
    products = grad * inputs_embeds.detach()
    return bool(products.sum().abs() < 1e-4 * products.abs().sum())
