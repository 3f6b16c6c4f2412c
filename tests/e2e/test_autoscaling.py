"""KEDA brings Celery's workers and triggerers when there is something for them, and takes them when nothing is left: it
counts through PgBouncer, for each set of workers in its own queues. API servers are scaled by what they use."""

from __future__ import annotations

import datetime
import typing as t
import urllib.parse

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import dag_run, db_reader
from tests.e2e import images, parts
from tests.e2e.conftest import CLUSTER, VARIABLES
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import Instance, eventually, load_images

NAME = "autoscaling"
VERSION = "3.3.2"
TASKS = 40
POLLING, COOLDOWN = 5, 15
DAG = f"""\
import datetime
import time

import pendulum
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, dag, task


class Later(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(datetime.timedelta(seconds=1)), method_name="resume")

    def resume(self, context, event=None):
        print("it came to its end")


@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1), is_paused_upon_creation=False)
def deferred():
    Later(task_id="later", queue="heavy", retries=0)


deferred()


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
        "airflow_core_triggerer": {"resources": SMALL},
        "airflow_database_pgbouncer": VARIABLES["airflow_database_pgbouncer"],
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
# Every pod of Airflow uses more than that, so there will be two.
MORE = {"min": 1, "max": 2, "cpu": 0, "memory": 50}
ON = scaled(workers={"default": QUICK, "heavy": QUICK}, triggerer=QUICK, api_server=MORE)
OFF = scaled(workers_hpa={"default": MORE})


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


def deployment(site: Site, name: str) -> Object:
    live = site.instance.cluster.get(kinds.named("Deployment"), f"{NAME}-{name}", NAME)
    assert live
    return live


def wanted(site: Site, name: str = "worker") -> int:
    """How many pods there are to be now."""
    return int(deployment(site, name)["spec"]["replicas"])


def scaled_by_another(site: Site, name: str) -> bool:
    """Whether a HorizontalPodAutoscaler goes by its figures, and has set the number of pods, which is not ours then."""
    found = site.instance.cluster.get(kinds.named("HorizontalPodAutoscaler"), f"{NAME}-{name}", NAME)
    assert found
    active = {one["status"] for one in found["status"].get("conditions", ()) if one["type"] == "ScalingActive"}
    owners = {
        entry["manager"]
        for entry in deployment(site, name)["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }
    return active == {"True"} and wanted(site, name) == 2 and FIELD_MANAGER not in owners


def finish(site: Site, dag_id: str, count: int, run_id: str = "one") -> None:
    """The run ends well, and none of its tasks was killed or ran twice."""
    ended = site.instance.call(dag_run, dag_id=dag_id, run_id=run_id, wait=True, wait_timeout=300, logs=True)
    assert ended["run"]["state"] == "success"
    assert len(ended["task_instances"]) == count
    for one in ended["task_instances"]:
        assert (one["state"], one["try_number"]) == ("success", 1)
        assert "came to its end" in one["log"]


def test_workers_come_for_what_waits_and_go_again(site: Site) -> None:
    eventually(lambda: wanted(site) + wanted(site, "worker-heavy") == 0, COOLDOWN + 60, "workers of the canary stay")
    instance = site.instance
    instance.call(dag_run, dag_id="forty", run_id="one", wait=False)
    queued = "SELECT count(*) FROM task_instance WHERE dag_id = 'forty' AND state = 'queued'"
    eventually(lambda: int(instance.sql(queued)) > 0, 60, "no task is queued")
    eventually(lambda: wanted(site) > 0, POLLING + 15, "no worker comes")
    finish(site, "forty", TASKS)
    assert wanted(site, "worker-heavy") == 0
    eventually(lambda: wanted(site) == 0, COOLDOWN + 60, "workers stay")


def test_another_set_has_workers_of_its_own_and_a_triggerer_comes_for_what_is_deferred(site: Site) -> None:
    assert wanted(site, "triggerer") == 0
    for dag_id in ("heavy", "deferred"):
        site.instance.call(dag_run, dag_id=dag_id, run_id="one", wait=False)
    eventually(lambda: wanted(site, "worker-heavy") > 0, 60, "no worker comes")
    eventually(lambda: wanted(site, "triggerer") == 1, 60, "no triggerer comes")
    finish(site, "heavy", 4)
    finish(site, "deferred", 1)
    assert wanted(site) == 0
    eventually(lambda: wanted(site, "worker-heavy") + wanted(site, "triggerer") == 0, COOLDOWN + 60, "they stay")


def test_api_servers_are_scaled_by_what_they_use(site: Site) -> None:
    eventually(lambda: scaled_by_another(site, "api-server"), 120, "nothing scales the API server")
    assert site.converge(ON).changed == 0
    assert scaled_by_another(site, "api-server")


def test_who_counts_comes_through_pgbouncer_and_may_do_nothing_else(site: Site) -> None:
    instance = site.instance
    assert not instance.call(db_reader)["changed"]
    authentication = instance.cluster.get(kinds.named("TriggerAuthentication"), f"{NAME}-autoscaling", NAME)
    assert authentication
    (source,) = authentication["spec"]["secretTargetRef"]
    address = urllib.parse.urlsplit(instance.secret(source["name"].removeprefix(f"{NAME}-"))[source["key"]])
    assert (address.username, address.hostname) == ("airflow_autoscaler", f"{NAME}-pgbouncer.{NAME}.svc")
    (pooler,) = (pod for pod in instance.pods() if pod["metadata"]["labels"]["component"] == "pgbouncer")
    callers = "SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE usename = 'airflow_autoscaler'"
    assert instance.sql(callers) == pooler["status"]["podIP"]
    assert instance.secret("autoscaling")["username"] == "airflow_autoscaler"
    granted = "FROM information_schema.{0}_privileges WHERE grantee = 'airflow_autoscaler'"
    assert instance.sql(f"SELECT count(*) {granted.format('table')}") == "0"
    columns = f"SELECT table_name, column_name, privilege_type {granted.format('column')} ORDER BY 1, 2"
    assert instance.sql(columns).splitlines() == [
        *(f"callback|{name}|SELECT" for name in ("id", "state", "type")),
        *(f"deadline|{name}|SELECT" for name in ("callback_id", "deadline_time")),
        *(f"task_instance|{name}|SELECT" for name in ("executor", "queue", "state")),
        *(f"trigger|{name}|SELECT" for name in ("id", "queue")),
    ]


def test_off_and_on_again(site: Site) -> None:
    """Each as check mode says; what nothing scales any more has its replicas at once."""
    for variables in (OFF, ON):
        foreseen = site.run(variables, "site", "--check")
        assert foreseen.code == 0, foreseen.output[-5000:]
        made = site.converge(variables)
        assert made.changed == foreseen.changed
        if variables is not ON:
            for name in ("worker-heavy", "triggerer", "api-server"):
                assert wanted(site, name) == 1
            eventually(lambda: scaled_by_another(site, "worker"), 180, "nothing scales the workers")
            assert site.converge(variables).changed == 0


def test_it_sleeps_once_its_tasks_have_ended_and_wakes(site: Site) -> None:
    """Asleep, no pod of it runs; what was running, or in the broker, ended before."""
    instance = site.instance
    foreseen = site.run(ON, "hibernate", "--check")
    instance.call(dag_run, dag_id="heavy", run_id="two", wait=False)
    given = "SELECT count(*) FROM task_instance WHERE dag_id = 'heavy' AND run_id = 'two' AND "
    eventually(lambda: int(instance.sql(f"{given} state IN ('queued', 'running')")) == 4, 90, "tasks are not queued")
    slept = site.run(ON, "hibernate")
    assert (slept.code, slept.changed) == (foreseen.code, foreseen.changed) == (0, 1), slept.output[-5000:]
    assert [pod["metadata"]["name"] for pod in instance.pods() if pod["status"]["phase"] == "Running"] == []
    assert site.run(ON, "hibernate").changed == 0
    asleep = datetime.datetime.now(datetime.UTC)
    woken = site.run(ON, "wake")
    assert woken.code == 0, woken.output[-5000:]
    assert int(instance.sql(f"{given} end_date < '{asleep}'")) == 4
    finish(site, "heavy", 4, run_id="two")
