"""Celery's workers come when tasks wait and go when none is left: KEDA scales each set by its own queues."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.modules import dag_run, db_reader
from tests.e2e import images, parts
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import Instance, eventually, load_images

pytestmark = pytest.mark.xdist_group("keda")

NAME = "autoscaling"
VERSION = "3.3.2"
TASKS = 40
POLLING, COOLDOWN = 5, 15
DAG = f"""\
import time

import pendulum
from airflow.sdk import dag, task


def made(name, queue, count):
    @dag(
        dag_id=name,
        schedule=None,
        start_date=pendulum.datetime(2024, 1, 1),
        is_paused_upon_creation=False,
        max_active_tasks=count,
        default_args={{"retries": 0}},
    )
    def several():
        @task(queue=queue)
        def work(number):
            time.sleep(3)
            print(f"task {{number}} came to its end")

        work.expand(number=list(range(count)))

    several()


made("forty", "default", {TASKS})
made("heavy", "heavy", 4)
"""
WORKERS = {"concurrency": 16, "resources": {**SMALL, "limits": {}}}


def scaled(**autoscaling: t.Any) -> Variables:
    return {
        **BASE,
        "airflow_image": {"repository": "localhost/airflow", "tag": f"{VERSION}-scaled"},
        "airflow_core_executor": "CeleryExecutor",
        "airflow_celery_redis": {"image": {"repository": "localhost/redis", "tag": "7.0"}, "resources": SMALL},
        "airflow_celery_workers": {
            "default": WORKERS,
            "heavy": {**WORKERS, "queues": ["heavy"], "concurrency": 2},
        },
        **{f"airflow_autoscaling_{name}": value for name, value in autoscaling.items()},
    }


# What goes down waits for five minutes unless it is told otherwise.
QUICK = {
    "max": 3,
    "pollingInterval": POLLING,
    "cooldownPeriod": COOLDOWN,
    "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}},
}
ON = scaled(workers={"default": QUICK, "heavy": QUICK})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    load_images(*parts.Redis.images)
    values = {**ON, "airflow_instance": NAME, "airflow_version": VERSION}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    archive = tmp_path_factory.mktemp("images") / "scaled.tar"
    images.changed(
        images.built(VERSION),
        f"localhost/airflow:{VERSION}-scaled",
        archive,
        files={"/opt/airflow/dags/several.py": DAG},
    )
    made.instance.load(archive)
    archive.unlink()
    made.remove()
    # The canary of this run begins without a worker.
    made.converge(ON)
    yield made
    made.remove()


def wanted(site: Site, set_name: str = "") -> int:
    """How many workers a set is to have now."""
    name = f"{NAME}-worker{set_name}"
    live = site.instance.cluster.get(kinds.named("Deployment"), name, NAME)
    assert live
    return int(live["spec"]["replicas"])


def finish(site: Site, dag_id: str, count: int, run_id: str = "one") -> None:
    """The run ends well, and none of its tasks was killed or ran twice."""
    ended = site.instance.call(dag_run, dag_id=dag_id, run_id=run_id, wait=True, wait_timeout=300, logs=True)
    assert ended["run"]["state"] == "success"
    assert len(ended["task_instances"]) == count
    for one in ended["task_instances"]:
        assert (one["state"], one["try_number"]) == ("success", 1)
        assert "came to its end" in one["log"]


def test_workers_come_for_what_waits_and_go_again(site: Site) -> None:
    eventually(lambda: wanted(site) + wanted(site, "-heavy") == 0, COOLDOWN + 60, "workers of the canary stay")
    instance = site.instance
    instance.call(dag_run, dag_id="forty", run_id="one", wait=False)
    queued = "SELECT count(*) FROM task_instance WHERE dag_id = 'forty' AND state = 'queued'"
    eventually(lambda: int(instance.sql(queued)) > 0, 60, "no task is queued")
    eventually(lambda: wanted(site) > 0, POLLING + 15, "no worker comes")
    finish(site, "forty", TASKS)
    assert wanted(site, "-heavy") == 0
    eventually(lambda: wanted(site) == 0, COOLDOWN + 60, "workers stay")


def test_another_set_has_workers_of_its_own(site: Site) -> None:
    site.instance.call(dag_run, dag_id="heavy", run_id="one", wait=False)
    eventually(lambda: wanted(site, "-heavy") > 0, 60, "no worker comes")
    finish(site, "heavy", 4)
    assert wanted(site) == 0
    eventually(lambda: wanted(site, "-heavy") == 0, COOLDOWN + 60, "workers stay")


def test_who_counts_may_do_nothing_else(site: Site) -> None:
    instance = site.instance
    assert not instance.call(db_reader)["changed"]
    assert instance.secret("autoscaling")["username"] == "airflow_autoscaler"
    granted = "FROM information_schema.{0}_privileges WHERE grantee = 'airflow_autoscaler'"
    assert instance.sql(f"SELECT count(*) {granted.format('table')}") == "0"
    columns = f"SELECT table_name, column_name, privilege_type {granted.format('column')} ORDER BY 2"
    assert instance.sql(columns).splitlines() == [
        f"task_instance|{name}|SELECT" for name in ("executor", "queue", "state")
    ]


def test_off_and_on_again(site: Site) -> None:
    """Each as check mode says; switched off, each set has its replicas at once."""
    for variables in (scaled(), ON):
        foreseen = site.run(variables, "site", "--check")
        assert foreseen.code == 0, foreseen.output[-5000:]
        made = site.converge(variables)
        assert made.changed == foreseen.changed
        if variables is not ON:
            assert wanted(site) == wanted(site, "-heavy") == 1
            assert site.converge(variables).changed == 0


def test_it_sleeps_once_its_tasks_have_ended_and_wakes(site: Site) -> None:
    """Asleep, no pod of it runs; what was running ended before, and what was not is done when it wakes."""
    instance = site.instance
    instance.call(dag_run, dag_id="heavy", run_id="two", wait=False)
    running = "SELECT count(*) FROM task_instance WHERE dag_id = 'heavy' AND run_id = 'two' AND state = 'running'"
    eventually(lambda: int(instance.sql(running)) > 0, 90, "no task runs")
    foreseen, slept = site.run(ON, "hibernate", "--check"), site.run(ON, "hibernate")
    assert (slept.code, slept.changed) == (foreseen.code, foreseen.changed) == (0, 1), slept.output[-5000:]
    assert [pod["metadata"]["name"] for pod in instance.pods() if pod["status"]["phase"] == "Running"] == []
    assert site.run(ON, "hibernate").changed == 0
    woken = site.run(ON, "wake")
    assert woken.code == 0, woken.output[-5000:]
    finish(site, "heavy", 4, run_id="two")
