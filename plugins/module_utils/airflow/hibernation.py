# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Puts an instance to sleep: everything to no pods once its running tasks have ended.

It starts from what is in the cluster and not from the inventory, which may hold changes that nobody has rolled out yet.
What sleeps is what was applied, with another number of pods; so an ordinary converge wakes it, and shows what it does.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    AIRFLOW_COMPONENTS,
    Target,
    component_of,
    described,
    newest_ready,
    run_inside,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import apply, engine, fields, order, replicas, scope
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER, Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.lease import Lock
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import together
from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling, extra, features, teams
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

PAUSED: t.Final = "autoscaling.keda.sh/paused-replicas"
DATA: t.Final = frozenset({"postgresql", "pgbouncer", "redis"})
"""Components that all others need: the last to go."""
_KINDS: t.Final = ("Deployment", "StatefulSet", "CronJob", "ScaledObject")
_PAUSE: t.Final = 2.0
_PROGRESS: t.Final = 10.0


def asleep(live: Object) -> Object:
    """What we applied of an object, changed so that it makes no pods."""
    told = apply.spoken(live)
    meta, spec = told["metadata"], told.get("spec") or {}
    notes = {name: note for name, note in (meta.get("annotations") or {}).items() if name != replicas.AUTOSCALED}
    if live["kind"] == "ScaledObject":
        notes[PAUSED] = "0"
    elif live["kind"] == "CronJob":
        spec = {**spec, "suspend": True}
    else:
        spec = {**spec, "replicas": 0}
    return {**told, "metadata": {**meta, "annotations": notes}, "spec": spec}


def stages(objects: t.Iterable[Object], *, data: bool) -> list[list[Object]]:
    """The objects in the order in which they go: what begins tasks, what runs them, what they need, what all need."""
    found: list[list[Object]] = [[], [], [], [], []]
    for obj in order.ordered(objects):
        found[_stage(obj)].append(obj)
    return found if data else found[:4]


def _stage(obj: Object) -> int:
    component = component_of(obj)
    if component in DATA:
        return 4
    if component == "scheduler":
        return 0
    if obj["kind"] == "ScaledObject":
        # It would make pods again for tasks that wait.
        return 1
    # A worker takes tasks out of the broker until it is told to go, and they need the API server to their end.
    return 2 if component == "worker" else 3


def run(face: Face) -> dict[str, t.Any]:
    """Put the instance to sleep, unless it sleeps."""
    values = described(face.params)
    return Hibernation(face, connect(face.params, face.progress), values).run()


