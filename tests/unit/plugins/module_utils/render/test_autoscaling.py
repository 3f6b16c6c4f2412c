"""Autoscalers: what they count, what they scale, and who may read what they count."""

from __future__ import annotations

import sqlite3
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import db_reader, secrets
from ansible_collections.dagops.airflow.plugins.module_utils.kube.replicas import AUTOSCALED
from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import CeleryWorkers
from tests.unit.cases import BASE, CASES, MULTI_TEAM
from tests.unit.plugins.module_utils.render.test_rules import Object, pods, rendered

STAYS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
MOVES = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
CELERY = {**BASE, "airflow_core_executor": "CeleryExecutor"}
KEDA = {**CELERY, "airflow_autoscaling_workers": {"default": {}}}


def objects(variables: Object) -> dict[str, Object]:
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in render_all(load(variables))}


def query(executor: str = "CeleryExecutor", version: str = "3.3.2", **workers: t.Any) -> str:
    values = load({**BASE, "airflow_core_executor": executor, "airflow_version": version})
    return autoscaling.tasks_query(values, CeleryWorkers(**workers))


# --- what is counted ---


def test_mysql_is_asked_in_its_own_words() -> None:
    """A queue is compared letter by letter there, too, and ``trigger`` is a reserved word."""
    values = load(CASES["mysql"])
    tasks, triggers = autoscaling.queries(values)
    assert "CAST(queue AS BINARY) IN ('default')" in tasks
    assert " FROM `trigger` " in triggers
    assert db_reader.grants(values, "reader") == [
        "GRANT SELECT (state, queue, executor) ON `task_instance` TO 'reader'@'%'",
        "GRANT SELECT (id, type, state) ON `callback` TO 'reader'@'%'",
        "GRANT SELECT (callback_id, deadline_time) ON `deadline` TO 'reader'@'%'",
        "GRANT SELECT (id, queue) ON `trigger` TO 'reader'@'%'",
    ]
    found = objects(CASES["mysql"])
    (trigger,) = found["ScaledObject/airflow-worker"]["spec"]["triggers"]
    assert (trigger["type"], trigger["metadata"]) == ("mysql", {"query": tasks, "queryValue": "1"})
    (source,) = found["TriggerAuthentication/airflow-autoscaling"]["spec"]["secretTargetRef"]
    assert source["parameter"] == "connectionString"


