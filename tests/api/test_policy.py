"""Policies for pods of tasks, as the API server itself enforces them: what it refuses and says, and where pods go."""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import JSON_PATCH, Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import manifests, preflight
from tests.api.plays import classes
from tests.api.support import Face, Site, validated

Values = dict[str, t.Any]

TASK = {"dag_id": "etl", "task_id": "load"}
GOOD = {**TASK, "team": "data", "cost-centre": "4711"}
DEDICATED = {"key": "dedicated", "operator": "Equal", "value": "data", "effect": "NoSchedule"}
POOL = {"key": "example.com/pool", "operator": "In", "values": ["data"]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
KINDS = (
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policed:
    """An instance with policies, and a team whose namespace is made for it."""

    site: Site
    values: Values

    @property
    def team(self) -> str:
        return f"{self.site.namespace}-ml"

    def run(self, part: str = "policy", **more: t.Any) -> dict[str, t.Any]:
        given = {"kubeconfig": self.site.kubeconfig, "values": {**self.values, **more.pop("values", {})}}
        check = more.pop("check", False)
        face = Face(params=validated(manifests, {**given, "component": part, **more}), check_mode=check)
        return manifests.run(face)

    def made(self, namespace: str, labels: dict[str, str], image: str = "python:3.13", **spec: t.Any) -> Object:
        """A pod as it comes out of admission."""
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "task", "namespace": namespace, "labels": labels},
            "spec": {"containers": [{"name": "base", "image": image}], **spec},
        }
        return self.site.cluster.create(body, dry_run=True)

    def job(self, namespace: str, labels: dict[str, str] | None, image: str = "python:3.13") -> Object:
        """A Job as it comes out of admission, with labels of its pods, and of its own as the operator gives them."""
        pod = {"restartPolicy": "Never", "containers": [{"name": "base", "image": image}]}
        template = {"spec": pod, **({} if labels is None else {"metadata": {"labels": labels}})}
        own = {name: value for name, value in (labels or {}).items() if name not in TASK}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "job", "namespace": namespace, "labels": own},
            "spec": {"template": template},
        }
        return self.site.cluster.create(body, dry_run=True)

    def refused(self, namespace: str, labels: dict[str, str], **given: t.Any) -> str:
        with pytest.raises(ApiError) as told:
            self.made(namespace, labels, **given)
        return told.value.message


@pytest.fixture(scope="module")
def policed(kubeconfig: str) -> t.Iterator[Policed]:
    """Made once: the API server takes a moment until it enforces a new policy."""
    site = Site(kubeconfig=kubeconfig, cluster=connect({"kubeconfig": kubeconfig}), namespace="policed")
    values = {
        "airflow_instance": "analytics",
        "airflow_namespace": site.namespace,
        "airflow_logging_loss_accepted": True,
        # Pods of these tests are as short as can be.
        "airflow_rbac_pod_security": "privileged",
        "airflow_rbac_teams": {
            "ml": {
                "namespace": f"{site.namespace}-ml",
                "namespaceManaged": True,
                "podSecurity": "privileged",
                "jobs": True,
            }
        },
        "airflow_policy_labels": {"team": {"values": ["data", "ml"]}, "cost-centre": {}},
        "airflow_policy_registries": ["registry.example.com/data", "docker.io/library"],
        "airflow_policy_placements": {"data": {"nodeLabels": {"example.com/pool": "data"}, "tolerations": [DEDICATED]}},
    }
    found = Policed(site=site, values=values)
    with classes(site.cluster):
        found.run("rbac")
        for name in (site.namespace, found.team):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
            site.cluster.apply(account)
        foreseen = found.run(check=True)
        done = found.run()
        assert (foreseen["objects"], foreseen["diff"]) == (done["objects"], done["diff"])
        assert len(done["objects"]["created"]) == 8
        enforced(found)
        yield found
        gone = found.run(state="absent", wait=False)
        assert len(gone["objects"]["deleted"]) == 8
        assert all(site.cluster.list(kinds.named(kind)) == [] for kind in KINDS[:2])
        for name in (site.namespace, found.team):
            site.cluster.delete(kinds.named("Namespace"), name)


