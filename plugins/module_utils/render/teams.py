# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Namespaces of teams: what the pods of their tasks are, and who of Airflow may do what with them.

Nobody gets a ClusterRole for it: a Role in each namespace names the ServiceAccounts of Airflow that launch pods there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import features, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import ServiceAccount, Team, Values

RBAC: t.Final = "rbac.authorization.k8s.io"
TEAM_LABEL: t.Final = "airflow.dagops/team"
"""Of every object of a team."""

EVENTS: t.Final[Object] = {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]}
LOGS: t.Final[Object] = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}

EXEC: t.Final[Object] = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}

# What the operators of the cncf.kubernetes provider (10.14 to 10.22) ask for. A launcher finds its pod again by a list,
# and marks it by a patch. A triggerer only follows a pod that is there, and deletes it where its task is cleared.
PODS: t.Final[dict[str, Object]] = {
    "task-launcher": {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "get", "list", "patch"]},
    "task-watcher": {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "get"]},
}
JOB_RULES: t.Final[dict[str, list[Object]]] = {
    "task-launcher": [
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list", "patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs/status"], "verbs": ["get"]},
    ],
    "task-watcher": [
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]},
        {"apiGroups": ["batch"], "resources": ["jobs/status"], "verbs": ["get"]},
    ],
}


def rules_of(values: Values, role: str, *, jobs: bool = False) -> list[Object]:
    """What a role may do with the pods of tasks, and with their Jobs.

    An XCom is read out of a sidecar by exec, which is a get and, from Kubernetes 1.35 on, a create. The launcher reads
    it, or, of the pods of a Job that it waits for, the triggerer.
    """
    reads_xcom = values.rbac.tasks_read_xcom and (role == "task-launcher" or jobs)
    return [PODS[role], *([EXEC] if reads_xcom else []), LOGS, EVENTS, *(JOB_RULES[role] if jobs else [])]


def launchers(values: Values) -> list[str]:
    """Components in whose pods tasks run, so that an operator makes pods from there."""
    found = ["scheduler"] if values.runs_local else []
    return found + (["worker"] if values.runs_kubernetes or values.runs_celery else [])


def watchers(values: Values) -> list[str]:
    """Components that follow the pods of tasks that wait."""
    return ["triggerer"] if values.core.triggerer.enabled else []


def executing(values: Values) -> list[str]:
    """Teams in whose namespaces tasks of the KubernetesExecutor run."""
    return [name for name, team in values.rbac.teams.items() if team.kubernetes_executor]


def namespaces(values: Values) -> list[str]:
    """Namespaces besides the instance's own in which the KubernetesExecutor makes pods."""
    return [values.team_namespace(name) for name in executing(values)]


def with_pods(values: Values) -> list[str]:
    """The instance's namespace, and others in which the KubernetesExecutor makes pods, or made some before."""
    return [values.namespace, *map(values.team_namespace, values.rbac.teams)]


def account(values: Values, team: Team) -> str:
    """Name of the identity of pods that tasks launch."""
    return team.service_account.name or names.name(values, "tasks")


def _labels(values: Values, team: str) -> dict[str, str]:
    return {**values.rbac.teams[team].labels, TEAM_LABEL: team}


def _object(
    values: Values, team: str, api_version: str, kind: str, component: str, *, namespaced: bool = True, **body: t.Any
) -> Object:
    """An object of a team, in its namespace."""
    labels = {**_labels(values, team), **(body.pop("labels", None) or {})}
    made = object_(values, api_version, kind, component, namespaced=namespaced, labels=labels, **body)
    if namespaced:
        made["metadata"]["namespace"] = values.team_namespace(team)
    return made


def _namespace(values: Values, name: str, team: Team) -> list[Object]:
    if not team.namespace_managed:
        return []
    labels: dict[str, str] = {
        f"pod-security.kubernetes.io/{mode}": team.pod_security for mode in ("enforce", "audit", "warn")
    }
    return [
        _object(
            values,
            name,
            "v1",
            "Namespace",
            "namespace",
            namespaced=False,
            name=values.team_namespace(name),
            labels=labels,
        )
    ]


