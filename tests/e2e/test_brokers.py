"""Celery through a RabbitMQ of one's own; one sentence for each broker that does not answer, and nothing is changed."""

from __future__ import annotations

import functools
import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.modules import broker, dag_run
from tests.e2e import bad, parts
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import CLUSTER

NAME = "brokers"
BROKER = "airflow_celery_broker"
BACKEND = "airflow_celery_result_backend"
RABBITMQ, REDIS = parts.RabbitMQ.host(), parts.Redis.host()

# What is said of each, with what is changed in the variables that work.
BAD: dict[str, str] = {
    "name": f"{BROKER}.host: nobody knows the name nowhere.rabbitmq.svc",
    "down": f"{BROKER}.host: the server cannot be reached at {RABBITMQ}:5679: it is down, or a network policy",
    "password": f"{BROKER}.credentials: the user or the password is wrong at {RABBITMQ}:5672 (Secret wrong)",
    "virtual-host": f"{BROKER}.database: there is no virtual host 'nothing' at {RABBITMQ}:5672",
    "authority": f"{BROKER}.scheme: no authority that is known vouches for the certificate of {RABBITMQ}:5671",
    "no-tls": f"{BROKER}.scheme: {RABBITMQ}:5672 does not speak TLS, which amqps asks for",
    "redis-password": f"{BROKER}.credentials: the user or the password is wrong at {REDIS}:6379 (Secret wrong)",
    "redis-database": f"{BROKER}.database: there is no database '99' at {REDIS}:6379",
    "redis-login": f"{BROKER}.user: {REDIS}:6379 wants a user and a password",
    "transport": f"{BROKER}.urlSecret (Secret addresses, key strange): Celery knows nothing that is spoken to",
    "result": f"{BACKEND}.urlSecret (Secret addresses, key wrong): the user or the password is wrong at {REDIS}:6379",
}
FEW = ("down", "password", "result")


class Brokers:
    """A running instance with a broker that answers, and what would be wrong with others."""

    def __init__(self, rabbitmq: parts.RabbitMQ, redis: parts.Redis, site: Site) -> None:
        self.site = site
        self.rabbitmq = rabbitmq
        self._redis = redis
        self._cluster = connect(CLUSTER)
        self._bring = functools.partial(bad.secret, self._cluster, NAME)
        self._wrong = "one-that-nobody-has"

    def prepare(self) -> None:
        """What a person brings: the namespace with Secrets of their own."""
        self._cluster.apply(parts.namespace(NAME), force=True)
        known = self.rabbitmq.facts()
        self._bring("broker", username=known["username"], password=known["password"])
        self._bring("wrong", username="default", password=self._wrong)
        self._bring("redis", username="default", password=self._redis.secret["password"])
        tls = f"amqps://{known['username']}:{known['password']}@{RABBITMQ}:5671/{known['virtual_host']}"
        self._bring(
            "addresses",
            tls=tls,
            redis=self._redis.url(1),
            wrong=f"redis://:{self._wrong}@{REDIS}:6379/1",
            strange=f"strange://:{self._wrong}@{REDIS}:6379/1",
        )
        self._bring("authority", **{"ca.crt": known["ca_certificate"]})

    def good(self) -> Variables:
        return self._with({"scheme": "amqp", "host": RABBITMQ, "database": self.rabbitmq.virtual_host})

    def _with(self, changes: Variables, **more: t.Any) -> Variables:
        own = {} if "urlSecret" in changes else {"credentials": {"name": "broker"}}
        described = {"provider": "external", **own, **changes}
        return {
            **BASE,
            "airflow_core_executor": "CeleryExecutor",
            "airflow_celery_workers": {"default": {"concurrency": 2, "resources": {**SMALL, "limits": {}}}},
            BROKER: {key: value for key, value in described.items() if value is not None},
            **more,
        }

    def bad(self, what: str) -> Variables:
        rabbitmq = self.good()[BROKER]
        redis = {"scheme": "redis", "host": REDIS, "credentials": {"name": "wrong"}}
        cases: dict[str, Variables] = {
            "name": {**rabbitmq, "host": "nowhere.rabbitmq.svc"},
            "down": {**rabbitmq, "port": 5679},
            "password": {**rabbitmq, "credentials": {"name": "wrong"}},
            "virtual-host": {**rabbitmq, "database": "nothing"},
            "authority": {**rabbitmq, "scheme": "amqps"},
            "no-tls": {**rabbitmq, "scheme": "amqps", "port": 5672},
            "redis-password": redis,
            "redis-database": {**redis, "credentials": {"name": "redis"}, "database": "99"},
            "redis-login": {**redis, "credentials": None},
            "transport": {"urlSecret": {"name": "addresses", "key": "strange"}},
        }
        if what == "result":
            return {**self.good(), BACKEND: {"urlSecret": {"name": "addresses", "key": "wrong"}}}
        return self._with(cases[what])

    def by_tls(self) -> Variables:
        """By an address of one's own, an authority of one's own, and a result backend of one's own."""
        told = {"broker_use_ssl": {"ca_certs": "/ca/ca.crt", "cert_reqs": 2, "server_hostname": RABBITMQ}}
        volume = {"name": "authority", "secret": {"secretName": "authority"}}
        mounted = {"volumes": [volume], "volumeMounts": [{"name": "authority", "mountPath": "/ca"}]}
        return self._with(
            {"urlSecret": {"name": "addresses", "key": "tls"}},
            airflow_celery_workers={"default": mounted},
            airflow_core_config={"celery": {"extra_celery_config": told}},
            **{BACKEND: {"urlSecret": {"name": "addresses", "key": "redis"}}},
        )

    def secrets(self) -> list[str]:
        return [self._wrong, self.rabbitmq.secret["password"], self._redis.secret["password"]]


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Brokers]:
    with bad.site_with(NAME, tmp_path_factory.mktemp("runs"), parts.RabbitMQ, parts.Redis) as (site, brought):
        rabbitmq, redis = t.cast("parts.RabbitMQ", brought["rabbitmq"]), t.cast("parts.Redis", brought["redis"])
        made = Brokers(rabbitmq, redis, site)
        made.prepare()
        site.converge(made.good())
        yield made


