"""Obstacles are named with what to do about them; what is fine is passed over in silence."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import named
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import (
    backend,
    checks,
    limit_ranges,
    pod_counts,
    quotas,
    selectors,
    teams,
    usage,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render import pod_template
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, CASES, RESTRICTED

VALUES = load(BASE)
ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


def version(minor: str) -> dict[str, str]:
    return {"major": "1", "minor": minor, "gitVersion": f"v1.{minor}.1"}


@pytest.mark.parametrize(("minor", "count"), [("29", 1), ("30", 0), ("35", 0), ("30+", 0)])
def test_an_old_cluster_is_refused(minor: str, count: int) -> None:
    assert len(list(checks.too_old(version(minor)))) == count


@pytest.mark.parametrize(
    ("airflow", "minor", "count"), [("3.3.2", "30", 0), ("3.3.2", "29", 1), ("3.3.2", "36", 1), ("2.11.2", "31", 1)]
)
def test_an_untested_cluster_is_told(airflow: str, minor: str, count: int) -> None:
    values = load({**BASE, "airflow_version": airflow})
    assert len(list(checks.untested(values, version(minor)))) == count


def test_all_is_allowed_to_an_administrator() -> None:
    needed = checks.permissions_needed(named(item["kind"]) for item in render_all(VALUES))
    assert list(checks.missing_permissions(ALL, needed, "airflow")) == []


def test_each_missing_verb_is_named() -> None:
    rules = [
        {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]},
        {"verbs": ["*"], "apiGroups": [""], "resources": ["*"]},
        {"verbs": ["create"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["one"]},
    ]
    needed = checks.permissions_needed([named("Deployment")])
    problems = list(checks.missing_permissions(rules, needed, "data"))
    assert problems[0].startswith("you may not create, patch deployments.apps in namespace data: ")
    assert not any("pods" in problem for problem in problems)


def test_what_is_in_no_namespace_is_not_said_to_be_in_one() -> None:
    needed = checks.applied([named("ClusterRole"), named("Role")])
    cluster_wide, namespaced = checks.missing_permissions([], needed, "data")
    assert cluster_wide == (
        "you may not create, get, list, patch clusterroles.rbac.authorization.k8s.io of the cluster, which are in no "
        "namespace: ask for a ClusterRole with these verbs, or use other credentials"
    )
    assert "roles.rbac.authorization.k8s.io in namespace data: ask for a Role with" in namespaced


def test_a_subresource_is_not_allowed_by_its_resource() -> None:
    rules = [{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}]
    assert checks.allowed(rules, "", "pods", "get")
    assert not checks.allowed(rules, "", "pods/exec", "create")


def namespace(**labels: str) -> dict[str, t.Any]:
    return {
        "metadata": {"name": "airflow", "labels": {f"app.kubernetes.io/{key}": value for key, value in labels.items()}}
    }


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, None),
        ({"metadata": {"name": "airflow"}}, None),
        (namespace(**{"managed-by": "dagops.airflow", "instance": "airflow"}), None),
        (namespace(**{"managed-by": "Helm"}), "is managed by Helm"),
        (namespace(**{"managed-by": "dagops.airflow", "instance": "ml"}), "belongs to the Airflow instance ml"),
        ({"metadata": {"name": "airflow", "deletionTimestamp": "2026-01-01T00:00:00Z"}}, "is being deleted"),
    ],
)
def test_a_foreign_namespace_is_refused(found: dict[str, t.Any] | None, words: str | None) -> None:
    problems = list(checks.foreign_namespace(VALUES, found))
    assert [words in problem for problem in problems] == ([True] if words else [])


def test_a_namespace_that_others_make_must_be_there() -> None:
    values = load({**BASE, "airflow_rbac_namespace_managed": False})
    assert "does not exist" in next(checks.foreign_namespace(values, None))
    assert list(checks.foreign_namespace(values, namespace(**{"managed-by": "Helm"}))) == []


@pytest.mark.parametrize("managed", [False, True])
def test_the_own_namespace_of_an_instance_is_no_teams(managed: bool) -> None:
    """Instance prod has the team data, and somebody else's instance is called prod-data."""
    team = {"data": {"namespaceManaged": managed}}
    prod = load({**BASE, "airflow_instance": "prod", "airflow_rbac_teams": team, **LOST})

    def told(**variables: t.Any) -> list[str]:
        made = render_all(load({**BASE, **LOST, **variables}))
        (found,) = [one for one in made if (one["kind"], one["metadata"]["name"]) == ("Namespace", "prod-data")]
        return list(teams.unusable(prod, "data", found))

    assert told(airflow_instance="prod-data") == [
        "namespace prod-data of airflow_rbac_teams.data is that of the Airflow instance prod-data itself, whose "
        "Secrets a task that makes pods there can read: choose another one by airflow_rbac_teams.data.namespace"
    ]
    kept = {"data": {"namespaceManaged": True, "namespace": "prod-data"}}
    assert told(airflow_instance="prod", airflow_rbac_teams=kept) == []
    extra = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod-data"}}
    assert told(airflow_instance="prod", airflow_extra_manifests=[extra]) == []
    # A team that two instances have, of which one keeps the namespace.
    problems = told(airflow_instance="ml", airflow_rbac_teams=kept)
    assert ["belongs to the Airflow instance ml" in problem for problem in problems] == ([True] if managed else [])


