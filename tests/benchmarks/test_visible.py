"""Seconds from a push until Airflow knows of the new DAG, printed as a table, for each way that follows a repository.

Needs the evaluation cluster with its images (`make cluster-up images`), and brings a git server into it.
"""

from __future__ import annotations

import time
import typing as t

import pytest

from tests.e2e import parts
from tests.e2e.test_matrix import REPOSITORY, Cell, Matrix, dag_of

PERIOD = 5
PUSHES = 3
SLACK = 5.0
"""Seconds that it may take beyond the period: a clone, a look of the DAG processor, and the parsing."""
WAYS: dict[str, dict[str, t.Any]] = {
    "git-https": {"airflow_git_sync_period": f"{PERIOD}s"},
    "git-bundle": {},
}


@pytest.fixture(scope="module")
def brought() -> t.Iterator[dict[str, parts.Part]]:
    made = parts.bring_with_images(parts.GitServer, parts.S3, parts.OpenSearch, more=[parts.GIT_SYNC])
    yield made
    for part in made.values():
        parts.take_away(part.cluster, type(part))


@pytest.mark.parametrize("way", WAYS)
def test_push_to_visible(
    way: str, brought: dict[str, parts.Part], tmp_path_factory: pytest.TempPathFactory, report: dict[str, str]
) -> None:
    cell = Cell("local", way, "volume")
    matrix = Matrix(brought, tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("runs"))
    git = t.cast("parts.GitServer", brought["git-server"])
    site = matrix.site(cell)
    matrix.prepare(cell, site)
    try:
        site.converge({**matrix.variables(cell), **WAYS[way]})
        seconds = []
        for number in range(PUSHES):
            # The repository is that of the other ways, too.
            name = f"{way.replace('-', '_')}_{number}"
            git.commit(REPOSITORY, {f"{name}.py": dag_of(cell).replace('"matrix"', f'"{name}"')})
            started = time.monotonic()
            while not int(site.instance.sql(f"SELECT count(*) FROM serialized_dag WHERE dag_id = '{name}'")):  # noqa: S608 - a name of ours
                assert time.monotonic() < started + 120, f"{name} does not come"
                time.sleep(0.2)
            seconds.append(time.monotonic() - started)
    finally:
        site.remove()
    told = " ".join(f"{second:.1f}" for second in seconds)
    report[f"{way}: push to visible with a period of {PERIOD} s, seconds"] = told
    assert max(seconds) <= PERIOD + SLACK
