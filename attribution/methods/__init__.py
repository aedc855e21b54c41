"""METHODS: one row a method. The page, the docs' tables and the tests iterate it. Reading the table needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attribution.types import Attributed

Sides = tuple[int, int]  # words of the query and of the document that the model sees


@dataclass(frozen=True)
class Passes:
    """Passes that depend on the text or on an option: `says` in words, `at_most(sides, options)` as a bound."""

    says: str
    at_most: Callable[[Sides, Mapping[str, Any]], int]


def of_option(option: str, paths: int = 1) -> Passes:
    """`option` of them along each of `paths`."""
    says = option if paths == 1 else f"{paths} x {option}"
    return Passes(says, lambda _sides, options: int(paths * options[option]))


def in_full(n_words: int, n_samples: int) -> bool:
    """Have so many words no more subsets than random orders of them would take?"""
    return bool(2**n_words <= 2 * n_samples * n_words)


def subsets_or_orders(sides: Sides, options: Mapping[str, Any]) -> int:
    """Each side's subsets, or the beginnings of `n_samples` random orders of its words; no words and all, once."""
    n_samples = options["n_samples"]
    return sum(2**n if in_full(n, n_samples) else n_samples * (n - 1) + 2 for n in sides)


@dataclass(frozen=True)
class Method:
    """`function`: the dotted path of `attribute`. `group`: the title it stands under on the page.

    `passes`: sequences through the model, backward passes not counted; `Passes` where they depend on the text or an
    option. `signed`: blue raises, orange lowers. `complete`: each path sums to logit - baseline logit. `control`: never
    sees the score. `attention`: weights of the model, not attributions of the score.
    """

    label: str
    function: str
    group: str
    says: str
    passes: int | Passes
    paper: str
    signed: bool = False
    complete: bool = False
    uses_gradient: bool = False
    control: bool = False
    attention: bool = False

    @property
    def attribute(self) -> Callable[..., Attributed]:
        """`(reranker, pair, *, options with defaults) -> Attributed`, imported when first asked for."""
        return resolve_name(self.function)

    @property
    def colours(self) -> str:
        """What its colours tell: "signed" (raises or lowers), "strength" alone, or "control"."""
        return "control" if self.control else "signed" if self.signed else "strength"

    @property
    def cost(self) -> str:
        """`passes` in words."""
        if isinstance(self.passes, Passes):
            return self.passes.says
        unit = "" if self.uses_gradient or not self.passes else " forward" if self.passes == 1 else " forwards"
        return f"{self.passes}{unit}"


METHODS: dict[str, Method] = {
    "saliency": Method(
        label="Saliency, L1",
        function="attribution.methods.gradients.saliency",
        group="Gradient",
        says="L1 norm of the score's gradient at each embedding: where a small change would move the score most",
        passes=1,
        paper="https://arxiv.org/abs/1312.6034",
        uses_gradient=True,
    ),
    "saliency_l2": Method(
        label="Saliency, L2",
        function="attribution.methods.gradients.saliency_l2",
        group="Gradient",
        says="L2 norm of the score's gradient at each embedding",
        passes=1,
        paper="https://arxiv.org/abs/2111.07367",
        uses_gradient=True,
    ),
    "input_x_gradient": Method(
        label="Input x gradient",
        function="attribution.methods.gradients.input_x_gradient",
        group="Gradient",
        says="first-order effect of scaling each embedding to zero",
        passes=1,
        paper="https://arxiv.org/abs/1605.01713",
        signed=True,
        uses_gradient=True,
    ),
    "integrated_gradients": Method(
        label="Integrated gradients",
        function="attribution.methods.path.integrated_gradients",
        group="Path from a baseline",
        says="each word's share of the score's difference from the same pair without the document (or query)",
        passes=Passes("about 2 x 17", lambda _sides, options: 2 * int(options["max_evaluations"])),
        paper="https://arxiv.org/abs/1703.01365",
        signed=True,
        complete=True,
        uses_gradient=True,
    ),
    "integrated_gradients_captum": Method(
        label="Integrated gradients, computed by Captum",
        function="attribution.methods.path.integrated_gradients_captum",
        group="Path from a baseline",
        says="integrated gradients as Captum computes them, with a fixed number of steps",
        passes=of_option("n_steps", paths=2),
        paper="https://arxiv.org/abs/1703.01365",
        signed=True,
        complete=True,
        uses_gradient=True,
    ),
    "expected_gradients": Method(
        label="Expected gradients",
        function="attribution.methods.path.expected_gradients",
        group="Path from a baseline",
        says="integrated gradients averaged over texts of random words in place of the document (or query)",
        passes=of_option("n_samples", paths=2),
        paper="https://arxiv.org/abs/1906.10670",
        signed=True,
        uses_gradient=True,
    ),
    "layerwise_relevance": Method(
        label="Layerwise relevance",
        function="attribution.methods.propagation.layerwise_relevance",
        group="Gradient",
        says="input x gradient with attention weights and LayerNorm's denominators held constant (the AH and LN rules)",
        passes=1,
        paper="https://arxiv.org/abs/2202.07304",
        signed=True,
        uses_gradient=True,
    ),
    "smoothgrad": Method(
        label="SmoothGrad",
        function="attribution.methods.gradients.smoothgrad",
        group="Gradient",
        says="saliency (L2) of the mean gradient over noisy copies of the embeddings",
        passes=of_option("n_samples"),
        paper="https://arxiv.org/abs/1706.03825",
        uses_gradient=True,
    ),
    "occlusion": Method(
        label="Occlusion",
        function="attribution.methods.perturbation.occlusion",
        group="Perturbation",
        says="how far the score falls when this one word is removed",
        passes=Passes("one forward per word", lambda sides, _options: sum(sides) + 1),
        paper="https://arxiv.org/abs/1612.08220",
        signed=True,
    ),
    "shapley": Method(
        label="Shapley values",
        function="attribution.methods.perturbation.shapley",
        group="Perturbation",
        says="a word's mean effect on the score, over orders of adding words to the text",
        passes=Passes("n_samples forwards per word", subsets_or_orders),
        paper="https://arxiv.org/abs/1705.07874",
        signed=True,
        complete=True,
    ),
    "attention": Method(
        label="Attention of the read-out",
        function="attribution.methods.attention.attention",
        group="Attention",
        says="last-layer attention of the position that the score is read from; not an attribution of the score",
        passes=1,
        paper="https://arxiv.org/abs/1902.10186",
        attention=True,
    ),
    "attention_rollout": Method(
        label="Attention rollout",
        function="attribution.methods.attention.attention_rollout",
        group="Attention",
        says="attention multiplied through all layers, as if it alone mixed states; not an attribution of the score",
        passes=1,
        paper="https://arxiv.org/abs/2005.00928",
        attention=True,
    ),
    "embedding_magnitude": Method(
        label="Embedding magnitude",
        function="attribution.methods.gradients.embedding_magnitude",
        group="Control",
        says="the L1 norm of each word's embedding; it never sees the score",
        passes=0,
        paper="",
        control=True,
    ),
}