def counted(
    text: str, *tasks: tuple[str, str, str | None], callbacks: t.Collection[tuple[str, str | None, int]] = ()
) -> float:
    """What a database answers: tasks by state, queue and executor; callbacks by type, state and minutes since due."""
    database = sqlite3.connect(":memory:")
    try:
        database.create_function("CEIL", 1, lambda number: float(-(-number // 1)))
        database.execute("CREATE TABLE task_instance (state TEXT, queue TEXT, executor TEXT)")
        database.executemany("INSERT INTO task_instance VALUES (?, ?, ?)", tasks)
        database.execute("CREATE TABLE callback (id INTEGER PRIMARY KEY, type TEXT, state TEXT)")
        database.execute("CREATE TABLE deadline (id INTEGER PRIMARY KEY, callback_id INTEGER, deadline_time TEXT)")
        for kind, state, minutes in callbacks:
            made = database.execute("INSERT INTO callback (type, state) VALUES (?, ?)", (kind, state)).lastrowid
            missed = "INSERT INTO deadline (callback_id, deadline_time) VALUES (?, DATETIME('now', ?))"
            database.execute(missed, (made, f"{-minutes} minutes"))
        # SQLite alone knows no INTERVAL.
        text = text.replace("CURRENT_TIMESTAMP - INTERVAL '1' HOUR", "DATETIME('now', '-1 hour')")
        return float(database.execute(text).fetchone()[0])
    finally:
        database.close()


def test_workers_are_counted_by_what_one_of_them_runs() -> None:
    tasks = [("queued", "default", None)] * 16 + [("running", "default", None)]
    assert counted(query(concurrency=8), *tasks) == 3
    assert counted(query(concurrency=8), *tasks[:16]) == 2
    assert counted(query(concurrency=8)) == 0
    assert counted(query(concurrency=1), *tasks) == 17


def test_celery_autoscale_is_counted_by_its_most() -> None:
    values = load({**CELERY, "airflow_celery_workers": {"default": {"autoscale": {"min": 1, "max": 4}}}})
    text = autoscaling.tasks_query(values, values.worker_sets["default"])
    assert counted(text, *[("queued", "default", None)] * 5) == 2


@pytest.mark.parametrize("state", ["scheduled", "deferred", "success", "failed", "up_for_retry", "up_for_reschedule"])
def test_other_states_need_no_worker(state: str) -> None:
    assert counted(query(), (state, "default", None)) == 0


def test_a_set_counts_its_own_queues() -> None:
    text = query(queues=["heavy", "o'clock"], concurrency=1)
    assert counted(text, ("queued", "heavy", None), ("queued", "o'clock", None), ("queued", "default", None)) == 2


def test_callbacks_are_counted_beside_tasks() -> None:
    """One that waits gets a worker, where no task does."""
    waiting = ("executor", "queued", 1)
    assert counted(query(concurrency=8), callbacks=[waiting]) == 1
    tasks = [("queued", "default", None)] * 7
    assert counted(query(concurrency=8), *tasks, callbacks=[waiting]) == 1
    assert counted(query(concurrency=8), *tasks, callbacks=[waiting, ("executor", "running", 1)]) == 2


@pytest.mark.parametrize(
    "callback",
    [
        ("triggerer", "queued", 1),
        ("dag_processor", None, 1),
        ("executor", "scheduled", -60),
        ("executor", "pending", 1),
        ("executor", "success", 1),
        ("executor", "failed", 1),
        ("executor", "queued", 61),
    ],
)
def test_other_callbacks_need_no_worker(callback: tuple[str, str | None, int]) -> None:
    """Nor one whose scheduler has forgotten it: it would keep a worker for ever."""
    assert counted(query(), callbacks=[callback]) == 0


def test_callbacks_are_counted_where_their_queue_is_taken() -> None:
    assert counted(query(queues=["heavy", "default"]), callbacks=[("executor", "queued", 1)]) == 1
    assert counted(query(queues=["heavy"]), callbacks=[("executor", "queued", 1)]) == 0
    workers = {"default": {}, "heavy": {"queues": ["heavy"]}}
    values = load({**CELERY, "airflow_celery_workers": workers, "airflow_autoscaling_workers": {"heavy": {}}})
    assert list(autoscaling.columns(values)) == ["task_instance"]


@pytest.mark.parametrize(
    ("version", "tables"),
    [
        ("2.11.2", ["task_instance"]),
        ("3.1.8", ["task_instance"]),
        ("3.2.0", ["task_instance", "callback", "deadline"]),
        ("3.3.2", ["task_instance", "callback", "deadline"]),
    ],
)
def test_callbacks_are_counted_where_there_is_a_table_of_them(version: str, tables: list[str]) -> None:
    values = load({**KEDA, "airflow_version": version})
    assert list(autoscaling.columns(values)) == tables
    (text,) = autoscaling.queries(values)
    assert ("callback" in text) is ("callback" in tables)


@pytest.mark.parametrize(
    ("executor", "version", "named", "counts"),
    [
        ("CeleryExecutor", "3.3.2", None, True),
        ("CeleryExecutor,KubernetesExecutor", "3.3.2", None, True),
        ("CeleryExecutor,KubernetesExecutor", "3.3.2", "CeleryExecutor", True),
        ("CeleryExecutor,KubernetesExecutor", "3.3.2", "KubernetesExecutor", False),
        ("KubernetesExecutor,CeleryExecutor", "3.3.2", None, False),
        ("KubernetesExecutor,CeleryExecutor", "3.3.2", "CeleryExecutor", True),
        ("KubernetesExecutor,mine:CeleryExecutor", "3.3.2", "mine", True),
        (
            "KubernetesExecutor,CeleryExecutor",
            "2.11.2",
            "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
            True,
        ),
        (
            "airflow.providers.celery.executors.celery_executor.CeleryExecutor,LocalExecutor",
            "3.3.2",
            "CeleryExecutor",
            True,
        ),
        ("CeleryKubernetesExecutor", "2.11.2", None, True),
        ("edge:acme.executors.Edge,CeleryExecutor", "3.3.2", "edge", False),
        ("edge:acme.executors.Edge,CeleryExecutor", "3.3.2", None, False),
    ],
)
def test_tasks_of_other_executors_need_no_worker(executor: str, version: str, named: str | None, counts: bool) -> None:
    assert bool(counted(query(executor, version), ("queued", "default", named))) is counts


@pytest.mark.parametrize(
    ("version", "queue", "number"),
    [("2.11.2", "", 2), ("3.1.0", "", 2), ("3.2.0", ", queue", 1), ("3.3.2", ", queue", 1)],
)
def test_triggers_of_a_queue_are_for_others(version: str, queue: str, number: int) -> None:
    """The column of queues came with 3.2."""
    values = load({**BASE, "airflow_version": version, "airflow_core_triggerer": {"capacity": 2}})
    database = sqlite3.connect(":memory:")
    database.create_function("CEIL", 1, lambda one: float(-(-one // 1)))
    database.execute(f'CREATE TABLE "trigger" (id INTEGER{queue})')
    database.executemany('INSERT INTO "trigger" (id) VALUES (?)', [(1,), (2,), (3,)])
    if queue:
        database.execute("UPDATE \"trigger\" SET queue = 'own' WHERE id = 3")
    # SQLite alone takes the word for its own.
    text = autoscaling.triggers_query(values).replace("FROM trigger", 'FROM "trigger"')
    assert database.execute(text).fetchone()[0] == number
    database.close()


@pytest.mark.parametrize(("version", "counted"), [("3.2.0", ["queue"]), ("3.3.2", ["queue", "team_name"])])
def test_triggers_of_a_team_are_for_others(version: str, counted: list[str]) -> None:
    """The column of teams came with 3.3; before, a triggerer took those of all teams."""
    triggerer = {**MULTI_TEAM, "airflow_autoscaling_triggerer": {}}
    values = load({**BASE, "airflow_version": version, **triggerer})
    assert autoscaling.columns(values) == {"trigger": ["id", *counted]}
    own = " AND ".join(f"{column} IS NULL" for column in counted)
    assert autoscaling.triggers_query(values).endswith(f" FROM trigger WHERE {own}")


def test_who_counts_may_read_what_is_counted() -> None:
    values = load(CASES["autoscaling"])
    assert autoscaling.columns(values) == {
        "task_instance": ["state", "queue", "executor"],
        "callback": ["id", "type", "state"],
        "deadline": ["callback_id", "deadline_time"],
        "trigger": ["id", "queue"],
    }
    assert autoscaling.columns(load(CASES["autoscaling-2.11"]))["trigger"] == ["id"]
    assert len(autoscaling.queries(values)) == 3
    assert autoscaling.columns(load(CELERY)) == {}


# --- whose the number of pods is ---


def test_nobody_else_sets_the_number() -> None:
    found = objects(CASES["autoscaling"])
    scaled = {
        (item["spec"]["scaleTargetRef"]["kind"], item["spec"]["scaleTargetRef"]["name"]): item
        for item in found.values()
        if "scaleTargetRef" in item.get("spec", {})
    }
    assert len(scaled) == 5
    for item in found.values():
        if item["kind"] in ("Deployment", "StatefulSet"):
            is_scaled = (item["kind"], item["metadata"]["name"]) in scaled
            assert ("replicas" in item["spec"]) is not is_scaled
            assert (AUTOSCALED in item["metadata"].get("annotations", {})) is is_scaled
    assert found["StatefulSet/airflow-worker-big"]["metadata"]["annotations"][AUTOSCALED] == "1"
    assert found["Deployment/airflow-worker"]["metadata"]["annotations"][AUTOSCALED] == "0"


def test_an_autoscaler_rolls_no_pods() -> None:
    """Neither the selector nor the template of what it scales differ."""
    before, after = (objects(one)["Deployment/airflow-worker"]["spec"] for one in (CELERY, KEDA))
    assert {**before, "replicas": None} == {**after, "replicas": None}


def test_what_it_is_told_is_handed_on() -> None:
    advanced = {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 1}}}}
    options = {"min": 2, "max": 3, "pollingInterval": 7, "cooldownPeriod": 0, "advanced": advanced}
    options["fallback"] = {"replicas": 2}
    spec = objects({**CELERY, "airflow_autoscaling_workers": {"default": options}})["ScaledObject/airflow-worker"][
        "spec"
    ]
    assert spec["advanced"] == advanced
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 3)
    assert (spec["pollingInterval"], spec["cooldownPeriod"]) == (7, 0)
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 2}


def test_a_pod_autoscaler_goes_by_what_it_is_told() -> None:
    metric = {
        "type": "Pods",
        "pods": {"metric": {"name": "x"}, "target": {"type": "AverageValue", "averageValue": "1"}},
    }
    options = {"cpu": 0, "memory": 75, "metrics": [metric]}
    found = objects({**BASE, "airflow_autoscaling_api_server": options})
    told = found["HorizontalPodAutoscaler/airflow-api-server"]["spec"]["metrics"]
    share = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 75}}
    assert told == [{"type": "Resource", "resource": share}, metric]


