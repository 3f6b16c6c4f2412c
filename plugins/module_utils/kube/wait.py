# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One wait for all workloads together, which ends early, with the reason, when one of them will never be ready.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import evidence, kinds, rollout
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import Place, key, place, together
from ansible_collections.dagops.airflow.plugins.module_utils.kube.trouble import Trouble

_PROGRESS: t.Final = 5.0
_INSPECT: t.Final = 2.0
_SLOW: t.Final = 10.0
"""Seconds after which a pod that is still being created is worth a look at its events."""


def until_ready(
    cluster: Cluster,
    objects: t.Iterable[Object],
    *,
    timeout: float,
    notify: t.Callable[[str], None],
    selector: str | None = None,
    alive: t.Callable[[], None] = lambda: None,
    over: t.Callable[[], bool] = lambda: False,
) -> None:
    """Wait for the workloads among ``objects``, given as last seen.

    ``selector`` lists them all (without one each is read by name); ``alive`` is called every few seconds. The caller
    may know better that there is nothing to wait for any longer: ``over``, asked at each look, ends the wait.
    """
    Wait(cluster, objects, timeout, selector).run(notify, alive, over)


class Wait:
    """The workloads that are still awaited, and the trouble seen so far."""

    def __init__(self, cluster: Cluster, objects: t.Iterable[Object], timeout: float, selector: str | None) -> None:
        self._cluster = cluster
        self._awaited = {key(obj): obj for obj in objects if rollout.waitable(obj)}
        self._total = len(self._awaited)
        self._timeout = timeout
        self._selector = selector
        self._started = time.monotonic()
        self._since: dict[tuple[str, str], tuple[float, Trouble]] = {}
        """When each trouble was first seen, and how it was last, by workload and topic."""

    def run(self, notify: t.Callable[[str], None], alive: t.Callable[[], None], over: t.Callable[[], bool]) -> None:
        spoken = inspected = self._started
        while self._settle() and not over():
            now = time.monotonic()
            if now - inspected >= _INSPECT:
                self._inspect()
                inspected = now
            if now - self._started >= self._timeout:
                raise self._timed_out()
            if now - spoken >= _PROGRESS:
                notify(self._progress())
                alive()
                spoken = now
            time.sleep(self._pause())
            self._read()

    def _waited(self) -> float:
        return time.monotonic() - self._started

    def _pause(self) -> float:
        waited = self._waited()
        return 0.25 if waited < 5 else 0.5 if waited < 60 else 1.0

    def _settle(self) -> bool:
        """Drop what is ready, fail for what has failed; whether something is left."""
        for one, obj in list(self._awaited.items()):
            state = rollout.judge(obj)
            if state.ready:
                del self._awaited[one]
            elif state.failed:
                found = evidence.troubles(self._cluster, obj, thorough=True)
                raise self._failed(obj, "; ".join([state.failed, *map(str, found[:1])]), found[0] if found else None)
        return bool(self._awaited)

    def _read(self) -> None:
        """Read what is awaited again: one LIST per kind and namespace, or a GET for a single object."""
        places: dict[Place, list[Object]] = {}
        for obj in self._awaited.values():
            places.setdefault(place(obj), []).append(obj)
        for one, objects in places.items():
            kind = kinds.named(one.kind)
            found: t.Iterable[Object | None]
            if self._selector and len(objects) > 1:
                found = self._cluster.list(kind, one.namespace, self._selector)
            else:
                found = [self._cluster.get(kind, obj["metadata"]["name"], one.namespace) for obj in objects]
            live = {key(obj): obj for obj in found if obj}
            for obj in objects:
                if key(obj) not in live:
                    raise Failure(f"{kinds.label(obj)} was deleted by somebody else while it was awaited. Run again.")
                self._awaited[key(obj)] = live[key(obj)]

    def _progress(self) -> str:
        waiting = "; ".join(f"{kinds.label(obj)} ({self._words(obj)})" for obj in self._awaited.values())
        return f"{self._total - len(self._awaited)} of {self._total} ready, waiting for {waiting}"

    def _words(self, obj: Object) -> str:
        reasons = sorted(
            {last.reason for (owner, _topic), (_when, last) in self._since.items() if owner == kinds.label(obj)}
        )
        return ", ".join([rollout.judge(obj).words, *reasons])

    def _inspect(self) -> None:
        """Look at the pods of what is awaited; fail for trouble that has lasted longer than it is worth to hope."""
        awaited = list(self._awaited.values())
        thorough = self._waited() > _SLOW
        looked = together(lambda obj: evidence.troubles(self._cluster, obj, thorough=thorough), awaited)
        now = time.monotonic()
        since: dict[tuple[str, str], tuple[float, Trouble]] = {}
        for obj, found in zip(awaited, looked, strict=True):
            for one in found:
                known = (kinds.label(obj), one.topic or one.reason)
                first, _last = self._since.get(known, (now, one))
                since[known] = (first, one)
                if now - first >= one.patience:
                    raise self._failed(obj, str(one), one)
        self._since = since

    def _failed(self, obj: Object, why: str, what: Trouble | None) -> Failure:
        told = evidence.explain(self._cluster, obj, what)
        message = f"{kinds.label(obj)} will not become ready, seen after {self._waited():.0f} s: {why}{told}"
        return Failure(message, unready=self._unready())

    def _timed_out(self) -> Failure:
        lines = [f"{len(self._awaited)} of {self._total} workloads are not ready after {self._timeout:g} s:"]
        for obj in self._awaited.values():
            found = evidence.troubles(self._cluster, obj, thorough=True)
            what = found[0] if found else None
            reason = f"; {what}" if what else ""
            lines.append(
                f"{kinds.label(obj)}: {rollout.judge(obj).words}{reason}{evidence.explain(self._cluster, obj, what)}"
            )
        lines.append("Set wait_timeout higher if they only need more time.")
        return Failure("\n".join(lines), unready=self._unready())

    def _unready(self) -> list[str]:
        return [kinds.label(obj) for obj in self._awaited.values()]
