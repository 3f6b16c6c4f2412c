# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether an instance is healthy, judged from what Kubernetes and Airflow's own health report tell.

The report comes with HTTP 200 whatever it says, even without a database, so only its words count.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import component_of, is_ready
from ansible_collections.dagops.airflow.plugins.module_utils.kube import replicas
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

# Components that send heartbeats, by their names in the health report.
HEARTBEATS: t.Final = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}

Report = dict[str, dict[str, t.Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Component:
    """One workload of an instance and its pods."""

    name: str
    wanted: int
    ready: int
    restarts: int
    images: tuple[str, ...]
    trouble: str | None
    """Why a pod of it waits, in Kubernetes' word."""
    status: str | None = None
    """What Airflow says of it."""
    heartbeat_age: float | None = None
    """Seconds since its last heartbeat."""
    autoscaled: bool = False
    """Whether an autoscaler may have it do without pods."""

    def told(self) -> dict[str, t.Any]:
        """As part of a result."""
        return {
            "wanted": self.wanted,
            "ready": self.ready,
            "restarts": self.restarts,
            "images": list(self.images),
            "trouble": self.trouble,
            "status": self.status,
            "heartbeat_age": self.heartbeat_age,
        }

    def line(self) -> str:
        """For people."""
        parts = [f"{self.ready} of {self.wanted} ready"]
        if self.restarts:
            parts.append(f"{self.restarts} restarts")
        if self.heartbeat_age is not None:
            parts.append(f"heartbeat {self.heartbeat_age:.0f} s ago")
        if self.trouble:
            parts.append(self.trouble)
        return f"{self.name}: {', '.join(parts)}"


def components(
    workloads: t.Iterable[Object], pods: t.Sequence[Object], report: Report | None, now: datetime.datetime
) -> list[Component]:
    """The components of an instance, by name."""
    return sorted(
        (_component(workload, pods, report or {}, now) for workload in workloads), key=lambda component: component.name
    )


def _component(workload: Object, pods: t.Sequence[Object], report: Report, now: datetime.datetime) -> Component:
    name = component_of(workload)
    own = [pod for pod in pods if component_of(pod) == name]
    statuses = [status for pod in own for status in pod.get("status", {}).get("containerStatuses") or ()]
    status, seconds = heartbeat(report, name, now)
    return Component(
        name=name,
        wanted=workload["spec"].get("replicas", 1),
        ready=sum(is_ready(pod) for pod in own),
        restarts=sum(status.get("restartCount", 0) for status in statuses),
        images=tuple(sorted({box["image"] for pod in own for box in pod["spec"]["containers"] if box["name"] == name})),
        trouble=_trouble(statuses),
        status=status,
        heartbeat_age=seconds,
        autoscaled=replicas.least(workload) == 0,
    )


def _trouble(statuses: t.Iterable[Object]) -> str | None:
    """The reason why a container waits, such as CrashLoopBackOff."""
    for status in statuses:
        reason = (status.get("state", {}).get("waiting") or {}).get("reason")
        if reason:
            return str(reason)
    return None


def heartbeat(report: Report, name: str, now: datetime.datetime) -> tuple[str | None, float | None]:
    """What Airflow says of a component, and the seconds since its last heartbeat; nothing of one that sends none."""
    word = HEARTBEATS.get(name)
    part = (report.get(word) or {}) if word else {}
    return part.get("status"), age(part.get(f"latest_{word}_heartbeat"), now)


def age(stamp: str | None, now: datetime.datetime) -> float | None:
    """Seconds since a heartbeat; clocks that differ a little make no negative age."""
    if not stamp:
        return None
    moment = datetime.datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return round(max((now - moment).total_seconds(), 0.0), 1)


def database(report: Report | None) -> str | None:
    """What Airflow says of its database; None where it does not say."""
    status: str | None = ((report or {}).get("metadatabase") or {}).get("status")
    return status


def reasons(
    found: t.Sequence[Component], report: Report | None, silence: str | None, now: datetime.datetime
) -> list[str]:
    """Why the instance is not healthy; none if it is. ``silence`` is why there is no report."""
    if not found:
        return ["it has no workloads"]
    names = [component.name for component in found if component.wanted]
    complaints = [complaint for component in found for complaint in _of_pods(component)]
    return [*complaints, *reported(report, names, silence, now)]


def reported(
    report: Report | None, names: t.Iterable[str], silence: str | None, now: datetime.datetime
) -> t.Iterator[str]:
    """What is wrong by Airflow's own words, where components of these names are expected."""
    if report is None:
        yield f"Airflow's health report cannot be read: {silence}"
        return
    if database(report) != "healthy":
        yield f"Airflow says its database is {database(report) or 'unknown'}"
    for name in names:
        status, seconds = heartbeat(report, name, now)
        if name in HEARTBEATS and status != "healthy":
            yield _of_heartbeat(name, status, seconds)


def _of_pods(component: Component) -> t.Iterator[str]:
    if not component.wanted:
        if component.autoscaled:
            return
        yield f"{component.name} is scaled to 0"
    elif component.ready < component.wanted:
        trouble = f" ({component.trouble})" if component.trouble else ""
        yield f"{component.ready} of {component.wanted} pods of {component.name} are ready{trouble}"


def _of_heartbeat(name: str, status: str | None, seconds: float | None) -> str:
    if seconds is None:
        return f"{name} has not sent a heartbeat yet"
    return f"{name} is {status}: its last heartbeat was {seconds:.0f} s ago"
