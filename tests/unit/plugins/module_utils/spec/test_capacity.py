"""Sums over the settings: connections to the database, and tasks at once."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec import capacity
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE

TWO = {
    "airflow_core_api_server": {"replicas": 2, "workers": 3},
    "airflow_core_scheduler": {"replicas": 2},
}
OLD = {"airflow_version": "2.11.2"}
POOLED = {"airflow_database_pgbouncer": {"enabled": True, "replicas": 2, "poolSize": 20}}


def kept(**variables: t.Any) -> dict[str, int]:
    return {share.component: share.kept for share in capacity.shares(load({**BASE, **variables}))}


def test_each_pool_is_counted() -> None:
    assert kept() == {
        "api-server": 5,
        "api-server (asynchronous)": 5,
        "scheduler": 5,
        "dag-processor": 5,
        "triggerer": 5,
    }
    assert kept(**TWO) == {
        "api-server": 30,
        "api-server (asynchronous)": 30,
        "scheduler": 10,
        "dag-processor": 5,
        "triggerer": 5,
    }
    assert "triggerer" not in kept(airflow_core_triggerer={"enabled": False})


@pytest.mark.parametrize(("version", "asynchronous"), [("3.3.2", 2), ("3.2.2", 2), ("3.2.1", 5), ("3.1.0", 5)])
def test_pools_are_as_large_as_the_options_say(version: str, asynchronous: int) -> None:
    """Airflow's asynchronous engine follows them from 3.2.2 on."""
    smaller = kept(airflow_version=version, airflow_core_config={"database": {"sql_alchemy_pool_size": "2"}})
    assert (smaller["scheduler"], smaller["api-server (asynchronous)"]) == (2, asynchronous)


@pytest.mark.parametrize("off", [False, "False", "0"])
def test_without_pools_each_process_counts_once(off: t.Any) -> None:
    config = {"airflow_core_config": {"database": {"sql_alchemy_pool_enabled": off}}}
    assert set(kept(**config).values()) == {1}
    load({**BASE, **config, "airflow_core_api_server": {"replicas": 4, "workers": 20}})
    assert kept(airflow_core_config={"database": {"sql_alchemy_pool_enabled": "True"}})["scheduler"] == 5


CELERY = {"airflow_core_executor": "CeleryExecutor"}
SETS = {
    "default": {"replicas": 2, "concurrency": 3},
    "more": {"queues": ["more"], "autoscale": {"min": 1, "max": 4}},
}


def test_processes_of_celery_keep_a_connection_for_results() -> None:
    assert kept(**CELERY)["results of Celery"] == 8
    assert kept(**CELERY, **OLD)["results of Celery"] == 8
    assert kept(**CELERY, airflow_celery_workers=SETS)["results of Celery"] == 2 * 3 + 4
    scaled = {**CELERY, "airflow_celery_workers": SETS, "airflow_autoscaling_workers": {"default": {"max": 20}}}
    assert kept(**scaled)["results of Celery"] == 20 * 3 + 4
    elsewhere = {"airflow_celery_result_backend": {"urlSecret": {"name": "my-results"}}}
    assert "results of Celery" not in kept(**CELERY, **elsewhere)
    assert "results of Celery" not in kept()
    # A pool of threads is not forked, and Celery keeps nothing open for it.
    assert "results of Celery" not in kept(**CELERY, airflow_core_config={"celery": {"pool": "gevent"}})
    told = refusal(**{**scaled, "airflow_database_max_connections": 90})
    assert "results of Celery 64 (airflow_autoscaling_workers.default.max is 20)" in told


def test_results_go_through_pgbouncer() -> None:
    pooled = {**CELERY, "airflow_database_pgbouncer": {"enabled": True, "poolSize": 20, "maxClientConnections": 28}}
    load({**BASE, **pooled, "airflow_database_max_connections": 28})
    told = refusal(**{**pooled, "airflow_database_pgbouncer": {"enabled": True, "maxClientConnections": 27}})
    assert "but 28 connections stay open: api-server 5, scheduler 5, dag-processor 5, triggerer 5, results" in told


def test_defaults_of_a_celery_that_is_scaled_fit() -> None:
    scaled = {**CELERY, "airflow_autoscaling_workers": {"default": {}}, "airflow_autoscaling_triggerer": {"max": 1}}
    load({**BASE, **scaled})
    load({**BASE, **scaled, "airflow_database_pgbouncer": {"enabled": True}})


def test_tasks_of_airflow_2_connect_themselves() -> None:
    limited = {**OLD, "airflow_core_config": {"core": {"parallelism": 16}}}
    assert kept(**limited) == {
        "webserver": 5,
        "scheduler": 5,
        "dag-processor": 5,
        "triggerer": 5,
        "parsers of DAGs": 2,
        "tasks": 16,
    }
    assert kept(**OLD, airflow_core_config={"scheduler": {"parsing_processes": 7}})["parsers of DAGs"] == 7


