# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Namespace, identities, permissions, and limits of the namespace.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import features, log_cleanup, names, teams
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import ServiceAccount, Values

RULES: dict[str, list[Object]] = {
    "pod-launcher": [
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "verbs": ["create", "delete", "get", "list", "patch", "watch"],
        },
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
    ],
    "log-reader": [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ],
    "pod-cleaner": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]}],
}
# Components and roles that are there for an executor's sake.
FEATURES: dict[str, str] = {
    "worker": features.WORKERS,
    "redis": features.CELERY,
    "flower": features.CELERY,
    "cleanup": features.KUBERNETES,
    "pod-launcher": features.KUBERNETES,
    "pod-cleaner": features.KUBERNETES,
    "log-reader": features.KUBERNETES,
}


def components(values: Values) -> list[str]:
    """Components that this instance runs, each with an identity of its own."""
    wanted = [values.web_component, "scheduler", "dag-processor", "migrate"]
    wanted += ["triggerer"] if values.core.triggerer.enabled else []
    wanted += ["worker"] if values.runs_kubernetes or values.runs_celery else []
    wanted += ["cleanup"] if values.runs_kubernetes and values.core.kubernetes_executor.cleanup.enabled else []
    wanted += ["redis"] if values.runs_celery and values.celery.broker.provider == "embedded" else []
    wanted += ["flower"] if values.runs_celery and values.celery.flower.enabled else []
    wanted += ["log-cleanup"] if log_cleanup.wanted(values) else []
    wanted += ["db-cleanup"] if values.database.cleanup.enabled else []
    wanted += ["postgresql"] if values.database.provider == "embedded" else []
    wanted += ["pgbouncer"] if values.database.pgbouncer.enabled else []
    return wanted


def bindings(values: Values) -> dict[str, list[str]]:
    """Which components hold which role; the rest needs nothing of the Kubernetes API."""
    found: dict[str, list[str]] = {}
    if values.runs_kubernetes:
        found |= {"pod-launcher": ["scheduler"], "log-reader": [values.web_component]}
        found["pod-cleaner"] = ["cleanup"] if values.core.kubernetes_executor.cleanup.enabled else []
    if values.rbac.tasks_launch_pods:
        found |= {"task-launcher": teams.launchers(values), "task-watcher": teams.watchers(values)}
    return found


def speaks_to_kubernetes(values: Values, component: str) -> bool:
    """Whether a component's pods need a token of the Kubernetes API."""
    of_teams = [*teams.launchers(values), *teams.watchers(values)] if values.rbac.teams else []
    return component in of_teams or any(component in holders for holders in bindings(values).values())


def namespace(values: Values) -> list[Object]:
    """The namespace, with the Pod Security Standard that it enforces."""
    if not values.rbac.namespace_managed:
        return []
    level = values.rbac.pod_security
    labels: dict[str, str] = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    return [object_(values, "v1", "Namespace", "namespace", name=values.namespace, namespaced=False, labels=labels)]


def service_accounts(values: Values) -> list[Object]:
    """One per component, unless a person names one of theirs."""
    result = []
    for component in components(values):
        wanted = values.rbac.service_accounts.get(component, ServiceAccount())
        if not wanted.name:
            result.append(
                object_(
                    values,
                    "v1",
                    "ServiceAccount",
                    component,
                    annotations=wanted.annotations,
                    automountServiceAccountToken=False,
                )
            )
    return result


def roles(values: Values) -> t.Iterator[Object]:
    """Roles that somebody holds, and who holds them."""
    for role, holders in bindings(values).items():
        if not holders:
            continue
        rules = RULES[role] if role in RULES else teams.rules_of(values, role)
        yield object_(values, "rbac.authorization.k8s.io/v1", "Role", role, rules=rules)
        yield object_(
            values,
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            role,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": names.name(values, role)},
            subjects=[
                {
                    "kind": "ServiceAccount",
                    "name": names.service_account(values, component),
                    "namespace": values.namespace,
                }
                for component in holders
            ],
        )


def cluster_roles(values: Values) -> list[Object]:
    """The same for pods of the KubernetesExecutor in all namespaces, for those who want it so."""
    if not (values.rbac.all_namespaces and values.runs_kubernetes):
        return []
    group = "rbac.authorization.k8s.io"
    found = []
    for role, component in (("pod-launcher", "scheduler"), ("log-reader", values.web_component)):
        name = names.cluster_name(values, role)
        found += [
            object_(values, f"{group}/v1", "ClusterRole", role, name=name, namespaced=False, rules=RULES[role]),
            object_(
                values,
                f"{group}/v1",
                "ClusterRoleBinding",
                role,
                name=name,
                namespaced=False,
                roleRef={"apiGroup": group, "kind": "ClusterRole", "name": name},
                subjects=[teams.subject(values, component, values.namespace)],
            ),
        ]
    return features.part_of(features.KUBERNETES, found)


def limits(values: Values) -> list[Object]:
    """Quota and default limits of the namespace."""
    result = []
    if values.rbac.quota:
        result.append(object_(values, "v1", "ResourceQuota", "quota", spec={"hard": values.rbac.quota}))
    if values.rbac.limit_range:
        result.append(object_(values, "v1", "LimitRange", "limits", spec={"limits": values.rbac.limit_range}))
    return result


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_rbac."""
    of_executors = [one for item in (*service_accounts(values), *roles(values)) for one in _marked(item)]
    return [
        *namespace(values),
        *limits(values),
        *of_executors,
        *cluster_roles(values),
        *teams.render(values, RULES),
    ]


def _marked(item: Object) -> list[Object]:
    """An identity or permission, as part of the feature that needs it, if only one does."""
    feature = FEATURES.get(item["metadata"]["labels"]["component"])
    return features.part_of(feature, [item]) if feature else [item]
