"""Pods of two schedulers and two API servers come and go, and no request fails and no task is lost; tasks come to the
nodes that are theirs; old rows go."""

from __future__ import annotations

import contextlib
import json
import typing as t

import kubernetes.client
import kubernetes.config
import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import twenty
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, SMALL, Site
from tests.e2e.support import Instance, eventually

pytestmark = pytest.mark.alone

NAME = "available"
VERSION = "3.3.2"
IMAGE = f"localhost/airflow:{VERSION}"
DAG_ID = "patient"
TASKS = 3
# New connections all the time, since one that is kept goes to a pod, and not through the Service.
STREAM = """\
import json, os, sys, time, urllib.request

asked, failed = 0, []
while True:
    for path in ("version", "monitor/health"):
        asked += 1
        try:
            urllib.request.urlopen(f"{sys.argv[1]}/api/v2/{path}", timeout=30).read()
        except Exception as error:
            failed.append(f"{time.strftime('%H:%M:%S')} {path}: {error!r}")
    with open("/tmp/told.new", "w") as file:
        json.dump({"asked": asked, "failed": failed}, file)
    os.replace("/tmp/told.new", "/tmp/told")
    time.sleep(0.02)
"""
# The one node is one of these for a moment.
OF_TASKS = {"key": "e2e.example/tasks", "value": "yes", "effect": "NoSchedule"}
DAGS = {
    "volumes": [{"name": "patient", "configMap": {"name": "patient"}}],
    "volumeMounts": [{"name": "patient", "mountPath": "/opt/airflow/dags/patient.py", "subPath": "patient.py"}],
}
VARIABLES: dict[str, t.Any] = {
    **BASE,
    "airflow_core_scheduler": {"resources": SMALL, "replicas": 2},
    "airflow_core_api_server": {"resources": SMALL, "replicas": 2},
    "airflow_core_dag_processor": {"resources": SMALL, **DAGS},
    "airflow_core_workers": {"resources": SMALL, "podDisruptionBudget": {"enabled": True}, **DAGS},
    "airflow_database_cleanup": {"enabled": True, "retentionDays": 30},
    "airflow_task_nodes": {"labels": {OF_TASKS["key"]: OF_TASKS["value"]}, "taints": [OF_TASKS]},
    "airflow_verify_canary": False,
    "airflow_extra_manifests": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "patient"},
            "data": {"patient.py": twenty.text(DAG_ID, TASKS)},
        }
    ],
}
NODE = kinds.named("Node")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {**VARIABLES, "airflow_instance": NAME, "airflow_version": VERSION}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    made.remove()
    made.converge(VARIABLES)
    yield made
    made.remove()


def make_pod(site: Site, name: str, *command: str) -> None:
    """A pod that is none of the instance's."""
    container = {
        "name": name,
        "image": IMAGE,
        "command": [*command],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 0,
    }
    meta = {"name": name, "namespace": NAME}
    site.instance.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


@pytest.fixture
def stream(site: Site) -> t.Iterator[t.Callable[[], dict[str, t.Any]]]:
    """Requests without end to the Service of the API servers: how many so far, and which failed."""
    cluster = site.instance.cluster
    make_pod(site, "stream", "python", "-c", STREAM, f"http://{NAME}-api-server:8080")

    def told() -> dict[str, t.Any]:
        result = cluster.exec(NAME, "stream", "stream", ["cat", "/tmp/told"])
        assert result.rc == 0, result.stderr
        found: dict[str, t.Any] = json.loads(result.stdout)
        return found

    def begun() -> bool:
        pod = cluster.get(kinds.named("Pod"), "stream", NAME)
        assert pod
        if pod["status"].get("phase") != "Running":
            return False
        return bool(cluster.exec(NAME, "stream", "stream", ["test", "-e", "/tmp/told"]).rc == 0)

    eventually(begun, 120, "no request is made")
    yield told
    cluster.delete(kinds.named("Pod"), "stream", NAME)


def pods(site: Site, *components: str) -> list[Object]:
    """Those of Airflow's components that are to stay."""
    return [
        pod
        for pod in site.instance.pods()
        if pod["metadata"]["labels"]["component"] in components and not pod["metadata"].get("deletionTimestamp")
    ]


def ready(site: Site, component: str) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in pods(site, component)
        if any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
    ]


def test_old_rows_are_deleted(site: Site) -> None:
    site.instance.sql(
        "INSERT INTO log (dttm, event) VALUES (now() - interval '31 days', 'e2e_old'), (now(), 'e2e_young')"
    )
    site.instance.run_now("db-cleanup")
    assert site.instance.sql("SELECT event FROM log WHERE event LIKE 'e2e_%'") == "e2e_young"


def test_a_roll_of_the_api_server_fails_no_request(site: Site, stream: t.Callable[[], dict[str, t.Any]]) -> None:
    before = ready(site, "api-server")
    assert len(before) == 2
    rolled = {**VARIABLES["airflow_core_api_server"], "annotations": {"e2e/rolled": "yes"}}
    site.converge({**VARIABLES, "airflow_core_api_server": rolled})
    eventually(lambda: not set(before) & {pod["metadata"]["name"] for pod in site.instance.pods()}, 90, "none is gone")
    asked = stream()["asked"]
    eventually(lambda: stream()["asked"] > asked + 50, 60, "no request is answered any more")
    assert stream()["failed"] == []
    assert len(ready(site, "api-server")) == 2


def change_node(site: Site, change: t.Callable[[Object], Object]) -> None:
    """Patch the one node by what is to be said of it as it is."""
    (node,) = site.instance.cluster.list(NODE)
    path, body = NODE.path(name=node["metadata"]["name"]), change(node)
    site.instance.cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")


@contextlib.contextmanager
def cordoned(site: Site) -> t.Iterator[None]:
    """The node takes no pods."""
    change_node(site, lambda _node: {"spec": {"unschedulable": True}})
    try:
        yield
    finally:
        change_node(site, lambda _node: {"spec": {"unschedulable": None}})


@contextlib.contextmanager
def reserved(site: Site) -> t.Iterator[None]:
    """The node takes pods of tasks only."""

    def change(node: Object, *more: Object) -> Object:
        """With the label and ``more`` taints, in the place of our own."""
        taints = [one for one in node["spec"].get("taints", ()) if one["key"] != OF_TASKS["key"]]
        labels = {OF_TASKS["key"]: OF_TASKS["value"] if more else None}
        return {"metadata": {"labels": labels}, "spec": {"taints": [*taints, *more]}}

    change_node(site, lambda node: change(node, OF_TASKS))
    try:
        yield
    finally:
        change_node(site, change)


def waits_for_a_node(site: Site, name: str) -> bool:
    """Whether a pod finds no node that it tolerates."""
    pod = site.instance.cluster.get(kinds.named("Pod"), name, NAME)
    assert pod
    assert pod["status"]["phase"] == "Pending"
    return any("untolerated taint" in one.get("message", "") for one in pod["status"].get("conditions", ()))


def evict(site: Site, doomed: t.Iterable[str]) -> list[str]:
    """Ask for the eviction of pods, as a drain does; those that have to stay for now.

    By the plain client, since ours asks again by itself where the answer is "later".
    """
    api = kubernetes.client.CoreV1Api(
        kubernetes.config.new_client_from_config(site.instance.cluster_options["kubeconfig"])
    )
    refused = []
    for name in doomed:
        body = kubernetes.client.V1Eviction(metadata=kubernetes.client.V1ObjectMeta(name=name))
        try:
            api.create_namespaced_pod_eviction(name, NAME, body)
        except kubernetes.client.ApiException as error:
            if error.status not in (404, 429):
                raise
            refused += [name] if error.status == 429 else []
    return refused


def test_tasks_come_to_their_nodes_and_a_drain_loses_none_and_ends(
    site: Site, stream: t.Callable[[], dict[str, t.Any]]
) -> None:
    instance = site.instance
    with reserved(site):
        make_pod(site, "stranger", "sleep", "600")
        twenty.start(instance, "drained", DAG_ID, TASKS)
        eventually(lambda: waits_for_a_node(site, "stranger"), 60, "the taint keeps nobody away")
        instance.cluster.delete(kinds.named("Pod"), "stranger", NAME)
    doomed = {pod["metadata"]["name"]: pod for pod in pods(site, "api-server", "scheduler", "dag-processor", "worker")}
    assert len(doomed) == 5 + TASKS
    with cordoned(site):
        # One scheduler and one API server stay, and so do tasks.
        left = evict(site, doomed)
        parts = sorted(doomed[name]["metadata"]["labels"]["component"] for name in left)
        assert parts == ["api-server", "scheduler", *["worker"] * TASKS]

    # Elsewhere there are other nodes; here the pods come back to the same one.
    def others() -> bool:
        left[:] = evict(site, left)
        return len(left) == TASKS

    eventually(others, 300, "the drain waits for more than tasks")
    assert twenty.running(instance, DAG_ID) == TASKS
    eventually(lambda: bool(ready(site, "scheduler")), 120, "no scheduler is ready")
    instance.run_in("scheduler", "touch", twenty.GO)

    def drained() -> bool:
        left[:] = evict(site, left)
        return not left and not set(doomed) & {pod["metadata"]["name"] for pod in instance.pods()}

    eventually(drained, 300, "the drain does not end")
    ended = instance.call(dag_run, dag_id=DAG_ID, run_id="drained", wait=True, wait_timeout=300)
    assert ended["run"]["state"] == "success"
    assert [(one["state"], one["try_number"]) for one in ended["task_instances"]] == [("success", 1)] * TASKS
    assert stream()["failed"] == []
    eventually(lambda: len(ready(site, "api-server")) == len(ready(site, "scheduler")) == 2, 180, "pods are missing")
