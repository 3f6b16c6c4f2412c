"""The Job of ``log_store`` against a real API server, where a thread writes what a node would."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, kinds
from ansible_collections.dagops.airflow.plugins.modules import log_store
from tests.api.support import INSTANCE, Face, Site, validated
from tests.api.test_migration import Node

GOOD: dict[str, t.Any] = {"probe": "s3"}
S3 = {"airflow_logging_store": "s3", "airflow_logging_s3": {"bucket": "logs", "credentials": {"name": "logs"}}}


def probe(site: Site, *, check: bool = False, **params: t.Any) -> tuple[dict[str, t.Any], Face]:
    values = {"airflow_instance": INSTANCE, "airflow_namespace": site.namespace, **params.pop("values", S3)}
    given = {"kubeconfig": site.kubeconfig, "values": values, "wait_timeout": 30, **params}
    face = Face(params=validated(log_store, given), check_mode=check)
    result: dict[str, t.Any] = log_store.run(face)
    return result, face


def begun(site: Site) -> dict[str, str]:
    """What preflight remembers at the start of a run."""
    return engine.begin(site.cluster, INSTANCE, site.namespace, Face(params={}), check_mode=False)


def test_a_store_that_works_is_not_tried_again_and_costs_no_request(site: Site) -> None:
    with Node(site, GOOD).running() as node:
        result, _face = probe(site, remembered=begun(site))
    assert (result["changed"], result["probed"], len(node.jobs)) == (False, True, 1)
    assert not site.cluster.list(kinds.named("Job"), site.namespace)
    result, _face = probe(site, remembered=begun(site))
    assert (result["probed"], result["api_requests"]) == (False, 0)
    # Without preflight before it, one request finds that out.
    result, _face = probe(site)
    assert (result["probed"], result["api_requests"]) == (False, 1)


def test_a_store_that_changes_is_tried_anew(site: Site) -> None:
    other = {**S3, "airflow_logging_s3": {"bucket": "other", "credentials": {"name": "logs"}}}
    with Node(site, GOOD, GOOD).running() as node:
        probe(site)
        assert probe(site, values=other)[0]["probed"]
    assert len(node.jobs) == 2


def test_what_has_nothing_to_do_with_the_store_does_not_count(site: Site) -> None:
    with Node(site, GOOD).running():
        probe(site)
    values = {**S3, "airflow_version": "3.3.1", "airflow_core_scheduler": {"replicas": 2}}
    assert not probe(site, values=values)[0]["probed"]


def test_a_store_that_fails_is_told_by_its_variable_and_tried_again(site: Site) -> None:
    bad = {"probe": "s3", "problem": "an object cannot be written: there is no such bucket (NoSuchBucket)"}
    with Node(site, bad, GOOD).running() as node:
        with pytest.raises(Failure) as refused:
            probe(site)
        assert refused.value.message.startswith(
            f"airflow_logging_s3: the log store of instance {INSTANCE} does not work: an object cannot be written: "
            "there is no such bucket (NoSuchBucket). The instance goes on as it was."
        )
        assert probe(site)[0]["probed"]
    assert len(node.jobs) == 2
    assert not site.cluster.list(kinds.named("Job"), site.namespace)


def test_what_could_not_be_found_out_is_a_warning_and_is_tried_again(site: Site) -> None:
    unknown = {"probe": "s3", "unknown": "no secrets backend knows the connection 'logs'"}
    with Node(site, unknown, {**GOOD, "notes": ["its probe x stays there"]}).running():
        assert "was not tried: no secrets backend knows" in probe(site)[1].warnings[0]
        assert "works, but its probe x stays there" in probe(site)[1].warnings[0]


def test_check_mode_tries_nothing(site: Site) -> None:
    result, _face = probe(site, check=True)
    assert (result["changed"], result["probed"]) == (False, False)
    assert not site.cluster.list(kinds.named("Job"), site.namespace)


@pytest.mark.parametrize("store", ["volume", "stackdriver"])
def test_what_cannot_be_tried_is_left_alone(site: Site, store: str) -> None:
    block = {"airflow_logging_stackdriver": {"logName": "airflow"}} if store == "stackdriver" else {}
    result, _face = probe(site, values={"airflow_logging_store": store, **block})
    assert (result["probed"], result["api_requests"]) == (False, 0)
