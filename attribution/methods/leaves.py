"""Ways to take the input embeddings. Some give a leaf, some do not; the lab on the tab Learn runs them all."""

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

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
