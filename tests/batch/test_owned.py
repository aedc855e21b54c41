"""Nothing that this program did not write is destroyed, and what it did write is gone on with, packed or not."""

from __future__ import annotations

import gzip
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attribution.__main__ import main

PAIRS = [{"id": name, "query": "berlin", "document": f"museums of {name}"} for name in ("paris", "berlin", "new york")]
OF = {  # a command, and what it needs
    "explain": ["explain", "--method", "saliency"],
    "rank": ["rank"],
    "evaluate": ["evaluate", "--method", "saliency"],
    "sentences": ["sentences"],
    "probe": ["probe"],
}
MINE = {  # what somebody may keep in a file
    "a line without its end": b'{"id": 7, "mine": true}',
    "notes": b"to do\nbuy milk\n",
    "a note": b"milk",
    "half a line like ours": b'{"format": "re',
    "the input": b"".join(json.dumps(pair).encode() + b"\n" for pair in PAIRS),
    "a list": b"[1]\n",
    "deep": b"[" * 5000 + b"\n",
    "line feeds": b"\n\n\n",
    "no text": b"\xff\xfe\x00\x00",
    "gzip": gzip.compress(b"to do\nbuy milk\n"),
    "gzip, cut off": gzip.compress(os.urandom(99))[:-9],
    "half of gzip's mark": b"\x1f",
    "gzip's head": gzip.compress(b"milk")[:12],
}


