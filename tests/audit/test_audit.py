"""The audit of rerankers whose fault is known names that fault, and claims nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from attribution.audit.audit import Audit, audit, check_options
from attribution.audit.failures import Wanted, survey
from attribution.audit.judged import Candidate, JudgedQuery, ScoredQuery
from attribution.errors import InputError, OptionError, Stopped
from tests.audit.toys import ANSWER, PLANTED, among, count_query_words, judged_set, sentence, toy

Texts = Iterator[tuple[str, int | None]]


def claimed(found: Audit) -> set[str]:
    return {key for key, excess in found.causes.items() if excess.claimed}


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
    limited = toy(count_query_words, max_length=64)
    cut = [limited.encode(one.query, candidate.text).truncated for one in judged for candidate in one.candidates]
    assert 0 < sum(cut) < len(cut)
    assert found.notes[-1].endswith(f"since the pair is longer than its limit: {sum(cut)}.")
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
    for given in (1, -1, True, False, "0"):
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


def ranked(name: str, *grades: int | None) -> JudgedQuery:
    """Grades in the order that `count_query_words` gives."""
    texts = ["topica " * (len(grades) - i) for i in range(len(grades))]
    return JudgedQuery(name, "topica", tuple(map(Candidate, map("d{}".format, range(9)), texts, grades)), {})


@pytest.mark.parametrize("n", [1, 2])
def test_the_costliest_failures_and_the_highest_open_questions_are_kept(n: int) -> None:
    """Of equal costs the earlier query."""
    judged = [ranked(*row) for row in (("y", 0, None, 1), ("x", None, 1), ("a", 0, 1), ("b", 0, 1), ("right", 1, 0))]
    found = audit(toy(count_query_words), judged, n_failures=n)
    assert [one.inversion.id for one in found.failures] == ["y", "a"][:n]
    assert [one.id for one in found.unjudged] == ["x", "y"][:n]
    assert (found.n_inversions, found.n_unjudged) == (3, 2)


def test_an_open_question_is_of_the_first_without_a_grade_and_the_first_relevant_one_below_it() -> None:
    (one,) = audit(toy(count_query_words), [ranked("q", 1, None, None, 0, 1, 2)]).unjudged
    assert (one.unjudged.rank, one.right.rank) == (2, 5)


def test_an_exchange_that_gains_nothing_is_no_failure() -> None:
    assert audit(toy(count_query_words), [ranked("q", 1, 0, 1)], measure="P@1").failures == ()


def test_options_that_are_not_valid_stop_before_anything_is_scored() -> None:
    never: Callable[..., float] = lambda query, document: pytest.fail("scored")  # noqa: E731
    for measure in ("nonsense@3", "nDCG@", ""):
        with pytest.raises(OptionError, match="ir-measures does not compute"):
            audit(toy(never), [query("q", 1)], measure=measure)
    for n in (0, 10_001):
        with pytest.raises(OptionError, match=f"n_failures is {n}; it must be a whole number between 1 and 10000"):
            audit(toy(never), [query("q", 1)], n_failures=n)
    assert [check_options("AP", n, 0) for n in (1, 10_000)] == [(1, 0), (10_000, 0)]


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