def enforced(policed: Policed) -> None:
    """Wait until the API server has read all policies, which it does in a loop of its own."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if refuses(lambda: policed.made(policed.site.namespace, TASK), lambda: policed.job(policed.team, TASK)):
            made = [policed.made(namespace, GOOD) for namespace in (policed.site.namespace, policed.team)]
            if all("nodeAffinity" in (one["spec"].get("affinity") or {}) for one in made):
                return
        time.sleep(0.2)
    pytest.fail("the policies are not enforced after a minute")


def refuses(*requests: t.Callable[[], Object]) -> bool:
    """Whether the API server takes none of these."""
    for request in requests:
        try:
            request()
        except ApiError:
            continue
        return False
    return True


def test_a_second_run_changes_nothing(policed: Policed) -> None:
    assert not policed.run()["changed"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (TASK, "has no label cost-centre and has no label team (one of data, ml). Add labels={'cost-centre': '...',"),
        ({**GOOD, "team": "sales"}, "has the label team=sales, which is none of data, ml. Add labels="),
        ({**GOOD, "cost-centre": ""}, "This pod of an Airflow task has no label cost-centre. Add labels="),
    ],
)
def test_a_pod_of_a_task_without_its_labels_is_refused(policed: Policed, labels: dict[str, str], words: str) -> None:
    told = policed.refused(policed.site.namespace, labels)
    assert words in told
    assert "executor_config={'pod_override': k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels={" in told


def test_a_namespace_made_for_a_team_holds_no_other_pods(policed: Policed) -> None:
    """There a pod needs not say that it is one of a task, as one that a task makes by a client of its own does not."""
    assert "has no label team" in policed.refused(policed.team, {})
    assert policed.made(policed.team, {"team": "ml", "cost-centre": "1"})


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"component": "scheduler", "tier": "airflow", "team": "data"},
        {"task_id": "sing", "dag_id": "dagops_canary"},
    ],
    ids=["anything", "of Airflow itself", "canary"],
)
def test_pods_that_are_none_of_tasks_are_left_alone(policed: Policed, labels: dict[str, str]) -> None:
    made = policed.made(policed.site.namespace, labels, image="ghcr.io/somebody/else")
    assert "affinity" not in made["spec"]


def test_pods_of_other_namespaces_are_left_alone(policed: Policed) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    policed.site.cluster.apply(account)
    assert policed.made("default", TASK, image="ghcr.io/somebody/else")


@pytest.mark.parametrize(
    ("image", "foreign"),
    [
        ("registry.example.com/data/model:1", ""),
        ("python:3.13", ""),
        ("docker.io/apache/airflow:3.3.2", ""),
        ("docker.io/apache/airflow:the-next-release", ""),
        (f"docker.io/apache/airflow@sha256:{'0' * 64}", ""),
        ("docker.io/apache/airflow-evil:3.3.2", "docker.io/apache/airflow-evil:3.3.2"),
        ("registry.example.com/database/model:1", "registry.example.com/database/model:1"),
        ("apache/spark", "docker.io/apache/spark"),
        ("localhost/model", "localhost/model"),
        ("ghcr.io/somebody/else:1", "ghcr.io/somebody/else:1"),
    ],
)
def test_images_come_from_the_registries_that_are_named(policed: Policed, image: str, foreign: str) -> None:
    """Those of the pod template are among them, also after a release, or no task of the executor could run."""
    if foreign:
        told = policed.refused(policed.site.namespace, GOOD, image=image)
        assert (
            f"This pod of an Airflow task runs {foreign}. Tasks may use images from registry.example.com/data" in told
        )
    else:
        assert policed.made(policed.site.namespace, GOOD, image=image)


def test_an_image_is_not_changed_to_another_one_later(policed: Policed) -> None:
    """What was there before stays, so that Airflow can mark its pods whatever the policy says by then."""
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "patched", "namespace": policed.site.namespace, "labels": GOOD},
        "spec": {"containers": [{"name": "base", "image": "python:3.13"}]},
    }
    policed.site.cluster.create(body)
    pod = kinds.named("Pod")
    marked = {"metadata": {"labels": {"already_checked": "True", "team": None}}}
    policed.site.cluster.patch(pod, "patched", policed.site.namespace, marked)
    other = [{"op": "replace", "path": "/spec/containers/0/image", "value": "ghcr.io/somebody/else"}]
    with pytest.raises(ApiError, match=r"runs ghcr\.io/somebody/else"):
        policed.site.cluster.patch(pod, "patched", policed.site.namespace, other, content_type=JSON_PATCH)
    policed.site.cluster.delete(pod, "patched", policed.site.namespace)


@pytest.mark.parametrize(
    ("labels", "image", "words"),
    [
        (TASK, "python:3.13", "has no label cost-centre and has no label team (one of data, ml). Add labels={"),
        (GOOD, "ghcr.io/somebody/else", "This pod of an Airflow task runs ghcr.io/somebody/else. Tasks may use images"),
    ],
)
def test_a_job_is_refused_for_the_pods_that_it_would_make(
    policed: Policed, labels: dict[str, str], image: str, words: str
) -> None:
    """Whoever makes it is told, which nobody is when pods are refused that its controller makes."""
    with pytest.raises(ApiError) as told:
        policed.job(policed.team, labels, image)
    assert words in told.value.message
    if labels == TASK:
        assert "to the KubernetesPodOperator or KubernetesJobOperator; to another task" in told.value.message


def test_jobs_that_are_as_they_must_be_or_none_of_tasks_are_let_in(policed: Policed) -> None:
    assert policed.job(policed.team, GOOD)
    assert policed.job(policed.team, GOOD, image="docker.io/apache/airflow:the-next-release")
    for labels in ({"app": "theirs"}, None):
        assert policed.job(policed.team, labels, image="ghcr.io/somebody/else")
    # No task may make one there.
    assert policed.job(policed.site.namespace, TASK, image="ghcr.io/somebody/else")


def tolerations(pod: Object) -> list[Object]:
    return [one for one in pod["spec"]["tolerations"] if "kubernetes.io" not in one["key"]]


def test_the_label_of_a_team_brings_tolerations_and_node_affinity(policed: Policed) -> None:
    made = policed.made(policed.site.namespace, GOOD)
    assert tolerations(made) == [DEDICATED]
    assert made["spec"]["affinity"] == {
        "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [POOL]}]}}
    }


def test_what_a_pod_says_itself_stays(policed: Policed) -> None:
    spread = {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}
    pods = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [spread]}}
    own = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
    made = policed.made(policed.site.namespace, GOOD, affinity=pods, tolerations=[own])
    assert tolerations(made) == [own, DEDICATED]
    assert made["spec"]["affinity"].keys() == {"podAntiAffinity", "nodeAffinity"}


def test_node_affinity_of_its_own_is_narrowed(policed: Policed) -> None:
    """Its terms are alternatives, so another one would widen it."""
    node = {
        "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}
    }
    for selector in ({}, {"zone": "one"}):
        made = policed.made(policed.site.namespace, GOOD, affinity=node, nodeSelector=selector)
        assert made["spec"]["affinity"] == node
        assert made["spec"]["nodeSelector"] == {**selector, "example.com/pool": "data"}


def test_a_node_selector_with_a_label_of_the_team_gives_way(policed: Policed) -> None:
    """As that of all tasks does, which the pod template has; besides an affinity no node could be both."""
    selector = {"example.com/pool": "airflow-tasks", "zone": "one"}
    made = policed.made(policed.site.namespace, GOOD, nodeSelector=selector)
    assert made["spec"]["nodeSelector"] == {"example.com/pool": "data", "zone": "one"}
    assert "affinity" not in made["spec"]
    assert tolerations(made) == [DEDICATED]
    elsewhere = policed.made(policed.site.namespace, GOOD, nodeSelector={"zone": "one"})
    assert elsewhere["spec"]["nodeSelector"] == {"zone": "one"}
    assert "nodeAffinity" in elsewhere["spec"]["affinity"]


def test_in_a_namespace_made_for_a_team_every_pod_is_placed(policed: Policed) -> None:
    assert "nodeAffinity" in policed.made(policed.team, {"team": "data", "cost-centre": "1"})["spec"]["affinity"]


def test_a_team_without_a_placement_goes_anywhere(policed: Policed) -> None:
    made = policed.made(policed.team, {"team": "ml", "cost-centre": "1"})
    assert "affinity" not in made["spec"]
    assert tolerations(made) == []


def test_preflight_knows_which_permissions_policies_need(policed: Policed) -> None:
    """They are outside of all namespaces: whoever may do everything in one may not make them."""
    cluster, namespace = policed.site.cluster, policed.site.namespace
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer", "namespace": namespace}}
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    binding = {"metadata": {"name": "deployer", "namespace": namespace}, "roleRef": role, "subjects": [subject]}
    cluster.apply(account)
    cluster.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", **binding})
    user = f"system:serviceaccount:{namespace}:deployer"
    given = {"kubeconfig": policed.site.kubeconfig, "impersonate_user": user, "values": policed.values}
    words = (
        r"you may not .*create.* validatingadmissionpolicies\.admissionregistration\.k8s\.io of the cluster, which are"
    )
    with pytest.raises(Failure, match=words) as told:
        preflight.run(Face(params=validated(preflight, given)))
    for problem in told.value.details["problems"]:
        assert ("in namespace" in problem) != ("ask for a ClusterRole with these verbs" in problem)


def test_a_cluster_without_mutating_policies_is_told_of(policed: Policed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is by default up to Kubernetes 1.35; the pod templates of the teams are there all the same."""
    monkeypatch.setattr(Cluster, "offers", lambda _self, _version, _name: False)
    face = Face(params=validated(preflight, {"kubeconfig": policed.site.kubeconfig, "values": policed.values}))
    face.check_mode = True
    preflight.run(face)
    (warning,) = (one for one in face.warnings if "MutatingAdmissionPolicy" in one)
    assert "'pod_template_file'" in warning
    assert "/opt/airflow/pod_templates/team-data.yaml" in warning
    done = policed.run(check=True)
    assert [label for label in done["undeclared"] if "Mutating" in label] != []
