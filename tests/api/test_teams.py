"""Who of Airflow may do what in the namespaces of teams, as the API server itself judges it."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import backend
from ansible_collections.dagops.airflow.plugins.module_utils.render import pods
from ansible_collections.dagops.airflow.plugins.modules import manifests, preflight
from tests.api.plays import classes
from tests.api.support import Face, Site, names, validated

Values = dict[str, t.Any]

LAUNCHES = {
    *((verb, "pods") for verb in ("create", "delete", "get", "list", "patch")),
    *((verb, "pods/exec") for verb in ("create", "get")),
    ("get", "pods/log"),
    *((verb, "events") for verb in ("list", "watch")),
}
JOBS = {*((verb, "jobs") for verb in ("create", "delete", "get", "list", "patch")), ("get", "jobs/status")}
ENTERS = {("create", "pods/exec"), ("get", "pods/exec")}
WATCHES = {("delete", "pods"), ("get", "pods"), ("get", "pods/log"), ("list", "events"), ("watch", "events")}
EXECUTES = {
    *((verb, "pods") for verb in ("create", "delete", "get", "list", "patch", "watch")),
    *((verb, "events") for verb in ("list", "watch")),
    ("get", "pods/log"),
}
READS_LOGS = {("get", "pods"), ("list", "pods"), ("get", "pods/log")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shared:
    """An instance, and two teams in namespaces that are there and made for it."""

    site: Site
    values: Values

    @property
    def data(self) -> str:
        return f"{self.site.namespace}-data"

    @property
    def ml(self) -> str:
        return f"analytics-{self.site.namespace}-ml"

    def run(self, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        given = {"kubeconfig": self.site.kubeconfig, "values": {**self.values, **more.pop("values", {})}}
        face = Face(params=validated(manifests, {**given, "component": "rbac", **more}), check_mode=check)
        return manifests.run(face)

    def preflight(self, **more: t.Any) -> dict[str, t.Any]:
        given = {"kubeconfig": self.site.kubeconfig, "values": {**self.values, **more}}
        return preflight.run(Face(params=validated(preflight, given)))

    def may(self, account: str, namespace: str, home: str | None = None) -> set[tuple[str, str]]:
        """Everything that a ServiceAccount may do in a namespace, besides what everybody may (kubectl auth can-i)."""
        return self._told(f"{home or self.site.namespace}:{account}", namespace) - self._told("no:body", namespace)

    def _told(self, account: str, namespace: str) -> set[tuple[str, str]]:
        user = f"system:serviceaccount:{account}"
        who = connect({"kubeconfig": self.site.kubeconfig, "impersonate_user": user})
        rules = backend.rules_in(who, namespace)
        assert rules is not None
        assert all(not rule.get("resourceNames") for rule in rules)
        return {(verb, resource) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}

    def can(self, account: str, verb: str, resource: str, namespace: str) -> bool:
        """The API server's own judgement of one question; no namespace stands for all."""
        where = {"namespace": namespace, "resource": resource, "verb": verb}
        user = f"system:serviceaccount:{self.site.namespace}:{account}"
        spec = {"user": user, "groups": ["system:authenticated"], "resourceAttributes": where}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.site.cluster.request("POST", path, body=body)["status"]["allowed"])


def values_of(site: Site, **more: t.Any) -> Values:
    return {
        "airflow_instance": "analytics",
        "airflow_namespace": site.namespace,
        "airflow_rbac_namespace_managed": False,
        "airflow_logging_loss_accepted": True,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
        "airflow_rbac_teams": {
            "data": {"namespace": f"{site.namespace}-data"},
            "ml": {
                "namespace": f"analytics-{site.namespace}-ml",
                "namespaceManaged": True,
                "kubernetesExecutor": True,
                "jobs": True,
                "labels": {"cost-centre": "4712"},
                "quota": {"pods": "20"},
            },
        },
        **more,
    }


