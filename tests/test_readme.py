"""README's tables are the code's tables."""

import pytest

from attribution import load_reranker
from benchmarks.summary import stored
from tests.readme import README, TABLES, section


@pytest.mark.parametrize("name", TABLES)
def test_readme_holds_the_tables_of_the_code(name: str) -> None:
    assert section(README.read_text(encoding="utf-8"), name) == TABLES[name](), "run: python -m tests.readme"


def test_the_stored_benchmark_is_of_the_bundled_weights() -> None:
    assert stored()["revision"] == load_reranker().revision, "run: python -m benchmarks.run --data FOLDER"