@pytest.mark.parametrize(
    ("variables", "tasks"),
    [
        ({}, 32),
        ({"airflow_core_scheduler": {"replicas": 2}}, 64),
        ({**OLD, "airflow_core_config": {"core": {"parallelism": 0}}}, 0),
        ({"airflow_core_executor": "CeleryExecutor"}, 8),
        ({**OLD, **CELERY, "airflow_core_config": {"core": {"parallelism": 0}}}, 8),
        ({"airflow_core_executor": "CeleryExecutor", "airflow_core_config": {"core": {"parallelism": 5}}}, 5),
        ({"airflow_core_executor": "CeleryExecutor,KubernetesExecutor"}, 32),
        (
            {
                "airflow_core_executor": "CeleryExecutor",
                "airflow_celery_workers": {
                    "default": {"replicas": 2, "concurrency": 3},
                    "more": {"queues": ["more"], "autoscale": {"min": 1, "max": 4}},
                },
            },
            10,
        ),
    ],
)
def test_tasks_at_once(variables: dict[str, t.Any], tasks: int) -> None:
    assert capacity.tasks_at_once(load({**BASE, **variables})) == tasks


def refusal(**variables: t.Any) -> str:
    with pytest.raises(SpecError) as error:
        load({**BASE, **variables})
    return error.value.message


def test_a_server_with_too_few_connections_is_refused_with_the_sum() -> None:
    load({**BASE, **TWO, "airflow_database_max_connections": 83})
    assert refusal(**TWO, airflow_database_max_connections=82) == (
        "airflow_database_max_connections is 82, of which 3 are for administrators, but 80 connections stay "
        "open: api-server 30, scheduler 10, dag-processor 5, triggerer 5, api-server (asynchronous) 30. Raise it, "
        "lower replicas (max where an autoscaler sets them), workers or "
        "airflow_core_config.database.sql_alchemy_pool_size, or have PgBouncer (docs/capacity.md)"
    )


def test_an_embedded_server_has_its_own_default() -> None:
    many = {"airflow_core_api_server": {"replicas": 4, "workers": 5}}
    assert "airflow_database_max_connections is 200, of which" in refusal(**many)
    load({**BASE, **many, "airflow_database_max_connections": 300})
    external = {"airflow_database_provider": "external", "airflow_database_host": "db", "airflow_database_user": "a"}
    # Nobody has said what it grants.
    load({**BASE, **many, **external})


def test_pgbouncer_is_what_the_server_sees() -> None:
    """Two pods with twenty connections each, and what goes past them."""
    limited = {**TWO, **POOLED}
    load({**BASE, **limited, "airflow_database_max_connections": 73})
    told = refusal(**limited, airflow_database_max_connections=72)
    assert "70 connections stay open: pgbouncer 40 (2 x 20), api-server (asynchronous) 30" in told


def test_keda_asks_as_a_user_of_its_own() -> None:
    """One connection for each ScaledObject, which PgBouncer does not share with Airflow's."""
    scaled = {
        "airflow_core_executor": "CeleryExecutor",
        "airflow_celery_workers": {"default": {}, "more": {"queues": ["more"]}},
        "airflow_autoscaling_workers": {"default": {}, "more": {}},
        "airflow_autoscaling_triggerer": {"max": 1},
    }
    assert kept(**scaled)["KEDA"] == 3
    pooled = {**scaled, "airflow_database_pgbouncer": {"enabled": True, "poolSize": 20, "maxClientConnections": 183}}
    load({**BASE, **pooled, "airflow_database_max_connections": 31})
    told = refusal(**pooled, airflow_database_max_connections=30)
    assert "28 connections stay open: pgbouncer 20 (1 x 20), api-server (asynchronous) 5, KEDA 3. Raise it" in told
    pooled["airflow_database_pgbouncer"]["maxClientConnections"] = 182
    told = refusal(**pooled)
    assert "but 183 connections stay open: api-server 5, scheduler 5, dag-processor 5, triggerer 5 (" in told
    assert told.endswith("), KEDA 3. Raise it (docs/capacity.md)")


def test_pgbouncer_takes_what_airflow_keeps_open() -> None:
    pooler = {"enabled": True, "maxClientConnections": 50}
    load({**BASE, **TWO, "airflow_database_pgbouncer": pooler})
    told = refusal(**TWO, airflow_database_pgbouncer={**pooler, "maxClientConnections": 49})
    assert "maxClientConnections is 49 for each of 1 pods, but 50 connections stay open: api-server 30" in told
