"""Checksums cover exactly what the pods of a workload read."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import checksums
from ansible_collections.dagops.airflow.plugins.module_utils.kube.checksums import Reference

SECRET = {"kind": "Secret", "data": {"a": "x", "b": "y"}}
CONFIG = {"kind": "ConfigMap", "data": {"a": "x", "b": "y"}}


def workload(kind: str = "Deployment", annotations: dict[str, str] | None = None, **spec: t.Any) -> dict[str, t.Any]:
    pod = {"containers": [{"name": "c"}], **spec}
    return {
        "kind": kind,
        "metadata": {"name": "web", "namespace": "n", "annotations": annotations},
        "spec": {"template": {"spec": pod}},
    }


def container(**body: t.Any) -> dict[str, t.Any]:
    return {"containers": [{"name": "c", **body}]}


def env(field: str, name: str, key: str) -> dict[str, t.Any]:
    return {"name": key.upper(), "valueFrom": {field: {"name": name, "key": key}}}


@pytest.mark.parametrize(
    ("spec", "kind", "keys"),
    [
        (container(env=[env("secretKeyRef", "x", "a"), env("secretKeyRef", "x", "b")]), "Secret", {"a", "b"}),
        (container(env=[env("configMapKeyRef", "x", "a")]), "ConfigMap", {"a"}),
        (container(envFrom=[{"secretRef": {"name": "x"}}]), "Secret", None),
        (
            container(envFrom=[{"configMapRef": {"name": "x"}}], env=[env("configMapKeyRef", "x", "a")]),
            "ConfigMap",
            None,
        ),
        ({"initContainers": [{"env": [env("secretKeyRef", "x", "a")]}]}, "Secret", {"a"}),
        ({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}, "ConfigMap", None),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "x", "items": [{"key": "a", "path": "p"}]}}]},
            "Secret",
            {"a"},
        ),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "x"}}]}}]}, "Secret", None),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "x"}}]}}]}, "ConfigMap", None),
    ],
)
def test_references(spec: dict[str, t.Any], kind: str, keys: set[str] | None) -> None:
    expected = None if keys is None else frozenset(keys)
    assert checksums.references(workload(**spec)) == {Reference(kind, "n", "x"): expected}


def test_all_keys_win_over_some() -> None:
    both = container(envFrom=[{"configMapRef": {"name": "x"}}], env=[env("configMapKeyRef", "x", "a")])
    assert checksums.references(workload(**both)) == {Reference("ConfigMap", "n", "x"): None}


def test_other_volumes_are_no_references() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "projected": {"sources": [{"downwardAPI": {}}]}}]
    assert checksums.references(workload(volumes=volumes)) == {}


@pytest.mark.parametrize("kind", ["Job", "CronJob", "Pod", "ConfigMap"])
def test_what_runs_once_needs_no_checksum(kind: str) -> None:
    one = workload(kind, **container(envFrom=[{"secretRef": {"name": "x"}}]))
    assert checksums.references(one) == {}
    assert checksums.annotated(one, lambda _reference: {"a": "x"}) is one


def test_a_reference_can_be_left_out() -> None:
    both = container(envFrom=[{"secretRef": {"name": "x"}}, {"configMapRef": {"name": "y"}}])
    one = workload(annotations={checksums.IGNORE: "Secret/x, ConfigMap/z"}, **both)
    assert list(checksums.references(one)) == [Reference("ConfigMap", "n", "y")]


def annotations(one: dict[str, t.Any], key: bytes | None = b"k", **found: t.Any) -> dict[str, str]:
    made = checksums.annotated(
        one, lambda reference: checksums.fingerprints(found[reference.name], key) if reference.name in found else None
    )
    assert "metadata" not in one["spec"]["template"]
    return dict(made["spec"]["template"].get("metadata", {}).get("annotations", {}))


def test_annotations_change_with_what_is_read_only() -> None:
    one = workload(**container(env=[env("configMapKeyRef", "x", "a")]))
    before = annotations(one, x=CONFIG)
    assert list(before) == ["checksum/configmap-x"]
    assert annotations(one, x={**CONFIG, "data": {"a": "x", "b": "other"}}) == before
    assert annotations(one, x={**CONFIG, "data": {"a": "other", "b": "y"}}) != before


def test_secrets_are_hashed_with_the_key() -> None:
    one = workload(**container(envFrom=[{"secretRef": {"name": "x"}}]))
    assert annotations(one, b"k", x=SECRET) != annotations(one, b"l", x=SECRET)
    assert annotations(one, None, x=SECRET) == {}


def test_what_is_not_there_has_no_checksum() -> None:
    assert annotations(workload(**container(envFrom=[{"secretRef": {"name": "x"}}]))) == {}


def test_long_names_fit_into_an_annotation() -> None:
    names = [f"{'n' * 100}{number}" for number in range(2)]
    one = workload(**container(envFrom=[{"configMapRef": {"name": name}} for name in names]))
    made = annotations(one, **dict.fromkeys(names, CONFIG))
    assert len(made) == 2
    assert all(len(name.removeprefix("checksum/")) <= 63 for name in made)


def test_fingerprints_tell_no_value() -> None:
    assert checksums.fingerprints(SECRET, None) is None
    made = checksums.fingerprints({"kind": "Secret", "data": {"a": "aHVudGVyMg=="}}, b"k")
    assert made
    assert "aHVudGVyMg==" not in str(made)


def test_references_without_a_name_are_left_to_the_api_server() -> None:
    container = {
        "env": [{"valueFrom": {"configMapKeyRef": {}}}, {"valueFrom": {"secretKeyRef": None}}],
        "envFrom": [{"configMapRef": {}}, {"secretRef": None}],
    }
    volumes = [{"configMap": {}}, {"secret": None}, {"projected": {"sources": [{"secret": {}}]}}]
    spec = {"containers": [container], "volumes": volumes}
    workload = {"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": spec}}}
    assert checksums.references(workload) == {}
