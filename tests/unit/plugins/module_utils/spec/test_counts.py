"""How many pods a workload has at least and at most, by whatever variable says it, and the rules that go by that."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec import capacity, counts, rules
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Workload
from tests.unit.cases import BASE

CELERY: dict[str, t.Any] = {**BASE, "airflow_core_executor": "CeleryExecutor"}
SETS: dict[str, t.Any] = {
    **CELERY,
    "airflow_celery_workers": {
        "default": {"replicas": 2, "concurrency": 3},
        "heavy": {"queues": ["heavy"], "autoscale": {"min": 1, "max": 4}},
        "more": {"queues": ["more"], "replicas": 7, "concurrency": 1},
    },
    "airflow_autoscaling_workers": {"heavy": {"max": 5}},
    "airflow_autoscaling_workers_hpa": {"more": {"min": 2, "max": 6}},
}
SCALED = {
    **BASE,
    "airflow_core_api_server": {"replicas": 9, "workers": 2},
    "airflow_core_triggerer": {"replicas": 8},
    "airflow_autoscaling_api_server": {"min": 2, "max": 4},
    "airflow_autoscaling_triggerer": {"min": 0, "max": 3},
    "airflow_database_max_connections": 1000,
}
OLD = {"airflow_version": "2.11.2", "airflow_database_max_connections": 1000}


def test_each_workload_has_a_least_and_a_most_and_a_variable_for_each() -> None:
    values = load({**SETS, **SCALED, "airflow_core_executor": "CeleryExecutor"})
    found = {
        path: counts.count(values, path, shape)
        for path, _main, shape in rules.pods(values)
        if isinstance(shape, Workload)
    }
    told = {path: (one.least, one.least_by, one.most, one.most_by) for path, one in found.items() if one.autoscaled}
    assert told == {
        "airflow_core_api_server": (2, "airflow_autoscaling_api_server.min", 4, "airflow_autoscaling_api_server.max"),
        "airflow_core_triggerer": (0, "airflow_autoscaling_triggerer.min", 3, "airflow_autoscaling_triggerer.max"),
        "airflow_celery_workers.heavy": (
            0,
            "airflow_autoscaling_workers.heavy.min",
            5,
            "airflow_autoscaling_workers.heavy.max",
        ),
        "airflow_celery_workers.more": (
            2,
            "airflow_autoscaling_workers_hpa.more.min",
            6,
            "airflow_autoscaling_workers_hpa.more.max",
        ),
    }
    default = counts.workers(values, "default")
    assert (default.least, default.most, default.most_by) == (2, 2, "airflow_celery_workers.default.replicas")
    assert counts.api_servers(values) == found["airflow_core_api_server"]
    assert counts.triggerers(values) == found["airflow_core_triggerer"]


def test_there_is_no_triggerer_where_it_is_switched_off() -> None:
    none = counts.triggerers(load({**BASE, "airflow_core_triggerer": {"enabled": False}}))
    assert (none.least, none.most) == (0, 0)


def test_connections_are_counted_of_as_many_pods_as_autoscalers_may_start() -> None:
    found = {share.component: share for share in capacity.shares(load(SCALED))}
    assert found["api-server"].words == "api-server 40 (airflow_autoscaling_api_server.max is 4)"
    assert (found["api-server"].most, found["api-server (asynchronous)"].kept) == (120, 40)
    assert found["triggerer"].words == "triggerer 15 (airflow_autoscaling_triggerer.max is 3)"
    assert found["scheduler"].words == "scheduler 5"


def test_tasks_are_counted_of_as_many_workers_as_autoscalers_may_start() -> None:
    values = load({**SETS, **OLD})
    # Two of three, five of four, six of one; without a limit of the schedulers below that.
    assert capacity.tasks_at_once(values) == 32
    values = load({**SETS, **OLD, "airflow_core_config": {"core": {"parallelism": 0}}})
    assert capacity.tasks_at_once(values) == 2 * 3 + 5 * 4 + 6 * 1
    (tasks,) = [share for share in capacity.shares(values) if share.component == "tasks"]
    assert tasks.words == (
        "tasks 32 (airflow_autoscaling_workers.heavy.max is 5, airflow_autoscaling_workers_hpa.more.max is 6)"
    )


def test_too_few_connections_for_what_autoscalers_may_start_are_refused_with_the_sum() -> None:
    given = {**BASE, "airflow_autoscaling_api_server": {"max": 10}}
    load({**given, "airflow_database_max_connections": 118})
    with pytest.raises(SpecError) as refused:
        load({**given, "airflow_database_max_connections": 117})
    assert refused.value.problems == [
        "airflow_database_max_connections is 117, of which 3 are for administrators, but 115 connections stay "
        "open: api-server 50 (airflow_autoscaling_api_server.max is 10), scheduler 5, dag-processor 5, triggerer 5, "
        "api-server (asynchronous) 50 (airflow_autoscaling_api_server.max is 10). Raise it, lower replicas (max where "
        "an autoscaler sets them), workers or airflow_core_config.database.sql_alchemy_pool_size, or have PgBouncer "
        "(docs/capacity.md)"
    ]


def budget(at_least: int) -> dict[str, t.Any]:
    return {"podDisruptionBudget": {"minAvailable": at_least}}


SHARED = {"airflow_logging_volume": {"accessMode": "ReadWriteOnce"}}

TABLE: list[tuple[dict[str, t.Any], str | None]] = [
    # What stays is the least, however many replicas there were without the autoscaler.
    (
        {"airflow_core_api_server": {"replicas": 3, **budget(2)}, "airflow_autoscaling_api_server": {"min": 2}},
        "airflow_core_api_server.podDisruptionBudget.minAvailable is 2 of the 2 pods that "
        "airflow_autoscaling_api_server.min leaves at least, so a drain",
    ),
    ({"airflow_core_api_server": budget(2), "airflow_autoscaling_api_server": {"min": 3}}, None),
    (
        {"airflow_core_triggerer": {"replicas": 2, **budget(1)}, "airflow_autoscaling_triggerer": {}},
        "minAvailable is 1 of the 0 pods that airflow_autoscaling_triggerer.min leaves at least",
    ),
    # Replicas that an autoscaler takes no notice of are no mistake.
    ({"airflow_core_triggerer": {"replicas": 0}, "airflow_autoscaling_triggerer": {}}, None),
    ({"airflow_core_api_server": {"replicas": 0}, "airflow_autoscaling_api_server": {}}, None),
    # A volume of one node is shared by as many pods as there may be.
    (
        {**SHARED, "airflow_autoscaling_triggerer": {"max": 2}},
        "airflow_logging_volume.accessMode is 'ReadWriteOnce', but airflow_autoscaling_triggerer.max is 2 and these",
    ),
    ({**SHARED, "airflow_autoscaling_triggerer": {"max": 1}, "airflow_core_triggerer": {"replicas": 2}}, None),
]


@pytest.mark.parametrize(("variables", "told"), TABLE)
def test_rules_go_by_what_autoscalers_leave_and_start(variables: dict[str, t.Any], told: str | None) -> None:
    if told is None:
        load({**BASE, **variables})
        return
    with pytest.raises(SpecError) as refused:
        load({**BASE, **variables})
    (problem,) = refused.value.problems
    assert told in problem