@pytest.fixture
def command(
    tiny_folder: Callable[[str], Path], typed: Callable[[bytes], None], capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """`(rows of stdin, *arguments) -> (exit code, stderr)` with the tiny model."""

    def run(rows: list[Any], *arguments: str) -> tuple[int, str]:
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        typed(data)
        code = main([*arguments, "--model", str(tiny_folder("BertForSequenceClassification"))])
        return code, capfd.readouterr().err

    return run


def rows_of(task: str) -> list[dict[str, Any]]:
    if task != "rank":
        return PAIRS
    return [{"id": pair["id"], "query": pair["query"], "documents": [pair["document"], "paris"]} for pair in PAIRS]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet", "out.parquet.jsonl", "out.json"])
def test_what_is_not_ours_is_refused_and_stays_to_the_byte(name: str, command: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / name
    output = path.with_suffix("") if name.endswith(".parquet.jsonl") else path
    for of, held in MINE.items():
        path.write_bytes(held)
        for task in OF:
            code, err = command(rows_of(task), *OF[task], "--output", str(output))
            assert (code, path.read_bytes()) == (2, held), (of, task)
            assert "Give another --output" in err
    assert sorted(os.listdir(tmp_path)) == [name], "nothing beside it"


def test_somebodys_parquet_stays(command: Any, tmp_path: Path) -> None:
    parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    path = tmp_path / "mine.parquet"
    parquet.write_table(pa.table({"id": ["x"]}), path)
    held = path.read_bytes()
    for task in OF:
        code, err = command(rows_of(task), *OF[task], "--output", str(path))
        assert (code, path.read_bytes()) == (2, held)
        assert f"{path} was not written by this program" in err


@pytest.mark.parametrize("ours", OF)
def test_no_command_writes_over_the_answers_of_another(ours: str, command: Any, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert command(rows_of(ours), *OF[ours], "--output", str(path))[0] == 0
    held = path.read_bytes()
    for other in OF.keys() - {ours}:
        code, err = command(rows_of(other), *OF[other], "--output", str(path))
        assert (code, path.read_bytes()) == (2, held)
        assert f"was written with format rerank-lens {ours} 1, not format rerank-lens {other} 1" in err
    code, err = command(rows_of(ours), *OF[ours], "--output", str(path))
    assert (code, path.read_bytes()) == (0, held), "nothing is done twice"
    assert "found there; going on" in err


@pytest.mark.parametrize("task", OF)
@pytest.mark.parametrize("rows", [[], [{"query": " "}, "no row"]])
def test_of_an_input_without_answers_there_is_an_empty_file(
    rows: list[Any], task: str, command: Any, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    n_lines = 1 if task == "probe" else 0  # the table of no pairs
    for name in ("out.jsonl", "out.jsonl.gz", "out.parquet"):
        path = tmp_path / name
        path.touch()  # an empty file is nobody's
        assert command(rows, *OF[task], "--output", str(path))[0] == (1 if rows else 0)
        if name == "out.parquet":
            assert parquet.read_table(path).num_rows == n_lines
        else:
            lines = gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
            assert lines.count(b"\n") == n_lines
        assert command(rows, *OF[task], "--output", str(path))[0] == (1 if rows else 0), "again"


@pytest.mark.parametrize(
    ("task", "name"), [*((task, "out.jsonl") for task in OF), ("rank", "out.jsonl.gz"), ("explain", "out.parquet")]
)
def test_earlier_answers_do_not_stay_as_those_of_an_input_without_any(
    task: str, name: str, command: Any, tmp_path: Path
) -> None:
    """They are kept beside the output, and given their name back they are gone on with."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path, arguments = tmp_path / name, (*OF[task], "--output", str(tmp_path / name))
    journal = tmp_path / ("out.parquet.jsonl" if name == "out.parquet" else name)
    before = journal.with_name(f"{journal.name}.before")
    bad = [{"id": "paris", "query": " ", "document": "x", "documents": ["x"]}, "no row"]
    for rows, kept in (([], before), (bad, Path(f"{before}2"))):
        assert command(rows_of(task), *arguments)[0] == 0
        whole = journal.read_bytes()
        code, err = command(rows, *arguments)
        assert code == (1 if rows else 0)
        assert f"What earlier runs answered is in {kept}" in err
        assert kept.read_bytes() == whole
        read = gzip.decompress if name.endswith("gz") else bytes
        lines = read(journal.read_bytes()).splitlines()
        assert [json.loads(line)["pairs"] for line in lines] == ([len(rows) // 2] if task == "probe" else [])
        if name == "out.parquet":
            assert parquet.read_table(path).num_rows == len(lines)
        journal.unlink()
    before.rename(journal)
    assert command(rows_of(task), *arguments)[0] == 0
    assert read(journal.read_bytes()).count(b"\n") == (1 if task == "probe" else len(PAIRS))


def test_a_stale_table_does_not_stay(command: Any, tmp_path: Path) -> None:
    """The lines it was made of are gone, and the input is empty."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    assert command(PAIRS, *OF["explain"], "--output", str(path))[0] == 0
    (tmp_path / "out.parquet.jsonl").unlink()
    held = path.read_bytes()
    code, err = command([], *OF["explain"], "--output", str(path))
    assert code == 0
    assert f"the table is kept as {path}.before" in err
    assert (tmp_path / "out.parquet.before").read_bytes() == held
    table = parquet.read_table(path)
    assert (table.num_rows, table.column_names) == (0, ["format", "id"])


def test_the_end_of_a_name_says_what_is_written_in_capitals_too(command: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name, begins in (("out.GZ", b"\x1f\x8b"), ("out.PARQUET", b"PAR1")):
        assert command(PAIRS, *OF["explain"], "--output", str(tmp_path / name))[0] == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
    for task in OF:
        for name in ("out.csv", "out.TSV", "out.xlsx", "out.jsonl.zst", "out.csv.gz", "out.npz", "out.parquet.gz"):
            code, err = command(rows_of(task), *OF[task], "--output", str(tmp_path / name))
            assert code == 2
            assert f"{Path(name.removesuffix('.gz')).suffix.lower()} is not written. Give another name" in err
            assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_wherever_it_was_cut_off_it_goes_on(name: str, command: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    arguments = (*OF["rank"], "--output", str(path))
    read = gzip.decompress if name.endswith("gz") else bytes
    assert command(rows_of("rank"), *arguments)[0] == 0
    whole = path.read_bytes()
    lines = [json.loads(line) for line in read(whole).splitlines()]
    assert [line["id"] for line in lines] == [pair["id"] for pair in PAIRS]
    first = len(gzip.compress(read(whole).splitlines(keepends=True)[0], mtime=0)) if name.endswith("gz") else 0
    ends = {len(whole) - 1, len(whole) - 40, len(whole) * 2 // 3}
    for end in ends | ({first - 20, first, first + 1, first + 5} if first else {40}):
        path.write_bytes(whole[:end])
        assert command(rows_of("rank"), *arguments)[0] == 0, end
        again = [json.loads(line) for line in read(path.read_bytes()).splitlines()]
        assert [(line["id"], line["rows"]) for line in again] == [(line["id"], line["rows"]) for line in lines]


def test_another_top_is_named(command: Any, tmp_path: Path) -> None:
    for name, text in {
        "run": "q Q0 a 1 3 t\nq Q0 b 2 2 t\n",
        "topics": "q\tberlin\n",
        "passages": "a\tparis\nb\tmuseums\n",
    }.items():
        (tmp_path / name).write_text(text)
    files = [part for name in ("run", "topics", "passages") for part in (f"--{name}", str(tmp_path / name))]
    out = ["--output", str(tmp_path / "out.jsonl")]
    assert command([], *OF["rank"], *files, *out, "--top", "1")[0] == 0
    code, err = command([], *OF["rank"], *files, *out, "--top", "2")
    assert code == 2
    assert "was written with top 1, not top 2" in err
    pairs = ["--output", str(tmp_path / "pairs.jsonl")]  # a pair is the same pair, however many there are
    for top in ("1", "2"):
        assert command([], *OF["explain"], *files, *pairs, "--top", top)[0] == 0
    assert (tmp_path / "pairs.jsonl").read_bytes().count(b"\n") == 2


def test_probe_says_what_differs(command: Any, tmp_path: Path) -> None:
    out = ["--output", str(tmp_path / "probes.json")]
    assert command(PAIRS, "probe", *out)[0] == 0
    assert "shares" in json.loads((tmp_path / "probes.json").read_text(encoding="utf-8"))
    code, err = command(PAIRS[:1], "probe", *out)
    assert code == 2
    assert err.endswith("probes.json was written for other pairs. Give another --output.\n")
    code, err = command(PAIRS, "probe", "--max-length", "20", *out)
    assert code == 2
    assert 'loading [{}], not loading [{"max_length": 20}]' in err


def test_the_output_may_be_a_link_and_stays_one(command: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "real").mkdir()
    for name in ("out.jsonl", "out.parquet"):
        (tmp_path / name).symlink_to(tmp_path / "real" / name)  # to nothing, the first time
        for _ in range(2):
            assert command(PAIRS, *OF["explain"], "--output", str(tmp_path / name))[0] == 0
            assert (tmp_path / name).is_symlink()
            assert (tmp_path / "real" / name).stat().st_size > 0


def test_a_folder_is_no_output(command: Any, tmp_path: Path) -> None:
    for task in OF:
        code, err = command(rows_of(task), *OF[task], "--output", str(tmp_path))
        assert code == 2
        assert "is a folder. Give --output a file in it" in err


def test_a_full_disk_ends_the_run_and_the_next_goes_on(command: Any, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    arguments = (*OF["explain"], "--output", str(path))
    command(PAIRS, *arguments)
    expected = [json.loads(line)["attributions"] for line in path.read_bytes().splitlines()]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.stat().st_size
    path.unlink()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
        code, err = command(PAIRS, *arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2
    assert f"{path}: File too large. " in err
    assert path.stat().st_size == size // 2, "it was not cut in a line"
    assert command(PAIRS, *arguments)[0] == 0
    assert [json.loads(line)["attributions"] for line in path.read_bytes().splitlines()] == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rank", "--method", "saliency"], "unrecognized arguments: --method"),
        (["rank", "--option", "n_samples=3"], "unrecognized arguments: --option"),
        (["explain", "--operator", "delete"], "unrecognized arguments: --operator"),
        (["rank", "--operator", "delete"], "unrecognized arguments: --operator"),
        (["probe", "--engine", "ray"], "unrecognized arguments: --engine"),
        (["probe", "--workers", "2"], "unrecognized arguments: --workers"),
        (["probe", "--method", "saliency"], "unrecognized arguments: --method"),
        (["rank", "--workers", "2"], "--workers needs --engine ray"),
        (["rank", "--engine", "ray", "--workers", "0"], "must be at least 1"),
        (["explain", "--top", "3"], "--top needs --run"),
        (["rank", "--output", "-"], "for standard output leave --output out"),
        (["audit", "--output", "-"], "give another folder"),
        (["audit", "--output", ""], "argument --output: it is empty; give a path"),
        (["rank", "--run", "", "--topics", "x", "--passages", "x"], "argument --run: it is empty; give a path"),
        (["explain", "--run", "x"], "go together"),
        (["rank", "--run", "x", "--topics", "x", "--passages", "x", "--top", "0"], "must be at least 1"),
        (["rank", "--model", "a"], "takes one --model"),
        (["audit", "--output", "x", "--model", "a", "--model", "b"], "audit takes at most two --model"),
        (
            ["rank", "--run", "x", "--topics", "x", "--passages", "x", "--run", "y"],
            "--run was given twice. Give it once",
        ),
        (["audit", "--output", "x", "--beir", "a", "--beir", "b"], "--beir was given twice. Give it once"),
        (["audit", "--output", "x", "--dataset", "a", "--dataset", "a"], "--dataset was given twice"),
        (["rank", "--out", "x"], "unrecognized arguments: --out"),
        (["probe", "--model", "@main"], "must be ID, ID@REVISION or a folder"),
        (["probe", "--model", "a@"], "must be ID, ID@REVISION or a folder"),
        (["probe", "--model", "a@b", "--revision", "c"], "names the revision b. Give one"),
        ([], "invalid choice"),
    ],
)
def test_what_a_command_does_not_use_is_no_option_of_it(
    arguments: list[str], says: str, command: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command(PAIRS, *arguments)
    assert left.value.code == 2
    assert says in capfd.readouterr().err
