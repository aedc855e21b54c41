"""README's tables are the code's tables."""

import pytest

from tests.readme import README, TABLES, section


@pytest.mark.parametrize("name", TABLES)
def test_readme_holds_the_tables_of_the_code(name: str) -> None:
    assert section(README.read_text(encoding="utf-8"), name) == TABLES[name](), "run: python -m tests.readme"
