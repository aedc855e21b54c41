"""Saliency (L1, L2, smoothed) and its fallback at the word embeddings, input x gradient after the embeddings block.

And the ways to take the input embeddings: some give a leaf, some do not; the lab on the tab Learn runs them all.
"""

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attribution.errors import MissingGradient, check_key, check_range, check_seed
from attribution.rerankers.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import Attributed, TokenizedPair

DEFAULT_LEAF = "detach_clone"
Embed = Callable[[], Tensor]  # calls the embedding layer: -> (1, seq, hidden)


@dataclass(frozen=True)
class Leaf:
    """`code` is the line as one would write it; `make` runs exactly that, given a call of the embedding layer."""

    code: str
    make: Callable[[Embed], Tensor]


def _retained(emb: Tensor) -> Tensor:
    emb.retain_grad()
    return emb


def _without_grad(embed: Embed) -> Tensor:
    with torch.no_grad():
        return embed()


LEAVES: dict[str, Leaf] = {
    "output": Leaf("emb = embed(input_ids)", lambda embed: embed()),
    "clone": Leaf("emb = embed(input_ids).clone()", lambda embed: embed().clone()),
    "clone_requires_grad": Leaf(
        "emb = embed(input_ids).clone().requires_grad_(True)", lambda embed: embed().clone().requires_grad_(True)
    ),
    "retain_grad": Leaf("emb = embed(input_ids); emb.retain_grad()", lambda embed: _retained(embed())),
    "clone_retain_grad": Leaf(
        "emb = embed(input_ids).clone(); emb.retain_grad()", lambda embed: _retained(embed().clone())
    ),
    "detach": Leaf(
        "emb = embed(input_ids).detach().requires_grad_(True)", lambda embed: embed().detach().requires_grad_(True)
    ),
    "detach_clone": Leaf(
        "emb = embed(input_ids).detach().clone().requires_grad_(True)",
        lambda embed: embed().detach().clone().requires_grad_(True),
    ),
    "leaf_lost": Leaf(
        "emb = embed(input_ids).detach().requires_grad_(True).clone()",
        lambda embed: embed().detach().requires_grad_(True).clone(),
    ),
    "numpy": Leaf(
        "emb = torch.tensor(embed(input_ids).detach().cpu().numpy(), requires_grad=True)",
        lambda embed: torch.tensor(embed().detach().cpu().numpy(), requires_grad=True),
    ),
    "no_grad": Leaf("with torch.no_grad(): emb = embed(input_ids)", _without_grad),
}

_warnings_lock = threading.Lock()  # catch_warnings swaps process-wide state


def read_grad(tensor: Tensor) -> tuple[Tensor | None, str | None]:
    """`tensor.grad`, and the warning PyTorch gave when it was read."""
    with _warnings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grad = tensor.grad
    ours = [str(warning.message) for warning in caught if ".grad" in str(warning.message)]
    return grad, ours[0] if ours else None


def saliency(reranker: Reranker, pair: TokenizedPair, *, leaf: str = DEFAULT_LEAF) -> Attributed:
    """`sum_d |d logit / d embedding_d|`, in logits an embedding unit (Simonyan et al. 2013, arXiv:1312.6034).

    `leaf`: how the embeddings are taken, a key of `LEAVES`. All but the default run on trainable parameters, which is
    what `from_pretrained` gives. Raises `OptionError`, and `MissingGradient` when `.grad` stays None.
    """
    grad, logit = _gradient(reranker, pair, leaf)  # (1, seq, hidden)
    return Attributed(grad.abs().sum(-1)[0], logit=logit)


def saliency_l2(reranker: Reranker, pair: TokenizedPair, *, leaf: str = DEFAULT_LEAF) -> Attributed:
    """`sqrt(sum_d (d logit / d embedding_d)^2)` (Bastings et al. 2022, arXiv:2111.07367). `leaf` as in `saliency`."""
    grad, logit = _gradient(reranker, pair, leaf)  # (1, seq, hidden)
    return Attributed(grad.norm(dim=-1)[0], logit=logit)


def smoothgrad(
    reranker: Reranker, pair: TokenizedPair, *, n_samples: int = 16, noise: float = 0.3, seed: int = 0
) -> Attributed:
    """Euclidean length of the mean gradient over `n_samples` noisy copies of the embeddings (arXiv:1706.03825).

    `noise`: the Gaussian's standard deviation as a share of the embeddings' own. In logits an embedding unit.
    Smilkov et al. 2017. Raises `OptionError`.
    """
    n_samples = check_range("n_samples", n_samples, 1, 1000)
    seed = check_seed(seed)
    noise = check_range("noise", noise, 0.0, 10.0)
    generator = torch.Generator().manual_seed(seed)
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    deviation = noise * inputs_embeds.std()
    forward_func = reranker.forward_func(pair)
    total = torch.zeros_like(inputs_embeds[0])  # (seq, hidden)
    for part in torch.arange(n_samples).split(max(1, TOKENS_A_CHUNK // len(pair.tokens))):
        shift = torch.randn(len(part), *total.shape, generator=generator).to(inputs_embeds)
        noisy = (inputs_embeds + deviation * shift).requires_grad_(True)  # (part, seq, hidden)
        (grad,) = torch.autograd.grad(forward_func(noisy).sum(), noisy)
        total += grad.sum(0)
    return Attributed((total / n_samples).norm(dim=-1))


def input_x_gradient(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`sum_d x_d * d logit / d x_d` after the embeddings block, in logits (Shrikumar et al. 2016, arXiv:1605.01713).

    At the word embeddings it is 0 up to rounding in families that normalise them first.
    """
    states, logit = reranker.logit_from_block(pair)  # (1, seq, hidden), (1,)
    (grad,) = torch.autograd.grad(logit.sum(), states)
    return Attributed((states.detach() * grad).sum(-1)[0], logit=logit.item())


def embedding_magnitude(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`sum_d |embedding_d|`: the fallback without a gradient. It never sees the score, so it is a control."""
    return Attributed(reranker.embed(pair).abs().sum(-1)[0])


def _gradient(reranker: Reranker, pair: TokenizedPair, leaf: str) -> tuple[Tensor, float]:
    """Plain PyTorch: forward, `backward()` from the logit, read `.grad`; and the logit."""
    check_key("leaf", leaf, LEAVES)
    if leaf != DEFAULT_LEAF:
        reranker = reranker.trainable()
    embed = reranker.word_embeddings
    inputs_embeds = LEAVES[leaf].make(lambda: embed(pair.embedded))
    logit = reranker.forward_func(pair)(inputs_embeds.to(reranker.device))  # (1,)
    logit[0].backward()
    grad, warning = read_grad(inputs_embeds)
    if grad is None:
        raise MissingGradient(warning or "the tensor does not require grad, so backward() left its .grad empty.")
    return grad, logit.item()