def storage_class(name: str, default: bool = False) -> dict[str, t.Any]:
    return {"metadata": {"name": name, "annotations": {checks.DEFAULT_CLASS: str(default).lower()}}}


def test_storage_classes_must_be_there() -> None:
    values = load({**BASE, "airflow_logging_store": "volume", "airflow_logging_volume": {"storageClassName": "efs"}})
    objects = render_all(values)
    assert list(checks.missing_storage(objects, [storage_class("efs"), storage_class("std", default=True)])) == []
    problems = list(checks.missing_storage(objects, [storage_class("std")]))
    assert problems == [
        "StatefulSet/airflow-postgresql asks for the default StorageClass, and the cluster has none: name one by "
        "storageClassName, of std",
        "PersistentVolumeClaim/airflow-logs asks for StorageClass 'efs', which the cluster does not have; it has std",
    ]


def test_what_the_values_name_is_looked_for() -> None:
    found = set(references.references(load(CASES["everything"])))
    assert found == {
        ("airflow_image_pull_secrets", "Secret", "pull"),
        ("airflow_database_credentials.name", "Secret", "my-database"),
        ("airflow_logging_volume.existingClaim", "PersistentVolumeClaim", "my-logs"),
        ("airflow_ingress_tls_secret", "Secret", "tls"),
        ("airflow_ingress_class_name", "IngressClass", "nginx"),
        ("airflow_rbac_service_accounts.scheduler.name", "ServiceAccount", "my-scheduler"),
    }


def test_what_dags_are_read_with_is_looked_for() -> None:
    assert set(references.references(load(CASES["git-sync-2.11"]))) == {
        ("airflow_core_dags_volume.existingClaim", "PersistentVolumeClaim", "my-dags"),
        ("airflow_git_sync_repositories.data.credentials.name", "Secret", "git-token"),
        ("airflow_git_sync_repositories.data.ca.configMap", "ConfigMap", "corporate-ca"),
        ("airflow_git_sync_repositories.ml.sshKey.name", "Secret", "deploy-key"),
    }
    assert set(references.references(load(CASES["bundles"]))) == {
        ("airflow_core_dag_bundles.data.credentials.name", "Secret", "git-token"),
        ("airflow_core_dag_bundles.data.ca.configMap", "ConfigMap", "corporate-ca"),
        ("airflow_core_dag_bundles.ml.sshKey.name", "Secret", "deploy-key"),
        ("airflow_core_dag_bundles.lake.credentials.name", "Secret", "s3-keys"),
        ("airflow_core_dag_bundles.google.keyFile.name", "Secret", "gcs-key"),
    }
    own = [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "git-token"}}]
    assert not set(references.references(load({**CASES["bundles"], "airflow_extra_manifests": own})))


def test_what_pods_and_variables_read_is_looked_for() -> None:
    values = load(
        {
            **BASE,
            "airflow_core_env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "two", "key": "b", "optional": True}}},
            ],
            "airflow_core_env_from": [{"configMapRef": {"name": "three"}}],
            "airflow_core_workers": {
                "priorityClassName": "low",
                "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "four"}}],
            },
        }
    )
    assert set(references.references(values)) == {
        ("airflow_core_env[0].secretKeyRef", "Secret", "one"),
        ("airflow_core_env_from[0].configMapRef", "ConfigMap", "three"),
        ("airflow_core_workers.priorityClassName", "PriorityClass", "low"),
        ("airflow_core_workers.volumes[0].persistentVolumeClaim", "PersistentVolumeClaim", "four"),
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"maxUnavailable": 1}, None),
        ({"maxUnavailable": "1%"}, None),
        ({"maxUnavailable": 0}, "has maxUnavailable 0 for 2 pods"),
        ({"maxUnavailable": "0%"}, "has maxUnavailable 0% for 2 pods"),
        ({"minAvailable": 1}, None),
        ({"minAvailable": "50%"}, None),
        ({"minAvailable": "51%"}, "has minAvailable 51% for 2 pods"),
        ({"minAvailable": 2}, "has minAvailable 2 for 2 pods"),
        ({"minAvailable": "many"}, None),
    ],
)
def test_a_budget_that_holds_drains_up_is_told(spec: dict[str, t.Any], words: str | None) -> None:
    override = {"spec": {"maxUnavailable": None, **spec}}
    values = load(
        {
            **BASE,
            "airflow_core_scheduler": {"replicas": 2},
            "airflow_overrides": {"PodDisruptionBudget/airflow-scheduler": override},
        }
    )
    problems = list(checks.stuck_drains(render_all(values)))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def test_the_budget_of_tasks_counts_no_workers_of_celery() -> None:
    """It waits for pods of a KubernetesExecutor, which end; those of Celery have a label that it leaves out."""
    both = {
        **BASE,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
        "airflow_core_workers": {"podDisruptionBudget": {"enabled": True}},
    }
    objects = render_all(load(both))
    assert [item for item in objects if item["metadata"]["name"] == "airflow-task"]
    assert list(checks.stuck_drains(objects)) == []


