"""Quantities are written as the API server writes them, and nothing else is touched."""

from __future__ import annotations

import decimal
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import quantities


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("512Mi", "512Mi"),
        ("0.5Gi", "512Mi"),
        ("1Ki", "1Ki"),
        ("0.5Ki", "512"),
        ("0.5", "500m"),
        ("500m", "500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1", "1"),
        ("1.0", "1"),
        ("1000", "1k"),
        ("1500000000", "1500M"),
        ("0", "0"),
        ("0Gi", "0"),
        (".5", "500m"),
        ("1e3", "1e3"),
        ("100n", "100n"),
        ("0.1n", "0.1n"),
        ("much", "much"),
        ("", ""),
    ],
)
def test_canonical(given: str, kept: str) -> None:
    assert quantities.canonical(given) == kept


def pod(**container: t.Any) -> dict[str, t.Any]:
    return {"kind": "Pod", "spec": {"containers": [{"name": "a", **container}]}}


def test_resources_are_normalised() -> None:
    resources = {"requests": {"cpu": 0.5, "memory": "1.5Gi"}, "limits": {"cpu": 2}}
    kept = {"requests": {"cpu": "500m", "memory": "1536Mi"}, "limits": {"cpu": "2"}}
    assert quantities.normalised(pod(resources=resources)) == pod(resources=kept)


def test_volumes_are_normalised() -> None:
    volumes = {"kind": "Pod", "spec": {"volumes": [{"emptyDir": {"sizeLimit": "1024Mi"}}]}}
    assert quantities.normalised(volumes)["spec"]["volumes"] == [{"emptyDir": {"sizeLimit": "1Gi"}}]


@pytest.mark.parametrize(
    "obj",
    [
        {"kind": "ConfigMap", "data": {"limits": "1000"}},
        {"kind": "Thing", "spec": {"limits": {"a": "1000"}}},
        pod(env=[{"name": "limits", "value": "1000"}]),
        {"kind": "Pod", "spec": {"nodeSelector": {"limits": "1000"}}},
        {"kind": "ResourceQuota", "spec": {"hard": {"pods": True, "x": None}}},
    ],
)
def test_what_is_no_quantity_stays(obj: dict[str, t.Any]) -> None:
    assert quantities.normalised(obj) == obj


@pytest.mark.parametrize(
    ("quantity", "value"),
    [("1Gi", 1024**3), ("1.5G", 1_500_000_000), ("500m", "0.5"), ("3", 3), ("2e3", 2000), ("1E", 10**18)],
)
def test_numbers(quantity: str, value: int | str) -> None:
    assert quantities.number(quantity) == decimal.Decimal(value)


def test_what_is_no_quantity_has_no_number() -> None:
    with pytest.raises(ValueError, match="2GB is no quantity"):
        quantities.number("2GB")
