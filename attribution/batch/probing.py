"""Two rerankers, or more, compared on what they read: the table model by probe, as Markdown and as JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain, count
from typing import Any

from attribution.errors import InputError
from attribution.evidence.probes.probe_set import ProbeShare, probe_set
from attribution.evidence.probes.table import PROBES, SHOULD, Expectation
from attribution.numbers import fixed
from attribution.rerankers.loading.load import load_reranker

Table = dict[str, dict[str, ProbeShare]]  # model -> probe -> share


def probe_models(
    models: Sequence[str | None],
    pairs: Iterable[tuple[str, str]],
    seed: int,
    *,
    on_pair: Callable[[int, InputError | None], None] | None = None,
    loading: Sequence[Mapping[str, Any]] = (),
) -> tuple[Table, dict[str, str]]:
    """The probes' shares of every model on the same `pairs`, and each model's revision. Raises `ModelError`.

    One model is in memory at a time as far as the cache allows; `on_pair` as in `probe_set`, `loading`: for each model
    what else `load_reranker` is given. A model that is there already is called by that, too.
    """
    table: Table = {}
    revisions: dict[str, str] = {}
    for model, given in zip(models, loading or [{}] * len(models), strict=True):
        reranker = load_reranker(model, **given)
        said = ", ".join(f"{key} {value}" for key, value in given.items())
        names = [reranker.model_id, f"{reranker.model_id} ({said})"] if said else [reranker.model_id]
        name = next(one for one in chain(names, (f"{names[-1]} {n}" for n in count(2))) if one not in table)
        revisions[name] = reranker.revision
        table[name] = probe_set(reranker, pairs, seed=seed, on_pair=on_pair)
    return table, revisions


def probes_json(table: Table, revisions: Mapping[str, str], n_pairs: int, seed: int) -> dict[str, Any]:
    """What `probe_models` found, for programs."""
    shares = {model: [asdict(share) for share in row.values()] for model, row in table.items()}
    return {"pairs": n_pairs, "seed": seed, "revisions": dict(revisions), "shares": shares}


def from_json(stored: Mapping[str, Any]) -> Table:
    """The table that `probes_json` stored."""
    return {model: {s["probe"]: ProbeShare(**s) for s in shares} for model, shares in stored["shares"].items()}


def probes_markdown(table: Table) -> str:
    """One row a probe, one column a model: on how many pairs it held, did not, or neither, of those it applies to.

    "not measured": the table lacks the probe.
    """
    lines = [f"| probe | the score | {' | '.join(table)} |", "| --- " * (2 + len(table)) + "|"]
    for key, probe in PROBES.items():
        cells = " | ".join(_cell(probe.expects, row.get(key)) for row in table.values())
        lines.append(f"| {probe.label}: {probe.asks} | {SHOULD[probe.expects]} | {cells} |")
    return "\n".join(lines)


def _cell(expects: Expectation, share: ProbeShare | None) -> str:
    if share is None:
        return "not measured"
    if share.held is None or share.low is None or share.high is None:
        return "does not apply"
    shares = (share.held, share.low, share.high, share.failed or 0.0, share.neither or 0.0)
    held, low, high, failed, neither = (fixed(100 * part, 0) for part in shares)
    if expects == "move":
        return f"moved {held} % [{low}, {high}], neither {neither} %, of {share.n}"
    return f"held {held} % [{low}, {high}], did not {failed} %, neither {neither} %, of {share.n}"
