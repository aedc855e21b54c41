"""Judged sets as people have them: a run with judgements, a BEIR folder, JSON lines, or a data set of ir_datasets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from attribution.audit.judged import Candidate, JudgedQuery, check_judged
from attribution.audit.measures import best_by_bm25
from attribution.batch.kept import Kept
from attribution.batch.keys import DOCUMENT, PAIR, Ignored, check_grade, find_id, kind, read_entry
from attribution.batch.lines import Tell, say
from attribution.batch.rows import BadLine, Row, read_each, read_trec, unreadable
from attribution.batch.trec import beir_files, read_passages, read_qrels, read_topics
from attribution.errors import InputError, OptionError

GRADES = ("grade", "relevance", "label")  # keys of a document's grade in JSON lines
QUERY_IDS = ("qid", "query_id")  # of a line that holds a query and one document
SCORE = "score"  # that of a search engine, where any document of the list has a grade
Grades = Mapping[str, int]  # document id -> grade
Read = Iterator["JudgedRow | BadLine"]


@dataclass(frozen=True)
class Pair:
    """A line that holds one document of a judged query; `id`: the query's, "" where it has none."""

    line: int
    id: str
    query: str
    candidate: Candidate


@dataclass(frozen=True)
class JudgedRow:
    """A judged query with the line it was read from."""

    line: int
    judged: JudgedQuery

    @property
    def row(self) -> Row:
        """What `rank` is given of it."""
        texts, ids = (tuple(getattr(c, name) for c in self.judged.candidates) for name in ("text", "id"))
        return Row(self.judged.id, self.line, self.judged.query, texts, ids)


def read_judged_trec(run: Path, topics: Path, passages: Path, qrels: Path, top: int, tell: Tell = say) -> Read:
    """The `top` passages of each query of a run, graded; then queries that only the judgements have."""
    yield from _graded(read_trec(run, topics, passages, top, True, tell), read_qrels(qrels, tell))


def read_beir(folder: Path, split: str, top: int, tell: Tell = say) -> Read:
    """A BEIR folder's judged queries with the `top` passages of its corpus by BM25, whose index is held in memory."""
    corpus, topics, qrels = beir_files(folder, split)
    grades = read_qrels(qrels, tell)
    queries = read_topics(topics, grades.keys(), tell)
    for lost in [query_id for query_id in grades if query_id not in queries]:
        yield BadLine(0, f"{qrels.name} judges query {lost}, which {topics.name} lacks")
    texts = read_passages(corpus, None, tell)
    yield from _graded(_by_bm25(texts, queries, top), grades)


def read_dataset(name: str, top: int) -> Read:
    """A data set of ir_datasets: its judged queries with its own run where it has one, else the first by BM25.

    For BM25 all documents are read. Raises `OptionError` without the package, the set, its judgements, or a download.
    """
    try:
        yield from _dataset(name, top)
    except (ImportError, RuntimeError) as error:  # of ir_datasets: a package that the set needs, or no download
        raise OptionError(
            f"ir_datasets cannot read the set {name!r}: {error.args[0]}. Mend that, and run the same command again."
        ) from None


def _dataset(name: str, top: int) -> Read:
    try:
        import ir_datasets
    except ImportError:
        raise OptionError("--dataset needs ir_datasets: pip install 'rerank-lens[audit]'.") from None
    try:
        dataset = ir_datasets.load(name)
        judged = list(dataset.qrels_iter())
    except (KeyError, AttributeError) as error:
        raise OptionError(f"ir_datasets has no set {name!r} with judgements: {error}.") from None
    grades: dict[str, dict[str, int]] = {}
    for one in judged:
        grades.setdefault(str(one.query_id), {})[str(one.doc_id)] = int(one.relevance)
    queries = {str(one.query_id): str(one.default_text()) for one in dataset.queries_iter()}
    queries = {key: queries[key] for key in grades if key in queries}
    if dataset.has_scoreddocs():
        ranked: dict[str, list[tuple[float, str]]] = {key: [] for key in queries}
        for one in dataset.scoreddocs_iter():
            ranked.get(str(one.query_id), []).append((-one.score, str(one.doc_id)))
        store = dataset.docs_store()
        rows = (_stored(key, queries[key], [one for _, one in sorted(of)[:top]], store) for key, of in ranked.items())
        yield from _graded(chain.from_iterable(rows), grades)
        return
    texts = Kept[str, str]()
    for one in dataset.docs_iter():
        texts.keep(str(one.doc_id), str(one.default_text()))
    yield from _graded(_by_bm25(texts, queries, top), grades)


def _stored(key: str, query: str, ids: list[str], store: Any) -> Iterator[Row | BadLine]:
    found = {id: str(one.default_text()) for id, one in store.get_many(ids).items()}
    bad = {
        id: unreadable(found[id]) if id in found else f"query {key} retrieves it, and the set lacks it" for id in ids
    }
    yield from (BadLine(0, reason, id) for id, reason in bad.items() if reason)
    if kept := [id for id in ids if not bad[id]]:
        yield Row(key, 0, query, tuple(found[id] for id in kept), tuple(kept))


