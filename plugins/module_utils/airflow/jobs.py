# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs Jobs of an instance: those that work on its database one at a time, taken over where a run was interrupted.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import re
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Target
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, rollout, wait
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.lease import Lock

Told = dict[str, t.Any]

TOLD: t.Final = frozenset({"before", "probe"})
"""What a script says in its last words, and no crash does."""

_JOB: t.Final = named("Job")
_POD: t.Final = named("Pod")
_GONE_PATIENCE: t.Final = 60.0
_LOG_PAUSE: t.Final = 2.0
"""Seconds between two looks at the log: a migration that takes less needs no report."""
_LOG_TAIL: t.Final = 20
_STEP: t.Final = re.compile(r"Running ((?:upgrade|downgrade) \w* -> \w*(?:, [^\[\"\n]*)?)")


class Jobs:
    """The Jobs of one instance, under its Lease where they change anything."""

    def __init__(
        self,
        cluster: Cluster,
        where: Target,
        lock: Lock,
        *,
        timeout: float,
        notify: t.Callable[[str], None],
        component: str = "migrate",
        words: t.Callable[[t.Iterable[Object]], Told | None] | None = None,
    ) -> None:
        self._component = component
        self._words = words or last_words
        self._cluster = cluster
        self._where = where
        self._lock = lock
        self._timeout = timeout
        self._notify = notify

    def run(self, job: Object, doing: str) -> tuple[Object, Told | None]:
        """The Job and what it told at its end; raises ``Failure``, with its last log lines, where it told nothing."""
        self._lock.acquire({}, engine.LOCK_PATIENCE, self._notify)
        try:
            self._wait_for_others(job)
            job = self._started(job)
            return job, self._told(job, doing)
        finally:
            self._lock.rest({})

    def try_out(
        self, job: Object, doing: str, beside: t.Callable[[Object], t.Sequence[Object]] = lambda _job: ()
    ) -> Told | None:
        """What a Job told that changes nothing: no other one is in its way, and it goes whatever its end is.

        ``beside`` is what it reads, and what it owns: its pod waits until that is there.
        """
        self._lock.acquire({}, engine.LOCK_PATIENCE, self._notify)
        try:
            job = self._started(job)
            try:
                for obj in beside(job):
                    self._cluster.apply(obj, force=True)
                return self._told(job, doing)
            finally:
                self.remove(job)
        finally:
            self._lock.rest({})

    def run_beside(self, job: Object, doing: str) -> Object:
        """A Job that changes nothing, for which nobody has to wait; raises ``Failure`` where it fails."""
        job = self._started(job)
        self._notify(f"{label(job)} {doing}")
        wait.until_ready(self._cluster, [job], timeout=self._timeout, notify=self._notify)
        return job

    def _told(self, job: Object, doing: str) -> Told | None:
        """What a Job told at its end."""
        self._notify(f"{label(job)} {doing}")
        look = self._look(job)
        try:
            # The controller says of the Job what its container has said some three seconds before.
            wait.until_ready(
                self._cluster,
                [job],
                timeout=self._timeout,
                notify=self._notify,
                alive=self._lock.renew,
                over=lambda: look() is not None,
            )
        except Failure as failure:
            if told := look():
                return told
            raise Failure(failure.message, **{**failure.details, "job": job["metadata"]["name"]}) from failure
        return look()

    def _look(self, job: Object) -> _Look:
        return _Look(self._cluster, job, self._words, self._notify)

    def output(self, job: Object) -> str:
        """All that the container of a Job that has ended printed."""
        pods = pods_of(self._cluster, job)
        return self._cluster.logs(job["metadata"]["namespace"], pods[0]["metadata"]["name"]) if pods else ""

    def remove(self, job: Object) -> None:
        """Delete a Job that has nothing to tell any more."""
        meta = job["metadata"]
        self._cluster.delete(_JOB, meta["name"], meta["namespace"], uid=meta["uid"])

    def _wait_for_others(self, job: Object) -> None:
        """One at a time: another image's may be under way, left by a run that was interrupted."""
        jobs = self._cluster.list(_JOB, self._where.namespace, label_selector=self._where.selector(self._component))
        for other in jobs:
            if other["metadata"]["name"] != job["metadata"]["name"] and self._is_running(other):
                self._notify(f"{label(other)} is under way; waiting for its end")
                self._await_other(other, self._look(other))

    def _await_other(self, other: Object, look: _Look) -> None:
        """Wait for the end of somebody else's Job, whatever end that is."""
        try:
            wait.until_ready(
                self._cluster, [other], timeout=self._timeout, notify=self._notify, over=lambda: look() is not None
            )
        except Failure:
            there = self._cluster.get(_JOB, other["metadata"]["name"], self._where.namespace)
            if there and self._is_running(there):
                raise

    def _is_running(self, job: Object) -> bool:
        """The controller calls a Job active for some seconds after its container's last words."""
        return is_active(job) and self._words(pods_of(self._cluster, job)) is None

    def _started(self, job: Object) -> Object:
        """The running Job: made, or taken over from a run that was interrupted."""
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        deadline = time.monotonic() + _GONE_PATIENCE
        while True:
            try:
                return self._cluster.create(job)
            except ApiError as error:
                if not error.exists:
                    raise
            there = self._cluster.get(_JOB, name, namespace)
            if there and self._is_running(there):
                self._notify(f"{label(there)} is running already; waiting for its end")
                return there
            if there and not there["metadata"].get("deletionTimestamp"):
                # Jobs run once; what this one found may no longer be true (a backup was restored, say).
                self.remove(there)
            elif time.monotonic() >= deadline:
                raise Failure(
                    f"{label(job)} of an earlier run is being deleted, and that does not end: see its finalizers "
                    f"(kubectl get job {name} -n {namespace} -o yaml)."
                )
            else:
                time.sleep(0.25)


