"""Whose the number of pods is: what needs no API server (tests/api/test_autoscaling.py has the rest)."""

from __future__ import annotations

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import replicas

# As KEDA 2.21 says it.
REFUSAL = (
    "admission webhook \"vscaledobject.kb.io\" denied the request: the workload 'web' of type 'apps/v1.Deployment' is "
    "already managed by the {} 'web'"
)


@pytest.mark.parametrize(
    ("by", "kind", "name", "goes"),
    [
        ("hpa", "HorizontalPodAutoscaler", "web", True),
        ("hpa", "HorizontalPodAutoscaler", "other", False),
        ("hpa", "ScaledObject", "web", False),
        ("ScaledObject", "HorizontalPodAutoscaler", "web", False),
    ],
)
def test_keda_may_have_what_another_autoscaler_leaves(by: str, kind: str, name: str, goes: bool) -> None:
    assert replicas.still_managed(REFUSAL.format(by), [{"kind": kind, "metadata": {"name": name}}]) is goes
