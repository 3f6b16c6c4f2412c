"""What sleeps is what was applied, without pods, and in an order in which nothing is missed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import hibernation
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER
from ansible_collections.dagops.airflow.plugins.module_utils.kube.replicas import AUTOSCALED

Object = dict[str, t.Any]


def live(kind: str, component: str, **spec: t.Any) -> Object:
    """An object of ours, which somebody has scaled."""
    ours = {"f:metadata": {"f:labels": {"f:component": {}}, "f:annotations": {f"f:{AUTOSCALED}": {}}}}
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": f"airflow-{component}",
            "namespace": "airflow",
            "labels": {"component": component},
            "annotations": {AUTOSCALED: "1", "of-somebody": "else"},
            "managedFields": [
                {
                    "manager": FIELD_MANAGER,
                    "operation": "Apply",
                    "apiVersion": "v1",
                    "fieldsV1": {**ours, "f:spec": {f"f:{name}": {} for name in spec}},
                }
            ],
        },
        "spec": {**spec, "ofSomebody": 1},
    }


@pytest.mark.parametrize(
    ("kind", "spec", "notes"),
    [
        ("Deployment", {"a": 1, "replicas": 0}, {}),
        ("StatefulSet", {"a": 1, "replicas": 0}, {}),
        ("CronJob", {"a": 1, "suspend": True}, {}),
        ("ScaledObject", {"a": 1}, {"autoscaling.keda.sh/paused-replicas": "0"}),
    ],
)
def test_what_we_said_is_said_again_without_pods(kind: str, spec: Object, notes: Object) -> None:
    told = hibernation.asleep(live(kind, "x", a=1))
    assert told["spec"] == spec
    assert told["metadata"] == {
        "name": "airflow-x",
        "namespace": "airflow",
        "labels": {"component": "x"},
        "annotations": notes,
    }


def names(groups: list[list[Object]]) -> list[list[str]]:
    return [[obj["metadata"]["name"].removeprefix("airflow-") for obj in group] for group in groups]


def test_what_others_need_goes_after_them() -> None:
    objects = [live("StatefulSet", name) for name in ("redis", "postgresql")]
    objects += [live("Deployment", name) for name in ("pgbouncer", "api-server", "worker", "scheduler")]
    objects += [live("ScaledObject", "worker"), live("CronJob", "cleanup")]
    # Tasks speak to the API server until they end.
    rest = ["cleanup", "api-server"]
    assert names(hibernation.stages(objects, data=True)) == [
        ["scheduler"],
        ["worker"],
        ["worker"],
        rest,
        ["pgbouncer", "postgresql", "redis"],
    ]
    assert names(hibernation.stages(objects, data=False)) == [["scheduler"], ["worker"], ["worker"], rest]
