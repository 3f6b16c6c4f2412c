"""Kinds are found without discovery, in whatever version they are spoken."""

from __future__ import annotations

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds


@pytest.mark.parametrize(
    ("name", "resource", "path"),
    [
        ("Pod", "pods", "/api/v1/namespaces/n/pods/x"),
        ("Deployment", "deployments.apps", "/apis/apps/v1/namespaces/n/deployments/x"),
        (
            "NetworkPolicy",
            "networkpolicies.networking.k8s.io",
            "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/x",
        ),
        ("Ingress", "ingresses.networking.k8s.io", "/apis/networking.k8s.io/v1/namespaces/n/ingresses/x"),
        ("Namespace", "namespaces", "/api/v1/namespaces/x"),
        ("ClusterRole", "clusterroles.rbac.authorization.k8s.io", "/apis/rbac.authorization.k8s.io/v1/clusterroles/x"),
    ],
)
def test_paths(name: str, resource: str, path: str) -> None:
    kind = kinds.named(name)
    assert kind.resource == resource
    assert kind.path("n", "x") == path


def test_a_path_without_namespace_is_the_whole_cluster() -> None:
    assert kinds.named("Pod").path() == "/api/v1/pods"


def test_names_are_unique() -> None:
    assert len({kind.kind for kind in kinds.KINDS}) == len(kinds.KINDS)


def test_another_version_of_a_kind_is_known() -> None:
    kind = kinds.known("autoscaling/v1", "HorizontalPodAutoscaler")
    assert kind
    assert kind.api_version == "autoscaling/v1"


@pytest.mark.parametrize(("api_version", "name"), [("apps/v1", "Pod"), ("v1", "Deployment"), ("x.org/v1", "Thing")])
def test_unknown_kinds(api_version: str, name: str) -> None:
    assert kinds.known(api_version, name) is None


def test_label() -> None:
    assert kinds.label({"kind": "Pod", "metadata": {"name": "x", "namespace": "n"}}) == "Pod/n/x"
    assert kinds.label({"kind": "Namespace", "metadata": {"name": "x"}}) == "Namespace/x"
