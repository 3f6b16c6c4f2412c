"""What is said of a broker or a result backend that does not answer."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import broker_words
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_broker
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

RABBIT = {"host": "rabbit", "port": 5672, "database": "team", "scheme": "amqps", "said": "OSError: x"}


def values(backend: dict[str, t.Any] | None = None, **broker: t.Any) -> Values:
    return load(
        {
            "airflow_instance": "airflow",
            "airflow_logging_store": "volume",
            "airflow_core_executor": "CeleryExecutor",
            "airflow_celery_broker": {"provider": "external", **broker},
            **({"airflow_celery_result_backend": backend} if backend else {}),
        }
    )


DESCRIBED = values(host="rabbit", credentials={"name": "mine"})
USER = values(host="rabbit", user="ada")
BY_URL = values({"urlSecret": {"name": "results"}}, urlSecret={"name": "whole", "key": "address"})


@pytest.mark.parametrize(
    ("instance", "kind", "said"),
    [
        (DESCRIBED, "name", "airflow_celery_broker.host: nobody knows the name rabbit"),
        (
            DESCRIBED,
            "away",
            "airflow_celery_broker.host: the server cannot be reached at rabbit:5672: it is down, or a network policy "
            "is between (OSError: x)",
        ),
        (
            DESCRIBED,
            "certificate",
            "airflow_celery_broker.scheme: no authority that is known vouches for the certificate of rabbit:5672: name "
            "yours in airflow_core_config.celery.extra_celery_config (broker_use_ssl.ca_certs), and mount it into the "
            "workers",
        ),
        (
            DESCRIBED,
            "login",
            "airflow_celery_broker.credentials: the user or the password is wrong at rabbit:5672 (Secret mine)",
        ),
        (
            USER,
            "login",
            "airflow_celery_broker.user: the user or the password is wrong at rabbit:5672 (user ada with "
            "airflow_celery_broker_password)",
        ),
        (DESCRIBED, "database", "airflow_celery_broker.database: there is no virtual host 'team' at rabbit:5672"),
        (DESCRIBED, "", "airflow_celery_broker: rabbit:5672 does not answer as it should (OSError: x)"),
        (
            BY_URL,
            "login",
            "airflow_celery_broker.urlSecret (Secret whole, key address): the user or the password is wrong at "
            "rabbit:5672",
        ),
    ],
)
def test_it_names_the_variable(instance: Values, kind: str, said: str) -> None:
    assert broker_words.meaning(instance, "broker", {**RABBIT, "kind": kind}) == said


def test_a_result_backend_has_a_variable_of_its_own() -> None:
    found = {"host": "redis", "port": None, "database": "9", "scheme": "redis", "kind": "database"}
    assert broker_words.meaning(BY_URL, "result_backend", found) == (
        "airflow_celery_result_backend.urlSecret (Secret results, key url): there is no database '9' at redis"
    )


def test_an_address_that_is_none_is_told_without_it() -> None:
    said = broker_words.meaning(BY_URL, "broker", {"kind": "address"})
    assert said.startswith("airflow_celery_broker.urlSecret (Secret whole, key address): it is no address: write")


def test_there_are_words_for_all_that_the_script_tells() -> None:
    told = {kind for _pattern, kind in probe_broker.KINDS} | {"address", "late"}
    assert told == set(broker_words.MEANINGS)
