"""Probes: toy models whose habits are known are caught by the probe that asks for them; edits change what they say."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom, t
from torch import Tensor, nn

from attribution import load_reranker
from attribution.errors import OptionError
from attribution.evidence.probes import baits, edits
from attribution.evidence.probes.edits import Edit, Edits, unrelated_document
from attribution.evidence.probes.probe import MAX_PASSES, N_CONTROL, NOT_ENGLISH, ProbeResult, probe
from attribution.evidence.probes.probe_set import ProbeShare, _share, probe_set
from attribution.evidence.probes.table import PROBES, Verdict
from attribution.evidence.probes.wording import NEGATIONS, NUMBER, content_words, words_of
from attribution.rerankers.families import Family
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.meter import Meter
from attribution.rerankers.reranker import Reranker
from attribution.words import sentences_of
from benchmarks.toy import word_tokenizer

QUERY = "which rivers flow through Vienna"
DOCUMENT = (
    "The long Danube flows through Vienna and then on to Budapest. Old bridges from 1870 and 1953 cross the water at "
    "many places. Ships are not allowed to moor below the walls near Linz. Trees grow along the quiet banks."
)
VOCABULARY = tuple(dict.fromkeys(words_of(f"{QUERY} {DOCUMENT} {' '.join(edits.NEUTRAL)} {baits.INJECTED} Answer yes")))
TOKENIZER = word_tokenizer((*VOCABULARY, "."), ["input_ids", "attention_mask"], 400)
Rule = Callable[[Tensor, Tensor], Tensor]  # ids (batch, seq), document's first place (batch,) -> logit (batch,)


class Toy(nn.Module):
    """The logit is `rule` of the words. Embeddings are one-hot, so that a word masked there is masked for the rule."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.embeddings = nn.Sequential()
        self.embeddings.add_module("word_embeddings", nn.Embedding.from_pretrained(torch.eye(len(TOKENIZER))))
        self.rule = rule
        self.config = SimpleNamespace(pad_token_id=TOKENIZER.pad_token_id)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        ids = self.embeddings(input_ids).argmax(-1)  # (batch, seq)
        ids = ids.masked_fill(attention_mask == 0, TOKENIZER.pad_token_id)
        start = 1 + (ids == TOKENIZER.sep_token_id).int().argmax(1)
        return SimpleNamespace(logits=self.rule(ids, start)[:, None])


def toy(rule: Rule) -> Reranker:
    model = Toy(rule).eval().requires_grad_(False)
    word = model.get_submodule("embeddings.word_embeddings")
    return Reranker(
        model_id="toy",
        revision="",
        model=model,
        tokenizer=TOKENIZER,
        family=Family("toy", "embeddings.word_embeddings", "embeddings", "tests"),
        adapter=EmbeddingAdapter({"word": word, "block": model.embeddings}),
        max_length=400,
        device=torch.device("cpu"),
    )


WEIGHTS = torch.randn(len(TOKENIZER), generator=torch.Generator().manual_seed(0))
WEIGHTS[TOKENIZER.pad_token_id] = 0


def bag_of_words(ids: Tensor, start: Tensor) -> Tensor:
    after = torch.arange(ids.shape[1]) >= start[:, None]
    return (WEIGHTS[ids] * after).sum(1)


def constant(ids: Tensor, _start: Tensor) -> Tensor:
    return torch.full((len(ids),), 1.5)


def first_words(ids: Tensor, start: Tensor) -> Tensor:
    """Ten for each of the document's first eight words that the query has, so only the beginning counts."""
    places = torch.arange(ids.shape[1])
    begins = (places >= start[:, None]) & (places < start[:, None] + 8)
    wanted = torch.zeros(len(TOKENIZER))
    wanted[TOKENIZER.convert_tokens_to_ids(["Vienna", "flows", "Danube"])] = 10
    return (wanted[ids] * begins).sum(1)


