# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Lease per instance: two runs that change the same instance at once would undo each other's work.

A run takes it with its first change. Between two tasks it keeps it, for a short time that each task renews: so a whole
play is one run, and no task is needed that gives the Lease back.

The Lease also remembers which kinds of objects each part of an instance has, so that what is no longer declared is
found with few requests.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import getpass
import os
import socket
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

LEASE: t.Final = kinds.named("Lease")
DURATION: t.Final = 60
"""Seconds after which the Lease of a run that was killed while it made changes can be taken."""
BETWEEN_TASKS: t.Final = 15
"""Seconds after which the Lease of a run that makes no changes can be taken."""
PROCESS: t.Final = "airflow.dagops/process"
RUN: t.Final = "airflow.dagops/run"
_LONG_AGO: t.Final = 10
"""Times the duration, a silence that no wrong clock explains."""
_POLL: t.Final = 1.0

Notify = t.Callable[[str], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a Lease."""

    name: str
    """For people: ``alice@laptop, process 4711``."""
    process: str
    """The process without doubt, where that can be told: boot, pid namespace, pid, start."""
    run: str = ""
    """The run, where its tasks know of each other: on a bastion they have no parent in common."""


def holder(run: str = "") -> Holder:
    """This run of ansible-playbook. Its tasks are processes of their own, so their common parent stands for it."""
    pid = os.getppid()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A user id without a name, as in containers on OpenShift.
        user = str(os.getuid())
    return Holder(name=f"{user}@{socket.gethostname()}, process {pid}", process=_identity(pid), run=run)


def _identity(pid: int) -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name of the command comes second, in parentheses, and may hold anything.
            started = file.read().rpartition(")")[2].split()[19]
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}/{pid}/{started}"
    except (OSError, IndexError):
        return ""


def is_gone(process: str) -> bool:
    """Whether ``process`` ran on this very machine and does not any more."""
    boot, _slash, rest = process.partition("/")
    mine = _identity(os.getpid()).split("/")
    if not rest or mine[0] != boot or rest.split("/")[0] != mine[1]:
        return False
    pid = rest.split("/")[1]
    return _identity(int(pid)) != process


class Lock:
    """The Lease of one instance, as this run holds it."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        labels: dict[str, str],
        who: Holder,
        since: str | None = None,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._labels = labels
        self._who = who
        self._since = since
        self._renewed = 0.0
        self._duration = DURATION
        self._seen: tuple[str, float] | None = None
        self._known = False
        self.live: Object | None = None
        """The Lease as last seen."""

    def read(self) -> None:
        """Look at the Lease."""
        self.live, self._known = self._cluster.get(LEASE, self._name, self._namespace), True

    def read_once(self) -> dict[str, str]:
        """The notes of the Lease, which is looked at unless that was done before."""
        if not self._known:
            self.read()
        return self.notes

    @property
    def notes(self) -> dict[str, str]:
        """The annotations of the Lease as last seen."""
        return dict(((self.live or {}).get("metadata") or {}).get("annotations") or {})

    @property
    def held(self) -> str:
        """Who held the Lease last, and since when; another word each time that another run takes it."""
        spec = (self.live or {}).get("spec") or {}
        return f"{spec.get('holderIdentity', '')} {spec.get('acquireTime', '')}".strip()

    def acquire(self, notes: dict[str, str], patience: float, notify: Notify) -> bool:
        """Take the Lease and write ``notes``; wait up to ``patience`` seconds for whoever holds it.

        Returns whether somebody else held it, so that what was read before is no longer true. A run that has told who
        held it when it began (``since``) ends here instead: what its earlier tasks found may not be true any more.
        """
        deadline, waited = time.monotonic() + patience, False
        self._duration = DURATION
        self.read_once()
        while True:
            self._refuse_if_overtaken()
            waited = self.await_free(deadline - time.monotonic(), notify) or waited
            try:
                self._write(notes)
                return waited
            except ApiError as error:
                # Otherwise somebody was quicker, or changed the Lease since we read it.
                if not (error.exists or error.conflict):
                    raise
            waited = True
            time.sleep(0.1)
            self.read()

    def await_free(self, patience: float, notify: Notify) -> bool:
        """Wait up to ``patience`` seconds until nobody else holds the Lease; whether there was anybody."""
        deadline, told, waited = time.monotonic() + patience, 0.0, False
        while other := self.other():
            if time.monotonic() > deadline:
                raise Failure(
                    f"Another run is changing this instance: {other}. Wait until it ends; if it was killed, "
                    f"its Lease {self._namespace}/{self._name} is taken {DURATION} s after its last sign of life."
                )
            if time.monotonic() > told:
                notify(f"waiting for another run: {other}")
                told = time.monotonic() + 5
            waited = True
            time.sleep(_POLL)
            self.read()
        return waited

    def _refuse_if_overtaken(self) -> None:
        if self._since is None or self._is_mine() or self.held == self._since:
            return
        raise Failure(
            f"Another run has changed this instance since this one began: {self.held or 'it removed the instance'}. "
            "Nothing was changed by this task. Run again."
        )

    def other(self) -> str | None:
        """Who else holds the Lease, in words."""
        spec = (self.live or {}).get("spec") or {}
        name = spec.get("holderIdentity")
        if not name:
            return None
        process = self.notes.get(PROCESS, "")
        if self._is_mine() or is_gone(process) or self._is_silent(spec):
            return None
        return f"{name}, since {spec.get('acquireTime') or spec.get('renewTime')}"

    def _is_mine(self) -> bool:
        if self._who.run and self._who.run == self.notes.get(RUN):
            return True
        holder = ((self.live or {}).get("spec") or {}).get("holderIdentity")
        return (holder, self.notes.get(PROCESS, "")) == (self._who.name, self._who.process)

    def _is_silent(self, spec: Object) -> bool:
        """Whether the holder gave no sign of life for the duration of the Lease.

        Its clock may be wrong, so short silences are measured by ours, from when we first saw its last sign.
        """
        renewed, duration = str(spec.get("renewTime")), spec.get("leaseDurationSeconds") or DURATION
        if self._seen is None or self._seen[0] != renewed:
            self._seen = (renewed, time.monotonic())
        try:
            age = (_now() - datetime.datetime.fromisoformat(renewed)).total_seconds()
        except (ValueError, TypeError):
            return True
        return age > duration * _LONG_AGO or time.monotonic() - self._seen[1] > duration

    def renew(self) -> None:
        """Say that we live, when it is time to."""
        if not self._renewed or time.monotonic() - self._renewed < self._duration / 3:
            return
        try:
            self._write({})
        except ApiError as error:
            if not error.conflict:
                raise
            self.read()
            if self._is_mine():
                return
            self._renewed = 0.0
            if self._duration == DURATION:
                raise Failure(
                    f"Another run has taken this instance over ({self.other() or 'it has ended'}), since this one was "
                    "silent for too long. Run again when it has ended."
                ) from error

    def rest(self, notes: dict[str, str]) -> None:
        """The changes are made: write ``notes``, and keep the Lease for the next task of this run, if it comes soon."""
        if not self._renewed:
            return
        self._duration = BETWEEN_TASKS
        try:
            self._write(notes)
        except ApiError as error:
            if not error.conflict:
                raise
            # The connection was cut after the first try had come through.
            self.read()
            if not self._is_mine():
                raise
            self._write(notes)

    def delete(self) -> None:
        """Take the Lease away, unless somebody has taken it meanwhile."""
        if self.live and self._is_mine():
            self._cluster.delete(LEASE, self._name, self._namespace, uid=self.live["metadata"]["uid"])

    def _write(self, notes: dict[str, str]) -> None:
        now = f"{_now():%Y-%m-%dT%H:%M:%S.%fZ}"
        before = (self.live or {}).get("spec") or {}
        spec: dict[str, t.Any] = {
            "leaseDurationSeconds": self._duration,
            "holderIdentity": self._who.name,
            "renewTime": now,
            "acquireTime": before.get("acquireTime", now) if self._is_mine() else now,
        }
        annotations = {**self.notes, **notes, PROCESS: self._who.process, RUN: self._who.run}
        meta: Object = {
            "name": self._name,
            "namespace": self._namespace,
            "labels": self._labels,
            "annotations": {name: value for name, value in annotations.items() if value},
        }
        lease: Object = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": meta, "spec": spec}
        if self.live is None:
            self.live = self._cluster.create(lease)
        else:
            meta["resourceVersion"] = self.live["metadata"]["resourceVersion"]
            self.live = self._cluster.replace(lease)
        self._renewed = time.monotonic()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
