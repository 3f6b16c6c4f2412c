"""What policies for pods of tasks hold for, seen in what is rendered; tests/api/test_policy.py has them enforced."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.plugins.module_utils.render.test_rules import Object, of_kind, worker

BASE: Object = {"airflow_instance": "analytics", "airflow_logging_loss_accepted": True}
PLACEMENTS: Object = {"airflow_policy_placements": {"data": {"nodeLabels": {"pool": "data"}}}}
TEAMS: Object = {"airflow_rbac_teams": {"data": {"namespaceManaged": True}, "ml": {"namespace": "ml-tasks"}}}


def of_policy(variables: Object, *kinds: str) -> list[Object]:
    return of_kind(render(load({**BASE, **variables}), "policy"), *kinds)


# --- images ---


def own_images(image: Object) -> re.Pattern[str]:
    """What the policy of an instance with this image takes for Airflow's own; it is an expression of both languages."""
    given = {"airflow_policy_registries": ["registry.example.com/data"], "airflow_image": image}
    (policy,) = of_policy(given, "ValidatingAdmissionPolicy")
    (new,) = (one["expression"] for one in policy["spec"]["variables"] if one["name"] == "new")
    found = re.search(r'!i\.matches\(("(?:[^"\\]|\\.)*")\) && ', new)
    assert found
    return re.compile(json.loads(found[1]))


@pytest.mark.parametrize("repository", ["apache/airflow", "registry.example.com:5000/acme/airflow", "airflow"])
def test_a_release_leaves_the_policy_as_it_is(repository: str) -> None:
    """It changes the image of the pod template, and not the policy."""
    digest = f"sha256:{'0' * 64}"
    before = own_images({"repository": repository, "tag": "a"})
    assert own_images({"repository": repository, "tag": "b", "digest": digest}) == before
    for image in ({"tag": "b"}, {"digest": digest}, {"tag": "b", "digest": digest}):
        variables = {**BASE, "airflow_image": {"repository": repository, **image}}
        assert before.match(worker(render_all(load(variables)))["spec"]["containers"][0]["image"])
    assert before.match(repository)


@pytest.mark.parametrize(
    ("repository", "other"),
    [
        ("acme/airflow", "acme/airflow-evil:1"),
        ("acme/airflow", "acme/airflow/evil:1"),
        ("acme/airflow", "evil/acme/airflow:1"),
        ("a.example.com/airflow", "a-example.com/airflow:1"),
        # The colon is that of a port.
        ("airflow", "airflow:5000/evil"),
    ],
)
def test_an_image_of_another_repository_is_none_of_airflows_own(repository: str, other: str) -> None:
    assert not own_images({"repository": repository, "tag": "1"}).match(other)


# --- where they apply ---


def places(variables: Object, kind: str) -> dict[str, tuple[list[str], list[str]]]:
    """Of each binding, the namespaces, and the labels that a pod has to have there."""
    found = {}
    for item in of_policy(variables, kind):
        resources = item["spec"]["matchResources"]
        (namespaces,) = resources["namespaceSelector"]["matchExpressions"]
        labels = resources.get("objectSelector", {}).get("matchExpressions", [])
        wanted = [one["key"] for one in labels if one["operator"] == "Exists"]
        found[item["metadata"]["name"].removeprefix("analytics-analytics-")] = (namespaces["values"], wanted)
    return found


def test_pods_of_airflow_itself_are_neither_judged_nor_moved() -> None:
    """They may carry the label of a team (`airflow_labels`); where a namespace holds none of them, every pod counts."""
    given = {**TEAMS, **PLACEMENTS, "airflow_policy_labels": {"team": {}}}
    shared, dedicated = (["analytics", "ml-tasks"], ["task_id"]), (["analytics-data"], [])
    assert places(given, "ValidatingAdmissionPolicyBinding") == {"tasks": shared, "teams": dedicated}
    assert places(given, "MutatingAdmissionPolicyBinding") == {"placement": shared, "placement-teams": dedicated}
    assert places(PLACEMENTS, "MutatingAdmissionPolicyBinding") == {"placement": (["analytics"], ["task_id"])}


def test_jobs_are_judged_where_tasks_may_make_them() -> None:
    """As their operator makes them, only the pod that they describe says that it is one of a task."""
    given = {"airflow_policy_labels": {"team": {}}, "airflow_policy_registries": ["registry.example.com"]}
    assert len(of_policy({**given, **TEAMS}, "ValidatingAdmissionPolicy")) == 1
    teams = {**TEAMS["airflow_rbac_teams"], "sales": {"jobs": True}, "web": {"jobs": True, "namespaceManaged": True}}
    items = of_policy({**given, "airflow_rbac_teams": teams}, "ValidatingAdmissionPolicy")
    (found,) = (item["spec"] for item in items if item["metadata"]["name"] == "analytics-analytics-jobs")
    (rule,) = found["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"], rule["operations"]) == (["batch"], ["jobs"], ["CREATE"])
    (condition,) = found["matchConditions"]
    assert condition["expression"] == '"task_id" in object.spec.template.?metadata.?labels.orValue({})'
    assert "object.spec.containers" not in str(found)
    where = places({**given, "airflow_rbac_teams": teams}, "ValidatingAdmissionPolicyBinding")
    assert where["jobs"] == (["analytics-sales", "analytics-web"], [])


# --- nodes ---


def test_a_label_of_the_nodes_of_all_tasks_gives_way_to_that_of_a_team() -> None:
    """A node selector and an affinity that ask for two values of one label are met by no node."""
    (policy,) = of_policy(
        {"airflow_policy_placements": {"data": {"nodeLabels": {"example.com/pool": "data", "disk": "ssd"}}}},
        "MutatingAdmissionPolicy",
    )
    (mutation,) = policy["spec"]["mutations"]
    first = mutation["jsonPatch"]["expression"].split(" ? [] : (", 1)[1].split(" : ", 1)[0]
    assert first == (
        'has(object.spec.nodeSelector) && ("disk" in object.spec.nodeSelector || '
        '"example.com/pool" in object.spec.nodeSelector) ? '
        '[JSONPatch{op: "add", path: "/spec/nodeSelector/disk", value: "ssd"}, '
        'JSONPatch{op: "add", path: "/spec/nodeSelector/example.com~1pool", value: "data"}]'
    )


def test_the_template_of_a_team_has_its_nodes_in_place_of_those_of_all_tasks() -> None:
    nodes: t.Any = {"labels": {"pool": "airflow-tasks", "arch": "arm64"}}
    items = render_all(load({**BASE, **PLACEMENTS, "airflow_task_nodes": nodes}))
    (found,) = (item["data"] for item in items if item["metadata"]["name"] == "analytics-pod-template")
    assert json.loads(found["team-data.yaml"])["spec"]["nodeSelector"] == {"pool": "data", "arch": "arm64"}