class Hibernation:
    """One run for one instance."""

    def __init__(self, face: Face, cluster: Cluster, values: Values) -> None:
        self._face = face
        self._cluster = cluster
        self._values = values
        self._where = Target(instance=values.name, namespace=values.namespace, values=values)
        self._scope = scope.Scope(instance=values.name, namespace=values.namespace, component="hibernation")
        self._lock: Lock = engine.lock_of(cluster, self._scope)
        self._deadline = time.monotonic() + face.params["wait_timeout"]

    def run(self) -> dict[str, t.Any]:
        groups = self._groups()
        steps = [step for group in groups for step in group if step.action is not apply.Action.NOTHING]
        told = {
            "changed": bool(steps),
            "running": self._running() if steps else [],
            "stopped": [step.label for step in steps],
            "diff": [step.diff(None) for step in steps],
        }
        if steps and not self._face.check_mode:
            since = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
            if self._lock.acquire({engine.HIBERNATES: since}, engine.LOCK_PATIENCE, self._face.progress):
                # Another run has ended meanwhile, and may have changed anything.
                groups = self._groups()
            try:
                self._go(groups)
            finally:
                self._lock.rest({})
        return {**told, "api_requests": self._cluster.requests}

    def _groups(self) -> list[list[apply.Step]]:
        return [self._steps(group) for group in stages(self._live(), data=self._face.params["data"])]

    def _live(self) -> list[Object]:
        """What we made that makes pods; not the person's own objects."""

        def of_kind(kind: str) -> list[Object]:
            return self._cluster.list(named(kind), self._values.namespace, self._scope.selector)

        return [
            obj
            for objects in together(of_kind, _KINDS)
            for obj in objects
            if fields.applied(obj, FIELD_MANAGER)
            and (obj["metadata"].get("labels") or {}).get(scope.COMPONENT) != extra.COMPONENT
        ]

    def _steps(self, objects: list[Object]) -> list[apply.Step]:
        steps = [apply.plan(wanted, wanted, obj) for obj in objects for wanted in [asleep(obj)]]
        return apply.rehearse(self._cluster, steps, apply.Consent(), self._face.warn)

    def _go(self, groups: list[list[apply.Step]]) -> None:
        scheduler, *others = groups
        if self._values.runs_local:
            # Its tasks run in its own pod.
            self._await_tasks("It goes on as it was")
        self._stop(scheduler)
        self._await_tasks("Its scheduler is stopped, so no other begins", waiting=True)
        for group in others:
            self._stop(group)

    def _stop(self, steps: list[apply.Step]) -> None:
        """Take the pods away, and wait until they are gone."""
        apply.perform(self._cluster, steps, self._lock.renew)
        components = {component_of(step.live) for step in steps if step.live and step.live["kind"] != "ScaledObject"}
        own = self._values.namespace
        self._await(
            lambda: [pod["metadata"]["name"] for pod in self._pods(own) if component_of(pod) in components],
            "Pods {0} of instance {1} have not ended after {2} s. Run again to go on waiting; {3}",
            "they get the time of their terminationGracePeriodSeconds.",
        )

    def _await_tasks(self, consequence: str, *, waiting: bool = False) -> None:
        self._await(
            lambda: self._running(waiting=waiting),
            "Tasks of instance {1} have not ended after {2} s: {0}. {3}",
            f"{consequence}. Run again to go on waiting (airflow_wait_timeout says for how long), or "
            "playbooks/wake.yml to go back.",
        )

    def _await(self, look: t.Callable[[], list[str]], words: str, remedy: str) -> None:
        spoken = time.monotonic()
        while left := look():
            some = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
            now = time.monotonic()
            if now > self._deadline:
                waited = self._face.params["wait_timeout"]
                raise Failure(words.format(some, self._values.name, waited, remedy), left=left)
            if now - spoken > _PROGRESS:
                self._face.progress(f"waiting for the end of {some}")
                spoken = now
            self._lock.renew()
            time.sleep(_PAUSE)

    def _pods(self, namespace: str) -> list[Object]:
        """Pods of the instance that have not ended, in its own namespace or in that of a team."""
        pods = self._cluster.list(named("Pod"), namespace, label_selector=self._where.selector())
        return [pod for pod in pods if not _ended(pod)]

    def _running(self, *, waiting: bool = False) -> list[str]:
        """Tasks that run, or whose pod is there already: of one just made, Airflow does not say yet that it runs.

        With ``waiting`` those, too, that a broker has for a worker: what they may do there ends after ten minutes, so
        they would fail when the instance wakes.
        """
        own, *elsewhere = map(self._pods, teams.with_pods(self._values))
        tasks = [pod for pods in (own, *elsewhere) for pod in pods if _is_task(pod)]
        others = [pod for pod in own if component_of(pod) not in DATA and not _is_task(pod)]
        told = self._told(others, waiting=waiting and self._values.runs_celery)
        return sorted({*told, *map(_task_of, tasks)})

    def _told(self, pods: list[Object], *, waiting: bool) -> list[str]:
        """Tasks that run or wait, as one of Airflow's pods tells; none where no pod is left that could run one."""
        if not pods:
            return []
        pod = newest_ready(pods, AIRFLOW_COMPONENTS)
        if pod is None:
            raise Failure(
                f"No pod of instance {self._values.name} is ready that could tell which tasks run "
                f"({', '.join(sorted(one['metadata']['name'] for one in pods))} are there). See by "
                "playbooks/status.yml why, or wake the instance by playbooks/wake.yml first."
            )
        wanted = {
            "major": self._values.major,
            "waiting": autoscaling.runs_celery(self._values) if waiting else "",
        }
        tasks: list[str] = run_inside(self._cluster, pod, "running", stdin=wanted)["tasks"]
        return tasks


def _ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _is_task(pod: Object) -> bool:
    """Whether a KubernetesExecutor has made it."""
    name, value = features.TASK_POD.split("=")
    return bool(pod["metadata"]["labels"].get(name) == value)


def _task_of(pod: Object) -> str:
    """The task that a pod of a KubernetesExecutor is for, as Airflow tells it."""
    notes = pod["metadata"].get("annotations") or {}
    return f"{notes['dag_id']}.{notes['task_id']}" if notes.keys() >= {"dag_id", "task_id"} else pod["metadata"]["name"]