def test_the_webserver_of_airflow_2_is_scaled_by_its_name() -> None:
    found = objects({**BASE, "airflow_version": "2.11.2", "airflow_autoscaling_api_server": {}})
    assert found["HorizontalPodAutoscaler/airflow-webserver"]["spec"]["scaleTargetRef"]["name"] == "airflow-webserver"
    assert "replicas" not in found["Deployment/airflow-webserver"]["spec"]


def test_keda_is_not_needed_by_pod_autoscalers() -> None:
    found = objects({**CELERY, "airflow_autoscaling_workers_hpa": {"default": {}}})
    assert not {item["kind"] for item in found.values()} & {"ScaledObject", "TriggerAuthentication"}
    assert not load({**CELERY, "airflow_autoscaling_workers_hpa": {"default": {}}}).uses_keda


# --- cluster autoscalers ---


@pytest.mark.parametrize(
    ("executor", "stay"),
    [("CeleryExecutor", {"worker"}), ("LocalExecutor", {"scheduler"}), ("KubernetesExecutor", set())],
)
def test_what_runs_tasks_is_not_moved(executor: str, stay: set[str]) -> None:
    variables = {**BASE, "airflow_core_executor": executor, "airflow_database_pgbouncer": {"enabled": True}}
    found = {
        item["metadata"]["labels"]["component"]: item["spec"]["template"]["metadata"]["annotations"]
        for item in render_all(load(variables))
        if item["kind"] == "Deployment"
    }
    assert {name for name, notes in found.items() if notes.items() >= STAYS.items()} == stay
    assert {name for name, notes in found.items() if notes.items() >= MOVES.items()} == found.keys() - stay


