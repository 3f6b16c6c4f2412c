"""Nothing is made before what it needs."""

from __future__ import annotations

import itertools
import random
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import order


def obj(kind: str, name: str = "a", namespace: str = "n") -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}


NEEDS = [
    ("Namespace", "ServiceAccount"),
    ("CustomResourceDefinition", "ScaledObject"),
    ("ResourceQuota", "Deployment"),
    ("ServiceAccount", "RoleBinding"),
    ("Role", "RoleBinding"),
    ("Secret", "StatefulSet"),
    ("ConfigMap", "Deployment"),
    ("PersistentVolumeClaim", "Deployment"),
    ("Service", "StatefulSet"),
    ("Deployment", "HorizontalPodAutoscaler"),
    ("Service", "Ingress"),
]


def test_what_is_needed_comes_first() -> None:
    for first, second in NEEDS:
        assert order.rank(obj(first)) < order.rank(obj(second)), (first, second)


def test_the_order_does_not_depend_on_the_order_given() -> None:
    objects = [obj(kind, name) for kind in {kind for pair in NEEDS for kind in pair} for name in "abc"]
    expected = order.ordered(objects)
    for _attempt in range(5):
        random.shuffle(objects)
        assert order.ordered(objects) == expected


def test_stages_are_all_objects_in_order() -> None:
    objects = [obj("Deployment"), obj("Secret"), obj("ConfigMap"), obj("Namespace")]
    stages = order.stages(objects)
    assert [[item["kind"] for item in stage] for stage in stages] == [
        ["Namespace"],
        ["ConfigMap", "Secret"],
        ["Deployment"],
    ]
    assert list(itertools.chain.from_iterable(stages)) == order.ordered(objects)
