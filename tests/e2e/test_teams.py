"""Tasks of a team on a real cluster: under which identity their pods run and in which namespace, what is refused, where
they land, and that their logs outlive them."""

from __future__ import annotations

import datetime
import threading
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import dag_run
from tests.e2e import parts
from tests.e2e.conftest import CLUSTER, ROOT
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import Instance, eventually, load_images

NAME = "teams"
TEAM = f"{NAME}-data"
VERSION = "3.3.2"
IMAGE = f"localhost/airflow:{VERSION}"
ROLE = "iam.amazonaws.com/role"

DEDICATED = {"key": "dedicated", "operator": "Equal", "value": "data", "effect": "NoSchedule"}
# The one node has it, whatever it is called.
NODE = {"kubernetes.io/os": "linux"}
TERM = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}

# The sample of the documentation, and the same tasks of somebody who does not know what is demanded.
SAMPLE = (ROOT / "docs/examples/team_tasks.py").read_text(encoding="utf-8")
CHANGES = {
    '"analytics-data"': f'"{TEAM}"',
    '"analytics-tasks"': f'"{NAME}-tasks"',
    '"docker.io/library/python:3.13-slim"': f'"{IMAGE}"',
    # Pods that tasks launch are looked at when they have ended.
    '"get_logs": True,': '"get_logs": True, "on_finish_action": "keep_pod",',
}
UNLABELLED = {'LABELS = {"team": "data", "cost-centre": "4711"}': "LABELS = {}", '"team_tasks"': '"unlabelled"'}
# A task whose own pod, the executor's, is in the namespace of the team.
AT_HOME = f"""\
import pendulum
from airflow.sdk import dag, task
from kubernetes.client import models as k8s

POD = k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace="{TEAM}", labels={{"team": "data", "cost-centre": "4711"}}))


@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1), default_args={{"retries": 0}})
def at_home():
    @task(executor="KubernetesExecutor", executor_config={{"pod_override": POD}})
    def own():
        print("told in the namespace of the team")

    own()


at_home()
"""
FILES = ("team_tasks.py", "unlabelled.py", "at_home.py")

MOUNTED: Variables = {
    "resources": SMALL,
    "volumes": [{"name": "team-dags", "configMap": {"name": "team-dags"}}],
    "volumeMounts": [
        {"name": "team-dags", "mountPath": f"/opt/airflow/dags/{file}", "subPath": file} for file in FILES
    ],
}
VARIABLES: Variables = {
    **BASE,
    # A volume is of one namespace.
    "airflow_logging_store": "s3",
    "airflow_logging_volume": {},
    "airflow_logging_s3": {
        "bucket": parts.S3.buckets[0],
        "prefix": NAME,
        "endpointUrl": parts.S3.endpoint(),
        "region": parts.S3.region,
        "credentials": {"name": "s3-key"},
    },
    "airflow_core_executor": "LocalExecutor,KubernetesExecutor",
    **{f"airflow_core_{component}": MOUNTED for component in ("dag_processor", "scheduler", "workers")},
    "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True, "schedule": "0 0 1 1 *", "resources": SMALL}},
    "airflow_rbac_teams": {"data": {"namespaceManaged": True, "kubernetesExecutor": True, "quota": {"pods": "10"}}},
    "airflow_policy_labels": {"team": {"values": ["data", "ml"]}, "cost-centre": {}},
    "airflow_policy_placements": {"data": {"nodeLabels": NODE, "tolerations": [DEDICATED]}},
    "airflow_extra_manifests": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "configured"}},
    ],
}


def changed(text: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return text


def bring(instance: Instance, namespace: str) -> None:
    """Have in a namespace what pods of tasks read there: DAGs, and the key of the log store."""
    sample = changed(SAMPLE, CHANGES)
    dags = dict(zip(FILES, (sample, changed(sample, UNLABELLED), AT_HOME), strict=True))
    meta = {"name": "team-dags", "namespace": namespace}
    instance.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dags})
    s3 = parts.bring(instance.cluster, parts.S3).facts()
    keys = {"access-key-id": s3["access_key"], "secret-access-key": s3["secret_key"]}
    meta = {"name": "s3-key", "namespace": namespace}
    instance.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": keys})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    load_images(*parts.S3.images)
    values = {**VARIABLES, "airflow_instance": NAME, "airflow_version": VERSION}
    instance = Instance(name=NAME, values=values, cluster_options=CLUSTER)
    made = Site(instance=instance, folder=tmp_path_factory.mktemp("runs"))
    made.remove(VARIABLES)
    instance.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}})
    bring(instance, NAME)
    made.converge(VARIABLES)
    # What its pods read is for people to bring, once the run has made the namespace.
    bring(instance, TEAM)
    yield made
    made.remove(VARIABLES)
    # The tests have made it, so uninstalling leaves it.
    instance.cluster.delete(kinds.named("Namespace"), NAME)


class Watcher:
    """Sees the pods of a DAG's tasks, which the executor takes away when they have ended."""

    def __init__(self, instance: Instance, namespace: str, dag_id: str) -> None:
        self._instance, self._namespace, self._selector = instance, namespace, f"dag_id={dag_id}"
        self._seen: dict[str, Object] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> dict[str, Object]:
        self._thread.start()
        return self._seen

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.is_set():
            for pod in self._instance.cluster.list(kinds.named("Pod"), self._namespace, self._selector):
                self._seen[pod["metadata"]["labels"]["task_id"]] = pod
            time.sleep(0.2)


