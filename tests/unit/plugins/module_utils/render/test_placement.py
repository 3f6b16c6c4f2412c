"""Where pods run: what a component says goes before what tasks, and what the instance says."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import FEATURE
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.celery_workers import SET_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE
from tests.unit.plugins.module_utils.render.test_rules import (
    Object,
    main,
    of_kind,
    one,
    pod,
    pods,
    rendered,
    worker,
)

EVERYWHERE: dict[str, t.Any] = {
    "nodeSelector": {"pool": "airflow", "arch": "amd64"},
    "tolerations": [{"key": "airflow", "operator": "Exists"}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "usual",
    "runtimeClassName": "gvisor",
    "schedulerName": "volcano",
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["ldap.example.com"]}],
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.53"], "searches": ["cluster.local"]},
}
CELERY = {**BASE, "airflow_core_executor": "CeleryExecutor,KubernetesExecutor"}


def spec(variables: Object, component: str, kind: str = "Deployment") -> Object:
    found: Object = pod(rendered(variables), kind, component)["spec"]
    return found


def test_what_the_instance_says_holds_for_every_pod() -> None:
    items = rendered({**CELERY, "airflow_placement": EVERYWHERE})
    assert {kind for kind in ("Deployment", "StatefulSet", "CronJob", "Job") if of_kind(items, kind)} >= {"CronJob"}
    for template in pods(items):
        for key, value in EVERYWHERE.items():
            found = template["spec"][key]
            if key == "topologySpreadConstraints":
                (constraint,) = found
                labels = template["metadata"]["labels"]
                assert constraint.pop("labelSelector")["matchLabels"].items() <= labels.items()
                assert found == value
            else:
                assert found == value, (main(template)["name"], key)


def test_what_a_component_says_goes_before() -> None:
    own = {
        "nodeSelector": {"pool": "big"},
        "tolerations": [{"key": "big", "operator": "Exists"}, EVERYWHERE["tolerations"][0]],
        "topologySpreadConstraints": [
            {
                "maxSkew": 2,
                "topologyKey": "rack",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"a": "b"}},
            }
        ],
        "priorityClassName": "high",
        "runtimeClassName": "kata",
        "schedulerName": "own",
        "hostAliases": [
            {"ip": "192.0.2.1", "hostnames": ["other.example.com"]},
            {"ip": "192.0.2.2", "hostnames": ["mail.example.com"]},
        ],
        "dnsPolicy": "Default",
        "dnsConfig": {"searches": ["example.com"]},
    }
    found = spec({**BASE, "airflow_placement": EVERYWHERE, "airflow_core_scheduler": own}, "scheduler")
    assert found["nodeSelector"] == {"pool": "big", "arch": "amd64"}
    assert found["tolerations"] == [EVERYWHERE["tolerations"][0], own["tolerations"][0]]
    for key in own.keys() - {"nodeSelector", "tolerations"}:
        assert found[key] == own[key], key


def test_an_empty_affinity_keeps_that_of_the_instance_away() -> None:
    everywhere = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    variables = {**BASE, "airflow_placement": {"affinity": everywhere}, "airflow_core_scheduler": {"affinity": {}}}
    assert "affinity" not in spec(variables, "scheduler")
    assert "podAntiAffinity" not in str(spec(variables, "dag-processor"))


NODES = {
    "labels": {"pool": "tasks"},
    "taints": [
        {"key": "dedicated", "value": "tasks", "effect": "NoSchedule"},
        {"key": "spot", "effect": "NoExecute"},
    ],
}
TOLERATIONS = [
    {"key": "dedicated", "operator": "Equal", "value": "tasks", "effect": "NoSchedule"},
    {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
]


def test_nodes_of_tasks_are_for_pods_of_tasks_alone() -> None:
    items = rendered({**CELERY, "airflow_task_nodes": NODES})
    tasks = [worker(items)["spec"], pod(items, "Deployment", "worker")["spec"]]
    for found in tasks:
        assert (found["nodeSelector"], found["tolerations"]) == ({"pool": "tasks"}, TOLERATIONS)
    others = [template["spec"] for template in pods(items) if template["metadata"]["labels"]["component"] != "worker"]
    assert others
    assert not [found for found in others if "nodeSelector" in found or "tolerations" in found]


def test_a_set_of_workers_may_have_nodes_of_its_own() -> None:
    sets = {"default": {}, "gpu": {"queues": ["gpu"], "nodeSelector": {"pool": "gpu"}}}
    items = rendered({**CELERY, "airflow_task_nodes": NODES, "airflow_celery_workers": sets})
    found = {
        item["metadata"]["labels"][SET_LABEL]: item["spec"]["template"]["spec"]
        for item in of_kind(items, "Deployment")
        if SET_LABEL in item["metadata"]["labels"]
    }
    assert found["gpu"]["nodeSelector"] == {"pool": "gpu"}
    assert found["gpu"]["tolerations"] == TOLERATIONS


def test_workers_of_a_set_spread_among_themselves() -> None:
    """Those of other sets, and pods of a KubernetesExecutor, are of the same component."""
    constraint = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    spread = {"topologySpreadConstraints": [constraint]}
    sets = {"default": spread, "gpu": {"queues": ["gpu"], **spread}}
    items = rendered({**CELERY, "airflow_celery_workers": sets, "airflow_core_workers": spread})
    pods_of = {item["metadata"]["name"]: item["spec"]["template"] for item in of_kind(items, "Deployment")}
    kinds = {name: pods_of[name] for name in ("airflow-worker", "airflow-worker-gpu")} | {"task": worker(items)}
    for name, template in kinds.items():
        found = template["spec"]
        counted = [one["labelSelector"] for one in found["topologySpreadConstraints"]]
        if name != "task":
            terms = found["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
            counted += [term["podAffinityTerm"]["labelSelector"] for term in terms]
        for selector in counted:
            assert {other for other, one in kinds.items() if selects(selector, one)} == {name}


def selects(selector: Object, template: Object) -> bool:
    labels = template["metadata"]["labels"]
    absent = [one["key"] for one in selector.get("matchExpressions", ()) if one["operator"] == "DoesNotExist"]
    return bool(selector["matchLabels"].items() <= labels.items() and not labels.keys() & set(absent))


def test_nodes_of_tasks_may_be_preferred() -> None:
    items = rendered({**CELERY, "airflow_task_nodes": {**NODES, "required": False}})
    term = {
        "weight": 100,
        "preference": {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["tasks"]}]},
    }
    for found in (worker(items)["spec"], pod(items, "Deployment", "worker")["spec"]):
        assert "nodeSelector" not in found
        of_nodes = found["affinity"]["nodeAffinity"]
        assert of_nodes == {"preferredDuringSchedulingIgnoredDuringExecution": [term]}
    assert "podAntiAffinity" in pod(items, "Deployment", "worker")["spec"]["affinity"]


def test_what_clears_logs_runs_where_the_scheduler_does() -> None:
    place = {"nodeSelector": {"a": "b"}, "priorityClassName": "high", "schedulerName": "own"}
    items = rendered({**BASE, "airflow_core_scheduler": place})
    found = pod([{**one(items, "CronJob", "log-cleanup")["spec"]["jobTemplate"], "kind": "Job", **META}], "Job", "x")
    assert {key: found["spec"][key] for key in place} == place


META = {"metadata": {"labels": {"component": "x"}}}


def test_classes_of_all_pods_are_looked_for() -> None:
    values = load({**BASE, "airflow_placement": EVERYWHERE, "airflow_core_workers": {"runtimeClassName": "kata"}})
    assert set(references.references(values)) == {
        ("airflow_placement.priorityClassName", "PriorityClass", "usual"),
        ("airflow_placement.runtimeClassName", "RuntimeClass", "gvisor"),
        ("airflow_core_workers.runtimeClassName", "RuntimeClass", "kata"),
    }


def budgets(variables: Object) -> dict[str, Object]:
    return {
        item["metadata"]["name"]: item["spec"] for item in of_kind(render_all(load(variables)), "PodDisruptionBudget")
    }


def test_a_budget_lets_a_drain_go_on() -> None:
    for name, found in budgets(BASE).items():
        assert found["maxUnavailable"] == 1, name
        assert found["unhealthyPodEvictionPolicy"] == "AlwaysAllow", name
    wanted = {"minAvailable": 2, "unhealthyPodEvictionPolicy": "IfHealthyBudget"}
    scheduler = {"replicas": 3, "podDisruptionBudget": wanted}
    found = budgets({**BASE, "airflow_core_scheduler": scheduler})["airflow-scheduler"]
    assert {key: value for key, value in found.items() if key != "selector"} == wanted


@pytest.mark.parametrize("executor", ["KubernetesExecutor", "CeleryExecutor,KubernetesExecutor"])
def test_a_drain_waits_for_tasks_if_that_is_wanted(executor: str) -> None:
    variables = {**BASE, "airflow_core_executor": executor}
    assert "airflow-task" not in budgets(variables)
    wanted = {**variables, "airflow_core_workers": {"podDisruptionBudget": {"enabled": True}}}
    found = budgets(wanted)["airflow-task"]
    labels = worker(rendered(wanted))["metadata"]["labels"]
    assert found["selector"]["matchLabels"].items() <= labels.items()
    # A pod that two budgets select cannot be evicted at all.
    assert found["selector"]["matchExpressions"] == [{"key": SET_LABEL, "operator": "DoesNotExist"}]
    assert SET_LABEL not in labels
    assert found["minAvailable"] == 2**31 - 1
    local = {**wanted, "airflow_core_executor": "LocalExecutor"}
    assert "airflow-task" not in budgets(local)


def test_each_workload_may_have_its_requests_recommended() -> None:
    items = rendered({**CELERY, "airflow_vertical_autoscaling": {"enabled": True, "mode": "Initial"}})
    found = of_kind(items, "VerticalPodAutoscaler")
    targets = {(vpa["spec"]["targetRef"]["kind"], vpa["spec"]["targetRef"]["name"]) for vpa in found}
    workloads = of_kind(items, "Deployment", "StatefulSet")
    assert targets == {(item["kind"], item["metadata"]["name"]) for item in workloads}
    assert {vpa["spec"]["updatePolicy"]["updateMode"] for vpa in found} == {"Initial"}
    # It goes with the executor that its workload is for.
    for vpa in found:
        (target,) = (item for item in workloads if item["metadata"]["name"] == vpa["metadata"]["name"])
        assert vpa["metadata"]["labels"].get(FEATURE) == target["metadata"]["labels"].get(FEATURE)
        assert vpa["metadata"]["labels"][names.ROLE_LABEL] == target["metadata"]["labels"][names.ROLE_LABEL]
    assert not of_kind(rendered(CELERY), "VerticalPodAutoscaler")
