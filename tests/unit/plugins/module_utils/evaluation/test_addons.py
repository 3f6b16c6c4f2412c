"""Add-ons: files of manifests."""

from __future__ import annotations

import copy
import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    files,
    kubectl,
    state,
    tools,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds

FACTS = {"dns_address": "10.96.0.10", "volumes": "/volumes"}
ALL = (addons.KUBELET_API, *addons.names())
WRITTEN = tuple(name for name in ALL if not (files.ADDONS / name).is_dir())
"""Those that need no Go module to be rendered; tests/api has the others."""


def deployment(**status: int) -> kubectl.Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "test", "generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, **status},
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recorder(kubectl.Kubectl):
    """A kubectl whose cluster is a list."""

    program: str = "kubectl"
    kubeconfig: pathlib.Path = pathlib.Path("/kubeconfig")
    context: str = "test"
    live: list[kubectl.Object] = dataclasses.field(default_factory=list)
    deleted: list[list[str]] = dataclasses.field(default_factory=list)

    def get_all(self, objects: list[kubectl.Object]) -> list[kubectl.Object]:
        asked = {kinds.label(obj) for obj in objects}
        return [copy.deepcopy(obj) for obj in self.live if kinds.label(obj) in asked]

    def apply(self, objects: list[kubectl.Object]) -> list[kubectl.Object]:
        self._take({kinds.label(obj) for obj in objects})
        self.live.extend(objects)
        return objects

    def delete(self, objects: list[kubectl.Object]) -> None:
        self.deleted.append([kinds.label(obj) for obj in objects])
        self._take({kinds.label(obj) for obj in objects})

    def _take(self, labels: set[str]) -> None:
        self.live[:] = [obj for obj in self.live if kinds.label(obj) not in labels]


def manifests(*wanted: str) -> list[kubectl.Object]:
    return [obj for name in wanted for obj in addons.manifests(name, FACTS, Recorder(), print)]


def test_the_addons_there_are() -> None:
    assert addons.names() == ["coredns", "keda", "local-path", "metrics-server"]


@pytest.mark.parametrize("name", WRITTEN)
def test_an_addon_is_a_list_of_known_objects(name: str) -> None:
    for obj in manifests(name):
        assert kinds.known(obj["apiVersion"], obj["kind"]), kinds.label(obj)
        kind = kinds.named(obj["kind"])
        assert bool(obj["metadata"].get("namespace")) == kind.namespaced, kinds.label(obj)


def test_no_two_addons_have_the_same_object() -> None:
    labels = [kinds.label(obj) for obj in manifests(*WRITTEN)]
    assert len(labels) == len(set(labels))


def test_facts_are_filled_in() -> None:
    objects = {kinds.label(obj): obj for obj in manifests(*WRITTEN)}
    assert objects["Service/kube-system/kube-dns"]["spec"]["clusterIP"] == "10.96.0.10"
    assert '"/volumes/local"' in objects["ConfigMap/local-path/local-path-config"]["data"]["config.json"]


def test_the_images_are_ours_and_found_by_the_manifests_alone() -> None:
    assert {tool.name for tool in addons.images(ALL)} == {
        "coredns",
        "keda",
        "local-path-helper",
        "local-path-provisioner",
        "metrics-server",
    }


def test_every_image_that_a_pod_names_is_built() -> None:
    pods = [obj["spec"]["template"]["spec"] for obj in manifests(*WRITTEN) if obj["kind"] == "Deployment"]
    named = {container["image"] for pod in pods for container in pod["containers"]}
    assert named <= set(tools.by_image())


def test_an_unknown_addon_is_refused_with_what_there_is() -> None:
    with pytest.raises(Failure, match=r"no add-on kedda. local_cluster_addons can hold: coredns, keda, local-path"):
        manifests("kedda")


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


def config_map(name: str, version: str, **data: str) -> kubectl.Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system", "resourceVersion": version},
        "data": data,
    }


CRD: t.Final = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "as"}}


@pytest.mark.parametrize(
    ("applied", "changed"),
    [
        (config_map("a", "2", k="v"), False),
        (config_map("a", "2", k="w"), True),
        (config_map("b", "2", k="v"), True),
    ],
)
def test_changed_is_a_change_of_content(folders: state.Folders, applied: kubectl.Object, changed: bool) -> None:
    client = Recorder()
    addons.ensure(client, folders, {"one": [config_map("a", "1", k="v")]})
    assert addons.ensure(client, folders, {"one": [applied]})[0] is changed


def test_what_is_off_the_list_is_removed_its_kinds_first(folders: state.Folders) -> None:
    client = Recorder()
    both = {"one": [config_map("a", "1")], "two": [config_map("b", "1"), CRD, config_map("c", "1")]}
    addons.ensure(client, folders, both)
    assert set(addons.installed(folders)) == {"one", "two"}
    assert addons.ensure(client, folders, {"one": both["one"]})[0] is True
    assert client.deleted == [["CustomResourceDefinition/as"], ["ConfigMap/kube-system/b", "ConfigMap/kube-system/c"]]
    assert [kinds.label(obj) for obj in client.live] == ["ConfigMap/kube-system/a"]
    assert addons.ensure(client, folders, {"one": both["one"]})[0] is False


def test_an_object_that_moved_to_another_addon_stays(folders: state.Folders) -> None:
    client = Recorder()
    addons.ensure(client, folders, {"one": [config_map("a", "1"), config_map("b", "1")]})
    addons.ensure(client, folders, {"two": [config_map("b", "1")]})
    assert client.deleted == [["ConfigMap/kube-system/a"]]


class Interrupted(Recorder):
    def apply(self, objects: list[kubectl.Object]) -> list[kubectl.Object]:  # noqa: ARG002
        raise KeyboardInterrupt


def test_what_an_interrupted_run_may_have_left_is_known(folders: state.Folders) -> None:
    addons.ensure(Recorder(), folders, {"one": [config_map("a", "1")]})
    with pytest.raises(KeyboardInterrupt):
        addons.ensure(Interrupted(), folders, {"one": [config_map("b", "1")]})
    client = Recorder()
    addons.ensure(client, folders, {})
    assert client.deleted == [["ConfigMap/kube-system/b", "ConfigMap/kube-system/a"]]


def test_an_addon_is_available_when_all_of_its_deployments_are(folders: state.Folders) -> None:
    serving = deployment(updatedReplicas=1, availableReplicas=1)
    starting = {**deployment(), "metadata": {**deployment()["metadata"], "name": "slow"}}
    wanted = {addons.KUBELET_API: [], "nothing": [], "one": [serving], "two": [serving, starting]}
    client = Recorder()
    assert addons.status(client, folders) == {}
    addons.ensure(client, folders, wanted)
    assert addons.status(client, folders) == {"nothing": True, "one": True, "two": False}