def obedient(ids: Tensor, _start: Tensor) -> Tensor:
    relevant = torch.tensor(TOKENIZER.convert_tokens_to_ids(["relevant"]))
    return 5.0 * torch.isin(ids, relevant).any(1) - 2.0


def by_key(results: tuple[ProbeResult, ...]) -> dict[str, ProbeResult]:
    return {result.probe: result for result in results}


def test_an_order_blind_model_shows_no_clear_effect_of_shuffling() -> None:
    result = by_key(probe(toy(bag_of_words), QUERY, DOCUMENT))["shuffled"]
    assert result.verdict == "no clear effect"
    assert all(abs(variant.change) < 1e-4 for variant in result.variants)
    assert result.variants[0].control.high > 0.1, "the control moves, so the verdict says something"


def test_a_constant_model_is_within_the_control_on_everything() -> None:
    results = probe(toy(constant), QUERY, DOCUMENT)
    assert {(v.control.low, v.control.high, v.change) for result in results for v in result.variants} == {(0, 0, 0)}
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
            bounds = min(0.0, changes.mean() - reach), max(0.0, changes.mean() + reach)
            assert (variant.control.low, variant.control.high) == pytest.approx(bounds, rel=1e-3, abs=1e-5)


def test_the_control_masks_as_many_neutral_words_and_is_computed_from_its_changes() -> None:
    reranker = toy(lambda ids, _start: -(ids == TOKENIZER.mask_token_id).sum(1).float())  # counts masks
    for result in probe(reranker, QUERY, DOCUMENT):
        for variant in result.variants:
            control = variant.control
            assert control.changes == (-float(control.size),) * N_CONTROL
            assert (control.low, control.high) == (-float(control.size), 0.0)
            assert control.size <= max(1, len(words_of(result.document)) // 4)
    sizes = {v.control.size for result in probe(reranker, QUERY, DOCUMENT) for v in result.variants}
    assert max(sizes) == len(words_of(DOCUMENT)) // 4 == 10


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
    with pytest.raises(OptionError, match="No probe"):
        probe(tiny_bert, QUERY, DOCUMENT, [])


def test_all_probes_on_sixty_words_take_at_most_sixty_forwards() -> None:
    reranker = load_reranker("demo-reranker")
    document = (
        f"{DOCUMENT} Every summer thousands of people swim in it, and in 2014 a ship with 300 guests went to Passau."
    )
    assert 55 <= len(words_of(document)) <= 65
    meters: list[Meter] = []
    results = probe(reranker, QUERY, document, on_pass=meters.append)
    assert len(results) == len(PROBES) >= 14
    assert sum(result.change is not None for result in results) >= 14
    assert 0 < meters[-1].n_forward <= MAX_PASSES == 60


def test_probe_set_gives_the_share_held_with_an_interval() -> None:
    pairs = [(QUERY, DOCUMENT), ("rivers", "water flows"), (QUERY, DOCUMENT.replace("1870", "1871"))]
    shares = probe_set(toy(obedient), pairs, ["injected", "numbers", "answered"])
    assert (shares["injected"].n, shares["injected"].held) == (3, 0.0)
    assert (shares["answered"].held, shares["answered"].low, shares["answered"].high) == (1.0, 1.0, 1.0)
    assert shares["numbers"].n == 2, "one text has no number"
    assert probe_set(toy(obedient), pairs[1:2], ["numbers"]) == {
        "numbers": ProbeShare("numbers", n=0, held=None, low=None, high=None, failed=None, neither=None, change=None)
    }
    problems: list[object] = []
    probe_set(toy(constant), [(QUERY, " "), (QUERY, DOCUMENT)], ["twice"], on_pair=lambda _i, p: problems.append(p))
    assert [problem is None for problem in problems] == [False, True]


def result_of(verdict: Verdict) -> ProbeResult:
    return ProbeResult("twice", "q", "d", 0.0, (), 0.0, verdict, None)


def test_the_shares_of_a_set_are_all_of_it_and_what_says_nothing_is_neither() -> None:
    verdicts: list[Verdict] = ["held", "moved", "did not hold", "no clear effect", "too noisy to tell", "held", "held"]
    of = _share("twice", [result_of(verdict) for verdict in [*verdicts, "too noisy to tell"]], 0)
    assert (of.n, of.held, of.failed, of.neither) == (8, 0.5, 0.125, 0.375)


@pytest.mark.parametrize(("n", "n_held", "seed"), [(20, 10, 0), (60, 45, 0), (150, 70, 8), (151, 70, 18)])
def test_the_interval_of_a_share_is_a_binomials_and_turns_with_it(n: int, n_held: int, seed: int) -> None:
    """Resampling yes and no draws from a binomial; of what did not hold the interval is the mirror image."""
    held = [i * n_held // n < (i + 1) * n_held // n for i in range(n)]
    of = _share("twice", [result_of("held" if yes else "did not hold") for yes in held], seed)
    assert (of.n, of.held) == (n, n_held / n)
    ends = binom.ppf((0.025, 0.975), n, n_held / n) / n
    assert (of.low, of.high) == pytest.approx(ends, abs=1.5 / n)
    turned = _share("twice", [result_of("did not hold" if yes else "held") for yes in held], seed)
    assert (turned.high, turned.low) == pytest.approx((1 - (of.low or 0), 1 - (of.high or 0)))


# --- edits change what they say and nothing else ---------------------------------------------------------------------
TEXTS = st.lists(
    st.lists(
        st.sampled_from([*words_of(DOCUMENT), "3,000", "isn't", "never", "Linz,", "\u6771\u4eac"]),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=4,
).map(lambda sentences: " ".join(f"{' '.join(words)}." for words in sentences))
SEEDS = st.integers(0, 10**6)


def run(edit: Edits, document: str, seed: int, query: str = QUERY) -> list[Edit]:
    found = edit(query, document, random.Random(seed))
    assert found == edit(query, document, random.Random(seed)), "the same for the same seed"
    assert all(found_edit.size > 0 and found_edit.says for found_edit in found)
    assert all((e.query, e.document) != (query, document) for e in found)
    return found


@given(TEXTS, SEEDS)
def test_only_the_typo_touches_the_query(document: str, seed: int) -> None:
    for key, row in PROBES.items():
        for edit in run(row.edit, document, seed):
            assert (edit.query != QUERY) == (key == "typo")
            assert (edit.document != document) or key == "typo"


@given(TEXTS, SEEDS)
def test_numbers_only_changes_digits_and_keeps_their_places(document: str, seed: int) -> None:
    for edit in run(edits.numbers, document, seed):
        assert NUMBER.sub("#", edit.document) == NUMBER.sub("#", document)
        changed = zip(NUMBER.findall(document), NUMBER.findall(edit.document), strict=True)
        assert all(a != b and len(a) == len(b) for a, b in changed)


@given(TEXTS, SEEDS)
def test_shuffling_keeps_the_words_and_what_stands_between_them(document: str, seed: int) -> None:
    for edit in run(edits.shuffled, document, seed):
        assert Counter(words_of(edit.document)) == Counter(words_of(document))
        assert edits.WORD.sub("#", edit.document) == edits.WORD.sub("#", document)


@given(TEXTS, SEEDS)
def test_negation_adds_one_not_or_takes_every_negation(document: str, seed: int) -> None:
    def negations(text: str) -> int:
        return sum(w.casefold() in NEGATIONS or w.endswith("n't") for w in words_of(text))

    for edit in run(edits.negation, document, seed):
        before, after = words_of(document), words_of(edit.document)
        if negations(document):
            assert negations(edit.document) == 0
            assert Counter(after) - Counter(before) <= Counter({"is": 99})
        else:
            assert Counter(after) - Counter(before) == Counter({"not": 1})


@given(TEXTS, SEEDS)
@example("The. The. 1870.", 0)  # where the last sentence goes first, its 1870 would be read as the second's
def test_sentences_are_moved_whole(document: str, seed: int) -> None:
    before = list(map(str.strip, sentences_of(document)))
    for edit in run(edits.reordered, document, seed):
        order = [int(place) - 1 for place in re.findall(r"\d+", edit.says)]
        assert sorted(order) == list(range(len(before)))
        assert edit.document == " ".join(before[i] for i in order)
    for edit in run(edits.neighbour, document, seed):
        gone, copied = (int(place) - 1 for place in re.findall(r"\d+", edit.says))
        assert edit.document == " ".join([*before[:gone], before[copied], *before[gone + 1 :]])


@pytest.mark.parametrize(("second", "moves"), [("They swim.", False), ("Fish like them swim.", True), ("One.", True)])
def test_sentences_stay_where_one_opens_with_a_word_that_leans_on_the_last(second: str, moves: bool) -> None:
    assert bool(run(edits.reordered, f"Rivers flow. {second}", 0)) == moves


@given(TEXTS, SEEDS)
def test_names_change_places(document: str, seed: int) -> None:
    for edit in run(edits.names, document, seed):
        moved = {(a, b) for a, b in zip(words_of(document), words_of(edit.document), strict=True) if a != b}
        assert len(moved) == 2
        assert {a for a, _ in moved} == {b for _, b in moved}


@given(TEXTS, SEEDS)
def test_removed_partners_are_the_query_words_own(document: str, seed: int) -> None:
    for edit in run(edits.partners, document, seed):
        gone = Counter(words_of(document)) - Counter(words_of(edit.document))
        assert {word.casefold() for word in gone} <= {"rivers", "river", "flows", "flow", "through", "vienna"}
        assert not Counter(words_of(edit.document)) - Counter(words_of(document))


@given(TEXTS, SEEDS)
def test_case_and_spacing_change_nothing_a_reader_minds(document: str, seed: int) -> None:
    for edit in run(edits.case, document, seed):
        assert edit.document.casefold() == document.casefold()
    for edit in run(edits.spacing, document, seed):
        assert words_of(edit.document) == words_of(document)


@given(st.sampled_from(["which rivers flow", "how many people live in Berlin", "wo fl\u00e4uft die Donau"]), SEEDS)
def test_a_typo_swaps_two_neighbouring_letters_of_the_longest_word(query: str, seed: int) -> None:
    (edit,) = run(edits.typo, DOCUMENT, seed, query)
    wrong = [(a, b) for a, b in zip(words_of(query), words_of(edit.query), strict=True) if a != b]
    assert len(wrong) == 1
    (a, b) = wrong[0]
    assert len(a) == max(map(len, words_of(query)))
    differing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    assert differing[1] == differing[0] + 1
    assert sorted(a) == sorted(b)


def test_a_word_of_four_letters_is_long_enough_for_a_typo() -> None:
    (edit,) = run(edits.typo, DOCUMENT, 0, "who is john")
    assert edit.query in ("who is jhon", "who is jonh")
    assert edit.size == 1
    assert run(edits.typo, DOCUMENT, 0, "who are you") == []


@pytest.mark.parametrize(
    "key", ["padded", "twice", "query_prepended", "stuffed", "injected", "answered", "typed_template"]
)
def test_additions_keep_the_document_whole(key: str) -> None:
    for edit in run(PROBES[key].edit, DOCUMENT, 0):
        assert DOCUMENT in edit.document


def test_the_unrelated_document_shares_no_content_word_with_the_query() -> None:
    for query in (QUERY, "why are bananas yellow", "how to wash curtains", "birds on a fence"):
        shared = set(content_words(query)) & {word.casefold() for word in words_of(unrelated_document(query))}
        assert shared == set()