def budget_of(selector: t.Any, **meta: str) -> dict[str, t.Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "mine", **meta},
        "spec": {"maxUnavailable": 1, "selector": selector},
    }


OF_SCHEDULER = {"matchLabels": {"release": "airflow", "component": "scheduler"}}
OF_TASKS = {"matchLabels": {"component": "worker"}}
TWO_SCHEDULERS = {"airflow_core_scheduler": {"replicas": 2}}
TASKS_IN_TEAM = {
    "airflow_logging_store": "none",
    "airflow_logging_loss_accepted": True,
    "airflow_rbac_teams": {"ml": {"kubernetesExecutor": True}},
}


@pytest.mark.parametrize(
    ("variables", "budgets", "words"),
    [
        (TWO_SCHEDULERS, [], None),
        (
            TWO_SCHEDULERS,
            [budget_of(OF_SCHEDULER)],
            "PodDisruptionBudget/mine and PodDisruptionBudget/airflow-scheduler are about the same pods, those of "
            "Deployment/airflow-scheduler, and Kubernetes evicts no pod that has more than one budget",
        ),
        ({}, [budget_of({"matchLabels": {"component": "postgresql"}})], None),
        (TWO_SCHEDULERS, [budget_of(OF_SCHEDULER, namespace="other")], None),
        (TWO_SCHEDULERS, [budget_of({"matchLabels": {"component": "other"}})], None),
        # One without a selector is of no pods, and what is malformed is the API server's to refuse.
        (TWO_SCHEDULERS, [budget_of(None)], None),
        (TWO_SCHEDULERS, [budget_of({"matchExpressions": [{"key": "tier", "operator": "Is"}]})], None),
        ({}, [budget_of(OF_TASKS)], None),
        (
            {"airflow_core_workers": {"podDisruptionBudget": {"enabled": True}}},
            [budget_of(OF_TASKS)],
            "are about the same pods, those of tasks in namespace airflow, and",
        ),
        (
            TASKS_IN_TEAM,
            [budget_of(OF_TASKS, namespace="airflow-ml"), budget_of(OF_TASKS, namespace="airflow-ml", name="other")],
            "PodDisruptionBudget/mine and PodDisruptionBudget/other are about the same pods, those of tasks in "
            "namespace airflow-ml, and",
        ),
    ],
)
def test_pods_that_have_two_budgets_are_told(
    variables: dict[str, t.Any], budgets: list[dict[str, t.Any]], words: str | None
) -> None:
    values = load({**BASE, **variables, "airflow_extra_manifests": budgets})
    problems = list(checks.rival_budgets(values, render_all(values)))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


@pytest.mark.parametrize("case", CASES)
def test_no_pod_of_an_instance_has_two_budgets(case: str) -> None:
    values = load(CASES[case])
    assert list(checks.rival_budgets(values, render_all(values))) == []


