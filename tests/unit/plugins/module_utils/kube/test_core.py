"""The names that we use of kubernetes.core are there, and what people configure wrongly is told."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import _core

KUBECONFIG: dict[str, t.Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://one:6443"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def kubeconfig(tmp_path: pathlib.Path) -> str:
    # JSON is YAML.
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    return str(path)


def test_the_private_names_of_kubernetes_core_are_there() -> None:
    for name in ("_create_auth_spec", "_create_configuration", "_create_headers"):
        assert callable(getattr(client, name))


def test_the_options_are_a_copy() -> None:
    assert _core.CLUSTER_OPTIONS == AUTH_ARG_SPEC
    assert _core.CLUSTER_OPTIONS is not AUTH_ARG_SPEC


@pytest.mark.parametrize("form", ["path", "content", "K8S_AUTH_KUBECONFIG", "KUBECONFIG"])
def test_a_kubeconfig(form: str, kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
    params: dict[str, t.Any] = {"path": {"kubeconfig": kubeconfig}, "content": {"kubeconfig": KUBECONFIG}}.get(form, {})
    if not params:
        monkeypatch.setenv(form, kubeconfig)
    found = _core.configure(params)
    assert found.client.host == "https://one:6443"
    assert found.source == ("kubeconfig" if form == "content" else f"kubeconfig {kubeconfig}")


def test_a_context(kubeconfig: str) -> None:
    assert _core.configure({"kubeconfig": kubeconfig, "context": "x"}).source == f"kubeconfig {kubeconfig}, context x"
    with pytest.raises(Failure, match=r"cannot be found by kubeconfig .*, context nope: .*nope"):
        _core.configure({"kubeconfig": kubeconfig, "context": "nope"})


def test_host_and_token() -> None:
    found = _core.configure({"host": "https://two:6443/", "api_key": "t"})
    assert found.client.host == "https://two:6443"
    assert found.source == "option host"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kubeconfig": "/nowhere/config"}, "There is no kubeconfig /nowhere/config"),
        ({}, "cannot be found by kubeconfig ~/.kube/config"),
        ({"kubeconfig": {"apiVersion": "v1", "kind": "Config"}}, "Expected key current-context"),
        ({"host": "one:6443", "api_key": "t"}, "must be a URL such as"),
    ],
)
def test_what_cannot_work(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(Failure, match=message):
        _core.configure(params)


def test_credentials_are_not_kept_for_the_next_cluster() -> None:
    _core.configure({"kubeconfig": KUBECONFIG})
    found = _core.configure({"host": "https://two:6443", "username": "u", "password": "p"})
    assert not found.client.api_key


def test_a_file_that_is_no_kubeconfig(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text("hello")
    with pytest.raises(Failure, match="is no valid configuration"):
        _core.configure({"kubeconfig": str(path)})


def test_the_pod_we_run_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert _core._source({}) == "the service account of this pod"


def test_a_client_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "KUBERNETES_IMPORT_ERROR", "traceback")
    with pytest.raises(Failure, match=r"required Python library \(kubernetes\)"):
        _core.configure({})
