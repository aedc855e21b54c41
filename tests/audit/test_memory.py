"""The memory of an audit does not grow with its texts: ids, places and measures are all that is kept."""

from __future__ import annotations

import gc
import itertools
import random
import re
import resource
import tempfile
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from attribution.audit.failures import Wanted
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.batch import audit_command
from attribution.batch.audit_command import estimate
from attribution.batch.auditing import audit_in
from attribution.batch.engines import run_local
from attribution.batch.jobs import Job
from attribution.batch.judged import JudgedRow, read_judged_trec
from attribution.batch.kept import Kept, kept_rows
from attribution.batch.output import Output, replacing
from attribution.batch.rows import BadLine, Row
from tests.audit.toys import count_query_words, toy

QUERIES, CANDIDATES, LONG = 20, 5, 10_000  # characters of a long text, in words so long that there are few


def write_set(folder: Path, size: int) -> None:
    """A run, topics, judgements and passages of `size` characters, which are a BEIR folder's corpus, too."""
    folder.mkdir()
    names = [f"{q}-{k}" for q in range(QUERIES) for k in range(CANDIDATES)]
    lines = {
        "run": (f"{name.split('-')[0]} Q0 {name} 0 1 tag" for name in names),
        "qrels": (f"{name.split('-')[0]} 0 {name} 1" for name in names),
        "topics": (f"{q}\ttopica" for q in range(QUERIES)),
        "passages": (f"{name}\ttopica {' '.join([name + 'x' * 500] * (size // 500))}" for name in names),
    }
    for name, of in lines.items():
        (folder / name).write_text("\n".join(of) + "\n", encoding="utf-8")


def peak(folder: Path) -> int:
    """Bytes that Python held at most while the set was read, scored and measured."""
    reranker = toy(count_query_words, max_length=32)
    tracemalloc.start()
    run, topics, passages, qrels = (folder / name for name in ("run", "topics", "passages", "qrels"))
    judged = kept_rows(read_judged_trec(run, topics, passages, qrels, 100), folder)

    def answer(rows: Iterable[Row | BadLine], job: Job, output: Output) -> int:
        return run_local(reranker, rows, job, output, lambda: None, lambda _bad: None)

    audit, skipped = audit_in(folder / "out", reranker, judged, Wanted("P@1", 1, 0), {}, answer)
    assert (len(audit.queries), skipped) == (QUERIES, 0)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_long_texts_are_not_held_in_memory(tmp_path: Path) -> None:
    for name, size in (("warm", 500), ("short", 500), ("long", LONG)):
        write_set(tmp_path / name, size)
    peak(tmp_path / "warm")  # what is imported and cached at the first run
    grown = peak(tmp_path / "long") - peak(tmp_path / "short")
    assert grown < QUERIES * CANDIDATES * LONG / 3, "of all texts; those of a query are there a few times over"


def test_kept_rows_are_gone_through_by_several_at_once(tmp_path: Path) -> None:
    kept = kept_rows(range(5), tmp_path)
    assert [(a, b) for a, b in zip(kept, kept, strict=True)] == [(i, i) for i in range(5)]
    assert [(a, b) for a in kept for b in kept][-1] == (4, 4)
    texts = Kept[str, str]()
    texts.keep("a", "line\n\u2028 \U0001f600")
    assert texts["a"] == "line\n\u2028 \U0001f600"
    texts.keep("b", "")
    assert dict(texts) == {"a": "line\n\u2028 \U0001f600", "b": ""}
    assert list(tmp_path.iterdir()) == [], "the file has no name that could be left behind"


def test_what_cannot_be_made_is_named_as_it_was_given_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as the temporary file that stands in for it."""
    said: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", said.append)
    nowhere = tmp_path / "none"
    with pytest.raises(FileNotFoundError) as of_rows:
        kept_rows([1], nowhere)
    with pytest.raises(FileNotFoundError) as of_file, replacing(nowhere / "out.parquet"):
        pass
    assert (of_rows.value.filename, of_file.value.filename) == (str(nowhere), str(nowhere / "out.parquet"))
    del of_rows, of_file
    gc.collect()
    assert not said


def test_a_full_disk_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", said.append)
    kept, limits = Kept[str, str](), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (99, limits[1]))
    try:
        kept.keep("a", "x" * 999)
        with pytest.raises(OSError, match="too large") as full:
            kept.keep("b", "")
        assert full.value.filename == tempfile.gettempdir()
        del full
        del kept
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not said


SAID = re.compile(
    r"toy; queries: (\d+), candidates: (\d+), a forward pass each, about (\d+ s); then failures: at most (\d+), "
    r"about (\d+) passes each, (\d+) min\. What the folder already holds is not computed again\."
)


def test_the_cost_is_counted_over_the_whole_set(monkeypatch: pytest.MonkeyPatch) -> None:
    rand = random.Random(0)
    sentence = " ".join(rand.choices(["w1", "w2"], k=9)) + " . "
    rows = [
        JudgedRow(i, JudgedQuery(f"q{i}", "topica", tuple(Candidate(f"d{k}", sentence * 3, 0) for k in range(4)), {}))
        for i in range(7)
    ]
    reranker = toy(count_query_words)
    clock = itertools.count(step=28.0)
    monkeypatch.setattr(audit_command.time, "perf_counter", lambda: next(clock))  # 4 candidates: 7 s a pass
    found = SAID.fullmatch(estimate(reranker, rows, 5, workers=2))
    assert found
    assert found.groups()[:4] == ("7", "28", "98 s", "5")
    passes, minutes = map(int, found.groups()[4:])
    assert minutes == round(5 * passes * 0.4 * 7 / 2 / 60)
    unread = [JudgedRow(0, JudgedQuery("q", " ", (Candidate("d", "text", 1),), {}))]
    assert "each, about 0 s; then" in estimate(reranker, unread, 5), "it is said when its turn comes"
    assert "queries: 0, candidates: 0" in estimate(reranker, [], 5)
