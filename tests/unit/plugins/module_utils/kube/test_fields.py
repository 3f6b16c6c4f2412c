"""What managedFields say that we applied, and whether another apply would change it."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import fields

ME = "dagops.airflow"
DESIRED: dict[str, t.Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "n", "labels": {"app": "web"}},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "args": ["a", "b"],
                        "env": [{"name": "A", "value": "1"}],
                        "ports": [{"containerPort": 80}],
                    }
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
            }
        }
    },
}
CONTAINER_FIELDS = {
    ".": {},
    "f:name": {},
    "f:args": {},
    "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
}
FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:template": {
            "f:spec": {
                "f:containers": {'k:{"name":"app"}': CONTAINER_FIELDS},
                "f:volumes": {'k:{"name":"v"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
            }
        }
    },
}


def live(**entry: t.Any) -> dict[str, t.Any]:
    """The object as the API server keeps it: with defaults, and with what others have added."""
    obj = copy.deepcopy(DESIRED)
    obj["metadata"]["labels"]["theirs"] = "x"
    obj["spec"]["replicas"] = 1
    spec = obj["spec"]["template"]["spec"]
    container = spec["containers"][0]
    container["ports"][0]["protocol"] = "TCP"
    container["env"].insert(0, {"name": "INJECTED", "value": "x"})
    spec["containers"].append({"name": "sidecar"})
    mine = {"manager": ME, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": FIELDS}
    obj["metadata"]["managedFields"] = [{"manager": "other", "operation": "Update", "fieldsV1": {}}, {**mine, **entry}]
    return obj


def test_an_object_that_we_applied_says_what_is_desired() -> None:
    assert fields.says(DESIRED, live(), ME)


@pytest.mark.parametrize(
    "entry", [{"manager": "other"}, {"operation": "Update"}, {"apiVersion": "apps/v1beta1"}, {"subresource": "scale"}]
)
def test_only_our_own_apply_counts(entry: dict[str, str]) -> None:
    assert fields.applied(live(**entry), ME) is None
    assert not fields.says(DESIRED, live(**entry), ME)


def change_value(obj: dict[str, t.Any]) -> None:
    obj["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"


def add_field(obj: dict[str, t.Any]) -> None:
    obj["spec"]["paused"] = True


def remove_field(obj: dict[str, t.Any]) -> None:
    del obj["spec"]["template"]["spec"]["containers"][0]["env"]


def remove_item(obj: dict[str, t.Any]) -> None:
    obj["spec"]["template"]["spec"]["volumes"] = []


def reorder_arguments(obj: dict[str, t.Any]) -> None:
    obj["spec"]["template"]["spec"]["containers"][0]["args"].reverse()


@pytest.mark.parametrize("change", [change_value, add_field, remove_field, remove_item, reorder_arguments])
def test_any_change_is_seen(change: t.Callable[[dict[str, t.Any]], None]) -> None:
    desired = copy.deepcopy(DESIRED)
    change(desired)
    assert not fields.says(desired, live(), ME)


def test_a_value_that_somebody_changed_without_owning_it_is_seen() -> None:
    changed = live()
    changed["metadata"]["labels"]["app"] = "other"
    assert not fields.says(DESIRED, changed, ME)


def test_sets_and_indexes() -> None:
    obj = {
        "apiVersion": "v1",
        "metadata": {
            "finalizers": ["theirs", "ours"],
            "managedFields": [
                {
                    "manager": ME,
                    "operation": "Apply",
                    "apiVersion": "v1",
                    "fieldsV1": {"f:metadata": {"f:finalizers": {'v:"ours"': {}}}, "f:list": {"i:1": {}}},
                }
            ],
        },
        "list": ["a", "b"],
    }
    assert fields.applied(obj, ME) == {"metadata": {"finalizers": ["ours"]}, "list": ["b"]}


@pytest.mark.parametrize(
    ("desired", "live_value", "expected"),
    [
        ({"a": {}, "b": []}, {}, True),
        ({"a": None}, {}, True),
        ({"a": [1]}, {}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        # Defaults within lists are as good as left out, elsewhere they are somebody's choice.
        ([{"port": 80}], [{"port": 80, "protocol": "TCP"}], True),
        ([{"port": 80}], [{"port": 80, "protocol": "UDP"}], False),
        ({"port": 80}, {"port": 80, "protocol": "TCP"}, False),
        ([{"port": 80, "protocol": ""}], [{"port": 80, "protocol": "TCP"}], False),
        ([{"a": 1}], [{"a": 1}, {"b": 1}], False),
    ],
)
def test_same(desired: t.Any, live_value: t.Any, expected: bool) -> None:
    assert fields.same(desired, live_value) is expected


def test_managed_tells_our_objects_from_copies() -> None:
    assert fields.managed({"metadata": {"managedFields": [{"manager": ME, "operation": "Update"}]}}, ME)
    assert not fields.managed({"metadata": {"managedFields": [{"manager": "controller"}]}}, ME)
    assert not fields.managed({"metadata": {}}, ME)


def test_differences_name_path_and_values() -> None:
    have = {"a": [{"b": "x", "defaulted": True}], "c": None}
    assert list(fields.differences(have, {"a": [{"b": "x"}]}, "spec")) == []
    assert list(fields.differences(have, {"a": [{"b": "y"}]}, "spec")) == ["spec.a[0].b (x to y)"]
    assert list(fields.differences(have, {"c": {"d": 1}}, "spec")) == ['spec.c (nothing to {"d": 1})']
    assert list(fields.differences(have, {"a": []}, "spec")) == ['spec.a ([{"b": "x", "defaulted": true}] to nothing)']
    (long,) = fields.differences({"a": "x" * 100}, {"a": "y"}, "spec")
    assert long == f"spec.a ({'x' * 57}... to y)"
