"""The tables of README and docs are the code's tables."""

import pytest

from attribution import load_reranker
from attribution.rerankers.loading.models import BUNDLED
from benchmarks import probes
from benchmarks.summary import stored
from tests.readme import TABLES, section


@pytest.mark.parametrize("name", TABLES)
def test_readme_holds_the_tables_of_the_code(name: str) -> None:
    path, table = TABLES[name]
    assert section(path.read_text(encoding="utf-8"), name) == table(), "run: python -m tests.readme"


def test_the_stored_benchmark_is_of_the_bundled_weights() -> None:
    assert stored()["revision"] == load_reranker(BUNDLED).revision, "run: python -m benchmarks.run --data FOLDER"


def test_the_stored_probes_are_of_the_bundled_weights() -> None:
    assert probes.stored()["revisions"]["demo-reranker"] == load_reranker("demo-reranker").revision, (
        "run: python -m benchmarks.probes --data FOLDER"
    )
