"""Probes: toy models whose habits are known are caught by the probe that asks for them; edits change what they say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t
from torch import Tensor

from attribution import explain
from attribution.errors import InputError, OptionError
from attribution.evidence.probes.probe import MAX_PASSES, N_CONTROL, NOT_ENGLISH, ProbeResult, probe
from attribution.evidence.probes.table import FLOOR, PROBES
from attribution.evidence.probes.wording import words_of
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from tests.evidence.toys import DOCUMENT, QUERY, TOKENIZER, bag_of_words, constant, first_words, obedient, toy


def by_key(results: tuple[ProbeResult, ...]) -> dict[str, ProbeResult]:
    return {result.probe: result for result in results}


def test_an_order_blind_model_shows_no_clear_effect_of_shuffling() -> None:
    result = by_key(probe(toy(bag_of_words), QUERY, DOCUMENT))["shuffled"]
    assert result.verdict == "no clear effect"
    assert all(abs(variant.change) < 1e-4 for variant in result.variants)
    assert result.variants[0].control.high > 0.1, "the control moves, so the verdict says something"


def test_a_constant_model_is_within_the_control_on_everything() -> None:
    results = probe(toy(constant), QUERY, DOCUMENT)
    assert {(v.control.low, v.control.high, v.change) for result in results for v in result.variants} == {
        (-FLOOR, FLOOR, 0)
    }
    for expects, verdict in (
        ("fall", "no clear effect"),
        ("move", "no clear effect"),
        ("stay", "held"),
        ("not rise", "held"),
    ):
        assert {r.verdict for r in results if PROBES[r.probe].expects == expects} == {verdict}


def test_a_model_that_likes_disorder_rises_where_it_should_fall() -> None:
    danube, flows = TOKENIZER.convert_tokens_to_ids(["Danube", "flows"])

    def disorder(ids: Tensor, _start: Tensor) -> Tensor:
        together = ((ids[:, :-1] == danube) & (ids[:, 1:] == flows)).any(1)
        return 3.0 * ~together

    result = by_key(probe(toy(disorder), QUERY, DOCUMENT))["shuffled"]
    assert (result.verdict, result.change) == ("did not hold", pytest.approx(3))
    assert {variant.outcome for variant in result.variants} == {"did not hold"}


def negative(ids: Tensor, _start: Tensor) -> Tensor:
    no = torch.tensor(TOKENIZER.convert_tokens_to_ids(["not"]))
    return -2.0 * torch.isin(ids, no).any(1)


def test_a_negation_may_move_the_score_either_way_and_nothing_is_wrong() -> None:
    (result,) = probe(toy(negative), QUERY, DOCUMENT, ["negation"])
    assert (result.verdict, result.change) == ("moved", pytest.approx(2)), "taken out, it asserts what it denied"
    (result,) = probe(toy(negative), QUERY, "The Danube flows through Vienna. Ships are allowed.", ["negation"])
    assert result.verdict == "does not apply"
    (result,) = probe(toy(negative), QUERY, "Rivers that are long flow through Vienna. Ships moor.", ["negation"])
    assert (result.verdict, result.change) == ("moved", pytest.approx(-2))


def test_a_large_change_beside_a_control_that_jumps_is_too_noisy_to_tell() -> None:
    """Every word counts, some for and some against: masking a few does as much as saying it all twice."""
    result = by_key(probe(toy(lambda ids, start: 3 * bag_of_words(ids, start)), QUERY, DOCUMENT))["neighbour"]
    (variant,) = result.variants
    assert abs(variant.change) > 0.5
    assert variant.control.holds(variant.change)
    assert result.verdict == "too noisy to tell"


def test_a_model_that_reads_the_beginning_fails_the_padding_probe() -> None:
    result = by_key(probe(toy(first_words), QUERY, DOCUMENT))["padded"]
    before, after, around = (variant.change for variant in result.variants)
    assert result.verdict == "did not hold"
    assert before < -5
    assert around < -5
    assert after == pytest.approx(0, abs=1e-4)
    assert by_key(probe(toy(constant), QUERY, DOCUMENT))["padded"].verdict == "held"


def test_a_model_that_obeys_an_injected_sentence_is_caught() -> None:
    results = by_key(probe(toy(obedient), QUERY, DOCUMENT))
    assert results["injected"].verdict == "did not hold"
    assert results["injected"].change == pytest.approx(5)
    assert {key: results[key].verdict for key in ("answered", "stuffed", "query_prepended")} == {
        "answered": "held",
        "stuffed": "held",
        "query_prepended": "held",
    }


def test_logits_and_changes_are_the_models_own(tiny_bert: Reranker) -> None:
    for result in probe(tiny_bert, QUERY, DOCUMENT, seed=3):
        (base,) = tiny_bert.score(result.query, [result.document])
        assert result.logit == pytest.approx(base, abs=1e-4)
        for variant in result.variants:
            (after,) = tiny_bert.score(variant.query, [variant.document])
            assert variant.logit == pytest.approx(after, abs=1e-4)
            assert variant.change == pytest.approx(after - base, abs=2e-4)
            changes = np.array(variant.control.changes)
            assert len(changes) == 5
            reach = t.ppf(0.975, 4) * changes.std(ddof=1) * np.sqrt(1 + 1 / len(changes))
            bounds = min(-FLOOR, changes.mean() - reach), max(FLOOR, changes.mean() + reach)
            assert (variant.control.low, variant.control.high) == pytest.approx(bounds, rel=1e-3, abs=1e-5)


def test_the_control_masks_as_many_neutral_words_and_is_computed_from_its_changes() -> None:
    reranker = toy(lambda ids, _start: -(ids == TOKENIZER.mask_token_id).sum(1).float())  # counts masks
    for result in probe(reranker, QUERY, DOCUMENT):
        for variant in result.variants:
            control = variant.control
            assert control.changes == (-float(control.size),) * N_CONTROL
            assert (control.low, control.high) == (-float(control.size), FLOOR)
            assert control.size <= max(1, len(words_of(result.document)) // 4)
    sizes = {v.control.size for result in probe(reranker, QUERY, DOCUMENT) for v in result.variants}
    assert max(sizes) == len(words_of(DOCUMENT)) // 4 == 10
    assert {v.control.size for result in probe(reranker, QUERY, "Danube flows", ["case"]) for v in result.variants} == {
        1
    }


@pytest.mark.parametrize(("step", "is_small"), [(0.003, True), (-0.003, True), (1.0, False)])
def test_a_change_below_the_floor_decides_nothing_however_still_the_control_is(step: float, is_small: bool) -> None:
    """A model that counts its tokens: masking changes nothing, other edits do."""
    reranker = toy(lambda ids, _start: step * (ids != TOKENIZER.pad_token_id).sum(1).float())
    variants = [(result.probe, variant) for result in probe(reranker, QUERY, DOCUMENT) for variant in result.variants]
    assert {change for _, variant in variants for change in variant.control.changes} == {0.0}
    assert (0.005 < max(abs(variant.change) for _, variant in variants) <= FLOOR) == is_small
    found = {(PROBES[key].expects, variant.outcome) for key, variant in variants}
    neither = {("fall", "no clear effect"), ("move", "no clear effect"), ("stay", "held"), ("not rise", "held")}
    assert (found <= neither) == is_small


def test_the_same_seed_gives_the_same_edits_and_another_seed_others(tiny_bert: Reranker) -> None:
    first, again, other = (probe(tiny_bert, QUERY, DOCUMENT, ["numbers", "shuffled"], seed) for seed in (5, 5, 6))
    assert first == again
    assert [v.document for v in first[1].variants] != [v.document for v in other[1].variants]


def test_what_a_probe_finds_does_not_depend_on_which_others_are_asked(tiny_bert: Reranker) -> None:
    every = by_key(probe(tiny_bert, QUERY, DOCUMENT, seed=2))
    for key, of_all in every.items():
        (alone,) = probe(tiny_bert, QUERY, DOCUMENT, [key], seed=2)
        assert [(v.query, v.document, v.says) for v in alone.variants] == [
            (v.query, v.document, v.says) for v in of_all.variants
        ]
        assert [v.control.size for v in alone.variants] == [v.control.size for v in of_all.variants]
        numbers = ([x for v in r.variants for x in (v.change, v.control.low, v.control.high)] for r in (alone, of_all))
        assert next(numbers) == pytest.approx(next(numbers), abs=1e-4)
        assert alone.verdict == of_all.verdict


def test_a_probe_that_does_not_apply_says_what_it_needs(tiny_bert: Reranker) -> None:
    (result,) = probe(tiny_bert, "rivers", "water flows", ["numbers"])
    assert (result.verdict, result.change, result.variants) == ("does not apply", None, ())
    assert result.note is not None
    assert "a number" in result.note


@pytest.mark.parametrize("document", ["Der Fluss ist nicht tief. Er ist lang.", "东京是首都。", "नदी लंबी है।"])
def test_a_probe_made_for_english_is_not_run_on_another_language(document: str, tiny_bert: Reranker) -> None:
    for result in probe(tiny_bert, QUERY, document):
        if PROBES[result.probe].english:
            assert (result.verdict, result.note) == ("does not apply", NOT_ENGLISH)
        else:
            assert result.note != NOT_ENGLISH


def test_a_probe_says_that_it_is_made_for_english() -> None:
    """Where it goes by lists of English words or capitals, or puts English sentences in."""
    by_lists, by_sentences = {"negation", "names", "reordered"}, {"padded", "injected", "answered"}
    assert {key for key, row in PROBES.items() if row.english} == by_lists | by_sentences


def test_truncation_is_said() -> None:
    (result,) = probe(toy(bag_of_words), QUERY, " ".join(["water flows."] * 100), ["twice"])
    assert result.variants[0].truncated
    (result,) = probe(toy(bag_of_words), QUERY, DOCUMENT, ["twice"])
    assert not result.variants[0].truncated


def test_unknown_probes_are_named_with_the_valid_ones(tiny_bert: Reranker) -> None:
    with pytest.raises(OptionError, match=r"nonsense.*Valid: negation"):
        probe(tiny_bert, QUERY, DOCUMENT, ["nonsense"])
    for seed in (-1, "a", None, 1.5):
        with pytest.raises(OptionError, match="seed is"):
            probe(tiny_bert, "berlin", "berlin", seed=seed)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="No probe"):
        probe(tiny_bert, QUERY, DOCUMENT, [])


@pytest.mark.parametrize("odd", [None, 1, b"berlin", ["berlin"]])
def test_what_is_no_text_is_named_as_it_is_by_explain(odd: Any, tiny_bert: Reranker) -> None:
    for pair in ((odd, DOCUMENT), (QUERY, odd)):
        with pytest.raises(InputError) as said:
            probe(tiny_bert, *pair)
        with pytest.raises(InputError, match=f"^{re.escape(str(said.value))}$"):
            explain(tiny_bert, *pair)


def test_all_probes_on_sixty_words_take_at_most_sixty_forwards() -> None:
    document = (
        f"{DOCUMENT} Every summer thousands of people swim in it, and in 2014 a ship with 300 guests went to Passau."
    )
    assert 55 <= len(words_of(document)) <= 65
    meters: list[Meter] = []
    results = probe(toy(bag_of_words), QUERY, document, on_pass=meters.append)
    assert len(results) == len(PROBES) >= 14
    assert sum(result.change is not None for result in results) >= 14
    assert 0 < meters[-1].n_forward <= MAX_PASSES == 60
