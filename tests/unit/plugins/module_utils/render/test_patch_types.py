"""Types of Kubernetes' own objects."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import KINDS
from ansible_collections.dagops.airflow.plugins.module_utils.render import patch_table, patch_types
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import CASES

DEFINITIONS = sorted(re.findall(r"^([^ @]+)", patch_table.TABLE, re.MULTILINE))


def at(kind: patch_types.Type | None, *path: str) -> patch_types.Type:
    """The type at a path; a list is entered by ``[]``."""
    assert kind
    for name in path:
        if name == "[]":
            assert kind.item
            kind = kind.item
        else:
            kind = kind.field(name)
    return kind


DEPLOYMENT = patch_types.of_kind("apps/v1", "Deployment")
CONTAINER = ("spec", "template", "spec", "containers", "[]")


@pytest.mark.parametrize(
    ("path", "merge_key"),
    [
        (("spec", "template", "spec", "containers"), "name"),
        (("spec", "template", "spec", "initContainers"), "name"),
        (("spec", "template", "spec", "volumes"), "name"),
        (("spec", "template", "spec", "imagePullSecrets"), "name"),
        (("spec", "template", "spec", "hostAliases"), "ip"),
        (("spec", "template", "spec", "topologySpreadConstraints"), "topologyKey"),
        (("spec", "template", "spec", "tolerations"), None),
        ((*CONTAINER, "env"), "name"),
        ((*CONTAINER, "envFrom"), None),
        ((*CONTAINER, "ports"), "containerPort"),
        ((*CONTAINER, "volumeMounts"), "mountPath"),
        ((*CONTAINER, "args"), None),
        (("metadata", "finalizers"), ""),
        (("metadata", "ownerReferences"), "uid"),
    ],
)
def test_merge_keys(path: tuple[str, ...], merge_key: str | None) -> None:
    assert at(DEPLOYMENT, *path).item is not None
    assert at(DEPLOYMENT, *path).merge_key == merge_key


def test_a_service_merges_its_ports() -> None:
    assert at(patch_types.of_kind("v1", "Service"), "spec", "ports").merge_key == "port"


def test_a_budget_replaces_its_selector() -> None:
    assert at(patch_types.of_kind("policy/v1", "PodDisruptionBudget"), "spec", "selector").replaced


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_field_has_a_type_that_is_known(name: str) -> None:
    def definitions(kind: patch_types.Type) -> t.Iterator[str]:
        if kind.definition:
            yield kind.definition
        for inner in (kind.item, kind.value):
            if inner:
                yield from definitions(inner)

    found = patch_types.fields(name)
    assert found
    assert {one for kind in found.values() for one in definitions(kind)} <= set(DEFINITIONS)


def test_every_kind_of_kubernetes_that_the_engine_knows_is_there() -> None:
    groups = {"", "apps", "batch", "autoscaling", "policy"}
    ours = [kind for kind in KINDS if kind.group in groups or kind.group.endswith(".k8s.io")]
    custom = {"autoscaling.k8s.io", "gateway.networking.k8s.io"}
    # Not on by default in the Kubernetes that the table is of.
    newer = {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
    for kind in ours:
        if kind.group not in custom and kind.kind not in newer:
            assert patch_types.of_kind(kind.api_version, kind.kind), kind
    assert len(ours) > 30


def test_kinds_of_others_are_not() -> None:
    assert patch_types.of_kind("keda.sh/v1alpha1", "ScaledObject") is None
    assert patch_types.of_kind("apps/v1", "Container") is None
    assert patch_types.of_kind(None, None) is None


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_has_the_right_types(case: str) -> None:
    for item in render_all(load(CASES[case])):
        kind = patch_types.of_kind(item["apiVersion"], item["kind"])
        if item["apiVersion"].startswith("keda.sh/"):
            assert not kind
            continue
        assert kind
        assert list(patch_types.problems(item, kind, "")) == []
        assert list(patch_types.missing(item, kind, "")) == []
        assert patch_types.without_nulls(item, kind) == item


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (patch_types.Type(scalar="s"), "x", None),
        (patch_types.Type(scalar="s"), 1, "it must be text, not 1: write it in quotes"),
        (patch_types.Type(scalar="s"), {}, "it must be text, not"),
        (patch_types.Type(scalar="i"), 1, None),
        (patch_types.Type(scalar="i"), True, "it must be a whole number, not true"),
        (patch_types.Type(scalar="i"), 1.5, "it must be a whole number, not 1.5"),
        (patch_types.Type(scalar="n"), 1.5, None),
        (patch_types.Type(scalar="b"), False, None),
        (patch_types.Type(scalar="b"), 0, "it must be true or false, not 0"),
        (patch_types.Type(scalar="q"), 0.5, None),
        (patch_types.Type(scalar="q"), "1Gi", None),
        (patch_types.Type(scalar="q"), [], "it must be a quantity, not"),
        (patch_types.Type(scalar="x"), "25%", None),
        (patch_types.Type(scalar="x"), 3, None),
        (patch_types.Type(scalar="x"), 1.5, "it must be a whole number or text, not 1.5"),
        (patch_types.Type(any_mapping=True), {"a": [1]}, None),
        (patch_types.Type(any_mapping=True), [], "it must be a mapping, not"),
        (
            patch_types.Type(value=patch_types.Type(scalar="s")),
            {"a": 1},
            "it.a must be text, not 1: write it in quotes",
        ),
        (
            patch_types.Type(item=patch_types.Type(scalar="s")),
            ["a", 1],
            "it[1] must be text, not 1: write it in quotes",
        ),
        (patch_types.Type(item=patch_types.Type(scalar="s")), "a", "it must be a list, not"),
        (patch_types.Type(item=patch_types.Type(scalar="s")), ["a", None], "it[1] must not be null: take the element"),
        (patch_types.ANYTHING, object, None),
        (patch_types.Type(scalar="s"), None, None),
    ],
)
def test_problems(kind: patch_types.Type, value: t.Any, problem: str | None) -> None:
    found = list(patch_types.problems(value, kind, "it"))
    assert len(found) == (1 if problem else 0)
    assert all(one.startswith(problem or "") for one in found)


def test_what_is_missing_is_told() -> None:
    container = {"env": [{"value": "a"}, {"name": "b", "valueFrom": {"secretKeyRef": {"name": "c"}}}], "image": "x"}
    value = {"spec": {"selector": {}, "template": {"spec": {"containers": [container]}}}}
    assert DEPLOYMENT
    assert list(patch_types.missing(value, DEPLOYMENT, "it")) == [
        "it.spec.template.spec.containers[0].name is required by Kubernetes: add it",
        "it.spec.template.spec.containers[0].env[0].name is required by Kubernetes: add it",
        "it.spec.template.spec.containers[0].env[b].valueFrom.secretKeyRef.key is required by Kubernetes: add it",
    ]


def test_nulls_go_where_they_mean_nothing() -> None:
    crd = patch_types.of_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert crd
    value = {
        "metadata": {"labels": {"a": None}, "annotations": None},
        "spec": {"versions": [{"name": None, "x": [None]}]},
    }
    after = {"metadata": {"labels": {}}, "spec": {"versions": [{"x": [None]}]}}
    assert patch_types.without_nulls(value, crd) == after
    assert patch_types.without_nulls({"spec": {"a": None}}, patch_types.CUSTOM) == {"spec": {"a": None}}
