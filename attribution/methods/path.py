"""Methods that explain a difference from a baseline by integrating gradients along the way to it."""

from __future__ import annotations

from captum.attr import IntegratedGradients

from attribution.errors import OptionError
from attribution.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import Attributed, PathRun, Segment, TokenizedPair

ONE_SIDE_EACH: tuple[tuple[Segment, ...], ...] = (("document",), ("query",))
BOTH_AT_ONCE: tuple[tuple[Segment, ...], ...] = (("query", "document"),)


def integrated_gradients(
    reranker: Reranker,
    pair: TokenizedPair,
    *,
    baselines: str | None = None,
    joint: bool = False,
    n_steps: int = 50,
    internal_batch_size: int | None = None,
) -> Attributed:
    """Captum's integrated gradients over the word embeddings, in logits (Sundararajan et al. 2017, arXiv:1703.01365).

    By default two paths: the document's words against "no document" with the query kept, and the mirror for the
    query's words; `joint=True` masks both at once. `baselines`: a key of `BASELINES`; None: the model's default.
    `n_steps` nodes a path (Gauss-Legendre); `internal_batch_size` of them a forward, None: about 2,048 tokens.
    """
    _check_range("n_steps", n_steps, 2, 1000)
    batch_size = internal_batch_size or max(1, TOKENS_A_CHUNK // len(pair.tokens))
    _check_range("internal_batch_size", batch_size, 1, 1000)
    baselines = baselines or reranker.default_baseline
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    captum = IntegratedGradients(reranker.forward_func(pair))
    values = inputs_embeds.new_zeros(len(pair.tokens))  # (seq,)
    runs = []
    for segments in BOTH_AT_ONCE if joint else ONE_SIDE_EACH:
        reference = reranker.baselines(pair, baselines, segments)
        attributions = captum.attribute(
            inputs_embeds, reference, n_steps=n_steps, internal_batch_size=batch_size, method="gausslegendre"
        )
        values += attributions.sum(-1)[0].to(values.dtype)
        runs.append(PathRun(segments, baselines, n_steps))
    return Attributed(values, tuple(runs))


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OptionError(f"{name} is {value}; it must be between {low} and {high}.")
