# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The way back: remove the objects of one part of an instance, and nothing that is not ours.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import (
    apply,
    evidence,
    kinds,
    order,
    prune,
    scope,
    volumes,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube.apply import Action, Step
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER, Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.engine import (
    LOCK_PATIENCE,
    Ground,
    Outcome,
    Request,
    Voice,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import key, place

_NAMESPACE_NAME: t.Final = "f:kubernetes.io/metadata.name"


def remove(
    cluster: Cluster, request: Request, voice: Voice, *, wait: bool, timeout: float, strays: t.Sequence[Object] = ()
) -> Outcome:
    """Delete what the request declares and what earlier runs declared; data goes with ``delete_data`` only.

    ``strays`` are live objects that nobody declares and that go, too: Jobs that have run, pods of tasks.
    """
    ground = Ground(cluster, request)
    ours = _ours(ground)
    doomed = order.ordered([*(obj for obj in ours if _may_go(obj, request)), *strays])
    if request.delete_data:
        doomed = order.ordered([*doomed, *_claims(cluster, [*ours, *ground.declared], doomed)])
    kept = [obj for obj in ours if key(obj) not in {key(one) for one in doomed}]
    if request.check_mode:
        prune.delete(cluster, doomed, dry_run=True)
    elif doomed:
        _make(cluster, ground, doomed, kept, voice)
        if wait:
            _await_gone(cluster, doomed, timeout, voice)
    steps = [Step(action=Action.DELETE, live=obj) for obj in reversed(doomed)]
    return Outcome(steps=steps, left=order.ordered(kept))


def _ours(ground: Ground) -> list[Object]:
    if ground.scope:
        return [obj for obj in ground.live.objects() if ground.scope.owns(obj)]
    return [live for obj in ground.declared if (live := ground.live.find(key(obj)))]


def _may_go(obj: Object, request: Request) -> bool:
    if obj["kind"] not in prune.DATA:
        return True
    # A namespace that was there before us belongs to somebody, and so may anything in it.
    return request.delete_data and (obj["kind"] != "Namespace" or made_by_us(obj))


def made_by_us(namespace: Object) -> bool:
    """Whether we made ``namespace``, rather than found it: the API server labels it in the name of its maker."""
    for entry in namespace["metadata"].get("managedFields") or ():
        labels = (entry.get("fieldsV1") or {}).get("f:metadata", {}).get("f:labels", {})
        if _NAMESPACE_NAME in labels and entry.get("manager") != FIELD_MANAGER:
            return False
    return True


def _claims(cluster: Cluster, workloads: t.Iterable[Object], doomed: t.Iterable[Object]) -> list[Object]:
    """The volumes that StatefulSets made for their pods, which stay when a StatefulSet goes."""
    known = {key(obj) for obj in doomed}
    found = {
        key(claim): claim
        for workload in workloads
        for made in volumes.claims(cluster, workload).values()
        for claim in made
        if key(claim) not in known
    }
    return list(found.values())


def _make(cluster: Cluster, ground: Ground, doomed: list[Object], kept: list[Object], voice: Voice) -> None:
    lock, part = ground.lock, ground.scope
    if not lock or not part:
        prune.delete(cluster, doomed, dry_run=False)
        return
    lock.acquire({}, LOCK_PATIENCE, voice.progress)
    # With the namespace, the Lease goes by itself.
    lasting = [obj for obj in doomed if obj["kind"] != "Namespace"]
    final: dict[str, str] = {}
    try:
        prune.delete(cluster, lasting, dry_run=False)
        final = {part.note: scope.note_of(place(obj) for obj in kept)}
    finally:
        lock.rest(final)
    if not scope.notes_of_kinds(lock.notes):
        lock.delete()
    prune.delete(cluster, [obj for obj in doomed if obj["kind"] == "Namespace"], dry_run=False)


def _await_gone(cluster: Cluster, doomed: t.Sequence[Object], timeout: float, voice: Voice) -> None:
    deadline = time.monotonic() + timeout
    apply.await_gone(cluster, doomed, timeout, voice.progress)
    # Background deletion takes a workload away before its pods.
    selectors = {
        (obj["metadata"]["namespace"], evidence.label_selector(obj["spec"]["selector"]))
        for obj in doomed
        if obj["kind"] in ("DaemonSet", "Deployment", "Job", "StatefulSet") and obj["spec"].get("selector")
    }
    pods = kinds.named("Pod")
    for namespace, selector in sorted(selectors):
        left = cluster.list(pods, namespace, selector)
        apply.await_gone(cluster, left, max(deadline - time.monotonic(), 1.0), voice.progress)
