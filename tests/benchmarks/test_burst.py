"""Tasks per minute of a burst under a KubernetesExecutor, printed as a table: with the collection's settings, and with
those that the official chart's defaults give the executor.

Needs the evaluation cluster with its images (`make cluster-up images`). Machines are noisy: compare within one run.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec.capacity import PARALLELISM
from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import images
from tests.e2e.conftest import CLUSTER, VARIABLES
from tests.e2e.site import Site, Variables
from tests.e2e.support import Instance, eventually

NAME = "burst"
VERSION = "3.3.2"
TASKS = 100
MOST = 600
"""Seconds that a burst may take."""
# Nothing but the executor limits how many run: the pool has 128 slots.
DAG = f"""\
import pendulum
from airflow.sdk import dag, task


@dag(
    dag_id="burst",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    max_active_tasks={TASKS},
    default_args={{"retries": 0}},
)
def burst():
    @task
    def work(number):
        print(f"task {{number}} came to its end")

    work.expand(number=list(range({TASKS})))


burst()
"""
# All else is what a person gets who sets nothing.
OURS: Variables = {
    **{
        name: VARIABLES[name]
        for name in ("airflow_database_postgres", "airflow_logging_store", "airflow_logging_volume")
    },
    "airflow_image": {"repository": "localhost/airflow", "tag": f"{VERSION}-burst"},
    "airflow_core_triggerer": {"enabled": False},
}
# The chart (1.22, 2.0) sets nothing of these, so the provider's defaults hold; its pods of tasks ask for nothing.
CHART: Variables = {
    **OURS,
    "airflow_core_kubernetes_executor": {
        "creationBatchSize": 1,
        "podTemplate": {"spec": {"containers": [{"name": "base", "resources": None}]}},
    },
    "airflow_core_config": {"kubernetes_executor": {"task_publish_max_retries": 0}},
}
SETTINGS = {"collection": OURS, "chart": CHART}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Burst:
    """What the database says of a run, and the cluster of its pods."""

    seconds: float
    """From the call to the end of the last task."""
    first: float
    """From the call to the start of the first task."""
    median: float
    """Of a task, from its hand-over to the executor to its start."""
    at_once: int
    """The most tasks that ran at the same time."""
    full: float
    """From the first pod to the one by which there are as many as one scheduler may have: the executor's own pace."""

    @property
    def per_minute(self) -> float:
        return TASKS * 60 / self.seconds


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {**OURS, "airflow_instance": NAME, "airflow_version": VERSION}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    archive = tmp_path_factory.mktemp("images") / "burst.tar"
    image = OURS["airflow_image"]
    name = f"{image['repository']}:{image['tag']}"
    images.changed(images.built(VERSION), name, archive, files={"/opt/airflow/dags/burst.py": DAG})
    made.instance.load(archive)
    archive.unlink()
    made.remove(OURS)
    yield made
    made.remove(OURS)


def burst(instance: Instance, run_id: str) -> Burst:
    """Run the DAG once; every task must succeed at its first try."""
    eventually(lambda: instance.knows("burst"), 60, "the DAG does not come")
    instance.call(dag_run, dag_id="burst", run_id=run_id, wait=False)
    of_run = f"dag_id = 'burst' AND run_id = '{run_id}'"
    ended = f"SELECT count(*) FROM dag_run WHERE {of_run} AND state IN ('success', 'failed')"  # noqa: S608 - of ours
    made: dict[str, datetime.datetime] = {}

    def all_over() -> bool:
        for pod in instance.pods():
            if pod["metadata"]["labels"].get("dag_id") == "burst":
                made[pod["metadata"]["name"]] = datetime.datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        return instance.sql(ended) == "1"

    # To look takes CPU from what is looked at.
    eventually(all_over, MOST, f"run {run_id} does not end", pause=3)
    moments = sorted(made.values())
    assert len(moments) == TASKS
    told = instance.sql(
        "SELECT task.state, task.try_number, "  # noqa: S608 - of ours
        "extract(epoch FROM run.queued_at), extract(epoch FROM task.queued_dttm), "
        "extract(epoch FROM task.start_date), extract(epoch FROM task.end_date) "
        f"FROM task_instance task JOIN dag_run run USING (dag_id, run_id) WHERE {of_run}"
    )
    rows = [line.split("|") for line in told.splitlines()]
    assert [row[:2] for row in rows] == [["success", "1"]] * TASKS
    called = float(rows[0][2])
    spans = [tuple(map(float, row[3:])) for row in rows]
    return Burst(
        seconds=max(end for _queued, _start, end in spans) - called,
        first=min(start for _queued, start, _end in spans) - called,
        median=statistics.median(start - queued for queued, start, _end in spans),
        full=(moments[PARALLELISM - 1] - moments[0]).total_seconds(),
        at_once=max(sum(other <= start < end for _queued, other, end in spans) for _queued, start, _end in spans),
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_a_burst_completes(name: str, site: Site, report: dict[str, str]) -> None:
    site.converge(SETTINGS[name])
    measured = burst(site.instance, name)
    eventually(lambda: not site.instance.task_pods(), 60, "pods of tasks stay")
    words = f"burst of {TASKS} tasks, settings of the {name}"
    report[f"{words}: tasks per minute"] = f"{measured.per_minute:.1f}"
    report[f"{words}: first task runs after"] = f"{measured.first:.1f} s"
    report[f"{words}: hand-over to start, median"] = f"{measured.median:.1f} s"
    report[f"{words}: first {PARALLELISM} pods made within"] = f"{measured.full:.0f} s"
    report[f"{words}: tasks at once, most"] = str(measured.at_once)
