# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the cluster can tell about a workload that is not ready: its newest pods, their trouble, events and logs.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds, rollout, trouble
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.trouble import Trouble

_EVENT: t.Final = kinds.named("Event")
_POD: t.Final = kinds.named("Pod")
_REPLICA_SET: t.Final = kinds.named("ReplicaSet")

_LOG_LINES: t.Final = 12
_EVENTS: t.Final = 5
_PASSWORD: t.Final = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")

P = t.ParamSpec("P")
T = t.TypeVar("T")


def troubles(cluster: Cluster, workload: Object, *, thorough: bool) -> list[Trouble]:
    """What keeps ``workload`` from being ready; ``thorough`` also reads the events of pods that are only slow."""
    owner, pods = newest_pods(cluster, workload)
    if not pods:
        return _told(cluster, [owner])
    found = []
    for pod in pods:
        one = trouble.of_pod(pod, is_job=workload["kind"] == "Job")
        if one and one.reason == trouble.UNSCHEDULABLE:
            found += _told(cluster, _claims(pod)) or [_unless_growing(cluster, pod, one)]
        elif one:
            found.append(one)
        elif thorough and _is_being_created(pod):
            found += _told(cluster, [pod, *_claims(pod)])
    return found


def _told(cluster: Cluster, subjects: t.Iterable[Object]) -> list[Trouble]:
    found = (trouble.of_events(subject, events(cluster, subject)) for subject in subjects)
    return [one for one in found if one]


def _unless_growing(cluster: Cluster, pod: Object, one: Trouble) -> Trouble:
    growing = trouble.is_growing(events(cluster, pod))
    return dataclasses.replace(one, patience=trouble.GROWTH) if growing else one


def newest_pods(cluster: Cluster, workload: Object) -> tuple[Object, list[Object]]:
    """What makes the newest pods of ``workload``, and these pods."""
    if workload["kind"] == "Pod":
        return workload, [workload]
    namespace = workload["metadata"]["namespace"]
    selector = label_selector(workload["spec"].get("selector") or {})
    owner = workload
    if workload["kind"] == "Deployment":
        # Pods of the old ReplicaSet are on their way out: their trouble is no trouble any more.
        sets = cluster.list(_REPLICA_SET, namespace, selector)
        newest = (one for one in sets if _owned(one, workload) and _revision(one) == _revision(workload))
        owner = next(newest, workload)
    return owner, [pod for pod in cluster.list(_POD, namespace, selector) if _owned(pod, owner)]


def events(cluster: Cluster, obj: Object) -> list[Object]:
    meta = obj["metadata"]
    chosen = f"involvedObject.kind={obj['kind']},involvedObject.name={meta['name']}"
    if meta.get("uid"):
        chosen += f",involvedObject.uid={meta['uid']}"
    return cluster.list(_EVENT, meta["namespace"], field_selector=chosen)


def explain(cluster: Cluster, workload: Object, what: Trouble | None) -> str:
    """Last log lines, events and a hint, as far as they can be had: telling why must not fail itself."""
    owner, pods = _safely(newest_pods, cluster, workload) or (workload, [])
    pod = _worst(pods, what)
    paragraphs = []
    if pod and (lines := _log(cluster, pod, what)):
        paragraphs += ["Last log lines:", *(f"  {line}" for line in lines)]
    subjects = {kinds.label(one): one for one in (workload, owner, pod) if one}
    told = [one for subject in subjects.values() for one in _safely(events, cluster, subject) or ()]
    if told:
        paragraphs += ["Events:", *(f"  {_line(event)}" for event in sorted(told, key=trouble.when)[-_EVENTS:])]
    if what and what.hint:
        paragraphs.append(f"Hint: {what.hint}")
    return "".join(f"\n{paragraph}" for paragraph in paragraphs)


def label_selector(selector: Object) -> str:
    """A selector of a workload as the text that a LIST takes."""
    parts = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        values = ",".join(one.get("values") or ())
        match one["operator"]:
            case "In" | "NotIn" as operator:
                parts.append(f"{one['key']} {operator.lower()} ({values})")
            case "Exists":
                parts.append(one["key"])
            case "DoesNotExist":
                parts.append(f"!{one['key']}")
    return ",".join(parts)


def _owned(obj: Object, owner: Object) -> bool:
    uid = owner["metadata"].get("uid")
    return any(one.get("uid") == uid for one in obj["metadata"].get("ownerReferences") or ())


def _revision(obj: Object) -> str | None:
    revision: str | None = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision")
    return revision


def _statuses(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _is_being_created(pod: Object) -> bool:
    reasons = {((one.get("state") or {}).get("waiting") or {}).get("reason") for one in _statuses(pod)}
    return bool(reasons & {"ContainerCreating", "PodInitializing"})


def _claims(pod: Object) -> t.Iterator[Object]:
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            meta = {"name": claim["claimName"], "namespace": pod["metadata"]["namespace"]}
            yield {"kind": "PersistentVolumeClaim", "metadata": meta}


def _worst(pods: t.Sequence[Object], what: Trouble | None) -> Object | None:
    """The pod to tell about: the one in trouble, else one that is not ready, else the last."""
    named = [pod for pod in pods if what and what.pod == pod["metadata"]["name"]]
    unready = [pod for pod in pods if not rollout.judge(pod).ready]
    return next(iter((*named, *unready, *reversed(pods))), None)


def _log(cluster: Cluster, pod: Object, what: Trouble | None) -> list[str]:
    container = what.container if what else _last_run(pod)
    if not container:
        return []
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    # The run that failed tells more than the one that has just begun.
    for previous in (True, False) if what and what.previous else (False,):
        if text := _safely(cluster.logs, namespace, name, container, _LOG_LINES, previous):
            return [_PASSWORD.sub(r"\1***@", line)[:300] for line in text.splitlines()]
    return []


def _last_run(pod: Object) -> str | None:
    """The container whose log tells most: one that ended with an error, else one that runs without being ready."""
    for one in _statuses(pod):
        ended = (one.get("state") or {}).get("terminated") or (one.get("lastState") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            return str(one["name"])
    running = [one["name"] for one in _statuses(pod) if "running" in (one.get("state") or {}) and not one.get("ready")]
    return running[0] if running else None


def _line(event: Object) -> str:
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    times = f" ({count} times)" if count > 1 else ""
    return f"{event.get('reason')}: {' '.join((event.get('message') or '').split())[:300]}{times}"


def _safely(function: t.Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    try:
        return function(*args, **kwargs)
    except Failure:
        return None
