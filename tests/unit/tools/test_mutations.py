"""The mutations of the renderer still find what they break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import mutations
from tools.mutations import MUTATIONS, Mutation


def test_rules_are_told_apart() -> None:
    assert len({mutation.rule for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_a_mutation_finds_the_text_that_it_breaks(mutation: Mutation, tmp_path: Path) -> None:
    before = mutations.ROOT / mutations.SOURCES / mutation.file
    after = tmp_path / mutations.SOURCES / mutation.file
    after.parent.mkdir(parents=True)
    shutil.copy(before, after)
    mutation.apply(tmp_path)
    assert after.read_text() != before.read_text()
    compile(after.read_text(), after.name, "exec")


def test_a_text_that_stands_elsewhere_is_refused(tmp_path: Path) -> None:
    file = tmp_path / mutations.SOURCES / "render/x.py"
    file.parent.mkdir(parents=True)
    file.write_text("a = a")
    with pytest.raises(ValueError, match="'a' stands 2 times"):
        Mutation(rule="x", file="render/x.py", old="a", new="b").apply(tmp_path)
