"""Trouble is told in Kubernetes' own words, with a hint, and with the time it is worth to hope."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import trouble


def pod(*containers: dict[str, t.Any], **status: t.Any) -> dict[str, t.Any]:
    meta = {"name": "web-0", "namespace": "n"}
    return {"kind": "Pod", "metadata": meta, "status": {"containerStatuses": list(containers), **status}}


def waiting(reason: str, message: str = "", **body: t.Any) -> dict[str, t.Any]:
    return {"name": "app", "state": {"waiting": {"reason": reason, "message": message}}, **body}


@pytest.mark.parametrize(
    ("container", "patience", "hint"),
    [
        (waiting("InvalidImageName"), 0, "name and tag"),
        (waiting("ErrImageNeverPull"), 0, "name and tag"),
        (waiting("ErrImagePull", "manifest unknown"), 0, "name and tag"),
        (waiting("ImagePullBackOff", "pull access denied"), 0, "pull secrets"),
        (waiting("ImagePullBackOff", 'Head "http://localhost/v2/airflow": refused'), 0, "name and tag"),
        (waiting("ErrImagePull", "i/o timeout"), 60, "registry"),
        (waiting("CreateContainerConfigError", 'secret "x" not found'), 5, "Make the missing object"),
        (waiting("CreateContainerConfigError", "couldn't find key a in Secret n/x"), 5, "Make the missing object"),
        (waiting("CreateContainerConfigError", "something else"), 5, ""),
        (waiting("RunContainerError", "no such file"), 15, "Check the command"),
        (waiting("CrashLoopBackOff", restartCount=1), 30, "last words"),
        (waiting("CrashLoopBackOff", restartCount=2), 0, "last words"),
    ],
)
def test_containers(container: dict[str, t.Any], patience: float, hint: str) -> None:
    found = trouble.of_pod(pod(container))
    assert found
    assert found.where == "Pod/n/web-0, container app"
    assert found.patience == patience
    assert hint in found.hint


def test_a_crash_loop_tells_how_it_ended_and_where_to_look() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    found = trouble.of_pod(pod(waiting("CrashLoopBackOff", restartCount=3, lastState=ended)))
    assert found
    assert str(found) == ("Pod/n/web-0, container app: CrashLoopBackOff: restarted 3 times (exit code 137, OOMKilled)")
    assert found.hint == "Raise its memory limit."
    assert (found.pod, found.container, found.previous) == ("web-0", "app", True)


def test_a_job_counts_its_failures_itself() -> None:
    assert trouble.of_pod(pod(waiting("CrashLoopBackOff", restartCount=5)), is_job=True) is None


@pytest.mark.parametrize(
    "fine",
    [
        pod(waiting("ContainerCreating")),
        pod({"name": "app", "state": {"running": {}}}),
        pod(),
        {**pod(waiting("InvalidImageName")), "metadata": {"name": "a", "deletionTimestamp": "now"}},
    ],
)
def test_no_trouble(fine: dict[str, t.Any]) -> None:
    assert trouble.of_pod(fine) is None


def test_init_containers_count() -> None:
    found = trouble.of_pod(pod({"name": "b"}, initContainerStatuses=[waiting("InvalidImageName")]))
    assert found
    assert found.reason == "InvalidImageName"


@pytest.mark.parametrize(
    ("message", "patience", "hint"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", 90, "Lower resources.requests"),
        ('persistentvolumeclaim "x" not found', 20, "Make the missing claim"),
        ("pod has unbound immediate PersistentVolumeClaims", 90, "Check the StorageClass"),
        ("1 node(s) had untolerated taint {a: b}", 90, "tolerations"),
        ("something new", 90, ""),
    ],
)
def test_scheduling(message: str, patience: float, hint: str) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    found = trouble.of_pod(pod(conditions=[condition]))
    assert found
    assert found.message == message
    assert found.patience == patience
    assert hint in found.hint


def event(reason: str, message: str = "", at: str = "1", **body: t.Any) -> dict[str, t.Any]:
    return {"reason": reason, "message": message, "lastTimestamp": at, "metadata": {}, **body}


OWNER = {"kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "n"}}


@pytest.mark.parametrize(
    ("reason", "message", "hint"),
    [
        ("FailedCreate", "pods is forbidden: exceeded quota: q", "Raise the ResourceQuota"),
        ("FailedCreate", "must specify limits.cpu", "LimitRange"),
        ("FailedCreate", 'violates PodSecurity "restricted:latest"', "Pod Security"),
        ("FailedCreate", 'serviceaccount "x" not found', "ServiceAccount"),
        ("FailedCreate", 'admission webhook "policy" denied the request', "admission rule"),
        ("ProvisioningFailed", 'storageclass "x" not found', "StorageClass"),
        ("FailedMount", 'configmap "x" not found', "Make what is missing"),
        ("FailedAttachVolume", "timed out", "Check the volume"),
    ],
)
def test_events(reason: str, message: str, hint: str) -> None:
    found = trouble.of_events(OWNER, [event("Scheduled", at="0"), event(reason, message)])
    assert found
    assert found.where == "ReplicaSet/n/web"
    assert hint in found.hint


def test_what_was_overcome_is_no_trouble() -> None:
    events = [event("FailedCreate", at="1"), event("SuccessfulCreate", at="2")]
    assert trouble.of_events(OWNER, events) is None
    assert trouble.of_events(OWNER, []) is None
    assert trouble.of_events(OWNER, [event("Pulled")]) is None


def test_growing_clusters_are_waited_for() -> None:
    assert trouble.is_growing([event("FailedScheduling"), event("TriggeredScaleUp")])
    assert not trouble.is_growing([event("FailedScheduling")])


def test_the_time_of_events_of_all_sorts() -> None:
    assert trouble.when({"series": {"lastObservedTime": "3"}, "eventTime": "1", "metadata": {}}) == "3"
    assert trouble.when({"eventTime": "1", "metadata": {}}) == "1"
    assert trouble.when({"metadata": {"creationTimestamp": "2"}}) == "2"
    assert trouble.when({"metadata": {}}) == ""