def run(site: Site, dag_id: str) -> dict[str, Object]:
    """The task instances of a run that fails as a whole, by the name of the task."""
    with pytest.raises(Failure, match=r"Run first of DAG .* failed"):
        site.instance.call(dag_run, dag_id=dag_id, run_id="first", unpause=True, wait=True, wait_timeout=420)
    ended = site.instance.call(dag_run, dag_id=dag_id, run_id="first", wait=False, logs=True)
    return {one["task_id"]: one for one in ended["task_instances"]}


def placed(pod: Object) -> bool:
    affinity = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    tolerated = DEDICATED in pod["spec"]["tolerations"]
    return bool(pod["spec"]["nodeName"]) and tolerated and affinity["nodeSelectorTerms"] == [TERM]


def test_the_sample_runs_under_the_identities_it_names_and_lands_where_it_must(site: Site) -> None:
    with Watcher(site.instance, NAME, "team_tasks") as pods:
        tasks = run(site, "team_tasks")
    assert {name: one["state"] for name, one in tasks.items()} == {
        "passes": "success",
        "fails": "failed",
        "configured": "success",
    }
    assert "a pod of its own" in tasks["passes"]["log"]
    assert "as it should" in tasks["fails"]["log"]
    launched = site.instance.cluster.list(kinds.named("Pod"), TEAM, "kubernetes_pod_operator=True")
    assert {pod["metadata"]["labels"]["task_id"] for pod in launched} == {"passes", "fails"}
    for pod in launched:
        assert pod["spec"]["serviceAccountName"] == f"{NAME}-tasks"
        assert placed(pod)
    own = pods["configured"]
    assert own["spec"]["serviceAccountName"] == "configured"
    assert own["metadata"]["annotations"][ROLE] == "data-reader"
    assert own["spec"]["containers"][0]["resources"]["requests"]["memory"] == "256Mi"
    assert placed(own)


def test_pods_without_the_label_of_a_team_are_refused_in_words(site: Site) -> None:
    with Watcher(site.instance, NAME, "unlabelled") as pods:
        tasks = run(site, "unlabelled")
    assert {one["state"] for one in tasks.values()} == {"failed"}
    words = "has no label cost-centre and has no label team (one of data, ml). Add labels={"
    for name in ("passes", "fails"):
        assert words in tasks[name]["log"]
    # The executor's own pod would write a log: Airflow tells of it in its audit log.
    mismatch = "SELECT extra FROM log WHERE event = 'state mismatch' AND dag_id = 'unlabelled'"
    assert words in site.instance.sql(mismatch)
    assert pods == {}


def test_a_task_runs_in_the_namespace_of_the_team_and_its_log_outlives_its_pod(site: Site) -> None:
    instance = site.instance
    with Watcher(instance, TEAM, "at_home") as pods:
        ended = instance.call(dag_run, dag_id="at_home", run_id="first", unpause=True, wait=True, wait_timeout=300)
    assert ended["run"]["state"] == "success"
    assert pods["own"]["spec"]["serviceAccountName"] == f"{NAME}-worker"
    assert placed(pods["own"])
    left = "dag_id=at_home"
    eventually(lambda: not instance.cluster.list(kinds.named("Pod"), TEAM, left), 60, "the pod of the task stays")
    (task,) = instance.call(dag_run, dag_id="at_home", run_id="first", wait=False, logs=True)["task_instances"]
    assert "told in the namespace of the team" in task["log"]


@pytest.mark.full
def test_sleep_waits_for_a_pod_that_has_just_been_made(site: Site) -> None:
    """Airflow calls its task queued until it has started, which takes longer than it takes to stop the API server."""
    instance = site.instance
    instance.call(dag_run, dag_id="at_home", run_id="before-sleep", wait=False)
    pods = kinds.named("Pod")
    eventually(lambda: bool(instance.cluster.list(pods, TEAM, "dag_id=at_home")), 60, "there is no pod of the task")
    slept = site.run(VARIABLES, "hibernate")
    assert slept.code == 0, slept.output[-5000:]
    assert not instance.running()
    site.converge(VARIABLES)
    ended = instance.call(dag_run, dag_id="at_home", run_id="before-sleep", wait=True, wait_timeout=120)
    assert ended["run"]["state"] == "success"
    assert [one["try_number"] for one in ended["task_instances"]] == [1]


def test_what_tasks_have_left_in_the_namespace_of_a_team_is_cleaned(site: Site) -> None:
    """Here the pods that the sample launched, in the namespace of the team, and what its failed tasks left at home."""

    def left(*namespaces: str) -> list[Object]:
        pods = kinds.named("Pod")
        return [pod for one in namespaces for pod in site.instance.cluster.list(pods, one, "dag_id,task_id")]

    def ended() -> list[str]:
        return [
            box["state"]["terminated"]["finishedAt"] for pod in left(TEAM) for box in pod["status"]["containerStatuses"]
        ]

    # Airflow's command spares those that have ended within the last minute (`--min-completed-minutes`).
    minute = datetime.timedelta(minutes=1)
    latest = datetime.datetime.fromisoformat(max(ended()))
    eventually(lambda: datetime.datetime.now(datetime.UTC) - latest > minute, 90, "the pods ended in the future")
    site.instance.run_now("cleanup")
    eventually(lambda: not left(NAME, TEAM), 60, "pods of tasks stay")


def test_a_second_run_changes_nothing(site: Site) -> None:
    assert site.converge(VARIABLES).changed == 0
