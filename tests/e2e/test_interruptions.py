"""Installs and upgrades of a real Airflow that are killed anywhere, and pods that go away under its work.

Whatever a killed run has left, the next one makes good: no secret is made anew, and no row is lost.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.modules import dag_run, user
from tests.e2e.site import BASE, ROWS, SMALL, Point, Site, Variables
from tests.e2e.support import CLUSTER, Instance, load_images
from tests.recap import Recap

NAME = "interrupted"
OLDER = "2.11.2"
POINTS = 15
"""In how many places an install is killed in `make test-full`, and an upgrade."""
MOST_REQUESTS = 30
MOST_MODULE_STARTS = 4
DELAYS = (0.1, 1.0, 3.0)
"""Seconds after the start of a task, in turn: some take less time, some more."""

FEW_OF_INSTALLS = (Point("Migrate the database", 3.0),)
FEW_OF_UPGRADES = (Point("Apply the workloads and wait until they are ready", 2.0),)


def spread(tasks: t.Sequence[str]) -> list[Point]:
    """Points all over a run with these tasks."""
    return [Point(tasks[number * len(tasks) // POINTS], DELAYS[number % len(DELAYS)]) for number in range(POINTS)]


# What an upgrade goes to and back from: a new option and a new variable of the environment restart all pods.
CHANGED: Variables = {
    **BASE,
    "airflow_core_config": {"core": {"parallelism": 20}},
    "airflow_core_env": [{"name": "CHANGED", "value": "yes"}],
    "airflow_core_dag_processor": {"resources": SMALL, "labels": {"changed": "yes"}},
}
SLOW_DAG = """\
import time
import pendulum
from airflow.sdk import dag, task


@dag(dag_id="slow", schedule=None, start_date=pendulum.datetime(2024, 1, 1), is_paused_upon_creation=False)
def slow():
    @task
    def first():
        time.sleep(25)

    @task
    def second():
        return "done"

    first() >> second()