@pytest.fixture
def shared(site: Site) -> t.Iterator[Shared]:
    found = Shared(site=site, values=values_of(site))
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found.data}}
    site.cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
    with classes(site.cluster):
        yield found
    for name in (found.data, found.ml):
        site.cluster.delete(kinds.named("Namespace"), name)


def test_everything_needed_is_allowed_and_everything_else_denied(shared: Shared) -> None:
    """Each identity in each of the three namespaces."""
    shared.run()
    home, data, ml = shared.site.namespace, shared.data, shared.ml
    expected: dict[tuple[str, str, str], set[tuple[str, str]]] = {
        # Tasks of Celery's workers and of the executor's pods in the instance's namespace.
        ("analytics-worker", home, home): set(),
        ("analytics-worker", home, data): LAUNCHES,
        ("analytics-worker", home, ml): LAUNCHES | JOBS,
        # Tasks of the executor's pods in the namespace of the team.
        ("analytics-worker", ml, home): set(),
        ("analytics-worker", ml, data): set(),
        ("analytics-worker", ml, ml): LAUNCHES | JOBS,
        # What runs in the pods that tasks launch.
        ("analytics-tasks", data, home): set(),
        ("analytics-tasks", data, data): set(),
        ("analytics-tasks", data, ml): set(),
        ("analytics-tasks", ml, ml): set(),
        ("analytics-triggerer", home, home): set(),
        ("analytics-triggerer", home, data): WATCHES,
        ("analytics-triggerer", home, ml): WATCHES | ENTERS | {("get", "jobs"), ("get", "jobs/status")},
        ("analytics-scheduler", home, home): EXECUTES,
        ("analytics-scheduler", home, data): set(),
        ("analytics-scheduler", home, ml): EXECUTES,
        ("analytics-api-server", home, home): READS_LOGS,
        ("analytics-api-server", home, data): set(),
        ("analytics-api-server", home, ml): READS_LOGS,
        ("analytics-dag-processor", home, data): set(),
        ("analytics-dag-processor", home, ml): set(),
    }
    found = {
        (account, place, namespace): shared.may(account, namespace, place) for account, place, namespace in expected
    }
    assert found == expected
    assert shared.can("analytics-worker", "create", "pods", data)
    assert not shared.can("analytics-worker", "list", "secrets", data)
    assert not shared.can("analytics-worker", "list", "pods", home)


def test_nothing_outside_of_the_named_namespaces_is_allowed(shared: Shared, cluster: t.Any) -> None:
    """No ClusterRole: neither another namespace, nor all of them at once."""
    shared.run()
    for account in ("worker", "scheduler", "triggerer", "api-server"):
        assert shared.may(f"analytics-{account}", "default") == set()
        assert not shared.can(f"analytics-{account}", "list", "pods", "")
    ours = f"app.kubernetes.io/instance=analytics,airflow.dagops/namespace={shared.site.namespace}"
    assert cluster.list(kinds.named("ClusterRoleBinding"), None, ours) == []


def test_a_local_executor_launches_pods_from_the_scheduler(shared: Shared) -> None:
    teams = {"data": {"namespace": shared.data}}
    shared.run(values={"airflow_core_executor": "LocalExecutor", "airflow_rbac_teams": teams})
    assert shared.may("analytics-scheduler", shared.data) == LAUNCHES
    assert shared.may("analytics-scheduler", shared.site.namespace) == set()


def test_tasks_launch_pods_beside_airflow_by_consent_and_read_no_xcom_where_none_is_wanted(shared: Shared) -> None:
    home = shared.site.namespace
    launch: Values = {"airflow_rbac_tasks_launch_pods": True}
    shared.run(values=launch)
    assert shared.may("analytics-worker", home) == LAUNCHES
    assert shared.may("analytics-triggerer", home) == WATCHES
    assert shared.may("analytics-scheduler", home) == EXECUTES
    shared.run(values={**launch, "airflow_rbac_tasks_read_xcom": False})
    assert shared.may("analytics-worker", home) == LAUNCHES - ENTERS
    assert shared.may("analytics-worker", shared.ml) == (LAUNCHES | JOBS) - ENTERS
    assert shared.may("analytics-triggerer", shared.ml) == WATCHES | {("get", "jobs"), ("get", "jobs/status")}