def test_a_dag_runs_through_rabbitmq_and_a_second_run_changes_nothing(brokers: Brokers) -> None:
    site = brokers.site
    ran = site.instance.call(dag_run, dag_id="dagops_canary", run_id="by-rabbitmq", wait=True, wait_timeout=300)
    assert ran["run"]["state"] == "success"
    listed = brokers.rabbitmq.run(
        "/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", "list_queues", "-p", brokers.rabbitmq.virtual_host, "name"
    )
    assert "default" in listed.split()
    again = site.run(brokers.good(), "site", "-vvv")
    assert (again.code, again.changed, again.module_starts) == (0, 0, 0), again.output[-5000:]
    assert again.api_requests <= 30
    assert not any(secret in again.output for secret in brokers.secrets())
    assert site.probes() == []


@pytest.mark.parametrize("what", bad.cases(BAD, FEW))
def test_a_broker_that_does_not_answer_is_said_and_nothing_is_changed(what: str, brokers: Brokers) -> None:
    said = brokers.site.refuses(brokers.bad(what))
    assert BAD[what] in said, said[-5000:]
    assert "The instance goes on as it was." in said
    assert not any(secret in said for secret in brokers.secrets())


def test_one_that_answers_by_any_way_is_found_to_do_so_once(brokers: Brokers) -> None:
    """By TLS with an authority of one's own, and with a result backend; nothing is rolled out for that."""
    before = brokers.site.seen()
    values = {**brokers.by_tls(), "airflow_instance": NAME}
    told = [brokers.site.instance.call(broker, values=values) for _number in range(2)]
    assert [(one["changed"], one["probed"]) for one in told] == [(False, True), (False, False)]
    assert not any(secret in json.dumps(told) for secret in brokers.secrets())
    assert (brokers.site.seen(), brokers.site.probes()) == (before, [])


def test_another_address_is_there_for_pods_once_it_was_found_to_answer(brokers: Brokers) -> None:
    site, before = brokers.site, brokers.site.seen()
    other = brokers.good()
    other[BROKER]["host"] = f"{RABBITMQ}.cluster.local"
    values = {**other, "airflow_instance": NAME}
    assert site.instance.call(broker, check=True, values=values)["changed"]
    assert site.seen() == before
    told = site.instance.call(broker, values=values)
    assert (told["changed"], told["probed"]) == (True, True)
    assert f"@{RABBITMQ}.cluster.local:5672/" in site.instance.secret("celery")["broker-url"]
