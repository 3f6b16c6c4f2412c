"""Objects of the person's own."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE

Object = dict[str, t.Any]


def config_map(name: str, **meta: t.Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}}


def extras(*manifests: t.Any, **variables: t.Any) -> list[Object]:
    return render(load({**BASE, "airflow_extra_manifests": list(manifests), **variables}), "extra")


def problems(*manifests: t.Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        render_all(load({**BASE, "airflow_extra_manifests": list(manifests)}))
    return caught.value.problems


def test_they_live_in_the_namespace_of_the_instance_unless_they_say_otherwise() -> None:
    cluster_wide = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "c"},
        "value": 1,
    }
    found = extras(config_map("a"), config_map("b", namespace="elsewhere"), cluster_wide, airflow_namespace="here")
    assert [item["metadata"].get("namespace") for item in found] == ["here", "elsewhere", None]


def test_they_carry_what_all_objects_carry_and_their_own_wins() -> None:
    mine = config_map(
        "a",
        labels={"component": "mine", "a": "b", "app.kubernetes.io/instance": "other"},
        annotations={"owner": "me"},
    )
    (found,) = extras(
        mine, airflow_labels={"a": "x", "cost": "1"}, airflow_annotations={"owner": "data", "example.com/a": "b"}
    )
    labels = found["metadata"]["labels"]
    assert (labels["component"], labels["a"], labels["cost"]) == ("mine", "b", "1")
    # By these the engine finds them.
    assert labels["app.kubernetes.io/instance"] == "airflow"
    assert labels["app.kubernetes.io/managed-by"] == "dagops.airflow"
    assert labels["airflow.dagops/role"] == "extra"
    assert found["metadata"]["annotations"] == {"owner": "me", "example.com/a": "b"}


def test_they_are_not_written_into() -> None:
    mine = config_map("a", labels={"a": "b"})
    before = copy.deepcopy(mine)
    extras(mine)
    assert mine == before


def test_what_is_left_empty_is_left_out() -> None:
    (found,) = extras({**config_map("a", annotations=None), "data": None})
    assert "data" not in found
    assert "annotations" not in found["metadata"]


def test_lists_are_taken_apart() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [config_map("a"), config_map("b")]}
    nested = {"apiVersion": "v1", "kind": "List", "items": [listed]}
    assert [item["metadata"]["name"] for item in extras(nested, config_map("c"))] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ("a.yml", 'airflow_extra_manifests[0] is the path "a.yml": files are read from the variables of a host only'),
        ({"kind": "ConfigMap"}, "airflow_extra_manifests[0] lacks apiVersion, kind or metadata.name"),
        ({**config_map("a"), "metadata": {}}, "airflow_extra_manifests[0] lacks apiVersion, kind or metadata.name"),
        ({**config_map("a"), "metadata": "a"}, "airflow_extra_manifests[0] lacks apiVersion, kind or metadata.name"),
        (config_map("a", labels=["x"]), "airflow_extra_manifests[0].metadata.labels must be a mapping"),
        ({**config_map("a"), "data": {"a": 1}}, "airflow_extra_manifests[0].data.a must be text, not 1: write it in"),
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"selector": {}}},
            "airflow_extra_manifests[0].spec.template is required by Kubernetes: add it",
        ),
        (
            {"apiVersion": "v1", "kind": "List", "items": [config_map("a"), "b"]},
            'airflow_extra_manifests[0].items[1] is the path "b"',
        ),
        (
            {"apiVersion": "v1", "kind": "List", "items": [["a"]]},
            "airflow_extra_manifests[0].items[0] must be an object or the path of a file with objects",
        ),
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"b": "c"}},
            "airflow_extra_manifests[0] holds values of Secret/a, which would show in logs and files",
        ),
        (
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "airflow-worker"}},
            "airflow_extra_manifests declares ServiceAccount/airflow-worker, which the part rbac of the instance has",
        ),
    ],
)
def test_what_cannot_be_applied_is_refused(manifest: t.Any, problem: str) -> None:
    (told,) = problems(manifest)
    assert told.startswith(problem)


def test_the_same_name_elsewhere_is_another_object() -> None:
    elsewhere = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "airflow-worker", "namespace": "elsewhere"},
    }
    assert elsewhere["metadata"]["name"] in [
        item["metadata"]["name"] for item in render_all(load({**BASE, "airflow_extra_manifests": [elsewhere]}))
    ]


def test_they_come_before_what_may_read_them() -> None:
    parts = [item["metadata"]["labels"]["airflow.dagops/role"] for item in render_all(load({**BASE, **EXTRA}))]
    assert parts.index("database") < parts.index("extra") < parts.index("config")


EXTRA = {"airflow_extra_manifests": [config_map("a")]}
