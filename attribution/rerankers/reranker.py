"""`Reranker`: a frozen model, its tokenizer, and forwards that count themselves."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from attribution.errors import InputError, OptionError, check_text, plain_texts, shown
from attribution.rerankers.encoding import encode_pair, encode_prompt
from attribution.rerankers.families import Family
from attribution.rerankers.hooks import EmbeddingAdapter, current, only_what_is_read, with_autograd
from attribution.rerankers.loading.readout import ReadOut
from attribution.types import BASELINES, Segment, TokenizedPair, notes_of

TOKENS_A_CHUNK = 2048  # batching gains up to about this many tokens a forward on a CPU


def _listed(documents: object) -> list[Any]:
    """`documents` as a list; one text alone would be read letter by letter, a table by its columns' names."""
    one = isinstance(documents, (str, bytes, Mapping)) or getattr(documents, "ndim", 1) != 1
    if one or not isinstance(documents, Iterable):
        raise InputError(
            f"documents is one {type(documents).__name__}; it must be a list of texts. For one document: "
            "score(query, [document])."
        )
    return list(documents)


@dataclass(frozen=True)
class Reranker:
    """One loaded cross-encoder; `model` is frozen, in eval mode, float32 unless asked for, shared by all threads.

    `precision`: what may set its scores apart from those of other programs, in sentences.
    """

    model_id: str
    revision: str
    model: Any
    tokenizer: PreTrainedTokenizerBase
    family: Family
    adapter: EmbeddingAdapter
    max_length: int
    device: torch.device
    settings: ReadOut = field(default=ReadOut())
    precision: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What every result says of this model, in sentences: its precision, its files, which output is the score."""
        return notes_of(self.precision, self.settings.reads)

    def about(self, query: str) -> dict[str, Any]:
        """The fields that make a `Result` one of this model."""
        return {"model_id": self.model_id, "revision": self.revision, "query": query}

    @with_autograd
    def encode(self, query: str, document: str) -> TokenizedPair:
        """The pair as the model reads it, on its device: through its prompt, else by the tokenizer's own pair template.

        Raises `InputError` when a text holds nothing the model reads, or the query leaves no room for the document.
        """
        query, document = plain_texts(query=query, document=document)
        given, settings = (self.tokenizer, query, document, self.max_length), self.settings
        pair = encode_prompt(*given, settings.prompt) if settings.prompt else encode_pair(*given, settings.before)
        inputs = {name: value.to(self.device) for name, value in pair.inputs.items()}
        return dataclasses.replace(pair, inputs=inputs)

    def outputs(self, inputs: dict[str, Tensor], **flags: bool) -> Any:
        """The model's whole output, the forward counted; `flags` such as `output_attentions=True`."""
        meter = current()
        if meter:
            meter.forward(len(inputs["input_ids"]))
        return self.model(**self.family.prepare(self.model, inputs), **flags)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Logits `(batch,)` of the model as it is; `inputs` are `(batch, seq)` each, padded on either side."""
        meter = current()
        batch = len(inputs["input_ids"])
        with only_what_is_read():
            output = self.outputs(inputs)
        logit = self.read_logit(output)  # (batch,)
        if meter and logit.requires_grad:
            logit.register_hook(lambda _grad: meter.backward(batch))
        return logit

    def read_logit(self, output: Any) -> Tensor:
        """The logit `(batch,)` in a model's output: the label or the answer that the checkpoint's settings name."""
        return self.settings.read(self.family.columns(output)).float()

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """Raw logits of `documents` for `query`, in the order given. Raises `InputError`."""
        documents = _listed(documents)
        for i, document in enumerate(documents):
            check_text(f"document at index {i}", document)
        pairs = [self.encode(query, document) for document in documents]
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].tokens))
        logits = [0.0] * len(pairs)
        while order:
            longest = len(pairs[order[-1]].tokens)
            chunk = [order.pop() for _ in range(min(len(order), max(1, TOKENS_A_CHUNK // longest)))]
            with torch.inference_mode():
                values = self.forward(self.batch([pairs[i] for i in chunk])).tolist()
            for i, value in zip(chunk, values, strict=True):
                logits[i] = value
        return logits

    def batch(self, pairs: Sequence[TokenizedPair]) -> dict[str, Tensor]:
        """The pairs' inputs `(batch, seq)` each, padded on the family's side, whatever the tokenizer's own is."""
        side = "left" if self.family.pad_left else "right"
        fill = {"input_ids": self.pad_id}  # everything else, the attention mask first of all, is padded with 0
        rows = {name: [pair.inputs[name][0] for pair in pairs] for name in pairs[0].inputs}
        return {name: pad_sequence(of, True, fill.get(name, 0), side) for name, of in rows.items()}

    @property
    def pad_id(self) -> int:
        """The model's own padding id, by which it may count positions or find the read-out; else the tokenizer's."""
        ids = (getattr(self.model.config, "pad_token_id", None), self.tokenizer.pad_token_id, 0)
        return next(i for i in ids if i is not None and i >= 0)

    def forward_func(self, pair: TokenizedPair) -> Callable[[Tensor], Tensor]:
        """Word embeddings `(batch, seq, hidden)` -> logit `(batch,)`; all else as the pair has it."""

        def forward_func(inputs_embeds: Tensor) -> Tensor:
            inputs = {name: value.expand(len(inputs_embeds), -1) for name, value in pair.inputs.items()}
            with self.adapter.intercept("word", lambda output: inputs_embeds.to(output.dtype)):
                return self.forward(inputs)

        return forward_func

    def replaced(self, pair: TokenizedPair) -> Callable[[dict[str, Tensor]], Tensor]:
        """`inputs`, of which `input_ids (batch, seq)` are other words in the pair's places -> logit `(batch,)`.

        Only the embeddings are replaced: the model still counts positions, and finds what it reads, by the pair's own
        ids, so that a typed padding token moves nothing when it goes.
        """
        return lambda inputs: self.forward_func(pair)(self.word_embeddings(inputs["input_ids"]))

    def embed(self, pair: TokenizedPair) -> Tensor:
        """The pair's word embeddings, `(1, seq, hidden)`."""
        with torch.no_grad():
            return self.word_embeddings(pair.embedded).float()

    def logit_from_block(self, pair: TokenizedPair) -> tuple[Tensor, Tensor]:
        """The output of the embeddings block as a leaf `(1, seq, hidden)`, and the logit `(1,)` of the same forward."""
        leaves: list[Tensor] = []

        def as_leaf(output: Tensor) -> Tensor:
            leaves.append(output.detach().clone().float().requires_grad_(True))
            return leaves[-1].to(output.dtype)

        words = self.embed(pair)  # outside: in some families the word embeddings are the whole block
        with self.adapter.intercept("block", as_leaf):
            logit = self.forward_func(pair)(words)
        return leaves[0], logit

    def baselines(self, pair: TokenizedPair, name: str, segments: Sequence[Segment] = ("document",)) -> Tensor:
        """The reference input `(1, seq, hidden)`: the pair with the words of `segments` replaced, see `BASELINES`.

        Specials, template, positions, token types and length stay, so it explains F(pair) - F(pair without them).
        Raises `OptionError`.
        """
        places = pair.positions(*segments)
        input_ids = pair.embedded.clone()
        if name != "zero":
            input_ids[:, places] = self.baseline_id(name)
        with torch.no_grad():
            words = self.word_embeddings(input_ids).clone().float()
            if name == "zero":
                words[:, places] = 0
            return words

    @property
    def half(self) -> bool:
        """Whether its numbers are of half precision."""
        return self.word_embeddings.get_parameter("weight").dtype != torch.float32

    @property
    def word_embeddings(self) -> nn.Module:
        """The layer the encoder really calls: `input_ids (batch, seq)` -> `(batch, seq, hidden)`."""
        return self.model.get_submodule(self.family.word_embeddings)

    def baseline_id(self, name: str) -> int:
        """The token id that baseline `name` puts in place of a word. Raises `OptionError`."""
        ids = self._neutral_ids()
        if not isinstance(name, str) or name not in ids:
            raise OptionError(
                f"Unknown baseline {name!r} for {self.model_id}. Valid: {', '.join(self.baseline_names)}."
            )
        return ids[name]

    @property
    def baseline_names(self) -> list[str]:
        """The keys of `BASELINES` that this model has an embedding for."""
        return [*self._neutral_ids(), "zero"]

    @property
    def default_baseline(self) -> str:
        """The first the model has an embedding for: MASK, else a single space, UNK, PAD, else zero vectors."""
        return next(iter(self._neutral_ids()), "zero")

    def _neutral_ids(self) -> dict[str, int]:
        """The ids of those of `BASELINES` that the tokenizer and the embedding layer have, the best first."""
        spaces: Any = self.tokenizer.convert_tokens_to_ids(["Ġ", "▁"])  # byte-level, sentencepiece
        ids = {name: getattr(self.tokenizer, f"{name}_token_id", None) for name in BASELINES}
        ids["space"] = next((i for i in spaces if i not in (None, ids["unk"])), None)
        n_known = self.word_embeddings.get_parameter("weight").shape[0]
        return {name: i for name, i in ids.items() if i is not None and i < n_known}

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of its parameters."""
        return sum(p.numel() * p.element_size() for p in self.model.parameters())

    def trainable(self) -> Reranker:
        """The same weights in memory, as a model of its own whose parameters require grad. Costs no copy of weights."""
        return self._twin(grad=True)

    def eager(self) -> Reranker:
        """A frozen twin with eager attention, the only kind that returns its weights; the shared model keeps sdpa."""
        twin = self._twin(grad=False)
        twin.model.set_attn_implementation("eager")
        return twin

    def _twin(self, grad: bool) -> Reranker:
        shared: dict[int, Any] = {id(p): nn.Parameter(p.detach(), requires_grad=grad) for p in self.model.parameters()}
        # Each module has a dozen dicts of hooks, almost all empty, which deepcopy takes longest for.
        parts = [part for module in self.model.modules() for part in vars(module).values()]
        shared |= {id(part): type(part)() for part in parts if isinstance(part, dict) and not part}
        return dataclasses.replace(self, model=copy.deepcopy(self.model, shared))


def check_reranker(reranker: object) -> None:
    """Raises `OptionError` for anything else, such as a model's name."""
    if not isinstance(reranker, Reranker):
        raise OptionError(f"reranker is {shown(reranker)}. Give what load_reranker(...) returns.")
