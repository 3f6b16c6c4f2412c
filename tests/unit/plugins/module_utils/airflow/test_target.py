"""Which pod is asked, and below which path Airflow answers in it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import access, target
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Target
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import AIRFLOW_2, AIRFLOW_3
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, CASES


def pod(
    name: str, component: str = "api-server", *, born: str = "2026-01-01T00:00:00Z", **fields: t.Any
) -> dict[str, t.Any]:
    meta = {"name": name, "labels": {"component": component}, "creationTimestamp": born}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"containers": [{"name": "proxy", "image": "x"}, {"name": component, "image": f"airflow:{name}"}]}
    return {"metadata": {**meta, **fields.pop("metadata", {})}, "spec": spec, "status": status, **fields}


def rendered_pod(case: str, component: str) -> dict[str, t.Any]:
    """A pod of what the renderer makes."""
    made = next(
        item
        for item in render(load(CASES[case]), "core")
        if item["kind"] == "Deployment" and target.component_of(item) == component
    )
    return {**made["spec"]["template"], "status": {}}


@pytest.mark.parametrize(
    ("case", "component", "path", "port"),
    [
        ("kubernetes-executor", "api-server", "", 8080),
        ("everything", "api-server", "/data", 8080),
        ("airflow-2.11", "webserver", "", 8080),
    ],
)
def test_the_path_of_airflow_is_read_from_its_pod(case: str, component: str, path: str, port: int) -> None:
    found = rendered_pod(case, component)
    facts = AIRFLOW_2 if component == "webserver" else AIRFLOW_3
    assert access.base_path(found, facts) == path
    assert access.web_port(found) == port
    assert target.image_of(found)


def test_a_pod_without_probe_and_port_is_at_the_root() -> None:
    assert access.base_path(pod("a"), AIRFLOW_3) == ""
    assert access.web_port(pod("a")) == 8080


def test_the_newest_ready_pod_of_the_first_component_is_asked() -> None:
    pods = [
        pod("old"),
        pod("new", born="2026-01-02T00:00:00Z"),
        pod("going", born="2026-01-03T00:00:00Z", metadata={"deletionTimestamp": "now"}),
        pod("starting", born="2026-01-04T00:00:00Z", status={"conditions": [{"type": "Ready", "status": "False"}]}),
        pod("unborn", born="2026-01-05T00:00:00Z", status={}),
        pod("other", "scheduler", born="2026-01-06T00:00:00Z"),
    ]
    found = target.newest_ready(pods, ("webserver", "api-server", "scheduler"))
    assert found
    assert found["metadata"]["name"] == "new"
    assert target.image_of(found) == "airflow:new"
    assert target.newest_ready(pods, ("triggerer",)) is None


def test_an_instance_is_named_or_described() -> None:
    named = target.target({"values": None, "instance": "a", "namespace": None})
    assert (named.instance, named.namespace, named.values) == ("a", "a", None)
    described = target.target({"values": {**BASE, "airflow_namespace": "data"}})
    assert (described.instance, described.namespace) == ("airflow", "data")
    with pytest.raises(Failure, match="Name the instance"):
        target.target({"values": None, "instance": None})
    with pytest.raises(Failure, match="option values is required"):
        target.described({"values": None})


def test_selectors_match_the_official_chart() -> None:
    where = Target(instance="a", namespace="n")
    assert where.selector() == "tier=airflow,release=a"
    assert where.selector("x", "y") == "tier=airflow,release=a,component in (x,y)"
    labels = rendered_pod("kubernetes-executor", "scheduler")["metadata"]["labels"]
    assert labels.items() >= {"tier": "airflow", "release": "airflow", "component": "scheduler"}.items()


def test_the_script_is_python_that_names_its_commands() -> None:
    source = target.source()
    compile(source, "inside", "exec")
    for command in ("revisions", "migrate", "administrator", "decrypts"):
        assert command in source
