"""How far workloads are, by the rules of `kubectl rollout status`."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import rollout


def workload(kind: str, spec: dict[str, t.Any], status: dict[str, t.Any], observed: int = 2) -> dict[str, t.Any]:
    meta = {"name": "a", "namespace": "n", "generation": 2}
    return {"kind": kind, "metadata": meta, "spec": spec, "status": {"observedGeneration": observed, **status}}


DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
STUCK = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too long"}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "words"),
    [
        ("Deployment", {"replicas": 2}, DONE, "ready"),
        ("Deployment", {"replicas": 0}, {}, "ready"),
        ("Deployment", {}, {}, "0 of 1 pods are made"),
        ("Deployment", {"replicas": 2}, {**DONE, "updatedReplicas": 1}, "1 of 2 pods are made"),
        ("Deployment", {"replicas": 2}, {**DONE, "replicas": 3}, "1 old pods have to go"),
        ("Deployment", {"replicas": 2}, {**DONE, "availableReplicas": 1}, "1 of 2 pods are available"),
        ("Deployment", {"replicas": 2, "paused": True}, {}, "ready"),
        (
            "StatefulSet",
            {"replicas": 1},
            {"availableReplicas": 1, "updateRevision": "a", "currentRevision": "a"},
            "ready",
        ),
        ("StatefulSet", {"replicas": 1}, {}, "0 of 1 pods are available"),
        (
            "StatefulSet",
            {"replicas": 2},
            {"availableReplicas": 2, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "1 of 2 pods are new",
        ),
        (
            "StatefulSet",
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {"availableReplicas": 2, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "ready",
        ),
        (
            "StatefulSet",
            {"replicas": 1, "updateStrategy": {"type": "OnDelete"}},
            {"availableReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "ready",
        ),
        ("DaemonSet", {}, {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}, "ready"),
        ("DaemonSet", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, "1 of 2 pods are new"),
        ("DaemonSet", {}, {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1}, "0 of 1 pods are available"),
        ("ReplicaSet", {"replicas": 1}, {"availableReplicas": 1}, "ready"),
        ("Job", {}, {}, "0 of 1 runs have succeeded"),
        ("Job", {"suspend": True}, {}, "ready"),
        ("Job", {}, {"conditions": [{"type": "Complete", "status": "True"}]}, "ready"),
        ("Pod", {}, {"phase": "Pending"}, "pending, not ready"),
        ("Pod", {}, {"phase": "Succeeded"}, "ready"),
        ("Pod", {}, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, "ready"),
        ("ConfigMap", {}, {}, "ready"),
    ],
)
def test_progress(kind: str, spec: dict[str, t.Any], status: dict[str, t.Any], words: str) -> None:
    state = rollout.judge(workload(kind, spec, status))
    assert state == rollout.Rollout(words == "ready", words)


@pytest.mark.parametrize(
    ("kind", "status", "why"),
    [
        ("Deployment", {"conditions": [STUCK]}, "ProgressDeadlineExceeded: too long"),
        (
            "Job",
            {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "no"}]},
            "BackoffLimitExceeded: no",
        ),
        ("Job", {"conditions": [{"type": "FailureTarget", "status": "True", "message": "no"}]}, "Failed: no"),
        ("Pod", {"phase": "Failed", "reason": "Evicted"}, "Evicted"),
    ],
)
def test_failures(kind: str, status: dict[str, t.Any], why: str) -> None:
    state = rollout.judge(workload(kind, {}, status))
    assert not state.ready
    assert state.failed == why


def test_a_status_of_before_the_change_does_not_count() -> None:
    state = rollout.judge(workload("Deployment", {"replicas": 2}, {**DONE, "conditions": [STUCK]}, observed=1))
    assert state == rollout.Rollout(False, "not seen by its controller yet")


def test_waitable() -> None:
    assert rollout.waitable({"kind": "Job"})
    assert not rollout.waitable({"kind": "ConfigMap"})