def test_check_mode_tells_all_of_it_and_a_second_run_changes_nothing(shared: Shared) -> None:
    foreseen = shared.run(check=True)
    made = shared.run()
    assert (foreseen["objects"], foreseen["diff"]) == (made["objects"], made["diff"])
    assert f"Namespace/{shared.ml}" in made["objects"]["created"]
    assert not shared.run()["changed"]
    label = {"cost-centre": "4712"}.items()
    team = shared.site.cluster.list(kinds.named("Role"), shared.ml)
    assert team
    assert all(label <= item["metadata"]["labels"].items() for item in team)


def test_what_a_team_had_goes_with_it(shared: Shared) -> None:
    shared.run()
    teams = {"data": shared.values["airflow_rbac_teams"]["data"]}
    left = shared.run(values={"airflow_rbac_teams": teams}, prune=True)
    assert f"RoleBinding/{shared.ml}/analytics-task-launcher" in left["objects"]["deleted"]
    assert shared.may("analytics-worker", shared.ml) == set()
    # A namespace may hold anything, and is never taken away by a run.
    assert shared.site.cluster.get(kinds.named("Namespace"), shared.ml)
    gone = shared.run(values={"airflow_rbac_teams": teams}, state="absent", wait=False)
    assert f"RoleBinding/{shared.data}/analytics-task-launcher" in gone["objects"]["deleted"]
    assert shared.site.cluster.list(kinds.named("Role"), shared.data) == []


def test_pods_of_tasks_go_with_the_instance_where_they_are(shared: Shared) -> None:
    """Of the KubernetesExecutor, and nobody else's; nothing else would take them away."""
    shared.run()
    labels = {"tier": "airflow", "release": "analytics", "component": "worker", "kubernetes_executor": "True"}
    for name, release in (("of-a-task", "analytics"), ("of-others", "other")):
        meta = {"name": name, "namespace": shared.ml, "labels": {**labels, "release": release}}
        box = {"name": "base", "image": "example/a:1", "securityContext": pods.CONTAINER_SECURITY}
        spec = {"containers": [box], "securityContext": pods.pod_security(pods.AIRFLOW_USER, 0)}
        shared.site.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    for check in (True, False):
        gone = shared.run(check, component="core", state="absent", wait=False)
        assert gone["objects"]["deleted"] == [f"Pod/{shared.ml}/of-a-task"]


def test_an_instance_of_the_same_name_elsewhere_keeps_what_it_has(shared: Shared, cluster: t.Any) -> None:
    """Both have teams, and objects outside of all namespaces."""
    new_namespace = f"{shared.site.namespace}-other"
    everywhere = {"airflow_rbac_all_namespaces": True}
    shared.run(values=everywhere)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new_namespace}}
    cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
    other = {**everywhere, "airflow_namespace": new_namespace, "airflow_rbac_teams": {}}
    shared.run(values=other)
    assert not shared.run(values=everywhere)["changed"]
    kept = {item["metadata"]["name"] for item in cluster.list(kinds.named("ClusterRole"))}
    assert {f"{new_namespace}-analytics-pod-launcher", f"{shared.site.namespace}-analytics-pod-launcher"} <= kept
    with pytest.raises(Failure, match=f"belongs to the instance analytics in namespace {shared.site.namespace}"):
        shared.run(values={**other, "airflow_rbac_teams": {"data": {"namespace": shared.data}}})
    gone = shared.run(values=other, state="absent", wait=False)
    assert f"ClusterRole/{shared.site.namespace}-analytics-pod-launcher" not in gone["objects"]["deleted"]
    assert f"ClusterRole/{new_namespace}-analytics-pod-launcher" in gone["objects"]["deleted"]
    shared.run(values=everywhere, state="absent", wait=False)
    cluster.delete(kinds.named("Namespace"), new_namespace)


