"""The one wait: what it sees in a real API server, whose controllers and kubelet are played by the tests."""

from __future__ import annotations

import datetime
import itertools
import threading
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import evidence, kinds, wait
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.api.support import Site, workload

REVISION = "deployment.kubernetes.io/revision"
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "app", "image": "example/app:1"}]}}
_numbers = itertools.count()


class Stage:
    """A namespace in which the tests do what controllers, scheduler and kubelet would."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.told: list[str] = []

    def create(self, obj: Object) -> Object:
        obj["metadata"]["namespace"] = self._site.namespace
        made = self._site.cluster.create(obj)
        return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **made}

    def status(self, obj: Object, **status: t.Any) -> Object:
        """Write the status of an object, as its controller would."""
        meta = obj["metadata"]
        path = kinds.named(obj["kind"]).path(meta["namespace"], meta["name"]) + "/status"
        merge = "application/merge-patch+json"
        return self._site.cluster.request("PATCH", path, body={"status": status}, content_type=merge)

    def deployment(self, *, revision: str = "2") -> Object:
        deployment = workload("Deployment", "web")
        deployment["metadata"]["annotations"] = {REVISION: revision}
        deployment["spec"]["selector"] = {"matchLabels": LABELS}
        deployment["spec"]["template"] = TEMPLATE
        made = self.create(deployment)
        return self.status(made, observedGeneration=1, replicas=1, updatedReplicas=1)

    def replica_set(self, deployment: Object, *, revision: str = "2") -> Object:
        return self.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"web-{revision}",
                    "labels": LABELS,
                    "annotations": {REVISION: revision},
                    "ownerReferences": [owner(deployment)],
                },
                "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE},
            }
        )

    def pod(self, made_by: Object, *, volumes: t.Sequence[Object] = (), **status: t.Any) -> Object:
        pod = self.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"web-{next(_numbers)}", "labels": LABELS, "ownerReferences": [owner(made_by)]},
                "spec": {**TEMPLATE["spec"], "volumes": list(volumes)},
            }
        )
        return self.status(pod, phase="Pending", **status)

    def event(self, about: Object, reason: str, message: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        meta = about["metadata"]
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"event-{next(_numbers)}"},
                "involvedObject": {
                    "kind": about["kind"],
                    "name": meta["name"],
                    "namespace": self._site.namespace,
                    **({"uid": meta["uid"]} if "uid" in meta else {}),
                },
                "reason": reason,
                "message": message,
                "type": "Warning",
                "count": 3,
                "firstTimestamp": now,
                "lastTimestamp": now,
            }
        )

    def wait(self, *objects: Object, timeout: float = 60, **options: t.Any) -> None:
        wait.until_ready(self._site.cluster, objects, timeout=timeout, notify=self.told.append, **options)

    def failure(self, *objects: Object, timeout: float = 60, **options: t.Any) -> Failure:
        with pytest.raises(Failure) as caught:
            self.wait(*objects, timeout=timeout, **options)
        assert caught.value.details["unready"]
        return caught.value


def owner(obj: Object) -> Object:
    found: Object = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "controller": True}
    return {**found, "name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}


def container(reason: str, message: str = "", **more: t.Any) -> Object:
    """The status of the container of a pod that waits."""
    waiting = {"reason": reason, "message": message}
    base = {"name": "app", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    return {"containerStatuses": [{**base, "state": {"waiting": waiting}, **more}]}


@pytest.fixture
def stage(site: Site) -> Stage:
    return Stage(site)


READY = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


def test_what_is_ready_is_not_waited_for(stage: Stage, site: Site) -> None:
    deployment = stage.status(stage.deployment(), **READY, readyReplicas=1)
    before = site.cluster.requests
    stage.wait(deployment, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    assert site.cluster.requests == before


@pytest.mark.parametrize("selector", [None, "app=web"])
def test_it_ends_when_the_last_is_ready(stage: Stage, site: Site, selector: str | None) -> None:
    deployment = stage.deployment()
    other = workload("Deployment", "other")
    other["metadata"]["labels"] = LABELS
    path = kinds.named("Deployment").path(site.namespace, "web")
    merge = "application/merge-patch+json"
    site.cluster.request("PATCH", path, body={"metadata": {"labels": LABELS}}, content_type=merge)
    second = stage.status(stage.create(other), observedGeneration=1)

    def later() -> None:
        stage.status(deployment, **READY, readyReplicas=1)
        stage.status(second, **READY, readyReplicas=1)

    timer = threading.Timer(1, later)
    timer.start()
    stage.wait(deployment, second, selector=selector)
    timer.join()


def test_a_crash_loop_is_told_with_its_exit_code_and_events(stage: Stage) -> None:
    deployment = stage.deployment()
    pod = stage.pod(
        stage.replica_set(deployment),
        **container(
            "CrashLoopBackOff",
            "back-off",
            restartCount=3,
            lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled", "containerID": "x"}},
        ),
    )
    stage.event(pod, "BackOff", "Back-off restarting failed\n container")
    told = str(stage.failure(deployment))
    assert f"Pod/{pod['metadata']['namespace']}/{pod['metadata']['name']}, container app: CrashLoopBackOff" in told
    assert "restarted 3 times (exit code 137, OOMKilled)" in told
    assert "BackOff: Back-off restarting failed container (3 times)" in told
    assert "Hint: Raise its memory limit." in told


def test_pods_on_their_way_out_do_not_count(stage: Stage) -> None:
    """Those of the old ReplicaSet crash, those of the new one come up."""
    deployment = stage.deployment()
    stage.pod(stage.replica_set(deployment, revision="1"), **container("CrashLoopBackOff", restartCount=9))
    stage.pod(stage.replica_set(deployment, revision="2"), **container("ContainerCreating"))
    told = str(stage.failure(deployment, timeout=3))
    assert "CrashLoopBackOff" not in told
    assert "1 of 1 workloads are not ready after 3 s" in told
    assert "0 of 1 pods are available" in told


@pytest.mark.parametrize(
    ("reason", "message", "hint"),
    [
        ("ErrImagePull", "manifest unknown: not found", "Check the name and tag of the image"),
        ("InvalidImageName", "couldn't parse image", "Check the name and tag of the image"),
        ("CreateContainerConfigError", 'secret "x" not found', "Make the missing object or key"),
    ],
)
def test_a_container_that_cannot_be_made(stage: Stage, reason: str, message: str, hint: str) -> None:
    deployment = stage.deployment()
    stage.pod(stage.replica_set(deployment), **container(reason, message))
    told = str(stage.failure(deployment))
    assert f"{reason}: {message}" in told
    assert hint in told


def unschedulable(message: str) -> Object:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"conditions": [condition]}


def test_no_room_is_waited_for_and_told(stage: Stage) -> None:
    deployment = stage.deployment()
    stage.pod(stage.replica_set(deployment), **unschedulable("0/1 nodes are available: 1 Insufficient cpu."))
    told = str(stage.failure(deployment, timeout=4))
    assert "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu." in told
    assert "Hint: Lower resources.requests" in told


def test_a_node_that_is_being_made_is_given_its_time(stage: Stage, site: Site) -> None:
    deployment = stage.deployment()
    pod = stage.pod(stage.replica_set(deployment), **unschedulable("1 Insufficient cpu."))
    stage.event(pod, "TriggeredScaleUp", "pod triggered scale-up")
    live = site.cluster.get(kinds.named("Deployment"), "web", site.namespace)
    assert live
    (trouble,) = evidence.troubles(site.cluster, live, thorough=False)
    assert trouble.patience >= 600


def test_a_volume_that_cannot_be_made_is_told_in_place_of_its_pod(stage: Stage) -> None:
    deployment = stage.deployment()
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "logs"}}
    volume = {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}}
    pod_status = unschedulable("pod has unbound immediate PersistentVolumeClaims")
    stage.pod(stage.replica_set(deployment), volumes=[volume], **pod_status)
    stage.event(claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    told = str(stage.failure(deployment, timeout=4))
    assert 'logs: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found' in told
    assert "Hint: Check the StorageClass and its provisioner." in told


def test_pods_that_may_not_be_made(stage: Stage) -> None:
    deployment = stage.deployment()
    replica_set = stage.replica_set(deployment)
    stage.event(replica_set, "FailedCreate", 'pods "web" is forbidden: exceeded quota: quota')
    told = str(stage.failure(deployment, timeout=4))
    assert "ReplicaSet" in told
    assert "exceeded quota" in told
    assert "Hint: Raise the ResourceQuota" in told


def test_a_rollout_that_its_controller_has_given_up(stage: Stage) -> None:
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": "has timed out progressing",
        "lastTransitionTime": None,
        "lastUpdateTime": None,
    }
    deployment = stage.status(stage.deployment(), observedGeneration=1, conditions=[condition])
    assert "ProgressDeadlineExceeded: has timed out progressing" in str(stage.failure(deployment))


def test_a_job_that_fails_is_told_at_once(stage: Stage) -> None:
    template = {"metadata": {"labels": LABELS}, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    meta = {"name": "web"}
    job = stage.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}})
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    failed = [
        {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the limit"}
        for kind in ("FailureTarget", "Failed")
    ]
    live = stage.status(job, startTime=now, failed=1, uncountedTerminatedPods={}, conditions=failed)
    told = str(stage.failure(live))
    assert "Job/" in told
    assert "BackoffLimitExceeded: Job has reached the limit" in told


def test_what_somebody_deletes_is_not_waited_for(stage: Stage, site: Site) -> None:
    deployment = stage.deployment()
    site.cluster.delete(kinds.named("Deployment"), "web", site.namespace)
    with pytest.raises(Failure, match="was deleted by somebody else while it was awaited"):
        stage.wait(deployment)


def test_who_knows_better_ends_it(stage: Stage) -> None:
    asked = iter([False, True])
    stage.wait(stage.deployment(), over=lambda: next(asked))


def test_it_tells_of_itself_and_keeps_the_lease(stage: Stage) -> None:
    deployment = stage.deployment()
    stage.pod(stage.replica_set(deployment), **container("ErrImagePull", "connection refused"))
    beats: list[int] = []
    stage.failure(deployment, timeout=7, alive=lambda: beats.append(1))
    assert beats
    (line, *_more) = stage.told
    assert "0 of 1 ready, waiting for Deployment/" in line
    assert "0 of 1 pods are available, ErrImagePull" in line
