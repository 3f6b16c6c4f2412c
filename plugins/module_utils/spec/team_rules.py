# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules across variables of teams: each yields a sentence for every mistake it finds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import dag_rules, kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below, said
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitSource, Values

TEAMS: t.Final = "airflow_rbac_teams"


def namespaces(values: Values) -> t.Iterator[str]:
    """Each team has a namespace of its own."""
    taken: dict[str, str] = {}
    for name, team in values.rbac.teams.items():
        path, wanted = f"{below(TEAMS, name)}.namespace", values.team_namespace(name)
        if wanted == values.namespace:
            yield (
                f"{path} is {said(wanted)}, the namespace of the instance itself, whose Secrets a task that makes pods "
                "there can read: choose another one, or leave the team out and set airflow_rbac_tasks_launch_pods"
            )
        elif wanted.startswith("kube-"):
            yield f"{path} is {said(wanted)}, but kube-* is Kubernetes' own: choose another one"
        elif team.namespace_managed and wanted == kubernetes.DEFAULT_NAMESPACE:
            managed = f"{below(TEAMS, name)}.namespaceManaged"
            yield (
                f"{path} is {said(wanted)}, and the Pod Security Standard that {managed} sets there would bind "
                f"everybody's pods: choose another one, or set {managed} to false"
            )
        elif wanted in taken:
            yield f"{path} is {said(wanted)}, as of the team {taken[wanted]}: give each team a namespace of its own"
        taken[wanted] = name


def executing(values: Values) -> t.Iterator[str]:
    """Pods of the KubernetesExecutor need in their namespace what they need in the instance's."""
    teams = [below(TEAMS, name) for name, team in values.rbac.teams.items() if team.kubernetes_executor]
    given = [f"{path}.kubernetesExecutor is true" for path in teams]
    given += ["airflow_rbac_all_namespaces is true"] if values.rbac.all_namespaces else []
    for what in given:
        if not values.runs_kubernetes:
            yield (
                f"{what}, but airflow_core_executor is {said(values.core.executor)}, which makes no pods for tasks: "
                "add KubernetesExecutor to it, or leave this out"
            )
        elif values.major < 3:
            yield (
                f"{what}, but pods of tasks of Airflow {values.instance.version} hold the address of the database and "
                "the Fernet key, which do not belong into other namespaces: leave this out, or use Airflow 3"
            )
        for variable, shared in _shared(values).items():
            if shared:
                yield (
                    f"{what}, but {variable} gives the pods of tasks a volume, which pods of another namespace cannot "
                    "mount: leave one of the two out"
                )


def _shared(values: Values) -> dict[str, bool]:
    """What would give the pods of tasks a volume of the instance's namespace."""
    return {
        "airflow_logging_store": values.logging.store == "volume",
        "airflow_core_dags_volume": values.core.dags_volume.enabled,
    }


def placements(values: Values) -> t.Iterator[str]:
    """A placement says where, and names a team that a pod can have."""
    policy = values.policy
    wanted = policy.labels.get(policy.team_label)
    for name, placement in policy.placements.items():
        path = below("airflow_policy_placements", name)
        if not (placement.node_labels or placement.tolerations):
            yield f"{path} has neither nodeLabels nor tolerations, so it puts pods nowhere: give one, or leave it out"
        if wanted and wanted.values and name not in wanted.values:
            yield (
                f"{path} is for pods with the label {policy.team_label}={name}, which "
                f"{below('airflow_policy_labels', policy.team_label)}.values refuses: add it there, or leave this out"
            )


def labels_of_tasks(values: Values) -> t.Iterator[str]:
    """Labels that we give the pods of tasks are none that the policy refuses."""
    if values.policy.action != "Deny" or not values.runs_kubernetes:
        return
    for name, value in values.core.workers.labels.items():
        wanted = values.policy.labels.get(name)
        if wanted and wanted.values and value not in wanted.values:
            yield (
                f"{below('airflow_core_workers.labels', name)} is {said(value)}, which "
                f"{below('airflow_policy_labels', name)}.values refuses, and with it pods of tasks: add it there, or "
                "leave this out"
            )


def multi_team(values: Values) -> t.Iterator[str]:
    """Airflow's own teams, which it knows from 3.2 on."""
    version = values.instance.version
    if values.core.multi_team and values.release < (3, 2):
        yield (
            f"airflow_core_multi_team is true, but Airflow keeps teams apart from 3.2 on and this is {version}: leave "
            "it out, or use a newer Airflow"
        )
    elif values.core.multi_team and values.uses_fab:
        yield (
            "airflow_core_multi_team is true, but the API server does not start with it under the FAB auth manager, "
            "which knows no teams: name another one in airflow_core_config.core.auth_manager, or leave it out"
        )
    sources: dict[str, GitSource] = {
        **{below(dag_rules.REPOSITORIES, name): one for name, one in values.git_sync.repositories.items()},
        **{below(dag_rules.BUNDLES, name): one for name, one in values.core.dag_bundles.items()},
    }
    for path, source in sources.items():
        if source.team and not values.core.multi_team:
            yield (
                f"{path}.team is {said(source.team)}, but airflow_core_multi_team is false, and Airflow does not start "
                "with a team's bundle then: set it to true, or leave the team out"
            )


RULES: tuple[t.Callable[[Values], t.Iterator[str]], ...] = (
    namespaces,
    executing,
    placements,
    labels_of_tasks,
    multi_team,
)