def read_judged_lines(lines: Iterable[str], tell: Tell = say) -> Read:
    """A query a line: `{"query": ..., "documents": [{"text": ..., "grade": 1}, ...]}`, ids where given.

    Or a document a line, with its query and its grade, also as a table; those of one query, and of one `QUERY_IDS`, are
    a list, wherever they stand. A document without a grade, or with null, is not judged. Bad lines are named; other
    forms are read as `json_lines` says. Raises `InputError` for an input of no such form.
    """
    ignored, pairs, lists = Ignored("the input", tell), Kept[tuple[str, str, int], Candidate](), dict[Any, list[int]]()
    for one in read_each(lines, False, tell, partial(_judged, ignored)):
        if isinstance(one, Pair):
            if reason := unreadable(one.candidate.text):
                yield BadLine(one.line, reason)
            places = lists.setdefault((one.id, one.query), [])
            places.append(one.line)
            pairs.keep((one.id, one.query, len(places)), one.candidate)
        elif isinstance(one, JudgedRow):
            each = ((of.id, unreadable(of.text)) for of in one.judged.candidates)
            yield from (BadLine(one.line, reason, id) for id, reason in each if reason)
            yield replace(one, judged=_scorable(one.judged))
        else:
            yield one
    for (own, query), numbers in lists.items():
        found = (pairs[own, query, n] for n in range(1, 1 + len(numbers)))
        candidates = tuple(replace(one, id=one.id or str(n)) for n, one in enumerate(found, start=1))
        judged = JudgedQuery(own or str(numbers[0]), query, candidates, {})
        try:
            check_judged(judged)
            yield JudgedRow(numbers[0], _scorable(judged))
        except InputError as error:
            yield BadLine(numbers[0], str(error))


def _judged(ignored: Ignored, value: Any, number: int) -> JudgedRow | Pair:
    if not isinstance(value, dict) or not isinstance(value.get("query"), str):
        raise InputError("query is missing or not a string; a line must be an object with query and documents")
    if "documents" not in value and any(key in value for key in DOCUMENT.texts):
        query_id = next((str(value[key]) for key in QUERY_IDS if value.get(key) not in (None, "")), "")
        rest = {key: held for key, held in value.items() if key not in ("query", *QUERY_IDS)}
        return Pair(number, query_id, value["query"], _candidate(rest, "the document", number, GRADES, ignored))
    documents = value.get("documents")
    if not isinstance(documents, list) or not documents or not all(isinstance(d, dict) for d in documents):
        raise InputError("documents must be a list of objects, each with a text and a grade")
    own, _ = find_id(value, PAIR)
    keys = GRADES if any(d.get(name) is not None for d in documents for name in GRADES) else (SCORE,)
    each = ((d, f"document {place}") for place, d in enumerate(documents, start=1))
    candidates = [_candidate(d, name, number, keys, ignored) for d, name in each]
    named = tuple(replace(one, id=one.id or str(place)) for place, one in enumerate(candidates, start=1))
    judged = JudgedQuery(own or str(number), value["query"], named, {})
    check_judged(judged)
    ignored.hear(number, value, frozenset({"query", "documents", *PAIR.ids}))
    return JudgedRow(number, judged)


def _candidate(value: Mapping[str, Any], name: str, number: int, keys: Sequence[str], ignored: Ignored) -> Candidate:
    """Its id is empty where it has none."""
    entry = read_entry(value, DOCUMENT)
    key = next((name for name in keys if value.get(name) not in (None, "")), GRADES[0])
    ignored.hear(number, value, entry.read | {key})
    grade = value.get(key) or None if isinstance(value.get(key), str) else value.get(key)
    with suppress(ValueError):  # a table has strings
        grade = float(grade) if isinstance(grade, str) else grade
    if isinstance(grade, float) and grade.is_integer():  # a table's column with gaps
        grade = int(grade)
    if isinstance(grade, bool) or not isinstance(grade, (int, type(None))):
        raise InputError(f"the grade of {name} is {kind(grade)}; it must be a whole number, or null")
    check_grade(grade or 0)
    return Candidate(entry.id or "", entry.text, grade)


def _scorable(judged: JudgedQuery) -> JudgedQuery:
    """Without unreadable documents; their grades count on, as those of documents that were not retrieved."""
    grades = {one.id: one.grade for one in judged.candidates if unreadable(one.text) and one.grade is not None}
    candidates = tuple(one for one in judged.candidates if not unreadable(one.text))
    return replace(judged, candidates=candidates, elsewhere={**judged.elsewhere, **grades})


def _graded(rows: Iterable[Row | BadLine], grades: Mapping[str, Grades]) -> Read:
    """Rows with their grades; a judged query that no row has is one without candidates."""
    seen = set()
    for row in rows:
        if isinstance(row, BadLine):
            yield row
            continue
        seen.add(row.id)
        own = grades.get(row.id, {})
        pairs = zip(row.document_ids, row.documents, strict=True)
        candidates = tuple(Candidate(key, text, own.get(key)) for key, text in pairs)
        elsewhere = {key: grade for key, grade in own.items() if key not in row.document_ids}
        yield JudgedRow(row.line, JudgedQuery(row.id, row.query, candidates, elsewhere))
    for lost in (key for key in grades if key not in seen):
        yield JudgedRow(0, JudgedQuery(lost, "", (), grades[lost]))


def _by_bm25(texts: Mapping[str, str], queries: Mapping[str, str], top: int) -> Iterator[Row]:
    ids = list(texts)
    for key, best in zip(queries, best_by_bm25(texts.values(), queries.values(), top), strict=True):
        yield Row(key, 0, queries[key], tuple(texts[ids[i]] for i in best), tuple(ids[i] for i in best))
