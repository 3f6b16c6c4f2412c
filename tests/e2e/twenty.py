"""A DAG of (twenty) tasks that run until they are let go, and images of Airflow that have it."""

from __future__ import annotations

import pathlib
import string
import typing as t

from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import images
from tests.e2e.support import Instance, eventually

VERSION = "3.3.2"
TASKS = 20
DAG_ID = "twenty"
FOLDER = "/opt/airflow/dags"
GO = "/opt/airflow/logs/go"
"""On the volume that all tasks share: none ends before this is there."""
_TEXT = string.Template("""\
import os
import time

import pendulum
from airflow.sdk import dag, task


@dag(
    dag_id="$dag_id",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    max_active_tasks=$tasks,
    default_args={"retries": 0},
)
def $dag_id():
    @task
    def wait(number):
        while not os.path.exists("$go"):
            time.sleep(0.5)
        print(f"task {number} was let go")

    wait.expand(number=list(range($tasks)))


$dag_id()
""")


def text(dag_id: str = DAG_ID, tasks: int = TASKS) -> str:
    """The file of such a DAG."""
    return _TEXT.substitute(dag_id=dag_id, tasks=tasks, go=GO)


DAG = text()


def load(instance: Instance, folder: pathlib.Path, name: str, **changes: t.Any) -> None:
    """Have the image ``VERSION-name`` in the cluster: Airflow's with the DAG, and changed further."""
    archive = folder / f"{name}.tar"
    changed = {"files": {f"{FOLDER}/twenty.py": DAG}, **changes}
    images.changed(images.built(VERSION), f"localhost/airflow:{VERSION}-{name}", archive, **changed)
    instance.load(archive)
    archive.unlink()


def running(instance: Instance, dag_id: str = DAG_ID) -> int:
    """How many of the tasks run."""
    those = f"dag_id = '{dag_id}' AND state = 'running'"
    return int(instance.sql(f"SELECT count(*) FROM task_instance WHERE {those}"))  # noqa: S608 - names of ours


def start(instance: Instance, run_id: str, dag_id: str = DAG_ID, tasks: int = TASKS) -> None:
    """A run of the DAG, once all its tasks run."""
    instance.run_in("scheduler", "rm", "-f", GO)
    instance.call(dag_run, dag_id=dag_id, run_id=run_id, wait=False)
    eventually(lambda: running(instance, dag_id) == tasks, 300, "the tasks do not start")


def finish(instance: Instance, run_id: str) -> None:
    """Let the tasks go: each ends well, has run once, and its log is there."""
    assert running(instance) == TASKS
    instance.run_in("scheduler", "touch", GO)
    ended = instance.call(dag_run, dag_id=DAG_ID, run_id=run_id, wait=True, wait_timeout=300, logs=True)
    assert ended["run"]["state"] == "success"
    assert len(ended["task_instances"]) == TASKS
    for one in ended["task_instances"]:
        assert (one["state"], one["try_number"]) == ("success", 1)
        assert "was let go" in one["log"]
