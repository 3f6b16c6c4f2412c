"""Tasks of all executors print their logs, rsyslog takes them to OpenSearch, and Airflow reads them back."""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import newest_ready
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import parts
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import CLUSTER, Instance

NAME = "shipper"
ON_NODES = "shipper-on-nodes"
IMAGE = "localhost/rsyslog:8.2302"
INDEX = "shipper-logs"
EXECUTORS = ("KubernetesExecutor", "CeleryExecutor", "LocalExecutor")
NODE = pathlib.Path(CLUSTER["kubeconfig"]).parent
"""Where the evaluation cluster has its files, those of its node among them."""
LONGEST = 300
"""Seconds that a run of the DAG may take."""
LONG = "long" * 10_000
"""Longer than what a container runtime writes in one piece."""

DAG = f"""\
import datetime

from airflow.sdk import dag, task


@dag(dag_id="shipper", schedule=None, start_date=datetime.datetime(2024, 1, 1), is_paused_upon_creation=False)
def shipper():
    for name in {EXECUTORS}:

        @task(task_id=name, executor=name)
        def talk(name):
            print(f"{{name}} was here")
            print("long" * {len(LONG) // 4})
            print("and has ended")

        talk(name)


shipper()
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shipped:
    """An instance whose logs are shipped."""

    site: Site
    variables: Variables
    search: parts.OpenSearch

    def documents(self) -> dict[str, dict[str, t.Any]]:
        """All lines in the store, by their ids."""
        path = f"/api/v1/namespaces/opensearch/services/opensearch:9200/proxy/{INDEX}*/_search?size=10000"
        found = self.search.cluster.request("GET", path)
        return {one["_id"]: one["_source"] for one in found["hits"]["hits"]}

    def run(self, run_id: str) -> None:
        ran = self.site.instance.call(dag_run, dag_id="shipper", run_id=run_id, wait=True, wait_timeout=LONGEST)
        assert ran["run"]["state"] == "success"

    def log(self, run_id: str) -> dict[str, str]:
        """The log of each task, as the API tells it, when its last line is there and its pod is gone."""
        deadline = time.monotonic() + 60
        while True:
            pods = [pod["metadata"]["name"] for pod in self.site.instance.pods() if _runs_a_task(pod)]
            read = self.site.instance.call(dag_run, dag_id="shipper", run_id=run_id, wait=True, logs=True)
            logs = {one["task_id"]: one["log"] for one in read["task_instances"]}
            if not pods and all("and has ended" in log for log in logs.values()):
                return logs
            assert time.monotonic() < deadline, f"{pods} are there, and logs are {logs}"
            time.sleep(1)


def _runs_a_task(pod: dict[str, t.Any]) -> bool:
    return "dag_id" in pod["metadata"]["labels"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Shipped]:
    brought = parts.bring_with_images(parts.OpenSearch, more=[IMAGE, *parts.Redis.images])
    search = t.cast("parts.OpenSearch", brought["opensearch"])
    values = variables(search)
    instance = Instance(name=NAME, values={**values, "airflow_instance": NAME}, cluster_options=CLUSTER)
    site = Site(instance=instance, folder=tmp_path_factory.mktemp("runs"))
    site.remove()
    prepare(search)
    try:
        site.converge(values)
        yield Shipped(site=site, variables=values, search=search)
    finally:
        site.remove()
        cluster = connect(CLUSTER)
        # They were here before the instance, so they are not the instance's to delete.
        for namespace in (NAME, ON_NODES):
            cluster.delete(kinds.named("Namespace"), namespace)
        parts.take_away(cluster, parts.OpenSearch)


def variables(search: parts.OpenSearch) -> Variables:
    dags = {
        "volumes": [{"name": "shipper-dags", "configMap": {"name": "shipper-dags"}}],
        "volumeMounts": [
            {"name": "shipper-dags", "mountPath": "/opt/airflow/dags/shipper.py", "subPath": "shipper.py"}
        ],
    }
    repository, _colon, tag = IMAGE.rpartition(":")
    return {
        **BASE,
        "airflow_verify_canary": False,
        "airflow_version": "3.3.2",
        "airflow_core_executor": ",".join(EXECUTORS),
        **{
            f"airflow_core_{component}": {**BASE[f"airflow_core_{component}"], **dags}
            for component in ("dag_processor", "scheduler", "workers")
        },
        "airflow_celery_redis": {"image": {"repository": "localhost/redis", "tag": "7.0"}, "resources": SMALL},
        "airflow_celery_workers": {
            "default": {"concurrency": 1, "resources": SMALL, "terminationGracePeriodSeconds": 10, **dags}
        },
        "airflow_logging_volume": {},
        "airflow_logging_store": "opensearch",
        "airflow_logging_opensearch": {
            "url": search.https_url(),
            "write": "stdout",
            "ca": {"name": "search-ca"},
            "credentials": {"name": "search-user"},
        },
        "airflow_logging_shipper": {
            "enabled": True,
            "namespace": ON_NODES,
            "image": {"repository": repository, "tag": tag},
            "ca": {"name": "search-ca"},
            "credentials": {"name": "search-user"},
            "podsFolder": str(NODE / "logs" / "pods"),
            "stateFolder": str(NODE / "volumes" / "log-shipper"),
        },
    }


def prepare(search: parts.OpenSearch) -> None:
    """What a person brings: a namespace that lets pods read files of the node, the DAG, and Secrets in both places."""
    cluster = connect(CLUSTER)
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    cluster.apply(parts.namespace(NAME), force=True)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ON_NODES, "labels": labels}})
    facts = search.facts()
    secrets = {
        "search-user": {"username": facts["username"], "password": facts["password"]},
        "search-ca": {"ca.crt": facts["ca_certificate"]},
    }
    for namespace in (NAME, ON_NODES):
        for name, data in secrets.items():
            meta = {"name": name, "namespace": namespace}
            cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}, force=True)
    meta = {"name": "shipper-dags", "namespace": NAME}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"shipper.py": DAG}})


def test_what_tasks_print_is_read_back_when_their_pods_are_gone(shipped: Shipped) -> None:
    shipped.run("first")
    logs = shipped.log("first")
    assert set(logs) == set(EXECUTORS)
    for name, log in logs.items():
        assert f"{name} was here" in log
        assert LONG in log


def test_what_a_restart_finds_again_is_there_once(shipped: Shipped) -> None:
    before = shipped.documents()
    pod = newest_ready(shipped.search.cluster.list(kinds.named("Pod"), ON_NODES), ("log-shipper",))
    assert pod
    path = kinds.named("Pod").path(ON_NODES, pod["metadata"]["name"])
    # Killed, so that it has no time to note what it has read.
    shipped.search.cluster.request("DELETE", path, body={"gracePeriodSeconds": 0})
    shipped.run("second")
    assert set(shipped.log("second")) == set(EXECUTORS)
    after = shipped.documents()
    assert {name: after[name] for name in before} == before
    new = [one for name, one in after.items() if name not in before]
    assert new
    assert all("-second-" in one["log_id"] for one in new)
    assert len({(one["log_id"], one["offset"]) for one in after.values()}) == len(after)


def test_a_second_run_changes_nothing(shipped: Shipped) -> None:
    again = shipped.site.run(shipped.variables, "site")
    assert (again.code, again.changed) == (0, 0), again.output[-5000:]