@pytest.mark.parametrize(
    ("selector", "is_taken"),
    [
        ({}, True),
        ({"matchLabels": {"team": "data"}}, True),
        ({"matchLabels": {"team": "data", "tier": "web"}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["data", "ml"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["data"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"team": "data"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors_are_read_as_a_whole(selector: dict[str, t.Any], is_taken: bool) -> None:
    assert selectors.matches(selector, {"team": "data"}) is is_taken


def test_a_budget_counts_pods_of_its_namespace() -> None:
    meta = {"name": "all", "namespace": "airflow"}
    spec = {"minAvailable": 1, "selector": {}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}
    objects = [item for item in render_all(VALUES) if item["metadata"]["name"] == "airflow-scheduler"]
    assert [one.partition(" has ")[0] for one in checks.stuck_drains([*objects, budget])] == ["PodDisruptionBudget/all"]
    elsewhere = {**budget, "metadata": {**meta, "namespace": "other"}}
    assert list(checks.stuck_drains([*objects, elsewhere])) == []


WORKERS = {
    **BASE,
    "airflow_core_executor": "CeleryExecutor",
    "airflow_celery_workers": {"default": {"replicas": 3, "persistence": {"enabled": True, "size": "2Gi"}}},
    "airflow_logging_store": "none",
}
KEDA = {**WORKERS, "airflow_autoscaling_workers": {"default": {"max": 10}}}


@pytest.mark.parametrize(
    ("scaler", "spec", "words"),
    [
        ({"min": 2}, {"minAvailable": 1}, None),
        ({"min": 2}, {"minAvailable": 2}, "has minAvailable 2 for as few as 2 pods (by ScaledObject/airflow-worker)"),
        ({"min": 2}, {"minAvailable": "51%"}, "has minAvailable 51% for as few as 2 pods"),
        ({}, {"minAvailable": 1}, "has minAvailable 1 for as few as 1 pods (by ScaledObject/airflow-worker)"),
        ({}, {"maxUnavailable": 1}, None),
        ({}, {"maxUnavailable": 0}, "has maxUnavailable 0 for as few as 1 pods"),
    ],
)
def test_a_budget_is_held_against_what_an_autoscaler_leaves(
    scaler: dict[str, t.Any], spec: dict[str, t.Any], words: str | None
) -> None:
    variables = {
        **KEDA,
        "airflow_autoscaling_workers": {"default": scaler},
        "airflow_overrides": {"PodDisruptionBudget/airflow-worker": {"spec": {"maxUnavailable": None, **spec}}},
    }
    problems = list(checks.stuck_drains(render_all(load(variables))))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def test_a_quota_has_room_for_as_many_pods_as_an_autoscaler_may_start() -> None:
    fixed, scaled = render_all(load(WORKERS)), render_all(load(KEDA))
    pods = int(quotas.demand(fixed)["pods"])
    assert quotas.demand(scaled)["pods"] == pods - 3 + 10
    # Each worker has a volume of its own; the database and the broker have one, too.
    assert quotas.demand(fixed)["persistentvolumeclaims"] == 3 + 2
    assert quotas.demand(scaled)["persistentvolumeclaims"] == 10 + 2
    room = str(pods - 3 + 10 + 1)
    assert not list(quotas.full(scaled, [quota(pods=room)]))
    (told,) = quotas.full(scaled, [quota(pods=str(pods + 1))])
    assert (
        f"allows {pods + 1} of pods, but the instance needs {room} ({pods - 3 + 10} with all pods that autoscalers may "
        "start (StatefulSet/airflow-worker 10), 1 for a pod that a rollout, a CronJob or a task starts)"
    ) in told


def by_container(name: str) -> dict[str, t.Any]:
    """An autoscaler that goes by a share of what one container requests."""
    source = {"name": "cpu", "container": name, "target": {"type": "Utilization", "averageUtilization": 50}}
    metrics = [{"type": "ContainerResource", "containerResource": source}]
    return {"airflow_autoscaling_api_server": {"cpu": 0, "metrics": metrics}}


BY_CPU = {"airflow_autoscaling_api_server": {"cpu": 80}}
BESIDE = {"name": "beside", "image": "beside:1", "securityContext": RESTRICTED}


def of_api_server(**options: t.Any) -> dict[str, t.Any]:
    return {"airflow_core_api_server": options}


def beside(cpu: str) -> dict[str, t.Any]:
    return {**BESIDE, "resources": {"requests": {"cpu": cpu}}}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (BY_CPU, None),
        (
            {**BY_CPU, **of_api_server(containers=[BESIDE])},
            "HorizontalPodAutoscaler/airflow-api-server goes by a share of the cpu that pods request, but nothing is "
            "requested by container beside of Deployment/airflow-api-server, so it would never scale: set "
            "resources.requests.cpu there",
        ),
        ({**BY_CPU, **of_api_server(containers=[beside("10m")])}, None),
        ({**BY_CPU, **of_api_server(containers=[{**BESIDE, "resources": {"limits": {"cpu": "1"}}}])}, None),
        ({**BY_CPU, **of_api_server(initContainers=[BESIDE])}, None),
        ({**BY_CPU, **of_api_server(initContainers=[{**BESIDE, "restartPolicy": "Always"}])}, "by container beside of"),
        ({"airflow_core_api_server": {"containers": [BESIDE]}}, None),
        ({**by_container("api-server"), **of_api_server(containers=[BESIDE])}, None),
        ({**by_container("beside"), **of_api_server(containers=[BESIDE])}, "by container beside of"),
        (
            {"airflow_autoscaling_api_server": {"cpu": 0, "memory": 80}, **of_api_server(containers=[beside("1")])},
            "goes by a share of the memory that pods request",
        ),
        # A limit is a request, too, unless there is one.
        ({**BY_CPU, **of_api_server(resources={"requests": {"cpu": None}})}, None),
        (
            {**BY_CPU, **of_api_server(resources={"requests": {"cpu": None}, "limits": {"cpu": None}})},
            "by container api-server of",
        ),
        ({**BY_CPU, **of_api_server(resources={"requests": {"cpu": "0"}})}, "by container api-server of"),
        ({**BY_CPU, **of_api_server(resources={"requests": {"cpu": "0"}}, containers=[beside("1")])}, None),
        (
            {**BY_CPU, **of_api_server(resources={"requests": {"cpu": "0"}}, containers=[beside("0")])},
            "by container api-server and beside of",
        ),
        (
            {
                **BY_CPU,
                **of_api_server(containers=[BESIDE]),
                "airflow_rbac_limit_range": [{"type": "Container", "defaultRequest": {"cpu": "10m"}}],
            },
            None,
        ),
        (
            {
                **BY_CPU,
                **of_api_server(containers=[BESIDE]),
                "airflow_rbac_limit_range": [{"type": "Pod", "max": {"cpu": "100"}}],
            },
            "by container beside of",
        ),
        (
            {
                **WORKERS,
                "airflow_celery_workers": {"default": {"containers": [BESIDE], "persistence": {"enabled": True}}},
                "airflow_autoscaling_workers_hpa": {"default": {}},
            },
            "by container beside of StatefulSet/airflow-worker",
        ),
    ],
)
def test_a_share_of_what_nobody_requests_is_told(variables: dict[str, t.Any], words: str | None) -> None:
    values = load({**BASE, **variables})
    objects = render_all(values)
    ranges = [item for item in objects if item["kind"] == "LimitRange"]
    problems = list(usage.without_request(objects, ranges))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


class LimitedByOthers:
    """A cluster whose namespaces have a LimitRange."""

    def list(self, kind: t.Any, namespace: str) -> list[dict[str, t.Any]]:
        assert (kind, namespace) == (named("LimitRange"), "airflow")
        return [{"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}]


@pytest.mark.parametrize(("is_ours", "count"), [(True, 1), (False, 0)])
def test_limits_of_others_give_requests_in_their_namespaces(is_ours: bool, count: int) -> None:
    values = load({**BASE, **BY_CPU, **of_api_server(containers=[BESIDE]), "airflow_rbac_namespace_managed": is_ours})
    assert len(backend.never_scaled(t.cast("t.Any", LimitedByOthers()), values, render_all(values))) == count


@pytest.mark.parametrize("case", CASES)
def test_what_an_instance_scales_by_is_there(case: str) -> None:
    assert list(usage.without_request(render_all(load(CASES[case])), [])) == []


def test_each_metric_asks_its_api() -> None:
    def asked(**options: t.Any) -> list[str]:
        values = load({**BASE, "airflow_autoscaling_api_server": options})
        return [api for _variables, api, _what in checks.autoscalers(values)]

    assert asked() == asked(cpu=0, memory=80) == ["metrics.k8s.io/v1beta1"]
    for kind, source, api in (
        ("Resource", "resource", "metrics.k8s.io/v1beta1"),
        ("ContainerResource", "containerResource", "metrics.k8s.io/v1beta1"),
        ("Pods", "pods", "custom.metrics.k8s.io"),
        ("Object", "object", "custom.metrics.k8s.io"),
        ("External", "external", "external.metrics.k8s.io"),
    ):
        assert asked(cpu=0, metrics=[{"type": kind, source: {}}]) == [api]
    assert asked(metrics=[{"type": "External", "external": {}}]) == [
        "metrics.k8s.io/v1beta1",
        "external.metrics.k8s.io",
    ]


OWN_SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "mine"},
    "spec": {"minReplicas": 1, "maxReplicas": 3},
}


def own_scaler(kind: str, name: str) -> dict[str, t.Any]:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return {"airflow_extra_manifests": [{**OWN_SCALER, "spec": {**OWN_SCALER["spec"], "scaleTargetRef": target}}]}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (KEDA, None),
        ({**KEDA, **own_scaler("Deployment", "other")}, None),
        (
            {**WORKERS, **own_scaler("Deployment", "airflow-scheduler")},
            "HorizontalPodAutoscaler/mine scales Deployment/airflow-scheduler, whose spec.replicas each run would set",
        ),
        (
            {**KEDA, **own_scaler("StatefulSet", "airflow-worker")},
            "HorizontalPodAutoscaler/mine and ScaledObject/airflow-worker both scale StatefulSet/airflow-worker",
        ),
    ],
)
def test_two_who_would_set_one_number_of_pods_are_told(variables: dict[str, t.Any], words: str | None) -> None:
    problems = list(pod_counts.contested(render_all(load(variables))))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def quota(used: dict[str, str] | None = None, **hard: str) -> dict[str, t.Any]:
    spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
    return {"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": spec, "status": {"used": used or {}}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (quota(pods="6"), None),
        (
            quota(pods="5"),
            "allows 5 of pods, but the instance needs 6 (5 all the time, 1 for a pod that a rollout, a CronJob or "
            "a task starts)",
        ),
        (quota({"pods": "8"}, pods="12"), "a task starts), besides 8 that others use"),
        (quota(requests_memory="1Gi"), "allows 1Gi of requests.memory, but the instance needs 2560Mi (2048Mi all"),
        (quota(memory="2559Mi"), "allows 2559Mi of memory, but the instance needs 2560Mi"),
        (quota(memory="2560Mi"), None),
        (quota(limits_cpu="11"), "allows 11 of limits.cpu, but the instance needs 12 (10 all"),
        (quota(requests_storage="15Gi"), "needs 20480Mi"),
        (quota(persistentvolumeclaims="1"), "needs 2"),
        (quota(services="3"), None),
        (quota(services="2"), "allows 2 of services, but the instance needs 3"),
        (quota(**{"count/services": "2"}), "allows 2 of count/services, but the instance needs 3"),
        (quota(configmaps="1"), "allows 1 of configmaps, but the instance needs "),
        (
            quota(**{"count/pods": "5"}),
            "needs 6 (5 all the time, 1 for a pod that a rollout, a CronJob or a task starts)",
        ),
        (quota(**{"count/deployments_apps": "4"}), None),
        (quota(**{"count/deployments_apps": "3"}), "allows 3 of count/deployments.apps, but the instance needs 4"),
        (quota(**{"count/persistentvolumeclaims": "1"}), "needs 2"),
        (quota(**{"count/widgets_example_com": "0"}), None),
        (quota(services_loadbalancers="0"), None),
        ({**quota(pods="1"), "spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}}, None),
    ],
)
def test_a_quota_that_is_too_small_is_told(found: dict[str, t.Any], words: str | None) -> None:
    problems = list(quotas.full(render_all(VALUES), [found]))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def container(cpu: str, **more: str) -> dict[str, t.Any]:
    return {"name": "one", "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("init", "cpu"),
    [
        ([], "3"),
        ([container("2"), container("3")], "3"),
        ([container("4"), container("1")], "4"),
        ([container("1", restartPolicy="Always")], "4"),
        ([container("1", restartPolicy="Always"), container("4")], "5"),
        ([container("4"), container("1", restartPolicy="Always")], "4"),
    ],
)
def test_what_runs_before_a_pod_counts_where_it_is_more(init: list[dict[str, t.Any]], cpu: str) -> None:
    spec = {"containers": [container("1"), container("2")], "initContainers": init}
    assert quotas.of_pod(spec)["requests.cpu"] == int(cpu)


LOST = {"airflow_logging_store": "none", "airflow_logging_loss_accepted": True}
LIMITS: dict[str, t.Any] = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"type": "Container", "max": {"memory": "1Gi", "cpu": "1"}, "min": {"memory": "256Mi", "cpu": "100m"}}, None),
        (
            {"type": "Container", "max": {"memory": "1023Mi"}},
            "airflow_rbac_limit_range lets a container have 1023Mi of memory at most, which forbids the instance's "
            "own: 1024Mi in container main of Deployment/one, 1024Mi in container beside of Deployment/one. Change it",
        ),
        (
            {"type": "Container", "min": {"memory": "257Mi"}},
            "lets a container ask for 257Mi of memory at least, which forbids the instance's own: 256Mi in container",
        ),
        ({"type": "Container", "min": {"ephemeral-storage": "1Gi"}}, None),
        # What has no limit gets the most, and a request above that is none.
        ({"type": "Container", "max": {"cpu": "50m"}}, "50m of cpu at most, which forbids the instance's own: 0.1 in"),
        ({"type": "Container", "default": {"cpu": "50m"}}, "which forbids the instance's own: a request of 0.1 in"),
        ({"type": "Container", "default": {"cpu": "100m"}}, None),
        ({"type": "Container", "maxLimitRequestRatio": {"memory": "4"}}, None),
        (
            {"type": "Container", "maxLimitRequestRatio": {"memory": "3.9"}},
            "lets a container have 3.9 times the memory that it asks for at most, which forbids the instance's own: "
            "1024Mi for 256Mi in container main of Deployment/one",
        ),
        ({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}, "no limit of cpu in container main"),
        ({"type": "Pod", "max": {"memory": "2Gi"}}, None),
        (
            {"type": "Pod", "max": {"memory": "2047Mi"}},
            "lets a pod have 2047Mi of memory at most, which forbids the instance's own: 2048Mi in Deployment/one",
        ),
        ({"type": "Pod", "max": {"cpu": "8"}}, "no limit of cpu in Deployment/one"),
        ({"type": "Pod", "min": {"cpu": "201m"}}, "0.2 in Deployment/one"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}, None),
    ],
)
def test_limits_that_forbid_the_instance_are_told(limit: dict[str, t.Any], words: str | None) -> None:
    pod = {"containers": [{"name": name, "resources": LIMITS} for name in ("main", "beside")]}
    workload = {"kind": "Deployment", "metadata": {"name": "one"}, "spec": {"template": {"spec": pod}}}
    problems = list(limit_ranges.forbidden([workload], [{"spec": {"limits": [limit]}}], "airflow_rbac_limit_range"))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def test_secrets_that_a_run_makes_count() -> None:
    """Its own quota is looked at in each run: it has none of what is rendered but Secrets that keep something."""
    values = load({**BASE, "airflow_rbac_quota": {"secrets": "5"}})
    (told,) = backend.room_by_itself(values, render_all(values))
    assert told.startswith("ResourceQuota/airflow-quota allows 5 of secrets, but the instance needs 6:")
    enough = load({**BASE, "airflow_rbac_quota": {"secrets": "6"}})
    assert not list(backend.room_by_itself(enough, render_all(enough)))


