"""Celery's workers come and go while tasks run, and an instance changes its executor: no task, no log is lost."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import component_of, is_ready
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import parts, twenty
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import Instance, eventually, load_images
from tests.e2e.twenty import VERSION

NAME = "executors"
WORKERS = f"{NAME}-worker-"
KINDS = (
    *("Deployment", "StatefulSet", "Pod", "CronJob", "Service", "PodDisruptionBudget", "PersistentVolumeClaim"),
    *("Secret", "ConfigMap", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"),
)


def celery(image: str, replicas: int) -> Variables:
    """Workers that have room for all tasks, also where one is left."""
    redis = {"repository": "localhost/redis", "tag": "7.0"}
    return {
        **with_executor("CeleryExecutor", image),
        "airflow_celery_redis": {"image": redis, "resources": SMALL},
        "airflow_celery_workers": {
            "default": {"replicas": replicas, "concurrency": twenty.TASKS, "resources": {**SMALL, "limits": {}}}
        },
    }


def with_executor(executor: str, image: str) -> Variables:
    return {
        **BASE,
        "airflow_verify_canary": False,
        "airflow_image": {"repository": "localhost/airflow", "tag": f"{VERSION}-{image}"},
        "airflow_core_executor": executor,
        **(local() if executor == "LocalExecutor" else {}),
    }


def local() -> Variables:
    """A scheduler with room for all tasks; one that says nothing for 30 s (the default) is soon taken for lost."""
    return {
        "airflow_core_scheduler": {"resources": {**SMALL, "limits": {}}},
        "airflow_core_config": {"scheduler": {"orphaned_tasks_check_interval": 5}},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    load_images(*parts.Redis.images)
    values = {**celery("one", 2), "airflow_instance": NAME, "airflow_version": VERSION}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    for name in ("one", "two"):
        twenty.load(made.instance, tmp_path_factory.mktemp("images"), name)
    made.remove()
    made.converge(celery("one", 2))
    yield made
    made.remove()


def workers(site: Site) -> list[str]:
    """Pods of Celery's workers that are to stay."""
    pods = site.instance.pods()
    return [
        pod["metadata"]["name"]
        for pod in pods
        if pod["metadata"]["name"].startswith(WORKERS) and not pod["metadata"].get("deletionTimestamp")
    ]


def test_workers_that_go_lose_no_task_and_no_log(site: Site) -> None:
    assert len(workers(site)) == 2
    twenty.start(site.instance, "scaled")
    site.converge(celery("one", 1))
    eventually(lambda: len(workers(site)) == 1, 60, "no worker goes")
    twenty.finish(site.instance, "scaled")


def test_a_release_loses_no_task_and_runs_none_twice(site: Site) -> None:
    twenty.start(site.instance, "released")
    released = site.run(celery("one", 1), "release", "-e", f"airflow_image_tag={VERSION}-two")
    assert released.code == 0, released.output[-5000:]
    twenty.finish(site.instance, "released")


def test_a_change_of_the_executor_leaves_nothing_behind(site: Site) -> None:
    """From Celery to Kubernetes to Local, each in one run."""
    for executor in ("KubernetesExecutor", "LocalExecutor"):
        variables = with_executor(executor, "two")
        site.converge(variables)
        instance = site.instance
        instance.run_in("scheduler", "touch", twenty.GO)
        run_id = executor.lower()
        ended = instance.call(dag_run, dag_id=twenty.DAG_ID, run_id=run_id, wait=True, wait_timeout=300)
        assert ended["run"]["state"] == "success"
        assert site.converge(variables).changed == 0
    # Whether by the executor itself or by the run in which it went.
    eventually(lambda: not site.instance.task_pods(), 60, "pods of tasks stay")
    eventually(lambda: not left_of(site, ("worker", "redis", "flower")), 60, "something of Celery stays")
    assert not left_of(site, ("cleanup",))


def schedulers(site: Site) -> dict[str, Object]:
    """Pods of schedulers by their names, also one that goes."""
    pods = site.instance.pods()
    return {pod["metadata"]["name"]: pod for pod in pods if component_of(pod) == "scheduler"}


def looks(site: Site, old: str) -> int:
    """How often the next scheduler has looked for tasks that lost theirs."""
    ready = [name for name, pod in schedulers(site).items() if name != old and is_ready(pod)]
    logs = (site.instance.cluster.logs(NAME, name) for name in ready)
    return sum(log.count("Adopting or resetting orphaned tasks") for log in logs)


def test_tasks_of_a_local_executor_end_well_while_its_scheduler_goes(site: Site) -> None:
    """The pod takes no more of them, and stays for those that it has, which the next scheduler leaves alone.

    For longer than a worker may stay that has none, or a scheduler without a heartbeat: ten looks are 5 s apart.
    """
    twenty.start(site.instance, "drained")
    (old,) = schedulers(site)
    site.instance.cluster.delete(kinds.named("Pod"), old, NAME)
    eventually(lambda: looks(site, old) >= 10, 240, "no other scheduler looks for lost tasks")
    twenty.finish(site.instance, "drained")
    eventually(lambda: old not in schedulers(site), 60, "the scheduler stays that has no task any more")


def left_of(site: Site, components: t.Collection[str]) -> list[str]:
    """What is there of components that no executor needs any more."""
    cluster = site.instance.cluster
    return [
        f"{kind}/{item['metadata']['name']}"
        for kind in KINDS
        for item in cluster.list(kinds.named(kind), NAME, f"app.kubernetes.io/instance={NAME}")
        if (item["metadata"].get("labels") or {}).get("app.kubernetes.io/component") in components
    ]
