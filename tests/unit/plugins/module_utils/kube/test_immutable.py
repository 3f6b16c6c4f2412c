"""Immutable fields are named, and data is never replaced."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import immutable
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError


def stateful_set(size: str = "1Gi", labels: dict[str, str] | None = None) -> dict[str, t.Any]:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}
    spec = {"selector": {"matchLabels": labels or {"app": "db"}}, "serviceName": "db", "volumeClaimTemplates": [claim]}
    return {"kind": "StatefulSet", "metadata": {"name": "db", "namespace": "n"}, "spec": spec}


def live(obj: dict[str, t.Any]) -> dict[str, t.Any]:
    """With what the API server adds."""
    obj = copy.deepcopy(obj)
    obj["spec"]["podManagementPolicy"] = "OrderedReady"
    obj["spec"]["volumeClaimTemplates"][0]["status"] = {"phase": "Pending"}
    return obj


def test_defaults_are_no_change() -> None:
    assert immutable.changes(stateful_set(), live(stateful_set())) == []


def test_a_change_is_named_with_both_values() -> None:
    path = "spec.volumeClaimTemplates[0].spec.resources.requests.storage"
    assert immutable.changes(stateful_set("2Gi"), live(stateful_set())) == [f"{path} (1Gi to 2Gi)"]


def test_a_field_that_is_not_declared_is_free() -> None:
    desired = stateful_set()
    del desired["spec"]["volumeClaimTemplates"]
    assert immutable.changes(desired, live(stateful_set())) == []
    assert immutable.changes({"kind": "ConfigMap", "data": {"a": "1"}}, {"data": {}}) == []


def test_pods_are_orphaned_only_where_the_new_set_adopts_them() -> None:
    assert immutable.propagation(stateful_set("2Gi"), live(stateful_set())) == "Orphan"
    assert immutable.propagation(stateful_set(labels={"app": "other"}), live(stateful_set())) == "Background"
    assert immutable.propagation({"kind": "Job", "spec": {}}, {"kind": "Job", "spec": {}}) == "Background"


@pytest.mark.parametrize(
    ("message", "status", "expected"),
    [
        ('Job.batch "a" is invalid: spec.template: Invalid value: ...: field is immutable', 422, True),
        ("updates to statefulset spec for fields other than 'replicas', ...", 422, True),
        ("roleRef: Invalid value: ...: cannot change roleRef", 422, True),
        ("spec is immutable after creation except resources.requests", 422, True),
        ("spec.clusterIPs[0]: Invalid value: []: may not be changed once set", 422, True),
        ("spec.replicas: Invalid value: -1", 422, False),
        ("field is immutable", 400, False),
    ],
)
def test_refusals(message: str, status: int, expected: bool) -> None:
    assert immutable.refused(ApiError(status, "Invalid", message)) is expected


def test_explanations_tell_what_stays() -> None:
    assert immutable.explanation(stateful_set(), ["x"]).endswith("make it anew; its pods and volumes stay")
    assert immutable.explanation({"kind": "Job"}, ["x", "y"]).startswith("x, y cannot be changed in place")
    assert "never replaced" in immutable.explanation({"kind": "PersistentVolumeClaim"}, ["x"])
    assert not immutable.replaceable({"kind": "Secret"})
