"""What a run tells is read from the answers of both major versions."""

from __future__ import annotations

import itertools
import json
import re
import types
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_runs
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rest import Answer
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import target
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from tests.unit.cases import CASES

TRACE = "Traceback (most recent call last):\n  File \"x.py\", line 1\nModuleNotFoundError: No module named 'nothing'\n"


def answer(body: t.Any, kind: str = "application/json") -> Answer:
    return Answer(status=200, body=(body if isinstance(body, str) else json.dumps(body)).encode(), kind=kind)


def test_the_log_of_airflow_3_is_events() -> None:
    content = [
        {"event": "::group::Log message source details"},
        {"event": "/opt/airflow/logs/attempt=1.log"},
        {"event": "::endgroup::"},
        {"timestamp": "2026-01-01T00:00:00Z", "event": "la la", "level": "info"},
        {
            "timestamp": "2026-01-01T00:00:01Z",
            "event": "Task failed with exception",
            "level": "error",
            "error_detail": [{"exc_type": "ValueError", "exc_value": "boom", "frames": []}],
        },
    ]
    log = dag_runs.log_of(answer({"content": content}))
    assert log.sources == ["/opt/airflow/logs/attempt=1.log"]
    assert log.said == [
        "2026-01-01T00:00:00Z INFO la la",
        "2026-01-01T00:00:01Z ERROR Task failed with exception",
        "ValueError: boom",
    ]


@pytest.mark.parametrize(
    "given", [answer("one\ntwo", "text/plain"), answer({"content": "one\ntwo"}), answer({"content": ["one", "two"]})]
)
def test_other_logs_are_lines(given: Answer) -> None:
    assert dag_runs.log_of(given).said == dag_runs.log_of(given).lines == ["one", "two"]


def test_a_log_may_be_empty() -> None:
    assert dag_runs.log_of(answer({"content": None})).lines == []


def test_where_a_log_was_sought_is_not_what_the_task_said() -> None:
    text = "*** Could not read served logs\n***   * http://10.0.0.1:8793/attempt=1.log\n"
    log = dag_runs.log_of(answer(text, "text/plain"))
    assert (len(log.sources), log.said) == (2, [])


TASK: dict[str, t.Any] = {
    "dag_id": "etl",
    "task_id": "load",
    "try_number": 2,
    "map_index": -1,
    "hostname": "10.0.0.7",
}
NOTES = {"dag_id": "etl", "task_id": "load", "run_id": "r1", "try_number": "2"}


def pod(name: str, address: str = "", **notes: str) -> dict[str, t.Any]:
    return {"kind": "Pod", "metadata": {"name": name, "annotations": notes}, "status": {"podIP": address}}


@pytest.mark.parametrize(
    ("pods", "task", "found"),
    [
        ([pod("scheduler", "10.0.0.7"), pod("load-x", **NOTES)], {}, "load-x"),
        ([pod("load-x", **{**NOTES, "try_number": "1"}), pod("scheduler", "10.0.0.7")], {}, "scheduler"),
        ([pod("worker-0")], {"hostname": "worker-0"}, "worker-0"),
        ([pod("load-3", **NOTES, map_index="3"), pod("load-4", **NOTES, map_index="4")], {"map_index": 4}, "load-4"),
        ([pod("scheduler")], {"hostname": ""}, None),
        ([], {}, None),
    ],
)
def test_the_pod_of_a_task(pods: list[dict[str, t.Any]], task: dict[str, t.Any], found: str | None) -> None:
    one = dag_runs.pod_of(pods, {**TASK, **task}, "r1")
    assert (one and one["metadata"]["name"]) == found


@pytest.mark.parametrize(
    ("params", "left_in", "told"),
    [
        ({"values": CASES["teams"]}, "airflow", "Of Pod/airflow/load-x, where it ran:"),
        ({"values": CASES["teams"]}, "ml-tasks", "Of Pod/ml-tasks/load-x, where it ran:"),
        ({"values": CASES["teams"]}, None, "No pod of it is left in airflow or shared-data or ml-tasks "),
        ({"instance": "shared", "namespace": "airflow"}, "airflow", "Of Pod/airflow/load-x, where it ran:"),
        ({"instance": "shared", "namespace": "airflow"}, "ml-tasks", "No pod of it is left in airflow that "),
    ],
)
def test_the_pod_of_a_task_is_sought_in_the_namespaces_of_teams_too(
    params: dict[str, t.Any], left_in: str | None, told: str
) -> None:
    """Which they are is known where the values are."""

    def listed(kind: kinds.Kind, namespace: str, **_selectors: str) -> list[dict[str, t.Any]]:
        found = {**pod("load-x", **NOTES), "spec": {}}
        found["metadata"]["namespace"] = namespace
        return [found] if kind.kind == "Pod" and namespace == left_in else []

    reach = t.cast("t.Any", types.SimpleNamespace(cluster=types.SimpleNamespace(list=listed)))
    assert dag_runs.of_pod(reach, target(params), TASK, "r1").startswith(told)


@pytest.mark.parametrize(
    ("error", "dag", "expected"),
    [
        ({"filename": "etl.py", "stack_trace": TRACE}, None, True),
        ({"filename": "team/etl.py", "stack_trace": TRACE}, None, True),
        ({"filename": "other.py", "stack_trace": TRACE}, None, False),
        ({"filename": "other.py", "stack_trace": "AirflowException: DAG 'etl' is no good"}, None, True),
        ({"filename": "team/etl.py", "stack_trace": TRACE}, {"relative_fileloc": "team/etl.py"}, True),
        ({"filename": "/dags/team/x.py", "stack_trace": TRACE}, {"fileloc": "/dags/team/x.py"}, True),
        ({"filename": "x.py", "stack_trace": TRACE}, {"fileloc": "/dags/x.py"}, True),
        ({"filename": "etl.py", "stack_trace": TRACE}, {"relative_fileloc": "y.py", "fileloc": "/dags/y.py"}, False),
    ],
)
def test_import_errors_are_matched_to_their_dag(
    error: dict[str, str], dag: dict[str, str] | None, expected: bool
) -> None:
    assert dag_runs.concerns(error, "etl", dag) is expected


@pytest.mark.parametrize(
    ("dag", "gone"),
    [({"is_stale": False}, False), ({"is_stale": True}, True), ({"is_active": False}, True), ({}, False)],
)
def test_a_dag_whose_file_is_gone_is_none(dag: dict[str, bool], gone: bool) -> None:
    assert dag_runs.is_gone(dag) is gone


def test_a_stack_trace_ends_in_its_reason() -> None:
    assert dag_runs.last_line(TRACE) == "ModuleNotFoundError: No module named 'nothing'"
    assert dag_runs.last_line(" \n") == "(no reason given)"


def test_run_ids_are_fit_for_airflow_and_differ() -> None:
    ids = {dag_runs.new_run_id() for _number in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_.~:+-]+", run_id) for run_id in ids)


def test_looks_become_rarer_and_never_rare() -> None:
    pauses = list(itertools.islice(dag_runs.pause_lengths(), 40))
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.25, 3.0)


def test_states_are_told() -> None:
    tasks = [{"task_id": "extract", "state": "success"}, {"task_id": "load", "state": None}]
    assert dag_runs.states(tasks) == "extract success, load not scheduled"
    assert dag_runs.states([]) == "none yet"
