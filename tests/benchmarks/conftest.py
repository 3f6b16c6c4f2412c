"""What all benchmarks share: a table of figures, printed at the end of each file."""

from __future__ import annotations

import typing as t

import pytest

pytest.register_assert_rewrite("tests.e2e.support")


@pytest.fixture(scope="module")
def report() -> t.Iterator[dict[str, str]]:
    figures: dict[str, str] = {}
    yield figures
    width = max(map(len, figures), default=0)
    print("\n\n" + "\n".join(f"{name:{width}}  {figure}" for name, figure in figures.items()))
