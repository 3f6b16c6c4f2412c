"""Add-ons: files of manifests."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import addons, kubectl, tools
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds

FACTS = {"dns_address": "10.96.0.10", "volumes": "/volumes"}
ALL = (addons.KUBELET_API, *addons.names())


def deployment(**status: int) -> kubectl.Object:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "test", "generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, **status},
    }


def test_the_roles_default_is_all_there_is() -> None:
    assert addons.names() == ["coredns", "local-path", "metrics-server"]


@pytest.mark.parametrize("name", ALL)
def test_an_addon_is_a_list_of_known_objects(name: str) -> None:
    for obj in addons.manifests([name], FACTS):
        assert kinds.known(obj["apiVersion"], obj["kind"]), kinds.label(obj)
        kind = kinds.named(obj["kind"])
        assert bool(obj["metadata"].get("namespace")) == kind.namespaced, kinds.label(obj)


def test_no_two_addons_have_the_same_object() -> None:
    labels = [kinds.label(obj) for obj in addons.manifests(ALL, FACTS)]
    assert len(labels) == len(set(labels))


def test_facts_are_filled_in() -> None:
    objects = {kinds.label(obj): obj for obj in addons.manifests(ALL, FACTS)}
    assert objects["Service/kube-system/kube-dns"]["spec"]["clusterIP"] == "10.96.0.10"
    assert '"/volumes/local"' in objects["ConfigMap/local-path/local-path-config"]["data"]["config.json"]


def test_the_images_are_ours_and_found_by_the_manifests_alone() -> None:
    assert {tool.name for tool in addons.images(ALL)} == {
        "coredns",
        "local-path-helper",
        "local-path-provisioner",
        "metrics-server",
    }


def test_every_image_that_a_pod_names_is_built() -> None:
    pods = [obj["spec"]["template"]["spec"] for obj in addons.manifests(ALL, FACTS) if obj["kind"] == "Deployment"]
    named = {container["image"] for pod in pods for container in pod["containers"]}
    assert named <= set(tools.by_image())


def test_an_unknown_addon_is_refused_with_what_there_is() -> None:
    with pytest.raises(Failure, match=r"no add-on kedda. local_cluster_addons can hold: coredns, local-path"):
        addons.manifests(["kedda"], FACTS)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (deployment(updatedReplicas=1, availableReplicas=1), True),
        (deployment(updatedReplicas=1), False),
        (deployment(), False),
        (deployment(updatedReplicas=1, availableReplicas=1, observedGeneration=1), False),
    ],
)
def test_available_is_all_replicas_of_what_is_written_now(obj: kubectl.Object, expected: bool) -> None:
    assert addons.available(obj) is expected


class Recorder(kubectl.Kubectl):
    """A kubectl whose cluster is a list."""

    def get_all(self, objects: list[kubectl.Object]) -> list[kubectl.Object]:  # noqa: ARG002
        return LIVE

    def apply(self, objects: list[kubectl.Object]) -> list[kubectl.Object]:
        return objects


LIVE: t.Final[list[kubectl.Object]] = [
    {"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "v"}}
]


@pytest.mark.parametrize(
    ("applied", "changed"),
    [
        ({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "2"}, "data": {"k": "v"}}, False),
        ({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "2"}, "data": {"k": "w"}}, True),
        ({"kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"k": "v"}}, True),
    ],
)
def test_changed_is_a_change_of_content(applied: kubectl.Object, changed: bool) -> None:
    client = Recorder(program="kubectl", kubeconfig=pathlib.Path("/kubeconfig"), context="test")
    assert addons.apply(client, [applied])[0] is changed
