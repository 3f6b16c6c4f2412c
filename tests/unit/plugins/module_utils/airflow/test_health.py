"""HTTP 200 lies: the words of the report and the pods decide."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import health

NOW = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.UTC)
FRESH, OLD = "2026-01-01T11:59:57+00:00", "2026-01-01T11:58:45.5+00:00"


def report(**overrides: t.Any) -> health.Report:
    good = {
        name: {"status": "healthy", f"latest_{name}_heartbeat": FRESH}
        for name in ("scheduler", "dag_processor", "triggerer")
    }
    return {"metadatabase": {"status": "healthy"}, **good, **overrides}


def workload(component: str, replicas: int = 1) -> dict[str, t.Any]:
    return {"metadata": {"labels": {"component": component}}, "spec": {"replicas": replicas}}


def pod(component: str, *, ready: bool = True, waiting: str | None = None, **meta: t.Any) -> dict[str, t.Any]:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {
        "metadata": {"labels": {"component": component}, **meta},
        "spec": {"containers": [{"name": component, "image": "airflow:1"}, {"name": "sidecar", "image": "other"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"restartCount": 2, "state": state}],
        },
    }


NAMES = ("api-server", "scheduler", "dag-processor", "triggerer")


def look(
    said: health.Report | None,
    workloads: list[dict[str, t.Any]] | None = None,
    pods: list[dict[str, t.Any]] | None = None,
) -> list[str]:
    found = health.components(
        [workload(name) for name in NAMES] if workloads is None else workloads,
        [pod(name) for name in NAMES] if pods is None else pods,
        said,
        NOW,
    )
    return health.reasons(found, said, "silence", NOW)


def test_all_is_well() -> None:
    assert look(report()) == []


def test_a_component_is_told_with_its_age() -> None:
    (found,) = health.components([workload("scheduler")], [pod("scheduler")], report(), NOW)
    assert found.told() == {
        "wanted": 1,
        "ready": 1,
        "restarts": 2,
        "images": ["airflow:1"],
        "trouble": None,
        "status": "healthy",
        "heartbeat_age": 3.0,
    }
    assert found.line() == "scheduler: 1 of 1 ready, 2 restarts, heartbeat 3 s ago"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (report(metadatabase={"status": "unhealthy"}), "Airflow says its database is unhealthy"),
        (report(metadatabase={}), "Airflow says its database is unknown"),
        (
            report(scheduler={"status": "unhealthy", "latest_scheduler_heartbeat": OLD}),
            "scheduler is unhealthy: its last heartbeat was 74 s ago",
        ),
        (
            report(dag_processor={"status": None, "latest_dag_processor_heartbeat": None}),
            "dag-processor has not sent a heartbeat yet",
        ),
        (None, "Airflow's health report cannot be read: silence"),
    ],
)
def test_what_airflow_says_counts(said: health.Report | None, reason: str) -> None:
    assert look(said) == [reason]


def test_a_component_that_is_not_installed_is_not_missed() -> None:
    said = report(triggerer={"status": None, "latest_triggerer_heartbeat": None})
    assert look(said, [workload(name) for name in NAMES if name != "triggerer"]) == []


def test_pods_that_are_not_ready_are_told() -> None:
    pods = [pod(name) for name in NAMES if name != "scheduler"]
    waiting = pod("scheduler", ready=False, waiting="CrashLoopBackOff")
    assert look(report(), pods=[*pods, waiting]) == ["0 of 1 pods of scheduler are ready (CrashLoopBackOff)"]
    assert look(report(), pods=[*pods, pod("scheduler", deletionTimestamp="now")]) == [
        "0 of 1 pods of scheduler are ready"
    ]


def test_what_is_scaled_to_nothing_is_told_once() -> None:
    workloads = [workload(name, 0 if name == "triggerer" else 1) for name in NAMES]
    said = report(triggerer={"status": "unhealthy", "latest_triggerer_heartbeat": OLD})
    assert look(said, workloads) == ["triggerer is scaled to 0"]


def test_an_instance_that_is_not_there_is_not_healthy() -> None:
    assert look(None, [], []) == ["it has no workloads"]


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [(None, None), ("", None), (FRESH, 3.0), ("2026-01-01T11:59:57", 3.0), ("2026-01-01T12:00:09+00:00", 0.0)],
)
def test_ages(stamp: str | None, seconds: float | None) -> None:
    assert health.age(stamp, NOW) == seconds


@pytest.mark.parametrize(
    ("told", "status"),
    [(report(), "healthy"), (report(metadatabase={"status": "unhealthy"}), "unhealthy"), (None, None)],
)
def test_what_airflow_says_of_its_database(told: health.Report | None, status: str | None) -> None:
    assert health.database(told) == status