def test_all_namespaces_is_a_matter_of_consent(shared: Shared) -> None:
    shared.run(values={"airflow_rbac_all_namespaces": True})
    assert shared.may("analytics-scheduler", "default") == EXECUTES
    assert shared.may("analytics-worker", "default") == set()
    done = shared.run(prune=True)
    assert "ClusterRole/" + f"{shared.site.namespace}-analytics-pod-launcher" in done["objects"]["deleted"]
    assert shared.may("analytics-scheduler", "default") == set()


BAD_TEAMS: dict[str, tuple[Values, str]] = {
    "missing": (
        {"nobody": {"namespace": "nobody-made-it"}},
        r"airflow_rbac_teams\.nobody\.namespace is 'nobody-made-it', and namespace nobody-made-it does not exist: "
        r"have it made first, or set airflow_rbac_teams\.nobody\.namespaceManaged to true",
    ),
    "a Secret": (
        {"data": {"imagePullSecrets": ["registry"]}},
        r"airflow_rbac_teams\.data\.imagePullSecrets names Secret 'registry', which does not exist in namespace .*-d",
    ),
    "an identity": (
        {"data": {"serviceAccount": {"name": "trainer"}}},
        r"airflow_rbac_teams\.data\.serviceAccount\.name names ServiceAccount 'trainer', which does not exist in",
    ),
}


@pytest.mark.parametrize("mistake", BAD_TEAMS)
def test_what_is_not_there_is_told_before_the_first_change(shared: Shared, mistake: str) -> None:
    teams, words = BAD_TEAMS[mistake]
    teams = {name: {"namespace": shared.data, **team} for name, team in teams.items()}
    with pytest.raises(Failure, match=words) as told:
        shared.preflight(airflow_rbac_teams=teams)
    assert len(told.value.details["problems"]) == 1
    assert shared.site.cluster.list(kinds.named("Role"), shared.site.namespace) == []


def test_what_pods_of_tasks_read_must_be_in_the_namespace_of_the_team(shared: Shared) -> None:
    """ConfigMaps of the instance are copied there, Secrets are not."""
    s3 = {"bucket": "logs", "credentials": {"name": "s3-keys"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3-keys", "namespace": shared.site.namespace}}
    shared.site.cluster.apply(secret)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shared.ml}}
    shared.site.cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
    stored = {"airflow_logging_store": "s3", "airflow_logging_s3": s3, "airflow_logging_loss_accepted": False}
    words = r"kubernetesExecutor is true, and pods of tasks use Secret 's3-keys', which does not exist in namespace"
    with pytest.raises(Failure, match=words) as told:
        shared.preflight(**stored)
    assert len(told.value.details["problems"]) == 1
    shared.site.cluster.apply({**secret, "metadata": {"name": "s3-keys", "namespace": shared.ml}})
    assert shared.preflight(**stored)["remembered"] is not None


def test_a_namespace_that_somebody_keeps_is_not_managed(shared: Shared) -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    shared.site.cluster.patch(kinds.named("Namespace"), shared.data, None, {"metadata": {"labels": labels}})
    teams = {"data": {"namespace": shared.data, "namespaceManaged": True}}
    with pytest.raises(Failure, match=r"namespace .*-data of airflow_rbac_teams\.data is managed by Helm"):
        shared.preflight(airflow_rbac_teams=teams)


def test_the_names_of_what_is_made(shared: Shared) -> None:
    made = shared.run()
    assert {"ServiceAccount/analytics-tasks", "Role/analytics-task-launcher", "ResourceQuota/analytics-quota"} <= {
        *names(made, "created")
    }
