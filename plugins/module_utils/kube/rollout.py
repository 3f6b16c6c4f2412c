# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How far a workload is: the judgement of `kubectl rollout status`, for Jobs and pods as well.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object


class Rollout(t.NamedTuple):
    """How far a workload is."""

    ready: bool
    words: str
    """What is still awaited."""
    failed: str = ""
    """Why it will never be ready, once its controller has given up."""


READY: t.Final = Rollout(True, "ready")


def waitable(obj: Object) -> bool:
    return obj["kind"] in _JUDGES


def judge(obj: Object) -> Rollout:
    """How far ``obj`` is; a kind without an end of its own is ready at once."""
    judge_kind = _JUDGES.get(obj["kind"])
    if judge_kind is None:
        return READY
    status = obj.get("status") or {}
    if obj["kind"] not in ("Job", "Pod") and status.get("observedGeneration", 0) < obj["metadata"].get("generation", 0):
        return Rollout(False, "not seen by its controller yet")
    return judge_kind(obj["spec"], status)


def _deployment(spec: Object, status: Object) -> Rollout:
    if spec.get("paused"):
        return READY
    progressing = condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Rollout(False, "stuck", f"ProgressDeadlineExceeded: {progressing.get('message', '')}")
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if updated < wanted:
        return Rollout(False, f"{updated} of {wanted} pods are made")
    if status.get("replicas", 0) > updated:
        return Rollout(False, f"{status['replicas'] - updated} old pods have to go")
    return _available(status.get("availableReplicas", 0), wanted)


def _stateful_set(spec: Object, status: Object) -> Rollout:
    wanted = spec.get("replicas", 1)
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "OnDelete" and status.get("updateRevision") != status.get("currentRevision"):
        moved = wanted - ((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        updated = status.get("updatedReplicas", 0)
        if updated < moved:
            return Rollout(False, f"{updated} of {moved} pods are new")
    return _available(status.get("availableReplicas", 0), wanted)


def _daemon_set(spec: Object, status: Object) -> Rollout:
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    if (spec.get("updateStrategy") or {}).get("type") != "OnDelete" and updated < wanted:
        return Rollout(False, f"{updated} of {wanted} pods are new")
    return _available(status.get("numberAvailable", 0), wanted)


def _replica_set(spec: Object, status: Object) -> Rollout:
    return _available(status.get("availableReplicas", 0), spec.get("replicas", 1))


def _available(available: int, wanted: int) -> Rollout:
    return READY if available >= wanted else Rollout(False, f"{available} of {wanted} pods are available")


def _job(spec: Object, status: Object) -> Rollout:
    for name in ("Failed", "FailureTarget"):
        failed = condition(status, name)
        if failed.get("status") == "True":
            return Rollout(False, "failed", f"{failed.get('reason', 'Failed')}: {failed.get('message', '')}")
    if spec.get("suspend") or condition(status, "Complete").get("status") == "True":
        return READY
    return Rollout(False, f"{status.get('succeeded', 0)} of {spec.get('completions', 1)} runs have succeeded")


def _pod(_spec: Object, status: Object) -> Rollout:
    phase = status.get("phase", "Pending")
    if phase == "Failed":
        return Rollout(False, "failed", f"{status.get('reason', 'Failed')}: {status.get('message', '')}".rstrip(": "))
    if phase == "Succeeded" or condition(status, "Ready").get("status") == "True":
        return READY
    return Rollout(False, f"{phase.lower()}, not ready")


def condition(status: Object, name: str) -> dict[str, str]:
    """The condition of that type; an empty one when there is none."""
    return next((one for one in status.get("conditions") or () if one["type"] == name), {})


_JUDGES: t.Final[dict[str, t.Callable[[Object, Object], Rollout]]] = {
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
}