slow()
"""
PERSON: Variables = {
    "username": "zoe",
    "email": "zoe@example.com",
    "first_name": "Zoë",
    "last_name": "Z",
    "roles": ["Viewer"],
    "password": "the password of zoe",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {**BASE, "airflow_instance": NAME, "airflow_version": "3.3.2"}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    made.remove()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def installed(site: Site) -> Recap:
    """How an install goes that nobody interrupts."""
    recap = site.converge(BASE)
    assert recap.changed
    return recap


@pytest.fixture(scope="module")
def rows(site: Site, installed: Recap) -> set[str]:  # noqa: ARG001 - a fixture cannot use marks
    """What people and DAGs have put into the database."""
    return filled(site.instance)


def filled(instance: Instance) -> set[str]:
    """A connection, a variable, a user and a run of a DAG; all rows that there are now."""
    uri = "postgresql://somebody:a-password@db.example.com/x"
    instance.run_in("scheduler", "airflow", "connections", "add", "kept", "--conn-uri", uri)
    instance.run_in("scheduler", "airflow", "variables", "set", "kept", "a value")
    instance.call(user, users=[PERSON])
    instance.call(dag_run, dag_id="dagops_canary", run_id="kept", wait=True)
    found = {row for statement in ROWS for row in instance.sql(statement).splitlines()}
    for word in ("kept|db.example.com", "dagops_canary|kept|success", "zoe|zoe@example.com"):
        assert any(row.startswith(word) for row in found)
    return found


def test_a_run_without_anything_to_do_is_cheap(site: Site, installed: Recap) -> None:
    again = site.run(BASE, "site", "-vvv")
    assert (again.code, again.changed) == (0, 0), again.output[-5000:]
    # As many tasks as an install, so nothing was left out that had to be looked at.
    assert len(again.tasks) == len(installed.tasks)
    assert 0 < again.api_requests <= MOST_REQUESTS
    assert again.module_starts <= MOST_MODULE_STARTS


class TestSigkill:
    def _upgrades(self, site: Site, rows: set[str], points: t.Sequence[Point]) -> None:
        """To and fro: each run that is killed goes where the one before did not."""
        wanted, other = CHANGED, BASE
        for point in points:
            site.makes_good(wanted, site.killed(wanted, point), rows)
            wanted, other = other, wanted

    def _installs(self, site: Site, points: t.Sequence[Point]) -> None:
        for point in points:
            site.remove()
            site.makes_good(BASE, site.killed(BASE, point))

    def test_upgrades(self, site: Site, rows: set[str]) -> None:
        self._upgrades(site, rows, FEW_OF_UPGRADES)

    @pytest.mark.full
    def test_upgrades_everywhere(self, site: Site, rows: set[str], installed: Recap) -> None:
        self._upgrades(site, rows, spread(installed.tasks))

    def test_a_scheduler_that_goes_away_in_a_run(self, site: Site) -> None:
        """Its pod is killed without grace, as with a node that dies; the task goes on, and the next one sees it."""
        instance = site.instance
        delivered = {**BASE, **with_dag(instance)}
        site.converge(delivered)
        schedulers = standing(instance, "scheduler")
        assert len(schedulers) == 1
        started = instance.call(dag_run, dag_id="slow", run_id="scheduler-killed", wait=False)
        assert started["run"]["state"] in ("queued", "running")
        await_rows(instance, "SELECT 1 FROM task_instance WHERE dag_id = 'slow' AND state = 'running'")
        kill_pod(instance, schedulers[0]["name"])
        ended = instance.call(dag_run, dag_id="slow", run_id="scheduler-killed", wait=True, wait_timeout=300)
        assert ended["run"]["state"] == "success"
        states = {one["task_id"]: one["state"] for one in ended["task_instances"]}
        assert states == {"first": "success", "second": "success"}
        now = standing(instance, "scheduler")
        assert schedulers[0]["uid"] not in [pod["uid"] for pod in now]

    # Installs come last: each takes away what was there.
    def test_installs(self, site: Site) -> None:
        self._installs(site, FEW_OF_INSTALLS)

    @pytest.mark.full
    def test_installs_everywhere(self, site: Site, installed: Recap) -> None:
        self._installs(site, spread(installed.tasks))

    @pytest.mark.full
    @pytest.mark.parametrize("number", range(5))
    def test_upgrades_of_airflow(self, number: int, site: Site, installed: Recap) -> None:
        """From one major version to the next, with the migration of the database."""
        load_images(f"localhost/airflow:{OLDER}")
        site.remove()
        site.converge({**BASE, "airflow_version": OLDER})
        before = dataclasses.replace(site.instance, values={**site.instance.values, "airflow_version": OLDER})
        rows = filled(before)
        point = spread(installed.tasks)[3 * number]
        site.makes_good(BASE, site.killed(BASE, point), rows)


def with_dag(instance: Instance) -> Variables:
    """The variables that deliver a DAG of the tests, of which a task takes its time."""
    meta = {"name": "slow-dag", "namespace": instance.name}
    instance.cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"slow.py": SLOW_DAG}}, force=True
    )
    delivery = {
        "volumes": [{"name": "slow-dag", "configMap": {"name": "slow-dag"}}],
        "volumeMounts": [{"name": "slow-dag", "mountPath": "/opt/airflow/dags/slow.py", "subPath": "slow.py"}],
    }
    return {
        f"airflow_core_{component}": {"resources": SMALL, **delivery}
        for component in ("dag_processor", "scheduler", "workers")
    }


def await_rows(instance: Instance, statement: str, timeout: float = 120) -> None:
    """Wait until the database has an answer to a question."""
    deadline = time.monotonic() + timeout
    while not instance.sql(statement):
        assert time.monotonic() < deadline, f"nothing after {timeout:g} s: {statement}"
        time.sleep(0.5)


def standing(instance: Instance, component: str) -> list[dict[str, t.Any]]:
    """What names a component's pods, without those that the rollout before is still taking away."""
    metadata = [pod["metadata"] for pod in instance.pods()]
    return [one for one in metadata if one["labels"]["component"] == component and "deletionTimestamp" not in one]


def kill_pod(instance: Instance, name: str) -> None:
    path = kinds.named("Pod").path(instance.name, name)
    instance.cluster.request("DELETE", path, body={"gracePeriodSeconds": 0})
