"""What teams get, seen in what is rendered."""

from __future__ import annotations

import configparser
import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import CASES, MULTI_TEAM

Object = dict[str, t.Any]

BASE: Object = {"airflow_instance": "analytics", "airflow_logging_loss_accepted": True}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "data", "effect": "NoSchedule"}


def settings(items: list[Object], section: str) -> Object:
    (found,) = (
        item
        for item in items
        if item["metadata"]["name"] == "analytics-config" and item["metadata"]["namespace"] == "analytics"
    )
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(found["data"]["airflow.cfg"])
    return dict(parser[section]) if parser.has_section(section) else {}


def test_the_executor_watches_a_list_of_namespaces() -> None:
    teams = {"data": {}, "ml": {"kubernetesExecutor": True}}
    options = settings(render_all(load({**BASE, "airflow_rbac_teams": teams})), "kubernetes_executor")
    assert options["multi_namespace_mode"] == "True"
    assert options["multi_namespace_mode_namespace_list"] == "analytics,analytics-ml"
    everywhere = settings(render_all(load({**BASE, "airflow_rbac_all_namespaces": True})), "kubernetes_executor")
    assert everywhere["multi_namespace_mode"] == "True"
    assert "multi_namespace_mode_namespace_list" not in everywhere
    plain = settings(render_all(load({**BASE, "airflow_rbac_teams": {"data": {}}})), "kubernetes_executor")
    assert "multi_namespace_mode" not in plain


def test_pods_in_the_namespace_of_a_team_find_what_they_read() -> None:
    items = render_all(load(CASES["teams"]))
    (template,) = (item for item in items if item["metadata"]["name"] == "shared-pod-template")
    pod = json.loads(template["data"][names.POD_TEMPLATE_FILE])
    read = {volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume}
    read |= {
        source["configMap"]["name"]
        for volume in pod["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
        if "configMap" in source
    }
    there = {
        (item["kind"], item["metadata"]["name"]) for item in items if item["metadata"].get("namespace") == "ml-tasks"
    }
    assert {("ConfigMap", name) for name in read} | {("ServiceAccount", pod["spec"]["serviceAccountName"])} <= there
    originals = {item["metadata"]["name"]: item for item in items if item["metadata"].get("namespace") == "airflow"}
    for item in items:
        if item["kind"] == "ConfigMap" and item["metadata"]["namespace"] == "ml-tasks":
            assert item["data"] == originals[item["metadata"]["name"]]["data"]


def test_the_executors_pods_are_cleaned_where_it_makes_them() -> None:
    wanted = {
        **BASE,
        "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}},
        "airflow_rbac_teams": {"data": {}, "ml": {"kubernetesExecutor": True}},
    }
    items = render_all(load(wanted))
    (job,) = (item for item in items if item["kind"] == "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][3:] == ["60", "analytics", "analytics-ml"]
    bindings = {
        (item["metadata"]["namespace"], one["name"], one["namespace"])
        for item in items
        if item["kind"] == "RoleBinding" and item["roleRef"]["name"] == "analytics-pod-cleaner"
        for one in item["subjects"]
    }
    assert bindings == {(one, "analytics-cleanup", "analytics") for one in ("analytics", "analytics-ml")}


def test_no_cluster_role_without_consent() -> None:
    cluster_roles = {"ClusterRole", "ClusterRoleBinding"}
    assert not cluster_roles & {item["kind"] for item in render_all(load(CASES["teams"]))}
    wanted = render(load({**BASE, "airflow_rbac_all_namespaces": True}), "rbac")
    assert cluster_roles <= {item["kind"] for item in wanted}


@pytest.mark.parametrize("teams", [{}, {"data": {}}])
def test_a_token_of_the_api_is_where_tasks_make_pods(teams: Object) -> None:
    given = {**BASE, "airflow_core_executor": "LocalExecutor", "airflow_rbac_teams": teams}
    mounted = {
        item["metadata"]["labels"]["component"]
        for item in render_all(load(given))
        if item["kind"] == "Deployment" and item["spec"]["template"]["spec"]["automountServiceAccountToken"]
    }
    assert mounted == ({"scheduler", "triggerer"} if teams else set())


def test_labels_for_cost_are_on_every_object_and_pod() -> None:
    """Also on what a team has, where the team's own win."""
    for item in render_all(load(CASES["teams"])):
        team = item["metadata"]["labels"].get("airflow.dagops/team")
        assert item["metadata"]["labels"]["cost-centre"] == ("4712" if team == "data" else "4711"), item["metadata"]
        template = item.get("spec", {}).get("template")
        if template:
            assert template["metadata"]["labels"]["cost-centre"] == "4711"


def test_a_label_for_cost_makes_no_stateful_set_anew() -> None:
    """Templates of claims cannot be changed."""
    workers = {"default": {"persistence": {"enabled": True}}}
    given = {**BASE, "airflow_core_executor": "CeleryExecutor", "airflow_celery_workers": workers}
    before, after = (
        [item["spec"]["volumeClaimTemplates"] for item in render_all(load(one)) if item["kind"] == "StatefulSet"]
        for one in (given, {**given, "airflow_labels": {"cost-centre": "4711"}})
    )
    assert len(before) == 3
    assert before == after


def test_a_team_has_a_pod_template_of_its_own() -> None:
    placements = {"data": {"nodeLabels": {"pool": "data"}, "tolerations": [TOLERATION]}}
    items = render_all(load({**BASE, "airflow_policy_placements": placements}))
    (found,) = (item for item in items if item["metadata"]["name"] == "analytics-pod-template")
    usual, ours = (json.loads(found["data"][file]) for file in (names.POD_TEMPLATE_FILE, "team-data.yaml"))
    assert ours["metadata"]["labels"] == {**usual["metadata"]["labels"], "team": "data"}
    assert ours["spec"] == {**usual["spec"], "nodeSelector": {"pool": "data"}, "tolerations": [TOLERATION]}


def test_bundles_belong_to_teams_of_airflow() -> None:
    url = "https://git.example.com/dags.git"
    given = {
        **BASE,
        **MULTI_TEAM,
        "airflow_git_sync_repositories": {"synced": {"url": url, "team": "data"}, "common": {"url": url}},
        "airflow_core_dag_bundles": {"fetched": {"url": url, "ref": "main", "team": "ml_ops"}},
    }
    items = render_all(load(given))
    assert settings(items, "core")["multi_team"] == "True"
    bundles = json.loads(settings(items, "dag_processor")["dag_bundle_config_list"])
    assert {one["name"]: one.get("team_name") for one in bundles} == {
        "synced": "data",
        "common": None,
        "fetched": "ml_ops",
        "dagops-canary": None,
    }
    assert "multi_team" not in settings(render_all(load(BASE)), "core")
