# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps pods from running, as Kubernetes tells it, and how long it is worth to hope.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label
from ansible_collections.dagops.airflow.plugins.module_utils.kube.rollout import condition


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """One reason why something does not run."""

    where: str
    """``Pod/airflow/web-0, container web``."""
    reason: str
    message: str = ""
    patience: float = 0.0
    """Seconds after which it is not going to pass by itself."""
    hint: str = ""
    topic: str = ""
    """What it is about, where that has several reasons by turns."""
    pod: str = ""
    container: str = ""
    """The container whose log tells why, where one does."""
    previous: bool = False
    """Whether it is the log of its previous run."""

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" + (f": {self.message}" if self.message else "")


UNSCHEDULABLE: t.Final = "Unschedulable"

_IMAGE_HINT: t.Final = (
    "Check the name and tag of the image, that the nodes reach its registry, and the image pull secrets."
)
_IMAGE_FINAL: t.Final = re.compile(
    r"not found|manifest unknown|does not exist|unauthorized|denied|forbidden|no match for platform|invalid reference"
    # Images of this name are loaded onto the nodes, since no registry has it.
    r"|//localhost/",
    re.IGNORECASE,
)
_SCHEDULING_HINTS: t.Final = (
    (re.compile(r'persistentvolumeclaim "[^"]+" not found'), "Make the missing claim, or correct its name."),
    (re.compile(r"Insufficient|Too many pods"), "Lower resources.requests or the number of replicas, or add nodes."),
    (
        re.compile(r"PersistentVolumeClaim|volume|storageclass", re.IGNORECASE),
        "Check the StorageClass and its volumes.",
    ),
    (re.compile(r"taint|affinity|selector"), "Check node_selector, tolerations and affinity against the nodes."),
)
_MISSING: t.Final = re.compile(r'(?:secret|configmap) "[^"]+" not found|couldn\'t find key \S+', re.IGNORECASE)


def of_pod(pod: Object, *, is_job: bool = False) -> Trouble | None:
    """What is wrong with ``pod``, None while all goes well."""
    if pod["metadata"].get("deletionTimestamp"):
        return None
    status = pod.get("status") or {}
    scheduled = condition(status, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == UNSCHEDULABLE:
        return _unschedulable(pod, scheduled.get("message", ""))
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if trouble := _of_container(pod, container, is_job):
            return trouble
    return None


GROWTH: t.Final = 600.0
"""Seconds that a new node may take."""


def _unschedulable(pod: Object, message: str) -> Trouble:
    hint = next((hint for pattern, hint in _SCHEDULING_HINTS if pattern.search(message)), "")
    # Pods that end make room; what is not there does not come by itself.
    patience = 20.0 if "not found" in message else 90.0
    return Trouble(where=label(pod), reason=UNSCHEDULABLE, message=message, patience=patience, hint=hint)


def _of_container(pod: Object, container: Object, is_job: bool) -> Trouble | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), " ".join((waiting.get("message") or "").split())
    name = container["name"]
    found = Trouble(
        where=f"{label(pod)}, container {name}", reason=reason, message=message, pod=pod["metadata"]["name"]
    )
    match reason:
        case "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError":
            return dataclasses.replace(found, hint=_IMAGE_HINT)
        case "ErrImagePull" | "ImagePullBackOff":
            # A registry that is away for a moment is tried again; one that does not have the image is not.
            patience = 0.0 if _IMAGE_FINAL.search(message) else 60.0
            return dataclasses.replace(found, patience=patience, hint=_IMAGE_HINT, topic="image")
        case "CreateContainerConfigError":
            hint = "Make the missing object or key, or correct its name." if _MISSING.search(message) else ""
            return dataclasses.replace(found, patience=5.0, hint=hint)
        case "CreateContainerError" | "RunContainerError":
            return dataclasses.replace(found, patience=15.0, hint="Check the command, mounts and security context.")
        case "CrashLoopBackOff":
            # A Job counts its failures itself.
            return None if is_job else _crash_loop(found, container)
    return None


def _crash_loop(found: Trouble, container: Object) -> Trouble:
    restarts = container.get("restartCount", 0)
    last = (container.get("lastState") or {}).get("terminated") or {}
    why = ", ".join(
        part
        for part in (
            f"exit code {last['exitCode']}" if "exitCode" in last else "",
            last.get("reason", "") if last.get("reason") != "Error" else "",
        )
        if part
    )
    killed = last.get("reason") == "OOMKilled"
    return dataclasses.replace(
        found,
        message=f"restarted {restarts} times" + (f" ({why})" if why else ""),
        # The first restart may be bad luck.
        patience=0.0 if restarts >= 2 else 30.0,
        hint="Raise its memory limit." if killed else "Its last words tell why it ends.",
        container=container["name"],
        previous=True,
    )


def of_events(owner: Object, events: t.Iterable[Object]) -> Trouble | None:
    """What the events of ``owner`` tell of pods or volumes that could not be made; None when nothing."""
    for event in sorted(events, key=when, reverse=True):
        reason, message = event.get("reason", ""), " ".join((event.get("message") or "").split())
        found = Trouble(where=label(owner), reason=reason, message=message)
        match reason:
            case "FailedCreate":
                return dataclasses.replace(found, patience=10.0, hint=_creation_hint(message))
            case "ProvisioningFailed":
                patience = 10.0 if "not found" in message else 60.0
                return dataclasses.replace(found, patience=patience, hint="Check the StorageClass and its provisioner.")
            case "FailedMount" | "FailedAttachVolume":
                if "not found" in message:
                    return dataclasses.replace(found, patience=5.0, hint="Make what is missing, or correct its name.")
                return dataclasses.replace(found, patience=90.0, hint="Check the volume and its driver.")
            case "SuccessfulCreate" | "SuccessfulAttachVolume" | "ProvisioningSucceeded":
                return None
    return None


def is_growing(events: t.Iterable[Object]) -> bool:
    """Whether the events of a pod tell that a node is being made for it."""
    return any(event.get("reason") in ("TriggeredScaleUp", "Nominated") for event in events)


def _creation_hint(message: str) -> str:
    if "exceeded quota" in message:
        return "Raise the ResourceQuota, or lower resources or replicas."
    if "must specify" in message or "limit" in message.lower():
        return "Set resources within the LimitRange and ResourceQuota of the namespace."
    if "violates PodSecurity" in message:
        return "Keep to the namespace's Pod Security level, or change the level."
    if "serviceaccount" in message:
        return "Make the ServiceAccount, or correct its name."
    return "An admission rule of the cluster refuses the pod."


def when(event: Object) -> str:
    """The time of an event, as text that sorts."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )
