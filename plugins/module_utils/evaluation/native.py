# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A whole node on this machine: no container engine, no virtual machine, nothing that reaches the machine's own network.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import shutil
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    cache,
    cgroups,
    command,
    control_plane,
    go_build,
    images,
    kubectl,
    mounts,
    network,
    node,
    oci,
    processes,
    state,
    tools,
    view,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_PATIENCE: t.Final = 180.0
_DISK_NEEDED: t.Final = 5 * 1024**3
_PROGRAMS: t.Final = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "socat": "socat",
    "sysctl": "procps",
    str(node.CNI_PLUGINS / "bridge"): "containernetworking-plugins",
}
"""What the node needs of the machine, and the Debian package that has it."""
_MODULES: t.Final = ("overlay", "br_netfilter")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Native:
    """A cluster of one node, as it is wanted."""

    folders: state.Folders
    network: network.Network
    addons: tuple[str, ...]
    archives: tuple[pathlib.Path, ...] = ()
    say: cache.Say

    @functools.cached_property
    def kubernetes(self) -> go_build.Tool:
        return tools.named("kubernetes")

    @functools.cached_property
    def etcd(self) -> go_build.Tool:
        return tools.named("etcd")

    @functools.cached_property
    def plane(self) -> control_plane.ControlPlane:
        return control_plane.ControlPlane(
            folders=self.folders,
            kubernetes=self.kubernetes.target,
            etcd=self.etcd.program,
            address=self.network.node_address,
            service_cidr=self.network.service_cidr,
        )

    @functools.cached_property
    def view(self) -> view.View:
        return view.View(folders=self.folders)

    @functools.cached_property
    def node(self) -> node.Node:
        return node.Node(folders=self.folders, network=self.network, kubernetes=self.kubernetes.target)

    @property
    def processes(self) -> processes.Processes:
        # Not `ip netns exec`: it mounts /sys anew, and then the kubelet finds no cgroups.
        enter = ("nsenter", f"--net={self.network.namespace}", f"--mount={self.view.namespace}", "--")
        return processes.Processes(self.folders.state, self.folders.logs, enter)

    @property
    def daemons(self) -> tuple[processes.Daemon, ...]:
        return (
            self.plane.etcd_daemon(),
            self.plane.apiserver_daemon(),
            self.node.containerd_daemon,
            self.node.kubelet_daemon,
            *self.node.controller_daemons,
        )

    @property
    def client(self) -> kubectl.Kubectl:
        program = str(self.kubernetes.target / "kubectl")
        return kubectl.Kubectl(program=program, kubeconfig=self.folders.kubeconfig, context=self.folders.name)

    @property
    def record(self) -> state.Record:
        network = dataclasses.asdict(self.network)
        return {"name": self.folders.name, "provider": "native", "components": "all", "network": network}

    def up(self) -> bool:
        """Have the cluster running; whether something had to be done."""
        refuse_machine(self.folders)
        self._refuse_other_record()
        built = self._build()
        with state.hold(self.folders, self.say):
            return self._start() or built

    def _build(self) -> bool:
        built = [go_build.ensure(tool, self.say) for tool in (self.kubernetes, self.etcd)]
        written = [oci.ensure(tool, self.say) for tool in self._images]
        return any([*built, *written])

    @functools.cached_property
    def _images(self) -> list[go_build.Tool]:
        return [tools.named("pause"), *addons.images(self.addons)]

    def _start(self) -> bool:
        running, plane, own = self.processes, self.plane, self.node
        # The record comes first and goes last: whatever else there is of a cluster, `absent` finds it.
        changed = [self.folders.write_record(self.record)]
        command.attempt(["modprobe", "--all", *_MODULES])
        changed.append(self.network.ensure())
        changed.append(self.view.ensure())
        changed.append(cgroups.ensure(self.folders.name))
        changed.append(own.write_configuration())
        # What needs no certificates starts while they are made, and what needs no API starts while that starts.
        changed += [running.ensure(daemon) for daemon in (plane.etcd_daemon(), own.containerd_daemon)]
        changed.append(plane.write_credentials())
        changed.append(running.ensure(plane.apiserver_daemon()))
        changed.append(self._load_images())
        changed.append(running.ensure(own.kubelet_daemon))
        plane.wait_ready(running, _PATIENCE)
        changed += [running.ensure(daemon) for daemon in own.controller_daemons]
        objects = addons.manifests(self.addons, self._facts)
        changed.append(addons.ensure(self.client, objects))
        self._wait_node()
        addons.wait(self.client, objects, _PATIENCE)
        return any(changed)

    @property
    def _facts(self) -> dict[str, str]:
        return {"dns_address": self.network.dns_address, "volumes": str(self.node.volumes)}

    def _load_images(self) -> bool:
        self._wait_containerd()
        archives = [*map(oci.archive_of, self._images), *self.archives]
        return bool(images.load(self.node.socket, archives, self.say))

    def _wait_containerd(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while command.attempt(["ctr", f"--address={self.node.socket}", "version"]).returncode != 0:
            gone = self.processes.why_gone(self.node.containerd_daemon)
            if gone or time.monotonic() > deadline:
                raise Failure(f"Cluster {self.folders.name} has no container runtime: {gone or 'it does not answer'}")
            time.sleep(0.05)

    def _wait_node(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not node_ready(self.client.get("node", self.folders.name)):
            for daemon in (self.node.kubelet_daemon, *self.node.controller_daemons):
                if gone := self.processes.why_gone(daemon):
                    raise Failure(f"The node of cluster {self.folders.name} does not get ready: {gone}")
            if time.monotonic() > deadline:
                log = self.processes.log("kubelet")
                raise Failure(f"The node of cluster {self.folders.name} is not ready after {_PATIENCE:.0f} s. See {log}.")
            time.sleep(0.2)

    def _refuse_other_record(self) -> None:
        record = self.folders.record()
        if record and record != self.record:
            differs = [name for name in ("provider", "components", "network") if record.get(name) != self.record[name]]
            raise Failure(
                f"Cluster {self.folders.name} exists with another {' and '.join(differs)}: {record}. Remove it first "
                "(local_cluster_state=absent), or give this one another local_cluster_name."
            )


def node_ready(nodes: list[kubectl.Object]) -> bool:
    conditions = [one for item in nodes for one in item["status"].get("conditions") or []]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def refuse_machine(folders: state.Folders) -> None:
    """A Failure where this machine cannot hold a node."""
    if os.uname().sysname != "Linux":
        raise Failure("The native evaluation cluster needs Linux. Install a container engine and kind instead.")
    if os.geteuid() != 0:
        raise Failure(
            "The native evaluation cluster needs root, for network namespaces, mounts and cgroups. Run as root, or "
            "install a container engine and kind, or name a cluster of yours with local_cluster_provider=existing."
        )
    packages = missing_packages()
    if packages:
        raise Failure(f"The node needs programs of this machine: apt-get install {' '.join(packages)}")
    folders.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folders.parent).free
    if free < _DISK_NEEDED:
        raise Failure(
            f"{folders.parent} has {free / 1024**3:.1f} GiB left, and a cluster with Airflow's images needs "
            f"{_DISK_NEEDED / 1024**3:.0f} GiB. Make room there."
        )


def missing_packages() -> list[str]:
    """The Debian packages that the node needs and the machine does not have."""
    return sorted({package for program, package in _PROGRAMS.items() if not command.find(program)})


def down(folders: state.Folders, say: cache.Say, *, keep_data: bool = False) -> bool:
    """Stop and remove all that belongs to the cluster, from whatever state it is in; whether there was anything."""
    with state.hold(folders, say):
        record = folders.record()
        if record is None:
            folders.forget()
            return False
        net = network.Network(**record["network"])
        _end_processes(folders)
        view.View(folders=folders).remove()
        # There should be no mount left. If there is, removing files through it could remove somebody's data.
        mounts.unmount([*mounts.below(folders.runtime), *mounts.below(folders.state)])
        net.remove()
        cgroups.remove(folders.name)
        shutil.rmtree(folders.runtime, ignore_errors=True)
        if not keep_data:
            shutil.rmtree(folders.state)
        folders.forget()
    return True


def _end_processes(folders: state.Folders) -> None:
    running = processes.Processes(folders.state, folders.logs)
    # The kubelet first: it would start again what we end.
    processes.kill([one.pid for one in running.all() if one.daemon == "kubelet"])
    while pids := {*(one.pid for one in running.all()), *cgroups.pids(folders.name)}:
        processes.kill(pids)
