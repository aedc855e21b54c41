"""Methods that explain a difference from a baseline by integrating gradients along the way to it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from attribution.errors import check_range, check_seed
from attribution.methods.adaptive import FIRST, FLOOR, Evaluate, integrate
from attribution.rerankers.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import Attributed, PathRun, Segment, TokenizedPair

ONE_SIDE_EACH: tuple[tuple[Segment, ...], ...] = (("document",), ("query",))
BOTH_AT_ONCE: tuple[tuple[Segment, ...], ...] = (("query", "document"),)

OnePath = Callable[[Tensor], tuple[Tensor, Tensor]]  # alphas (n,) -> logits (n,), slopes (n, seq)


def integrated_gradients(
    reranker: Reranker,
    pair: TokenizedPair,
    *,
    baselines: str | None = None,
    joint: bool = False,
    tolerance: float = 0.01,
    max_evaluations: int = 65,
) -> Attributed:
    """Integrated gradients over the word embeddings, in logits, with as many nodes as the path needs (`adaptive`).

    By default two paths: the document's words against "no document" with the query kept, and the mirror for the
    query's words; `joint=True` replaces both at once. `baselines`: a key of `BASELINES`; None: the model's default.
    `tolerance`: the error aimed at, as a share of the summed absolute attributions; `max_evaluations`: gradients a path
    at most. Each path's `residual` is the sum of its intervals' absolute errors before they were redistributed.
    Sundararajan et al. 2017, arXiv:1703.01365. Raises `OptionError`.
    """
    tolerance = check_range("tolerance", tolerance, 1e-4, 1.0)
    max_evaluations = check_range("max_evaluations", max_evaluations, FLOOR, 1025)
    baselines = reranker.default_baseline if baselines is None else baselines
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    sides = BOTH_AT_ONCE if joint else ONE_SIDE_EACH
    evaluate = along_paths(reranker, pair, [reranker.baselines(pair, baselines, segments) for segments in sides])
    first = torch.linspace(0, 1, FIRST, dtype=inputs_embeds.dtype, device=inputs_embeds.device)
    found = integrate(evaluate, [first] * len(sides), tolerance, max_evaluations)
    runs = tuple(
        PathRun(segments, baselines, of.n_steps, of.capped, residual=of.residual, baseline_logit=of.logits[0])
        for segments, of in zip(sides, found, strict=True)
    )
    return Attributed(torch.stack([of.values for of in found]).sum(0), runs, logit=found[0].logits[1])


def along_paths(reranker: Reranker, pair: TokenizedPair, references: Sequence[Tensor]) -> Evaluate:
    """Evaluates the nodes of several paths in common batches; one reference `(1, seq, hidden)` a path.

    All paths end at the pair itself, so that node is evaluated once for all.
    """
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    differences = torch.cat([inputs_embeds - reference for reference in references])  # (paths, seq, hidden)
    gradients = gradients_func(reranker, pair)

    def evaluate(alphas: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        nodes = [(0 if alpha == 1 else path, alpha) for path, of in enumerate(alphas) for alpha in of.tolist()]
        row_of = {node: row for row, node in enumerate(dict.fromkeys(nodes))}
        paths, places = (torch.tensor(part) for part in zip(*row_of, strict=True))
        back = (1 - places.to(inputs_embeds))[:, None, None] * differences[paths]  # (rows, seq, hidden)
        logits, grads = gradients(inputs_embeds - back)
        rows = [row_of[node] for node in nodes]
        sizes = [len(of) for of in alphas]
        own = differences.repeat_interleave(torch.tensor(sizes, device=differences.device), 0)
        slopes = (grads[rows] * own).sum(-1)  # (nodes, seq)
        return list(zip(logits[rows].split(sizes), slopes.split(sizes), strict=True))

    return evaluate


def along_path(reranker: Reranker, pair: TokenizedPair, inputs_embeds: Tensor, reference: Tensor) -> OnePath:
    """alphas `(n,)` -> logits `(n,)` and slopes `(n, seq)` = sum_d grad * (x - x') at `x' + alpha (x - x')`.

    `inputs_embeds` is `(1, seq, hidden)`; `reference` too, or `(n, seq, hidden)` with one baseline for each alpha.
    """
    gradients = gradients_func(reranker, pair)

    def evaluate(alphas: Tensor) -> tuple[Tensor, Tensor]:
        differences = (inputs_embeds - reference).expand(len(alphas), -1, -1)  # (n, seq, hidden)
        logits, grads = gradients(inputs_embeds - (1 - alphas)[:, None, None] * differences)
        return logits, (grads * differences).sum(-1)

    return evaluate


def gradients_func(reranker: Reranker, pair: TokenizedPair) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Embeddings `(n, seq, hidden)` -> logits `(n,)` and their gradients `(n, seq, hidden)`, in batches of one size."""
    forward_func = reranker.forward_func(pair)
    most = max(1, TOKENS_A_CHUNK // len(pair.tokens))

    def gradients(nodes: Tensor) -> tuple[Tensor, Tensor]:
        logits, grads = list[Tensor](), list[Tensor]()
        for part in nodes.tensor_split(-(-len(nodes) // most)):
            inputs_embeds = part.detach().requires_grad_(True)
            logit = forward_func(inputs_embeds)  # (part,)
            grads += torch.autograd.grad(logit.sum(), inputs_embeds)
            logits.append(logit.detach())
        return torch.cat(logits), torch.cat(grads)

    return gradients


def integrated_gradients_captum(
    reranker: Reranker,
    pair: TokenizedPair,
    *,
    baselines: str | None = None,
    joint: bool = False,
    n_steps: int = 40,
    internal_batch_size: int | None = None,
) -> Attributed:
    """Captum's integrated gradients over the word embeddings, in logits (Sundararajan et al. 2017, arXiv:1703.01365).

    Paths and `baselines` as in `integrated_gradients`. `n_steps` nodes a path (Gauss-Legendre), by default the fewest
    that keep the median L1 error near 1 % on passages of 60 to 160 tokens; `internal_batch_size` of them a forward,
    None: about 2,048 tokens. Raises `OptionError`.
    """
    n_steps = check_range("n_steps", n_steps, 2, 1000)
    batch_size = max(1, TOKENS_A_CHUNK // len(pair.tokens)) if internal_batch_size is None else internal_batch_size
    batch_size = check_range("internal_batch_size", batch_size, 1, 2048)
    baselines = reranker.default_baseline if baselines is None else baselines
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    from captum.attr import IntegratedGradients  # brings matplotlib along, which no other method needs

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


def expected_gradients(reranker: Reranker, pair: TokenizedPair, *, n_samples: int = 16, seed: int = 0) -> Attributed:
    """Integrated gradients averaged over baselines: texts of random vocabulary in place of the document (or query).

    One gradient for each of `n_samples` random texts a side, at points spread evenly along the paths; in logits. The
    attributions of a side sum to `logit` minus the mean logit of such texts only in the limit of many samples.
    Erion et al. 2021, arXiv:1906.10670, who draw other inputs where this draws random words. Raises `OptionError`.
    """
    n_samples = check_range("n_samples", n_samples, 1, 1000)
    seed = check_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    inputs_embeds = reranker.embed(pair)  # (1, seq, hidden)
    values = inputs_embeds.new_zeros(len(pair.tokens))  # (seq,)
    for segments in ONE_SIDE_EACH:
        input_ids = random_texts(reranker, pair, segments, n_samples, generator)
        shift = torch.rand(n_samples, generator=generator)
        alphas = ((torch.arange(n_samples) + shift) / n_samples).to(inputs_embeds)  # one in each n-th of the path
        with torch.no_grad():
            reference = reranker.word_embeddings(input_ids)  # (n_samples, seq, hidden)
        _, slopes = along_path(reranker, pair, inputs_embeds, reference)(alphas)
        values += slopes.mean(0)
    return Attributed(values)


def random_texts(
    reranker: Reranker, pair: TokenizedPair, segments: tuple[Segment, ...], n: int, generator: torch.Generator
) -> Tensor:
    """`input_ids (n, seq)`: the pair with the tokens of `segments` drawn at random from the vocabulary's words."""
    tokenizer = reranker.tokenizer
    special = set(tokenizer.all_special_ids)
    words = torch.tensor([i for t, i in tokenizer.get_vocab().items() if i not in special and "[unused" not in t])
    places = pair.positions(*segments)
    input_ids = pair.embedded.repeat(n, 1)  # (n, seq)
    drawn = words.sort().values[torch.randint(len(words), (n, len(places)), generator=generator)]
    input_ids[:, places] = drawn.to(input_ids.device)
    return input_ids
