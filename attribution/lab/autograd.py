"""Every way to the gradient of the input embeddings, run for real on one pair: what PyTorch did, and what it said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attribution.evidence.agreement import TOP, spearman, top_k_overlap
from attribution.methods.gradients import LEAVES, read_grad
from attribution.rerankers.hooks import with_autograd
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair, Word
from attribution.words import sum_to_words

TOLERANCE = 1e-5  # of the true gradient's largest element: float32 rounding along two routes


@dataclass(frozen=True)
class Experiment:
    """What one row runs. `leaf`: a key of `LEAVES`. `trainable`: whether the model's parameters require grad.

    `returned`: the gradient comes from `torch.autograd.grad(score, emb)`, not from `.grad` after `backward()`.
    """

    leaf: str
    trainable: bool = True
    returned: bool = False

    @property
    def code(self) -> str:
        """The lines up to the gradient, as one would write them; the forward pass in between is left out."""
        ask = "; (grad,) = torch.autograd.grad(score, emb)" if self.returned else ""
        return LEAVES[self.leaf].code + ask


EXPERIMENTS: tuple[Experiment, ...] = (
    *(Experiment(leaf) for leaf in LEAVES),
    *(Experiment(leaf, trainable=False) for leaf in ("output", "clone", "clone_requires_grad")),
    Experiment("output", returned=True),
)
PICTURED = 1 + max(EXPERIMENTS.index(Experiment(leaf)) for leaf in ("clone", "detach"))  # rows until both pictures


@dataclass(frozen=True)
class LabRow:
    """The result of one experiment. The flags are those of `emb` right before the forward pass.

    `said`: PyTorch's own warning, or its error if `raised`. `grad (seq, hidden)`: None when there was none, and then
    `words` (the document's) hold the embedding magnitude instead of the saliency. `difference`: largest
    |grad - true gradient|. `rank_correlation`, `top_overlap`: of a fallback's words with the true saliency's.
    """

    number: int
    experiment: Experiment
    is_leaf: bool
    requires_grad: bool
    retains_grad: bool
    grad_fn: str | None
    grad_filled: bool
    said: str | None
    raised: bool
    grad: Tensor | None
    words: tuple[Word, ...]
    equal: bool = False
    difference: float | None = None
    rank_correlation: float | None = None
    top_overlap: float | None = None

    @property
    def total(self) -> float | None:
        """`sum |grad|`, in logits an embedding unit."""
        return None if self.grad is None else self.grad.abs().sum().item()

    @property
    def verdict(self) -> str:
        """In words, from what was measured."""
        if self.raised:
            return "PyTorch raises: there is no graph"
        if self.grad is None:
            return "no gradient: not a leaf" if self.requires_grad else "no gradient: does not require grad"
        if not self.equal:
            return "a gradient, but not the score's"
        if not self.grad_filled:
            return "the gradient, returned without .grad"
        return "the gradient: a leaf" if self.is_leaf else "the gradient: kept by retain_grad()"


@with_autograd
def run_lab(reranker: Reranker, query: str, document: str) -> Iterator[LabRow]:
    """One row for each of `EXPERIMENTS`, as it finishes. Raises `InputError`."""
    pair = reranker.encode(query, document)
    truth = _true_gradient(reranker, pair)  # (seq, hidden)
    for number, experiment in enumerate(EXPERIMENTS, start=1):
        yield _run(number, experiment, reranker, pair, truth)


def equal_gradients(rows: Sequence[LabRow]) -> tuple[list[int], float]:
    """The numbers of the rows that gave the true gradient, and the largest difference between any two of them."""
    equal = [row for row in rows if row.equal]
    grads = torch.stack([row.grad for row in equal if row.grad is not None]) if equal else torch.zeros(1, 1)
    return [row.number for row in equal], (grads.amax(0) - grads.amin(0)).max().item()


def _run(number: int, experiment: Experiment, reranker: Reranker, pair: TokenizedPair, truth: Tensor) -> LabRow:
    """The snippet: `emb = ...; score = model(emb); score.backward(); emb.grad`, with its flags and words noted."""
    model = reranker.trainable() if experiment.trainable else reranker
    emb = LEAVES[experiment.leaf].make(lambda: model.word_embeddings(pair.inputs["input_ids"]))  # (1, seq, hidden)
    flags = (emb.is_leaf, emb.requires_grad, emb.retains_grad, emb.grad_fn.name() if emb.grad_fn else None)
    score = model.forward_func(pair)(emb.to(reranker.device))[0]
    grad, said, raised = None, None, False
    try:
        if experiment.returned:
            (grad,) = torch.autograd.grad(score, emb)
        else:
            score.backward()
    except RuntimeError as error:
        said, raised = str(error), True
    filled, warning = read_grad(emb)
    if not experiment.returned:
        grad, said = filled, said or warning
    grad = None if grad is None else grad[0].cpu()  # (seq, hidden)
    values = (emb.detach()[0].cpu() if grad is None else grad).abs().sum(-1)  # (seq,)
    words = tuple(sum_to_words(pair, values.tolist(), "document"))
    return LabRow(
        number, experiment, *flags, filled is not None, said, raised, grad, words, **_against(truth, grad, words, pair)
    )


def _true_gradient(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """`d logit / d embedding`, `(seq, hidden)`, as the engine takes it: no parameter and no `.grad` involved."""
    emb = reranker.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    (grad,) = torch.autograd.grad(reranker.forward_func(pair)(emb).sum(), emb)
    return grad[0].cpu()


def _against(truth: Tensor, grad: Tensor | None, words: Sequence[Word], pair: TokenizedPair) -> dict[str, Any]:
    """How far a row is from the true gradient: element by element, or by the ranking of the words it read."""
    if grad is not None:
        difference = (grad - truth).abs().max().item()
        return {"equal": difference <= TOLERANCE * truth.abs().max().item(), "difference": difference}
    true_words = sum_to_words(pair, truth.abs().sum(-1).tolist(), "document")
    ours, true = _seen(words), _seen(true_words)
    return {"rank_correlation": spearman(ours, true), "top_overlap": top_k_overlap(ours, true, TOP)}


def _seen(words: Sequence[Word]) -> list[float]:
    return [word.attribution for word in words if word.attribution is not None]
