"""What the node's programs are told."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    control_plane,
    machine,
    network,
    node,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure


@pytest.fixture
def own(folders: state.Folders) -> node.Node:
    net = network.Network(name="test", link_cidr="10.200.0.0/30", pod_cidr="10.244.0.0/16", service_cidr="10.96.0.0/16")
    return node.Node(folders=folders, network=net, kubernetes=Path("/kubernetes"))


def plane(folders: state.Folders, *, with_nodes: bool) -> control_plane.ControlPlane:
    return control_plane.ControlPlane(
        folders=folders,
        kubernetes=Path("/kubernetes"),
        etcd=Path("/etcd"),
        address="10.200.0.2",
        service_cidr="10.96.0.0/16",
        with_nodes=with_nodes,
    )


def test_configuration_is_written_once(own: node.Node) -> None:
    assert own.write_configuration() is True
    assert own.write_configuration() is False


def test_containerd_keeps_to_the_clusters_folders(own: node.Node, folders: state.Folders) -> None:
    own.write_configuration()
    config = tomllib.loads((folders.state / "containerd.toml").read_text())
    ours = (str(folders.state), str(folders.runtime))
    assert config["root"].startswith(ours)
    assert config["state"].startswith(ours)
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["netns_mounts_under_state_dir"] is True
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == node.PAUSE_IMAGE


def test_the_kubelet_takes_any_cgroups_and_keeps_loaded_images(own: node.Node, folders: state.Folders) -> None:
    own.write_configuration()
    config = json.loads((folders.state / "kubelet.json").read_text())
    assert config["failCgroupV1"] is False
    assert config["cgroupRoot"] == "/test"
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["podLogsDir"].startswith(str(folders.state))


def test_no_pod_reaches_outside(own: node.Node, folders: state.Folders) -> None:
    own.write_configuration()
    (bridge, _portmap) = json.loads((folders.state / "cni" / "10-bridge.conflist").read_text())["plugins"]
    assert bridge["ipMasq"] is False
    assert (folders.state / "resolv.conf").read_text() == "# no servers\n"


def test_a_daemon_starts_again_when_its_configuration_changes(own: node.Node, folders: state.Folders) -> None:
    own.write_configuration()
    before = own.kubelet_daemon.setup
    (folders.state / "kubelet.json").write_text("{}")
    assert own.kubelet_daemon.setup != before


def test_the_api_alone_asks_for_nothing_that_only_a_node_has(folders: state.Folders) -> None:
    alone = " ".join(plane(folders, with_nodes=False).apiserver_daemon.command)
    assert "--endpoint-reconciler-type=none" in alone
    assert "--disable-admission-plugins=ServiceAccount" in alone
    assert "--disable-admission-plugins" not in " ".join(plane(folders, with_nodes=True).apiserver_daemon.command)


def test_mutating_admission_policies_are_on(folders: state.Folders) -> None:
    command = plane(folders, with_nodes=True).apiserver_daemon.command
    assert "--feature-gates=MutatingAdmissionPolicy=true" in command
    assert "--runtime-config=admissionregistration.k8s.io/v1beta1=true" in command


def test_no_secret_is_in_a_command(own: node.Node, folders: state.Folders) -> None:
    own.write_configuration()
    whole = plane(folders, with_nodes=True)
    for daemon in (whole.etcd_daemon, whole.apiserver_daemon, own.kubelet_daemon, *own.controller_daemons):
        assert not any("token=" in argument or "password=" in argument for argument in daemon.command)


def test_a_record_is_kept_and_another_one_is_refused(folders: state.Folders) -> None:
    record = {"provider": "native", "pod_cidr": "10.244.0.0/16"}
    assert folders.record() is None
    assert folders.write_record(record) is True
    assert folders.write_record(record) is False
    state.refuse_other(folders, record)
    with pytest.raises(Failure, match=r"Cluster test exists with pod_cidr 10.244.0.0/16, not 10.1.0.0/16. Remove it"):
        state.refuse_other(folders, {**record, "pod_cidr": "10.1.0.0/16"})


def test_written_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    state.write(tmp_path / "folder" / "secret", "x")
    assert (tmp_path / "folder" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["secret"]


def test_missing_programs_are_told_as_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.command, "find", lambda program: None if program in ("ctr", "ip") else program)
    assert machine.missing_packages() == ["containerd", "iproute2"]


@pytest.mark.parametrize(
    ("uid", "free", "sentence"),
    [
        (1000, 10**12, "needs root, for namespaces, mounts and cgroups"),
        (0, 10**9, "has 0.9 GiB left, and a cluster with Airflow's images needs 5 GiB"),
    ],
)
def test_a_machine_that_cannot_hold_a_node_is_refused(
    uid: int, free: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: uid)
    monkeypatch.setattr(machine, "missing_packages", list)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": free}))
    with pytest.raises(Failure, match=sentence):
        machine.prepare(tmp_path)
