"""Seconds, API requests and module starts of a converge, printed as a table; budgets that must hold are asserted.

Needs the evaluation cluster with its images (`make cluster-up images`). Machines are noisy: compare within one run.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from tests.recap import Recap

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "tests/benchmarks/inventory.yml"
DATABASE, AIRFLOW = "bench-db", "bench"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(Recap):
    """One ansible-playbook, with what it took."""

    seconds: float
    peak_memory: int
    """KiB of the largest of its processes."""


def play(playbook: str, target: str, *arguments: str, verbose: str = "-v") -> Run:
    command: list[str | Path] = [
        ROOT / "tools/run",
        *("ansible-playbook", f"playbooks/{playbook}.yml", verbose),
        *(f"--inventory={ROOT}/inventories/local", f"--inventory={INVENTORY}"),
        *("--extra-vars", json.dumps({"airflow_target": target}), *arguments),
    ]
    started = time.monotonic()
    environment = {**os.environ, "BENCH_DATABASE_PASSWORD": "bench"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, output[-4000:]
    seconds = time.monotonic() - started
    return Run(code=process.returncode, output=output, seconds=seconds, peak_memory=usage.ru_maxrss)


@pytest.fixture(scope="module")
def database() -> t.Iterator[None]:
    """A Postgres that is up before Airflow comes, as in a comparison with charts that are given one."""
    play("uninstall", f"{AIRFLOW}:{DATABASE}", "--extra-vars", '{"airflow_delete_data": true}')
    play("site", DATABASE, "--tags", "rbac,database")
    yield
    play("uninstall", f"{AIRFLOW}:{DATABASE}", "--extra-vars", '{"airflow_delete_data": true}')


@pytest.fixture(scope="module")
def first(database: None, report: dict[str, str]) -> Run:  # noqa: ARG001 - a fixture cannot use marks
    run = play("site", AIRFLOW)
    report["first install to first green DAG, database up"] = f"{run.seconds:.1f} s"
    return run


def test_render_needs_no_cluster(report: dict[str, str], tmp_path: Path) -> None:
    command: list[str | Path] = [
        ROOT / "tools/run",
        "ansible-playbook",
        "playbooks/render.yml",
        "-i",
        "inventories/prod",
    ]
    started = time.monotonic()
    environment = {**os.environ, "K8S_AUTH_HOST": "http://127.0.0.1:9"}
    subprocess.run(
        [*command, "-e", f"render_dest={tmp_path}"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.monotonic() - started
    report["render inventories/prod"] = f"{seconds:.1f} s"
    assert list(tmp_path.rglob("deployment-*.yaml"))


def test_first_dag(first: Run) -> None:
    assert first.changed > 0


@pytest.mark.usefixtures("first")
def test_second_run_changes_nothing_and_is_cheap(report: dict[str, str]) -> None:
    runs = [play("site", AIRFLOW) for _attempt in range(3)]
    seconds = sorted(run.seconds for run in runs)
    counted = play("site", AIRFLOW, verbose="-vvv")
    report["second run, seconds of three"] = " ".join(f"{second:.1f}" for second in seconds)
    report["second run, peak memory"] = f"{max(run.peak_memory for run in runs) / 1024:.0f} MiB"
    report["second run, API requests"] = str(counted.api_requests)
    report["second run, module starts"] = str(counted.module_starts)
    assert [run.changed for run in runs] == [0, 0, 0]
    assert counted.module_starts <= 4
    assert counted.api_requests <= 30