def test_the_own_limits_are_held_against_the_own_pods() -> None:
    values = load({**BASE, "airflow_rbac_limit_range": [{"type": "Container", "max": {"memory": "1Gi"}}]})
    (told,) = backend.room_by_itself(values, render_all(values))
    assert told.startswith("airflow_rbac_limit_range lets a container have 1Gi of memory at most, which forbids")
    assert "2048Mi in container scheduler of Deployment/airflow-scheduler" in told


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (
            {"max": {"storage": "9Gi"}},
            "airflow_rbac_limit_range lets a volume claim have 9Gi of storage at most, which forbids the instance's "
            "own: 10240Mi in StatefulSet/airflow-postgresql, 20480Mi in PersistentVolumeClaim/airflow-logs. Change it, "
            "or what these ask for by their size",
        ),
        ({"min": {"storage": "11Gi"}}, "own: 10240Mi in StatefulSet/airflow-postgresql. Change it"),
        ({"min": {"storage": "1Gi"}, "max": {"storage": "20Gi"}}, None),
    ],
)
def test_limits_are_held_against_volume_claims(bounds: dict[str, t.Any], words: str | None) -> None:
    limits = [{"type": "PersistentVolumeClaim", **bounds}]
    volume = {"airflow_logging_store": "volume", "airflow_logging_volume": {"size": "20Gi"}}
    values = load({**BASE, **volume, "airflow_rbac_limit_range": limits})
    problems = list(backend.room_by_itself(values, render_all(values)))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