def _accounts(values: Values, name: str, team: Team) -> t.Iterator[Object]:
    pull_secrets = [{"name": secret} for secret in team.image_pull_secrets]
    if not team.service_account.name:
        yield _object(
            values,
            name,
            "v1",
            "ServiceAccount",
            "tasks",
            annotations=team.service_account.annotations,
            automountServiceAccountToken=False,
            imagePullSecrets=pull_secrets,
        )
    wanted = values.rbac.service_accounts.get("worker", ServiceAccount())
    if team.kubernetes_executor and not wanted.name:
        yield _object(
            values,
            name,
            "v1",
            "ServiceAccount",
            "worker",
            annotations=wanted.annotations,
            automountServiceAccountToken=False,
            imagePullSecrets=pull_secrets,
        )


def _bound(values: Values, name: str, role: str, rules: list[Object], subjects: list[Object]) -> list[Object]:
    """A Role in a team's namespace, and who holds it; nothing where nobody does."""
    if not subjects:
        return []
    reference = {"apiGroup": RBAC, "kind": "Role", "name": names.name(values, role)}
    return [
        _object(values, name, f"{RBAC}/v1", "Role", role, rules=rules),
        _object(values, name, f"{RBAC}/v1", "RoleBinding", role, roleRef=reference, subjects=subjects),
    ]


def subject(values: Values, component: str, namespace: str) -> Object:
    """Who a component is, to a binding."""
    return {"kind": "ServiceAccount", "name": names.service_account(values, component), "namespace": namespace}


def _roles(values: Values, name: str, team: Team) -> t.Iterator[Object]:
    own = values.namespace
    held = {
        "task-launcher": [subject(values, component, own) for component in launchers(values)],
        "task-watcher": [subject(values, component, own) for component in watchers(values)],
    }
    if team.kubernetes_executor:
        # A task that runs there launches pods there, and nowhere else.
        held["task-launcher"].append(subject(values, "worker", values.team_namespace(name)))
    for role, subjects in held.items():
        yield from _bound(values, name, role, rules_of(values, role, jobs=team.jobs), subjects)


def _limits(values: Values, name: str, team: Team) -> t.Iterator[Object]:
    if team.quota:
        yield _object(values, name, "v1", "ResourceQuota", "quota", spec={"hard": team.quota})
    if team.limit_range:
        yield _object(values, name, "v1", "LimitRange", "limits", spec={"limits": team.limit_range})


def _executor(values: Values, name: str, team: Team, rules: t.Mapping[str, list[Object]]) -> t.Iterator[Object]:
    """What the KubernetesExecutor needs in a team's namespace, and whoever shows its logs or cleans up after it."""
    if team.kubernetes_executor:
        held = {"pod-launcher": "scheduler", "log-reader": values.web_component}
        held |= {"pod-cleaner": "cleanup"} if values.core.kubernetes_executor.cleanup.enabled else {}
        for role, component in held.items():
            made = _bound(values, name, role, rules[role], [subject(values, component, values.namespace)])
            yield from features.part_of(features.KUBERNETES, made)


def render(values: Values, rules: t.Mapping[str, list[Object]]) -> list[Object]:
    """All objects of all teams; ``rules`` are those of the roles of the instance's own namespace."""
    return [
        item
        for name, team in values.rbac.teams.items()
        for item in (
            *_namespace(values, name, team),
            *_limits(values, name, team),
            *_accounts(values, name, team),
            *_roles(values, name, team),
            *_executor(values, name, team, rules),
        )
    ]


def copies(values: Values, item: Object) -> list[Object]:
    """``item``, which pods of tasks read, once more in each namespace where the KubernetesExecutor makes such pods."""
    found = []
    for name in executing(values):
        meta = item["metadata"]
        placed = {
            "namespace": values.team_namespace(name),
            "labels": {**meta["labels"], **_labels(values, name)},
        }
        found.append({**item, "metadata": {**meta, **placed}})
    return features.part_of(features.KUBERNETES, found)


def with_copies(values: Values, items: t.Iterable[Object]) -> list[Object]:
    """``items`` and the copies of each."""
    return [one for item in items for one in (item, *copies(values, item))]
