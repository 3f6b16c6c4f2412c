"""What kind is asked. Nothing here runs kind: it needs a container engine."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    command,
    go_build,
    kind,
    kubectl,
    oci,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure


@dataclasses.dataclass
class Machine:
    """Programs that only note what they are asked, and know which clusters there are."""

    clusters: list[str]
    asked: list[str] = dataclasses.field(default_factory=list)
    config: dict[str, object] = dataclasses.field(default_factory=dict)

    def attempt(
        self, line: c.Sequence[str | os.PathLike[str]], *, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in line]
        self.asked.append(" ".join(words[:3]))
        if words[:3] == ["kind", "create", "cluster"]:
            config = next(word for word in words if word.startswith("--config="))
            self.config = json.loads(Path(config.partition("=")[2]).read_text())
            self.clusters.append("test")
        told = {"kind get clusters": "\n".join(self.clusters), "kind get kubeconfig": "current-context: kind-test\n"}
        return subprocess.CompletedProcess(words, 0, told.get(self.asked[-1], stdin or ""), "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine(clusters=[])
    archive = tmp_path / "provisioner.tar"
    program = tmp_path / "provisioner"
    program.write_bytes(b"program")
    oci.write(archive, go_build.Image(name="localhost/provisioner:1", user="0:0"), [program])

    def applied(_client: kubectl.Kubectl, objects: list[kubectl.Object]) -> tuple[bool, list[kubectl.Object]]:
        return True, objects

    monkeypatch.setattr(command, "attempt", machine.attempt)
    monkeypatch.setattr(command, "find", lambda program: program)
    monkeypatch.setattr(oci, "ensure", lambda _tool, _say: False)
    monkeypatch.setattr(oci, "archive_of", lambda _tool: archive)
    monkeypatch.setattr(addons, "_apply", applied)
    monkeypatch.setattr(addons, "wait", lambda _client, _objects, _seconds: None)
    return machine


@pytest.fixture
def cluster(folders: state.Folders, said: list[str]) -> kind.Kind:
    return kind.Kind(
        folders=folders,
        pod_cidr="10.244.0.0/16",
        service_cidr="10.96.0.0/16",
        addons=("coredns", "local-path"),
        say=said.append,
    )


def test_a_cluster_is_made_with_the_pinned_node(machine: Machine, cluster: kind.Kind) -> None:
    assert cluster.present() is True
    assert machine.config["nodes"] == [{"role": "control-plane", "image": kind.NODE_IMAGE}]
    assert "@sha256:" in kind.NODE_IMAGE
    assert machine.asked.count("kind create cluster") == 1
    assert machine.asked[-1] == "kind load image-archive"
    assert cluster.folders.record() == cluster.record
    assert cluster.kubeconfig.read_text() == "current-context: test\n"
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("machine")
def test_what_the_node_has_of_itself_is_an_addon_like_others(cluster: kind.Kind) -> None:
    cluster.present()
    assert set(addons.installed(cluster.folders)) == {"coredns", "local-path"}


def test_a_cluster_that_is_there_is_not_made_again(machine: Machine, cluster: kind.Kind) -> None:
    machine.clusters.append("test")
    cluster.present()
    assert "kind create cluster" not in machine.asked


def test_only_a_cluster_that_is_there_is_deleted(machine: Machine, cluster: kind.Kind) -> None:
    assert cluster.absent(keep_data=False) is False
    assert "kind delete cluster" not in machine.asked
    machine.clusters.append("test")
    assert cluster.absent(keep_data=False) is True
    assert "kind delete cluster" in machine.asked


def test_a_container_cannot_keep_data(cluster: kind.Kind) -> None:
    with pytest.raises(Failure, match="cannot keep its data"):
        cluster.absent(keep_data=True)


@pytest.mark.usefixtures("machine")
def test_a_cluster_of_another_name_is_none_of_ours(cluster: kind.Kind, machine: Machine) -> None:
    machine.clusters.append("somebody-elses")
    assert cluster.status().exists is False
