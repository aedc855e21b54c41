"""METHODS: one row a method. The UI, the README table and the tests iterate it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attribution.methods.gradients import input_x_gradient, saliency, saliency_l2
from attribution.methods.magnitude import embedding_magnitude
from attribution.methods.path import integrated_gradients
from attribution.types import Attributed


@dataclass(frozen=True)
class Method:
    """`signed`: blue raises, orange lowers. `complete`: each path sums to logit - baseline logit.

    `control`: never sees the score. `attention`: weights of the model, not attributions of the score.
    `cost`: passes in words. `default`: ticked when the page opens.
    """

    label: str
    attribute: Callable[..., Attributed]
    says: str
    cost: str
    paper: str
    signed: bool = False
    complete: bool = False
    uses_gradient: bool = False
    control: bool = False
    attention: bool = False
    default: bool = False


METHODS: dict[str, Method] = {
    "saliency": Method(
        label="Saliency (L1)",
        attribute=saliency,
        says="where a small change of the embedding would move the score most",
        cost="1",
        paper="https://arxiv.org/abs/1312.6034",
        uses_gradient=True,
        default=True,
    ),
    "saliency_l2": Method(
        label="Saliency (L2)",
        attribute=saliency_l2,
        says="the same, as the gradient's Euclidean length",
        cost="1",
        paper="https://arxiv.org/abs/2111.07367",
        uses_gradient=True,
    ),
    "input_x_gradient": Method(
        label="Input x gradient",
        attribute=input_x_gradient,
        says="first-order effect of scaling each embedding to nothing",
        cost="1",
        paper="https://arxiv.org/abs/1605.01713",
        signed=True,
        uses_gradient=True,
        default=True,
    ),
    "integrated_gradients": Method(
        label="Integrated gradients (Captum)",
        attribute=integrated_gradients,
        says="each word's share of the score's difference from the same pair without the document (or query)",
        cost="2 x n_steps",
        paper="https://arxiv.org/abs/1703.01365",
        signed=True,
        complete=True,
        uses_gradient=True,
        default=True,
    ),
    "embedding_magnitude": Method(
        label="Embedding magnitude",
        attribute=embedding_magnitude,
        says="how long each word's embedding is; it never sees the score",
        cost="0",
        paper="",
        control=True,
        default=True,
    ),
}