class _Look:
    """Looks at a Job: what it told, if it has ended, and which step it is at, if it goes on for longer."""

    def __init__(
        self,
        cluster: Cluster,
        job: Object,
        words: t.Callable[[t.Iterable[Object]], Told | None],
        notify: t.Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._job = job
        self._words = words
        self._notify = notify
        self._read = time.monotonic()
        self._step = ""

    def __call__(self) -> Told | None:
        pods = pods_of(self._cluster, self._job)
        told = self._words(pods)
        if told is None and pods and time.monotonic() - self._read >= _LOG_PAUSE:
            self._read = time.monotonic()
            self._tell(pods[0]["metadata"]["name"])
        return told

    def _tell(self, pod: str) -> None:
        """Say which revision it is at; a log that cannot be read yet is no reason to stop."""
        try:
            log = self._cluster.logs(self._job["metadata"]["namespace"], pod, tail=_LOG_TAIL)
        except Failure:
            return
        found = step(log)
        if found and found != self._step:
            self._step = found
            self._notify(f"{label(self._job)}: {found}")


def pods_of(cluster: Cluster, job: Object) -> list[Object]:
    """The pods of this very Job, the newest first: those of an earlier one of its name may still be there."""
    meta = job["metadata"]
    pods = cluster.list(_POD, meta["namespace"], label_selector=f"batch.kubernetes.io/controller-uid={meta['uid']}")
    return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def last_words(pods: t.Iterable[Object]) -> Told | None:
    """What the container of a Job told at its end."""
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or ():
            ended = (container.get("state") or {}).get("terminated") or {}
            if told := parsed(ended.get("message") or ""):
                return told
    return None


def step(log: str) -> str | None:
    """The last step of a migration that a log tells of: ``upgrade a -> b, Add a column``."""
    found = _STEP.findall(log)
    return found[-1].strip() if found else None


def is_active(job: Object) -> bool:
    """Whether a Job goes on."""
    status = job.get("status") or {}
    ended = any(rollout.condition(status, name).get("status") == "True" for name in ("Complete", "Failed"))
    return not ended and not job["metadata"].get("deletionTimestamp")


def parsed(message: str) -> Told | None:
    """The script's JSON; log lines, which the kubelet puts there after a crash, are none."""
    try:
        told = json.loads(message)
    except ValueError:
        return None
    return told if isinstance(told, dict) and not TOLD.isdisjoint(told) else None
