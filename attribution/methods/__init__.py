"""METHODS: one row a method. The UI, the README table and the tests iterate it. Reading the table needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attribution.types import Attributed


@dataclass(frozen=True)
class Method:
    """`function`: where in this folder `attribute` is. `signed`: blue raises, orange lowers.

    `complete`: each path sums to logit - baseline logit. `control`: never sees the score. `attention`: weights of the
    model, not attributions of the score. `cost`: passes in words; `passes`: as a number, None where it depends on the
    text or an option.
    """

    label: str
    function: str
    says: str
    cost: str
    paper: str
    signed: bool = False
    complete: bool = False
    uses_gradient: bool = False
    control: bool = False
    attention: bool = False
    passes: int | None = None

    @property
    def attribute(self) -> Callable[..., Attributed]:
        """`(reranker, pair, *, options with defaults) -> Attributed`, imported when first asked for."""
        return resolve_name(f"{__name__}.{self.function}")


METHODS: dict[str, Method] = {
    "saliency": Method(
        label="Saliency (L1)",
        function="gradients.saliency",
        says="where a small change of the embedding would move the score most",
        cost="1",
        passes=1,
        paper="https://arxiv.org/abs/1312.6034",
        uses_gradient=True,
    ),
    "saliency_l2": Method(
        label="Saliency (L2)",
        function="gradients.saliency_l2",
        says="the same, as the gradient's Euclidean length",
        cost="1",
        passes=1,
        paper="https://arxiv.org/abs/2111.07367",
        uses_gradient=True,
    ),
    "input_x_gradient": Method(
        label="Input x gradient",
        function="gradients.input_x_gradient",
        says="first-order effect of scaling each embedding to nothing",
        cost="1",
        passes=1,
        paper="https://arxiv.org/abs/1605.01713",
        signed=True,
        uses_gradient=True,
    ),
    "integrated_gradients": Method(
        label="Integrated gradients",
        function="path.integrated_gradients",
        says="each word's share of the score's difference from the same pair without the document (or query)",
        cost="about 2 x 17",
        paper="https://arxiv.org/abs/1703.01365",
        signed=True,
        complete=True,
        uses_gradient=True,
    ),
    "integrated_gradients_captum": Method(
        label="Integrated gradients (Captum)",
        function="path.integrated_gradients_captum",
        says="the same by Captum's own rule, with a fixed number of steps",
        cost="2 x n_steps",
        paper="https://arxiv.org/abs/1703.01365",
        signed=True,
        complete=True,
        uses_gradient=True,
    ),
    "expected_gradients": Method(
        label="Expected gradients (random words)",
        function="path.expected_gradients",
        says="integrated gradients averaged over texts of random words in place of the document (or query)",
        cost="2 x n_samples",
        paper="https://arxiv.org/abs/1906.10670",
        signed=True,
        uses_gradient=True,
    ),
    "layerwise_relevance": Method(
        label="Layerwise relevance (LN and AH rules)",
        function="propagation.layerwise_relevance",
        says="input x gradient with attention weights and LayerNorm's denominators held still",
        cost="1",
        passes=1,
        paper="https://arxiv.org/abs/2202.07304",
        signed=True,
        uses_gradient=True,
    ),
    "smoothgrad": Method(
        label="SmoothGrad (L2)",
        function="gradients.smoothgrad",
        says="saliency (L2) of the mean gradient over noisy copies of the embeddings",
        cost="n_samples",
        paper="https://arxiv.org/abs/1706.03825",
        uses_gradient=True,
    ),
    "occlusion": Method(
        label="Occlusion",
        function="perturbation.occlusion",
        says="how far the score falls when this one word is taken away",
        cost="one forward a word",
        paper="https://arxiv.org/abs/1612.08220",
        signed=True,
    ),
    "shapley": Method(
        label="Shapley values",
        function="perturbation.shapley",
        says="a word's mean effect over the orders in which words may join the text",
        cost="n_samples forwards a word",
        paper="https://arxiv.org/abs/1705.07874",
        signed=True,
        complete=True,
    ),
    "attention": Method(
        label="Attention of the read-out",
        function="attention.attention",
        says="where the position that the score is read from looks in the last layer; not an attribution of the score",
        cost="1 forward",
        passes=1,
        paper="https://arxiv.org/abs/1902.10186",
        attention=True,
    ),
    "attention_rollout": Method(
        label="Attention rollout",
        function="attention.attention_rollout",
        says="attention multiplied through all layers, as if states mixed by it alone; not an attribution of the score",
        cost="1 forward",
        passes=1,
        paper="https://arxiv.org/abs/2005.00928",
        attention=True,
    ),
    "embedding_magnitude": Method(
        label="Embedding magnitude",
        function="magnitude.embedding_magnitude",
        says="how long each word's embedding is; it never sees the score",
        cost="0",
        passes=0,
        paper="",
        control=True,
    ),
}
