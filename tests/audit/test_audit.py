"""The audit of rerankers whose fault is known names that fault, and claims nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from attribution.audit.audit import Audit, audit
from attribution.audit.causes import find_causes
from attribution.audit.failures import Case, Inversion, Wanted, survey
from attribution.audit.judged import Candidate, JudgedQuery, Placed, ScoredQuery
from attribution.audit.lifting import lifting_words
from attribution.audit.reading import max_passes, read_inversion
from attribution.errors import InputError, OptionError, Stopped
from tests.audit.toys import ANSWER, PLANTED, count_query_words, judged_set, sentence, toy

Texts = Iterator[tuple[str, int | None]]


def claimed(found: Audit) -> set[str]:
    return {key for key, excess in found.causes.items() if excess.claimed}


def among(rand: random.Random, at: int, n: int, held: str) -> str:
    """`n` sentences of filler, and `held` in the place `at` of them."""
    sentences = [sentence(rand) for _ in range(n)]
    sentences.insert(at, held)
    return " ".join(sentences)


@pytest.mark.parametrize("n_relevant", [1, 3])
def test_a_word_that_is_paid_for_is_named_first(n_relevant: int) -> None:
    def texts(rand: random.Random, topic: str) -> Texts:
        yield from ((sentence(rand, topic, ANSWER), 1) for _ in range(n_relevant))
        yield sentence(rand, PLANTED), 0
        yield from ((sentence(rand, *[topic] * (i % 2)), 0) for i in range(5))

    pays = toy(lambda query, document: count_query_words(query, document) + 3 * document.count(PLANTED))
    found = audit(pays, judged_set(16, 1, texts))
    first = found.words[0]
    assert first.word == PLANTED
    assert first.excess.low > 1
    assert (first.lift, first.low, first.claimed) == (3.0, 3.0, True)
    assert [word.word for word in found.words if word.claimed] == [PLANTED]
    assert claimed(found) == set()
    assert len(found.failures) == found.n_inversions == 16


@pytest.mark.parametrize("n_relevant", [1, 3])
def test_a_model_that_reads_only_the_beginning(n_relevant: int) -> None:
    def texts(rand: random.Random, topic: str) -> Texts:
        for i in range(n_relevant):
            yield among(rand, rand.choice([6, 7]) if i == 0 else 0, 7, sentence(rand, topic, ANSWER)), 1
        for i in range(6):
            yield among(rand, rand.choice([0, 3, 6]), 7, sentence(rand, *[topic] * (i < 2))), 0

    found = audit(toy(lambda query, document: count_query_words(query, document[:30])), judged_set(16, 1, texts))
    assert claimed(found) == {"late"}
    assert "moved to the front" in found.failures[0].reading.causes["late"]


def test_a_model_that_counts_query_words() -> None:
    def texts(rand: random.Random, topic: str) -> Texts:
        yield sentence(rand, topic), 1
        yield sentence(rand, topic, topic, *[ANSWER] * rand.randint(0, 1)), 0
        yield from ((sentence(rand), 0) for _ in range(5))

    found = audit(toy(count_query_words), judged_set(16, 1, texts))
    assert claimed(found) == {"bait", "query_words"}


def test_a_model_that_is_cut_at_64_tokens() -> None:
    def texts(rand: random.Random, topic: str) -> Texts:
        yield among(rand, rand.choice([9, 10]), 12, sentence(rand, topic, ANSWER)), 1
        for i in range(6):
            yield among(rand, 0, rand.choice([3, 12]), sentence(rand, *[topic] * (i < 2))), 0

    judged = judged_set(12, 1, texts)
    found = audit(toy(count_query_words, max_length=64), judged)
    assert "cut" in claimed(found)
    assert found.failures[0].reading.causes["cut"].startswith("59 of 117 words were read")
    assert "cut" not in claimed(audit(toy(count_query_words), judged))


def test_the_costliest_exchange_is_the_failure() -> None:
    """By hand: nDCG of the order 0, 2, 1, 0 gains most by the exchange of the first with the grade 2."""
    grades = (0, 2, 1, 0)
    words = ["topica " * (4 - i) for i in range(4)]
    candidates = tuple(
        Candidate(f"d{i}", text, grade) for i, (text, grade) in enumerate(zip(words, grades, strict=True))
    )
    (failure,) = audit(toy(count_query_words), [JudgedQuery("q", "topica", candidates, {})]).failures
    case = failure.inversion.case
    assert (case.wrong.id, case.right.id, case.wrong.rank, case.right.rank) == ("d0", "d1", 1, 2)
    assert [(c.right.id, c.wrong.id) for c in failure.inversion.controls] in (
        [("d1", "d3"), ("d2", "d3")],
        [("d2", "d3"), ("d1", "d3")],
    )


def test_of_exchanges_that_gain_as_much_the_higher_grade_is_the_failure() -> None:
    """P@1 knows relevant or not: either of the two gains 1."""
    candidates = tuple(Candidate(f"d{i}", "topica " * (3 - i), grade) for i, grade in enumerate((0, 1, 2)))
    (failure,) = audit(toy(count_query_words), [JudgedQuery("q", "topica", candidates, {})], measure="P@1").failures
    assert (failure.inversion.case.right.id, failure.inversion.cost) == ("d2", 1.0)


def test_what_is_not_judged_is_never_called_wrong() -> None:
    texts = {"open": ("topica topica", None), "right": ("topica w1", 1), "wrong": ("w1 w2", 0)}
    candidates = tuple(Candidate(id, *text) for id, text in texts.items())
    found = audit(toy(count_query_words), [JudgedQuery("q", "topica", candidates, {})])
    assert found.failures == ()
    assert (found.n_unjudged, found.unjudged[0].unjudged.id, found.unjudged[0].right.id) == (1, "open", "right")
    wrong = audit(toy(count_query_words), [JudgedQuery("q", "topica", candidates, {})], unjudged=0)
    assert (wrong.n_unjudged, [one.inversion.case.wrong.id for one in wrong.failures]) == (0, ["open"])
    for given in (1, True, False, "0"):
        with pytest.raises(OptionError, match=f"unjudged is {given!r}; it must be 0"):
            audit(toy(count_query_words), [], unjudged=given)  # type: ignore[arg-type]


def query(name: str, *grades: int | None) -> JudgedQuery:
    return JudgedQuery(name, "topica", tuple(Candidate(f"d{i}", f"topica w{i}", g) for i, g in enumerate(grades)), {})


def test_sets_with_little_in_them_are_answered_in_sentences() -> None:
    reranker = toy(count_query_words)
    with pytest.raises(InputError, match="No query of the set that was scored has a grade"):
        audit(reranker, [query("q", None, None)])
    with pytest.raises(InputError, match="No query of the set that was scored has a grade"):
        audit(reranker, [])
    (one,) = (audit(reranker, [query("q", 0, 1)]),)
    assert len(one.queries) == 1
    found = audit(
        reranker,
        [
            query("right", 1, -2),
            query("open", None),
            query("none relevant", 0, 0),
            JudgedQuery("not in the run", "topica", (), {"x": 1}),
        ],
    )
    assert [note.rsplit(" ", 1)[1] for note in found.notes] == ["1.", "1.", "1."]
    assert [one.id for one in found.queries] == ["right", "none relevant", "not in the run"]
    twice = JudgedQuery("q", "topica", (Candidate("d", "w1", 1), Candidate("d", "w2", 0)), {})
    with pytest.raises(InputError, match="document d twice"):
        audit(reranker, [twice])


def test_options_that_are_not_valid_stop_before_anything_is_scored() -> None:
    never: Callable[..., float] = lambda query, document: pytest.fail("scored")  # noqa: E731
    for measure in ("nonsense@3", "nDCG@", ""):
        with pytest.raises(OptionError, match="ir-measures does not compute"):
            audit(toy(never), [query("q", 1)], measure=measure)
    with pytest.raises(OptionError, match="n_failures"):
        audit(toy(never), [query("q", 1)], n_failures=0)


def test_a_long_list_and_a_long_text_are_read() -> None:
    n = 3_000  # candidates of one query
    candidates = tuple(Candidate(f"d{i}", "text", int(i % 100 == 9)) for i in range(n))
    many = ScoredQuery(JudgedQuery("many", "topica", candidates, {}), tuple(float(n - i) for i in range(n)))
    (inversion,) = survey([many], Wanted("nDCG@10", 5, seed=0)).inversions
    assert (inversion.case.wrong.rank, inversion.case.right.rank, len(inversion.controls)) == (1, 110, 4)
    long = JudgedQuery("q", "topica", (Candidate("a", "topica", 0), Candidate("b", "w1 . " * 2000 + "topica", 1)), {})
    found = audit(toy(count_query_words), [long])
    assert found.n_inversions == 1


def test_a_stop_is_heard_and_everything_counts_as_a_pass() -> None:
    def stop(_meter: object) -> None:
        raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        audit(toy(count_query_words), [query("q", 0, 1)], on_pass=stop)
    batches: list[int] = []  # how many the model has seen, and how many were told of
    told: list[object] = []
    counts = toy(lambda query, document: float("w0" in document))
    counts.model.register_forward_pre_hook(lambda *_given: batches.append(1))
    audit(counts, [query("q", 0, 1)], on_pass=told.append)
    assert len(told) == len(batches) > 5


@pytest.mark.parametrize(
    ("wrong", "right", "key", "says"),
    [
        ("topicb topicc won in 1912 .", "topicb topicc won in 1914 .", "numbers", "1914 \u2192 "),
        ("The topicb Peter saw Paul .", "The topicb Paul saw Mary .", "names", "changed places"),
        ("topicb is not topicc topicd .", "topicb is topicc topicd .", "negation", "put after"),
        (
            "topicb is topicc topicd .",
            "topicb isn't topicc topicd .",
            "negation",
            "negation taken out of the document: \u201cisn't\u201d",
        ),
    ],
)
def test_what_a_probe_would_change_is_all_that_differs(wrong: str, right: str, key: str, says: str) -> None:
    reads_words = toy(lambda query, document: float("topicb" in document))
    case = Case("topica", Placed("a", wrong, 0, 1.0, 1), Placed("b", right, 1, 0.25, 2))
    found = find_causes(reads_words, case)
    assert [one for one in found if one in ("numbers", "names", "negation")] == [key]
    assert says in found[key]
    assert "the right one's score moves by +0.75 with" in found[key], "the edited text scores 1"
    other = Case("topica", Placed("a", "topice topicf topicg 1912 .", 0, 1.0, 1), case.right)
    assert key not in find_causes(reads_words, other), "most words are not in both"


@pytest.mark.parametrize(
    ("upper", "lower", "cause"), [(30, 10, "longer"), (10, 30, "shorter"), (15, 10, "longer"), (14, 10, "")]
)
def test_a_text_half_as_long_again_is_a_cause_above_and_below(upper: int, lower: int, cause: str) -> None:
    wrong, right = (Placed(i, "word " * n, g, 0.0, r) for i, n, g, r in (("a", upper, 0, 1), ("b", lower, 1, 2)))
    found = find_causes(toy(count_query_words), Case("topica", wrong, right))
    assert {*found} & {"longer", "shorter"} == ({cause} if cause else set())


def test_at_most_so_many_passes_where_every_set_of_sentences_is_scored() -> None:
    passes: list[int] = []

    def counted(_query: list[str], document: list[str]) -> float:
        passes.append(len(document))
        return float(len(document))

    rand = random.Random(0)
    texts = [" ".join(sentence(rand) for _ in range(5)) for _ in range(2)]
    case = Case("topica", Placed("a", texts[0], 0, 3.0, 1), Placed("b", texts[1], 1, 0.0, 2))
    read_inversion(toy(counted), Inversion("q", 1.0, case, (case,) * 4))
    n_words = max(len(text.split()) for text in texts)
    assert max_passes(5, n_words) / 2 < len(passes) <= max_passes(5, n_words)


def test_words_inside_the_sentence_that_counts_most() -> None:
    """A text of more than 60 words: its largest sentence is looked into, alone, and its planted word carries it."""
    rand = random.Random(4)
    passes: list[int] = []

    def pays_for_it(_query: list[str], document: list[str]) -> float:
        passes.append(len(document))
        return 3.0 * document.count(PLANTED)

    pays = toy(pays_for_it)
    wrong = among(rand, 5, 9, sentence(rand, PLANTED))
    right = among(rand, 0, 9, sentence(rand, "topica"))
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", right, 1, 0.0, 2))
    told = read_inversion(pays, Inversion("q", 1.0, case, (case,) * 4)).why
    assert max_passes(10, 90) / 2 < len(passes) <= max_passes(10, 90)
    (largest,) = [part for part in told.wrong if part.words]
    assert PLANTED in largest.text
    assert (largest.value, told.error) == (pytest.approx(3.0), pytest.approx(0.0))
    assert {word.text.strip(): word.value for word in largest.words if word.value} == {PLANTED: pytest.approx(3.0)}
    assert told.wrong_words == ()


@pytest.mark.parametrize(("n_sentences", "unit"), [(1, "word"), (2, "sentence"), (3, "sentence")])
def test_what_raises_the_wrong_text_is_dropped_until_it_falls_below_the_right_one(n_sentences: int, unit: str) -> None:
    rand = random.Random(5)
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + document.count("topica"))
    planted = sentence(rand, PLANTED, length=4)
    wrong = " ".join([*(sentence(rand, length=4) for _ in range(n_sentences - 1)), planted])
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", sentence(rand, "topica"), 1, 1.0, 2))
    turned = read_inversion(pays, Inversion("q", 1.0, case, ())).turned
    assert (turned.unit, turned.turned, turned.logit) == (unit, True, pytest.approx(0.0))
    assert [one.strip() for one in turned.dropped] == [PLANTED if unit == "word" else planted]


def test_a_sentence_behind_one_that_both_texts_have_is_dropped() -> None:
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + document.count("topica"))
    both, planted = "w1 w2 w3 w4 . ", f"w5 {PLANTED} w6 w7 ."
    wrong, right = f"{both}{planted}", f"{both}w8 topica w9 w1 ."
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", right, 1, 1.0, 2))
    turned = read_inversion(pays, Inversion("q", 1.0, case, ())).turned
    assert (turned.unit, turned.dropped, turned.logit) == ("sentence", (planted,), pytest.approx(0.0))


def test_a_cause_says_its_scores_with_their_signs() -> None:
    """A model that reads ten words, or is cut at 24 tokens, and pays 1 for each word of the query."""
    filler, answer = "w1 w2 w3 w4 w5 w6 .", "topica topica ."
    late = Placed("b", f"{filler} {filler} {answer}", 1, 0.5, 2)

    def causes(reads: int, max_length: int, wrong: str, right: Placed) -> dict[str, str]:
        reader = toy(lambda query, read: count_query_words(query, read[:reads]) + 0.5, max_length)
        return find_causes(reader, Case("topica", Placed("a", wrong, 0, 1.5, 1), right))

    moved = causes(10, 512, "topica w7 .", late)["late"]
    assert moved.startswith("its best sentence, 3 of 3, begins after 12 words; moved")
    assert moved.endswith("would score +2.50 instead of +0.50, above the other's +1.50")
    early = Placed("b", f"w1 w2 . {answer} {filler} {filler} {filler}", 1, 1.5, 2)  # in the first third
    assert "late" not in causes(4, 512, "topica w7 .", early)
    cut = causes(99, 16, "topica w7 .", late)["cut"]
    assert cut.endswith("would alone score +2.50, above the other's +1.50")
    words = causes(99, 512, "topica topica w7 .", Placed("b", "topica w8 .", 1, 1.5, 2))["query_words"]
    assert words.endswith("the wrong one scores +2.50 and the right one +1.50")


def test_causes_by_the_words_of_both_texts() -> None:
    """Only words that the wrong text has are lacked; of a text of three words all may stand in the other one."""
    wrong, right = "river bridge and some more words .", "castle and some more words ."
    asked = "river bridge castle museum harbour"
    case = Case(asked, Placed("a", wrong, 0, 2.0, 1), Placed("b", right, 1, 1.0, 2))
    gap = find_causes(toy(count_query_words), case)["gap"]
    lacks = "\u201criver\u201d, \u201cbridge\u201d, which the wrong one has"
    assert gap == f"the right one holds 1 of the query's 5 words and lacks {lacks}"
    short = Case(asked, case.wrong, Placed("b", "and some more", 1, 0.0, 2))
    assert find_causes(toy(count_query_words), short)["duplicates"].startswith("100 % of the shorter text")


def test_a_word_of_the_right_text_lifts_no_wrong_one() -> None:
    """It tells failures from pairs in order as well as the planted word does, and stands on the other side."""

    def case(name: str, wrong: str, right: str, gain: float) -> Case:
        return Case("topica", Placed(f"{name}a", wrong, 0, gain, 1), Placed(f"{name}b", right, 1, 0.0, 2))

    fine = case("c", "w3 w4 .", "w5 w6 .", -1.0)
    failures = [
        Inversion(str(i), 1.0, case(str(i), f"{PLANTED} w1 .", f"{ANSWER} w2 .", 3.0), (fine, fine)) for i in range(30)
    ]
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED))
    assert [one.word for one in lifting_words(pays, failures, 0)][:1] == [PLANTED]
    assert ANSWER not in {one.word for one in lifting_words(pays, failures, 0)}
