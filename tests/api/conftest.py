"""A real etcd and kube-apiserver for the session, and a namespace for each test."""

from __future__ import annotations

import itertools
import os
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import api_server
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds

pytest.register_assert_rewrite("tests.api.support")

from tests.api.support import Site  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    # etcd and kube-apiserver outlive the call that starts them.
    config.addinivalue_line("filterwarnings", "ignore:subprocess .* is still running:ResourceWarning")


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kubeconfig() -> t.Iterator[str]:
    name = f"dagops-test-{os.getpid()}"
    yield str(api_server.start(name, say=lambda _message: None))
    api_server.stop(name, say=lambda _message: None)


@pytest.fixture
def cluster(kubeconfig: str) -> client.Cluster:
    return client.connect({"kubeconfig": kubeconfig})


@pytest.fixture
def new_namespace() -> str:
    """A name that nothing in the cluster has."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def namespace(cluster: client.Cluster, new_namespace: str) -> t.Iterator[str]:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new_namespace}}
    cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
    yield new_namespace
    cluster.delete(kinds.named("Namespace"), new_namespace)


@pytest.fixture
def site(kubeconfig: str, cluster: client.Cluster, namespace: str) -> Site:
    return Site(kubeconfig=kubeconfig, cluster=cluster, namespace=namespace)


@pytest.fixture
def new_site(kubeconfig: str, cluster: client.Cluster, new_namespace: str) -> Site:
    """A site whose namespace is not there yet."""
    return Site(kubeconfig=kubeconfig, cluster=cluster, namespace=new_namespace)