def test_every_pod_says_whether_it_may_be_moved() -> None:
    """What is in the midst of its work may not, nor what there is one of and all wait for."""
    sidecars = {"airflow_celery_flower": {"enabled": True}, "airflow_database_pgbouncer": {"enabled": True}}
    housekeeping = {"airflow_database_cleanup": {"enabled": True}, "airflow_logging_loss_accepted": False}
    variables = {**BASE, **sidecars, **housekeeping, "airflow_logging_store": "volume"}
    items = rendered({**variables, "airflow_core_executor": "CeleryExecutor,KubernetesExecutor"})
    found = {
        template["metadata"]["labels"]["component"]: template["metadata"]["annotations"] for template in pods(items)
    }
    stay = {"postgresql", "redis", "worker", "log-cleanup", "db-cleanup", "migrate"}
    assert {name for name, notes in found.items() if notes.items() >= STAYS.items()} == stay
    assert {name for name, notes in found.items() if notes.items() >= MOVES.items()} == found.keys() - stay
    assert {"flower", "pgbouncer", "scheduler", "api-server"} <= found.keys() - stay


# --- who counts ---


def derived(variables: Object) -> dict[str, dict[str, str]]:
    values = load(variables)
    plan = secrets.required_secrets(values, {"database_password": "owner"})
    settled = {one.name: secrets.settled(one, {}, one.name)[0] for one in plan}
    own = {"username": "reader", "password": "p w"}
    account = secrets.Account(user="airflow", password="owner")
    scaler = secrets.scaler_account(values, settled, lambda _name: own)
    return secrets.derived_secrets(values, account, secrets.CeleryAccounts(), scaler)


def test_keda_asks_the_embedded_database() -> None:
    found = derived({**KEDA, "airflow_core_executor": "CeleryExecutor"})["airflow-autoscaling-connection"]
    address = found["connection"]
    assert address.startswith("postgresql://airflow_autoscaler:")
    assert "@airflow-postgresql.airflow.svc:5432/airflow?sslmode=disable&default_query_exec_mode=simple_p" in address


def test_keda_goes_through_pgbouncer() -> None:
    found = derived(CASES["autoscaling"])
    assert (
        "@airflow-pgbouncer.airflow.svc:6543/metadata?sslmode=disable&"
        in (found["airflow-autoscaling-connection"]["connection"])
    )
    users = [line.split()[0] for line in found["airflow-pgbouncer-config"]["users.txt"].splitlines()]
    assert users == ['"airflow"', '"airflow_autoscaler"']


def test_keda_speaks_tls_as_airflow_does() -> None:
    variables = {**CASES["autoscaling-2.11"], "airflow_database_sslmode": "verify-full"}
    address = derived(variables)["old-autoscaling-connection"]["connection"]
    assert address.startswith("postgresql://reader:p%20w@postgres.example.com:5432/airflow?sslmode=verify-full&")


def test_a_user_of_ones_own_is_not_kept() -> None:
    wanted = {one.name for one in secrets.required_secrets(load(CASES["autoscaling-2.11"]), {})}
    assert "old-autoscaling" not in wanted
    assert "airflow-autoscaling" in {one.name for one in secrets.required_secrets(load(KEDA), {})}
    assert not any("autoscaling" in one for one in derived(CELERY))
