"""The Job of ``broker`` against a real API server, where a thread writes what a node would."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, kinds
from ansible_collections.dagops.airflow.plugins.modules import broker, secrets
from tests.api.support import INSTANCE, Face, Site, validated
from tests.api.test_migration import Node

HUSH = "hush"
GOOD: dict[str, t.Any] = {"probe": "broker", "said": {}}
BAD: dict[str, t.Any] = {
    "probe": "broker",
    "said": {
        "broker": {"kind": "away", "host": "other", "port": 6379, "scheme": "redis", "database": "", "said": "refused"},
        "result_backend": {"kind": "address"},
    },
}


def described(site: Site, host: str = "redis", **more: t.Any) -> dict[str, t.Any]:
    return {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_logging_store": "volume",
        "airflow_core_executor": "CeleryExecutor",
        "airflow_celery_broker": {"provider": "external", "host": host, "user": "default"},
        **more,
    }


def call(
    site: Site, module: t.Any, values: dict[str, t.Any], *, check: bool = False, secret: str = HUSH, **params: t.Any
) -> tuple[dict[str, t.Any], Face]:
    given = {"kubeconfig": site.kubeconfig, "values": values, "given": {"broker_password": secret}, **params}
    face = Face(params=validated(module, given), check_mode=check)
    result: dict[str, t.Any] = module.run(face)
    return result, face


def ask(site: Site, values: dict[str, t.Any], **params: t.Any) -> dict[str, t.Any]:
    return call(site, broker, values, wait_timeout=30, **params)[0]


def settle(site: Site, values: dict[str, t.Any], **params: t.Any) -> dict[str, t.Any]:
    """What roles/airflow_database does."""
    return call(site, secrets, values, keep_broker=True, **params)[0]


def address(site: Site) -> str:
    live = site.cluster.get(kinds.named("Secret"), f"{INSTANCE}-celery", site.namespace)
    assert live
    return base64.b64decode(live["data"]["broker-url"]).decode()


def jobs(site: Site) -> list[dict[str, t.Any]]:
    return site.cluster.list(kinds.named("Job"), site.namespace)


def begun(site: Site) -> dict[str, str]:
    """What preflight remembers at the start of a run."""
    return engine.begin(site.cluster, INSTANCE, site.namespace, Face(params={}), check_mode=False)


def test_one_that_answers_is_not_asked_again(site: Site) -> None:
    values = described(site)
    settle(site, values)
    with Node(site, GOOD).running() as node:
        first = ask(site, values, remembered=begun(site))
    assert (first["changed"], first["probed"], len(node.jobs)) == (False, True, 1)
    assert not jobs(site)
    again = ask(site, values, remembered=begun(site))
    # The Secrets of the instance in one.
    assert (again["changed"], again["probed"], again["api_requests"]) == (False, False, 1)


def test_pods_have_another_address_once_it_was_found_to_answer(site: Site) -> None:
    settle(site, described(site))
    before, other = address(site), described(site, "other")
    assert before == "redis://default:hush@redis:6379/0"
    settled = settle(site, other)
    assert (settled["changed"], address(site)) == (False, before)
    with Node(site, BAD, GOOD).running() as node:
        with pytest.raises(Failure) as refused:
            ask(site, {**other, "airflow_celery_result_backend": {"urlSecret": {"name": "results"}}})
        assert refused.value.message.startswith(
            "airflow_celery_broker.host: the server cannot be reached at other:6379: it is down, or a network policy "
            "is between (refused); airflow_celery_result_backend.urlSecret (Secret results, key url): it is no address"
        )
        assert "The instance goes on as it was." in refused.value.message
        assert (address(site), jobs(site)) == (before, [])
        assert ask(site, other, check=True)["changed"]
        assert address(site) == before
        told = ask(site, other)
        assert (told["changed"], told["probed"]) == (True, True)
    assert len(node.jobs) == 2
    assert address(site) == "redis://default:hush@other:6379/0"
    # What was told before of what pods will read is what they read now.
    assert settle(site, other)["fingerprints"] == settled["fingerprints"]
    assert not ask(site, other)["changed"]


def test_another_password_is_tried_and_only_in_a_secret(site: Site) -> None:
    values = described(site)
    settle(site, values)
    with Node(site, GOOD, GOOD).running() as node:
        ask(site, values)
        settle(site, values, secret="another-one")
        assert ask(site, values, secret="another-one")["probed"]
    assert address(site) == "redis://default:another-one@redis:6379/0"
    assert "another-one" not in str(node.jobs)
    assert len({job["metadata"]["name"] for job in node.jobs}) == 2


def test_a_new_value_in_a_secret_of_ones_own_is_seen(site: Site) -> None:
    values = described(site, airflow_celery_broker={"provider": "external", "urlSecret": {"name": "mine"}})
    meta = {"name": "mine", "namespace": site.namespace}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"url": "redis://:one@redis"}}
    site.cluster.create(made)
    with Node(site, GOOD, GOOD).running() as node:
        settle(site, values, secret="")
        assert ask(site, values, secret="")["probed"]
        assert not ask(site, values, secret="")["probed"]
        site.cluster.patch(kinds.named("Secret"), "mine", site.namespace, {"stringData": {"url": "redis://:two@redis"}})
        assert ask(site, values, secret="")["probed"]
    assert len(node.jobs) == 2


def test_nothing_is_asked_in_check_mode_or_where_nothing_is_ones_own(site: Site) -> None:
    assert not ask(site, described(site), check=True)["probed"]
    embedded = described(site, airflow_celery_broker={})
    assert ask(site, embedded) == {"changed": False, "probed": False, "api_requests": 0}
    assert not jobs(site)
