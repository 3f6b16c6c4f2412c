"""Seconds from a push until Airflow knows of the new DAG, printed as a table, for each way that follows a repository
or a volume; and what the DAG processor and git-sync need for it while nothing is pushed.

Needs the evaluation cluster with its images (`make cluster-up images`), and brings a git server into it.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest

from tests.e2e import parts
from tests.e2e.site import Site
from tests.e2e.test_matrix import Cell, Matrix

PERIOD = 5
PUSHES = 5
SLACK = 5.0
"""Seconds that it may take beyond the period: a clone, a look of the DAG processor, and the parsing."""
IDLE = 30
"""Seconds of the measurement of what is needed without a push."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Way:
    """How DAGs come, and what it takes after a push."""

    way: str
    variables: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    refresh: bool = False
    most: float
    """Seconds that it may take."""


# Of the bundle all is as in the matrix: it looks once in an hour.
SYNCED, BUNDLE = "airflow_git_sync_period", "airflow_core_dag_bundles"
WAYS = {
    f"git-sync, period {PERIOD} s": Way(way="git-https", variables={SYNCED: f"{PERIOD}s"}, most=PERIOD + SLACK),
    "git-sync, refresh_dags.yml": Way(way="git-https", refresh=True, most=15),
    f"git bundle, refreshInterval {PERIOD} s": Way(
        way="git-bundle", variables={BUNDLE: {"matrix": {"refreshInterval": PERIOD}}}, most=PERIOD + SLACK
    ),
    "git bundle, refresh_dags.yml": Way(way="git-bundle", refresh=True, most=15),
    "volume, upload_dags": Way(way="volume", most=15),
}


@pytest.fixture(scope="module")
def brought() -> t.Iterator[dict[str, parts.Part]]:
    with parts.brought(parts.GitServer, more=[parts.GIT_SYNC]) as made:
        yield made


def merged(base: dict[str, t.Any], over: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        **base,
        **{
            key: merged(base[key], value) if isinstance(value, dict) and key in base else value
            for key, value in over.items()
        },
    }


def used(site: Site) -> float:
    """Seconds of CPU that the DAG processor has had."""
    told = site.instance.run_in("dag-processor", "cat", "/sys/fs/cgroup/cpuacct/cpuacct.usage")
    return int(told) / 1e9


@pytest.mark.parametrize("name", WAYS)
def test_push_to_visible(
    name: str, brought: dict[str, parts.Part], tmp_path_factory: pytest.TempPathFactory, report: dict[str, str]
) -> None:
    way = WAYS[name]
    cell = Cell("local", way.way, "volume")
    matrix = Matrix(brought, tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("runs"))
    site = matrix.site(cell)
    variables = merged(matrix.variables(cell), way.variables)
    matrix.prepare(cell, site)
    try:
        site.converge(variables)
        dag_id = "".join(letter if letter.isalnum() else "_" for letter in name)

        def visible(number: int, task: str = "only") -> float:
            """Push a DAG, or a change of one; the seconds until Airflow has it."""
            started = time.monotonic()
            # The repository is that of the other ways, too.
            matrix.push(cell, site, f"{dag_id}_{number}", task)
            if way.refresh:
                assert site.run(variables, "refresh_dags").code == 0
            while not site.instance.knows(f"{dag_id}_{number}", task):
                assert time.monotonic() < started + 120, f"{dag_id}_{number} does not come"
                time.sleep(0.2)
            return time.monotonic() - started

        seconds = [visible(number) for number in range(PUSHES)]
        changed = visible(PUSHES - 1, "changed")
        before = used(site)
        time.sleep(IDLE)
        idle = (used(site) - before) / IDLE
    finally:
        site.remove()
    told = " ".join(f"{second:.1f}" for second in seconds)
    report[f"{name}: push to visible, seconds"] = told
    report[f"{name}: change of the last of these, seconds"] = f"{changed:.1f}"
    report[f"{name}: CPU of the DAG processor without a push"] = f"{idle * 1000:.0f} m"
    assert max(seconds) <= way.most
