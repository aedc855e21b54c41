"""Runs one method on one pair and measures it from outside: the one entry point. And what it will cost, beforehand."""

import inspect
import time
from contextlib import suppress
from typing import Any

import torch

from attribution.errors import AttributionError, MissingGradient, OptionError, Stopped, check_key
from attribution.methods import METHODS, Passes, Sides
from attribution.methods.gradients import embedding_magnitude
from attribution.removal import seen_words
from attribution.rerankers.encoding import typed_control
from attribution.rerankers.hooks import Meter, OnPass, metered, with_autograd
from attribution.rerankers.loading.checks import TEST_PAIR
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Attributed, Explanation, Path, PathRun, TokenizedPair

OUTSIDE = 4  # forwards that `explain` may add to measure a method: the pair's own and those of the baselines
GRADIENT = 3  # a gradient costs about as much as so many forwards


@with_autograd
def explain(
    reranker: Reranker,
    query: str,
    document: str,
    method: str = "integrated_gradients",
    *,
    on_pass: OnPass | None = None,
    **options: Any,
) -> Explanation:
    """Explain the raw logit of `(query, document)` by `method`, a key of `METHODS`, with that method's options.

    `on_pass` is called before every batch through the model and may raise `Stopped`. When the gradient is missing,
    `embedding_magnitude` runs instead and `note` says so with PyTorch's warning.
    Raises `InputError`, `OptionError`, `ModelError`, and `AttributionError` for values that are not finite.
    """
    check_reranker(reranker)
    check_options(method, options)
    pair = reranker.encode(query, document)
    began = time.perf_counter()
    note, ran = None, method
    with metered(Meter(on_pass)) as meter:
        try:
            attributed = METHODS[method].attribute(reranker, pair, **options)
        except MissingGradient as missing:
            attributed, ran = embedding_magnitude(reranker, pair), "embedding_magnitude"
            note = (
                f"{METHODS[method].label} was asked for, but the gradient was None: this is embedding magnitude, and "
                f"it does not depend on the score. PyTorch said: {missing}"
            )
        with torch.inference_mode():
            logit = reranker.forward(dict(pair.inputs)).item() if attributed.logit is None else attributed.logit
        paths = tuple(_measure(reranker, pair, attributed, run, logit) for run in attributed.paths)
    if not torch.isfinite(attributed.values).all():
        raise AttributionError(f"{method} gave values that are not finite for this pair. Try another method.")
    return Explanation(
        method=ran,
        requested_method=method,
        note=note,
        **reranker.about(pair.query),
        document=pair.document,
        tokens=pair.tokens,
        attributions=tuple(attributed.values.detach().tolist()),
        logit=logit,
        paths=paths,
        truncated=pair.truncated,
        n_forward=meter.n_forward,
        n_backward=meter.n_backward,
        seconds=time.perf_counter() - began,
        cuts=pair.cuts,
        precision=reranker.precision,
        reads=reranker.settings.reads,
        control=typed_control(reranker.tokenizer, pair),
    )


def options_of(method: str) -> dict[str, Any]:
    """The options that `method`, a key of `METHODS`, takes: name -> default."""
    parameters = inspect.signature(METHODS[method].attribute).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def try_options(reranker: Reranker, method: str, options: dict[str, Any]) -> None:
    """Raises `OptionError` for values that `method` refuses on this model; a test pair goes through it, for a batch."""

    def stop(meter: Meter) -> None:
        if meter.n_forward:
            raise Stopped("The options are valid.")

    with suppress(Stopped):
        explain(reranker, *TEST_PAIR, method, on_pass=stop, **options)


def check_options(method: str, options: dict[str, Any]) -> None:
    """Raises `OptionError` for an unknown method, an option that it does not take, and a flag that is no flag."""
    check_key("method", method, METHODS)
    valid = options_of(method)
    unknown = sorted(set(options) - set(valid))
    if unknown:
        raise OptionError(f"{method} does not take {', '.join(unknown)}. Valid: {', '.join(valid) or 'no options'}.")
    for name, value in options.items():
        if isinstance(valid[name], bool) and not isinstance(value, bool):
            raise OptionError(f"{name} is {value!r}; it must be true or false.")


def sides_of(pair: TokenizedPair) -> Sides:
    """How many words of the query and of the document the model sees."""
    return len(seen_words(pair, "query")), len(seen_words(pair, "document"))


def sequences(method: str, sides: Sides, **options: Any) -> int:
    """At most so many sequences through the model for `method` with its `options`; backward passes not counted."""
    passes = METHODS[method].passes
    if isinstance(passes, Passes):
        given = {name: options.get(name) or default for name, default in options_of(method).items()}
        passes = passes.at_most(sides, given)
    return passes + OUTSIDE


def forwards(method: str, sides: Sides, **options: Any) -> int:
    """The same in forwards: a sequence with a gradient counts as `GRADIENT` of them."""
    return sequences(method, sides, **options) * (GRADIENT if METHODS[method].uses_gradient else 1)


def _measure(reranker: Reranker, pair: TokenizedPair, attributed: Attributed, run: PathRun, logit: float) -> Path:
    """The path with its completeness error; its baseline goes through the model where the method did not do so."""
    baseline_logit = run.baseline_logit
    if baseline_logit is None:
        with torch.inference_mode():
            reference = reranker.baselines(pair, run.baseline, run.segments)
            baseline_logit = reranker.forward_func(pair)(reference).item()
    values = attributed.values[pair.positions(*run.segments)]
    delta = values.sum().item() - (logit - baseline_logit)
    scale = max(abs(logit - baseline_logit), values.abs().sum().item())
    return Path(
        segments=run.segments,
        baseline=run.baseline,
        baseline_logit=baseline_logit,
        convergence_delta=delta,
        relative_delta=abs(delta) / scale if scale else 0.0,
        n_steps=run.n_steps,
        capped=run.capped,
        residual=run.residual,
        relative_residual=run.residual / scale if scale else 0.0,
    )
