"""A real etcd and kube-apiserver for the session, and a namespace for each test."""

from __future__ import annotations

import itertools
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    api_server,
    kubectl,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds

pytest.register_assert_rewrite("tests.api.support")

from tests.api.support import Site  # noqa: E402

_numbers = itertools.count(1)


def serving(name: str) -> t.Iterator[str]:
    """The kubeconfig of an API server, for a while."""
    yield str(api_server.start(name, say=lambda _message: None))
    api_server.stop(name, say=lambda _message: None)


@pytest.fixture(scope="session")
def kubeconfig() -> t.Iterator[str]:
    yield from serving(f"dagops-test-{os.getpid()}")


@pytest.fixture
def bare_kubeconfig() -> t.Iterator[str]:
    """Of an API server of the test's own, which knows nothing but what Kubernetes brings."""
    yield from serving(f"dagops-test-{os.getpid()}-bare")


@pytest.fixture(scope="session")
def kubectl_client(kubeconfig: str) -> kubectl.Kubectl:
    return kubectl_of(kubeconfig)


def kubectl_of(kubeconfig: str) -> kubectl.Kubectl:
    path = pathlib.Path(kubeconfig)
    server = api_server.ApiServer(folders=state.folders(path.parent.name), say=lambda _message: None)
    assert server.kubectl
    return kubectl.Kubectl(program=server.kubectl, kubeconfig=path, context=server.context)


@pytest.fixture(scope="session")
def keda_manifests(kubectl_client: kubectl.Kubectl) -> list[kubectl.Object]:
    """All that the add-on consists of, from KEDA's Go module, none of which is built for that."""
    return addons.manifests("keda", {}, kubectl_client, lambda _message: None)


@pytest.fixture(scope="session")
def keda_kinds(kubectl_client: kubectl.Kubectl, keda_manifests: list[kubectl.Object]) -> None:
    """The API knows ScaledObjects and the like. Nothing acts on them."""
    know_keda(kubectl_client, keda_manifests)


def know_keda(program: kubectl.Kubectl, manifests: list[kubectl.Object]) -> None:
    """Have the API behind a kubectl know KEDA's kinds."""
    definitions = [obj for obj in manifests if obj["kind"] == "CustomResourceDefinition"]
    program.apply(definitions)
    assert program.wait("Established", definitions, 30)


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