@pytest.mark.parametrize(("runs_tasks", "count"), [(True, 1), (False, 0)])
def test_limits_of_a_team_are_held_against_pods_of_tasks(runs_tasks: bool, count: int) -> None:
    limits = [{"type": "Container", "max": {"memory": "100Mi"}}]
    team = {"namespaceManaged": True, "kubernetesExecutor": runs_tasks, "limitRange": limits}
    values = load({**BASE, "airflow_rbac_teams": {"data": team}, **LOST})
    told = list(backend.room_of_team(values, "data", render_all(values)))
    assert len(told) == count
    assert all(one.startswith("airflow_rbac_teams.data.limitRange lets a container have 100Mi") for one in told)
    assert all(" in container base of Pod/airflow-worker" in one for one in told)


def test_claims_of_tasks_must_be_where_they_run() -> None:
    """Not copied, as Secrets are not: a pod whose claim is in another namespace waits for it for ever."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "datasets"}}, {"name": "more", "emptyDir": {}}]
    values = load({**BASE, **TASKS_IN_TEAM, "airflow_core_workers": {"volumes": volumes}})
    objects = render_all(values)
    (one,) = [one for one in teams.needed(values, "ml", objects) if one.kind == "PersistentVolumeClaim"]
    assert teams.missing(one, "airflow-ml") == (
        "airflow_rbac_teams.ml.kubernetesExecutor is true, and pods of tasks use PersistentVolumeClaim 'datasets', "
        "which does not exist in namespace airflow-ml: have it made there, too"
    )
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "datasets", "namespace": "airflow-ml"}}
    assert one not in teams.needed(values, "ml", [*objects, claim])


def test_all_that_makes_pods_is_held_against_limits() -> None:
    values = load({**CASES["airflow-2.11-celery"], "airflow_rbac_limit_range": [{"type": "Container"}]})
    (range_,) = [item for item in render_all(values) if item["kind"] == "LimitRange"]
    range_["spec"]["limits"][0]["max"] = {"memory": "1Mi"}
    (told,) = limit_ranges.forbidden([*render_all(values), *pod_template.pods_of(values)], [range_], "this")
    for name in ("CronJob/airflow-cleanup", "Deployment/airflow-worker", "Pod/airflow-worker", "StatefulSet/airflow-"):
        assert f" of {name}" in told


def test_what_the_instance_may_use_itself_is_not_counted() -> None:
    found = quota({"pods": "6"}, pods="6")
    assert list(quotas.full(render_all(VALUES), [found]))
    assert not list(quotas.full(render_all(VALUES), [found], count_used=False))


def test_there_has_to_be_room_for_a_pod_of_a_task() -> None:
    values = load({**BASE, "airflow_core_workers": {"resources": {"limits": {"memory": "64Gi"}}}})
    found = quota(limits_memory="32Gi")
    assert not list(quotas.full(render_all(values), [found]))
    problems = list(quotas.full(render_all(values), [found], pod_template.pods_of(values)))
    assert "65536Mi for a pod that a rollout, a CronJob or a task starts" in problems[0]


@pytest.mark.parametrize(
    ("hard", "words"),
    [
        ({"requests_memory": "8Gi"}, "65536Mi for a pod that a rollout, a CronJob or a task starts"),
        ({"requests_memory": "80Gi"}, None),
        ({"count/jobs.batch": "0"}, "allows 0 of count/jobs.batch, but the instance needs 1"),
    ],
)
def test_there_has_to_be_room_for_what_is_started_by_the_clock(hard: dict[str, str], words: str | None) -> None:
    memory = {"requests": {"memory": "64Gi"}, "limits": {"memory": "64Gi"}}
    values = load({**BASE, "airflow_database_cleanup": {"enabled": True, "resources": memory}})
    problems = list(quotas.full(render_all(values), [quota(**hard)]))
    assert [words in problem for problem in problems] == ([True] if words else []), problems


def node(cpu: str = "4", memory: str = "8Gi", *taints: dict[str, str], **labels: str) -> dict[str, t.Any]:
    return {
        "metadata": {"name": "one", "labels": labels},
        "spec": {"taints": list(taints)},
        "status": {"allocatable": {"cpu": cpu, "memory": memory}},
    }


DEDICATED = {"key": "dedicated", "value": "tasks", "effect": "NoSchedule"}
TASKS = {"labels": {"pool": "tasks"}, "taints": [DEDICATED]}


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node(pool="tasks")], None),
        ([node(), node("4", "8Gi", DEDICATED, pool="tasks")], None),
        ([node("4", "8Gi", {**DEDICATED, "effect": "PreferNoSchedule"}, pool="tasks")], None),
        (
            [node()],
            "no node of the cluster takes pods of tasks (0.1 of cpu, 256Mi of memory, on nodes with pool=tasks)",
        ),
        ([node("4", "8Gi", {**DEDICATED, "value": "other"}, pool="tasks")], "pods of tasks"),
        ([node("50m", "8Gi", pool="tasks"), node()], "pool=tasks; the largest have 0.05 of cpu, 8192Mi of memory)"),
        ([node("4", "255Mi", pool="tasks"), node()], "pool=tasks; the largest have 4 of cpu, 255Mi of memory)"),
    ],
)
def test_pods_that_no_node_takes_are_told(nodes: list[dict[str, t.Any]], words: str | None) -> None:
    values = load({**BASE, "airflow_task_nodes": TASKS})
    (template,) = pod_template.pods_of(values)
    found = list(checks.homeless([("tasks", template["spec"])], nodes))
    assert [words in one for one in found] == ([True] if words else []), found


@pytest.mark.parametrize(
    "spec",
    [
        None,
        "text",
        {"replicas": "many"},
        {"replicas": None, "template": {}},
        {"template": {"spec": {"containers": ["text"]}}},
        {"template": {"spec": {"containers": [{"name": "a", "resources": "text"}]}}},
        {"volumeClaimTemplates": [{"spec": {}}]},
    ],
)
def test_a_malformed_object_counts_for_nothing(spec: t.Any) -> None:
    assert not quotas.demand([{"kind": "StatefulSet", "spec": spec}])
