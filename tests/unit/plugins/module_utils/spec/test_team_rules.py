"""Rules about teams: each mistake is told with its variable, the reason, and what to do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import MULTI_TEAM

BASE: dict[str, t.Any] = {"airflow_instance": "analytics", "airflow_logging_loss_accepted": True}
ML = {"ml": {"kubernetesExecutor": True}}
REPOSITORY = {"url": "https://git.example.com/dags.git", "team": "data"}

REFUSED: dict[str, tuple[dict[str, t.Any], str]] = {
    "the instance's namespace": (
        {"airflow_rbac_teams": {"data": {"namespace": "analytics"}}},
        'airflow_rbac_teams.data.namespace is "analytics", the namespace of the instance itself',
    ),
    "a system namespace": (
        {"airflow_rbac_teams": {"data": {"namespace": "kube-system"}}},
        "but kube-* is Kubernetes' own",
    ),
    "everybody's namespace": (
        {"airflow_rbac_teams": {"data": {"namespace": "default", "namespaceManaged": True}}},
        "choose another one, or set airflow_rbac_teams.data.namespaceManaged to false",
    ),
    "one namespace for two": (
        {"airflow_rbac_teams": {"data": {"namespace": "tasks"}, "ml": {"namespace": "tasks"}}},
        'airflow_rbac_teams.ml.namespace is "tasks", as of the team data: give each team a namespace of its own',
    ),
    "a name": ({"airflow_rbac_teams": {"Data": {}}}, "airflow_rbac_teams.Data has a name which is not"),
    "no executor for it": (
        {"airflow_rbac_teams": ML, "airflow_core_executor": "LocalExecutor"},
        'airflow_rbac_teams.ml.kubernetesExecutor is true, but airflow_core_executor is "LocalExecutor"',
    ),
    "no executor for all": (
        {"airflow_rbac_all_namespaces": True, "airflow_core_executor": "LocalExecutor"},
        "airflow_rbac_all_namespaces is true, but airflow_core_executor",
    ),
    "Airflow 2": (
        {"airflow_rbac_teams": ML, "airflow_version": "2.11.2"},
        "pods of tasks of Airflow 2.11.2 hold the address of the database",
    ),
    "a log volume": (
        {"airflow_rbac_teams": ML, "airflow_logging_store": "volume"},
        "airflow_logging_store gives the pods of tasks a volume, which pods of another namespace cannot mount",
    ),
    "a volume of DAGs": (
        {"airflow_rbac_teams": ML, "airflow_core_dags_volume": {"enabled": True}},
        "airflow_core_dags_volume gives the pods of tasks a volume",
    ),
    "a placement without a place": (
        {"airflow_policy_placements": {"data": {}}},
        "airflow_policy_placements.data has neither nodeLabels nor tolerations",
    ),
    "a placement that no pod can have": (
        {
            "airflow_policy_labels": {"team": {"values": ["ml"]}},
            "airflow_policy_placements": {"data": {"nodeLabels": {"pool": "data"}}},
        },
        "is for pods with the label team=data, which airflow_policy_labels.team.values refuses",
    ),
    "an old Airflow": (
        {**MULTI_TEAM, "airflow_version": "3.1.8"},
        "airflow_core_multi_team is true, but Airflow keeps teams apart from 3.2 on and this is 3.1.8",
    ),
    "an old Airflow with FAB": (
        {"airflow_core_multi_team": True, "airflow_version": "3.1.8"},
        "airflow_core_multi_team is true, but Airflow keeps teams apart from 3.2 on and this is 3.1.8",
    ),
    "an auth manager without teams": (
        {"airflow_core_multi_team": True},
        "airflow_core_multi_team is true, but the API server does not start with it under the FAB auth manager",
    ),
    "a team where there are none": (
        {"airflow_git_sync_repositories": {"dags": REPOSITORY}},
        'airflow_git_sync_repositories.dags.team is "data", but airflow_core_multi_team is false',
    ),
    "an option with a variable": (
        {"airflow_core_config": {"kubernetes_executor": {"multi_namespace_mode": True}}},
        "use airflow_rbac_teams instead",
    ),
    "a label of pods of tasks": (
        {"airflow_policy_labels": {"team": {"values": ["ml"]}}, "airflow_core_workers": {"labels": {"team": "none"}}},
        'airflow_core_workers.labels.team is "none", which airflow_policy_labels.team.values refuses, and with it pods',
    ),
    "a label of our own": (
        {"airflow_policy_labels": {"component": {"values": ["train"]}}},
        "airflow_policy_labels.component is a label that the collection sets itself: choose another name",
    ),
    "a label of our own for teams": (
        {"airflow_policy_team_label": "release"},
        'airflow_policy_team_label is "release", which is a label that the collection sets itself: choose another name',
    ),
    "a label": ({"airflow_policy_labels": {"cost centre": {}}}, "has a name that Kubernetes refuses"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_told(mistake: str) -> None:
    given, words = REFUSED[mistake]
    with pytest.raises(SpecError) as told:
        load({**BASE, **given})
    (problem,) = told.value.problems
    assert words in problem


def test_what_goes_together_is_taken() -> None:
    values = load(
        {
            **BASE,
            **MULTI_TEAM,
            "airflow_git_sync_repositories": {"dags": REPOSITORY},
            "airflow_rbac_teams": {"data": {}, **ML},
            "airflow_policy_labels": {"team": {"values": ["data", "ml"]}, "cost-centre": {}},
            "airflow_policy_placements": {"data": {"nodeLabels": {"pool": "data"}}},
        }
    )
    assert values.team_namespace("data") == "analytics-data"


@pytest.mark.parametrize(
    "given",
    [
        {"airflow_core_workers": {"labels": {"team": "data", "pool": "tasks"}}},
        # What every object of the instance has, a task may say otherwise.
        {"airflow_labels": {"team": "platform"}},
        {"airflow_core_workers": {"labels": {"team": "none"}}, "airflow_policy_action": "Warn"},
        {"airflow_core_workers": {"labels": {"team": "none"}}, "airflow_core_executor": "LocalExecutor"},
    ],
)
def test_labels_that_stop_no_task_are_taken(given: dict[str, t.Any]) -> None:
    load({**BASE, "airflow_policy_labels": {"team": {"values": ["data", "ml"]}, "pool": {}}, **given})
