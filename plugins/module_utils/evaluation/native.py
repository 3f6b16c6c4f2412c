# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A whole node on this machine, without a container engine or a virtual machine, in a network of its own.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import concurrent.futures
import dataclasses
import functools
import pathlib
import shutil
import ssl
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
    machine,
    mounts,
    network,
    node,
    oci,
    processes,
    provider,
    state,
    tools,
    view,
)
from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.kubectl import Kubectl, node_ready
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_PATIENCE: t.Final = 180


@dataclasses.dataclass(frozen=True, kw_only=True)
class Native:
    """A cluster of one node, as it is wanted."""

    folders: state.Folders
    network: network.Network
    addons: tuple[str, ...]
    say: cache.Say

    # What it is

    @property
    def name(self) -> str:
        return "native"

    @property
    def kubeconfig(self) -> pathlib.Path:
        return self.folders.kubeconfig

    @property
    def context(self) -> str:
        return self.folders.name

    @property
    def kubectl(self) -> str | None:
        return str(self._kubernetes.target / "kubectl")

    @property
    def _record(self) -> state.Record:
        return {"provider": self.name, "components": "all", **dataclasses.asdict(self.network)}

    @functools.cached_property
    def _kubernetes(self) -> go_build.Tool:
        return tools.named("kubernetes")

    @functools.cached_property
    def _etcd(self) -> go_build.Tool:
        return tools.named("etcd")

    @functools.cached_property
    def _images(self) -> list[go_build.Tool]:
        return [tools.named("pause"), *addons.images(self.addons)]

    @functools.cached_property
    def _plane(self) -> control_plane.ControlPlane:
        return control_plane.ControlPlane(
            folders=self.folders,
            kubernetes=self._kubernetes.target,
            etcd=self._etcd.program,
            address=self.network.node_address,
            service_cidr=self.network.service_cidr,
        )

    @functools.cached_property
    def _node(self) -> node.Node:
        return node.Node(folders=self.folders, network=self.network, kubernetes=self._kubernetes.target)

    @functools.cached_property
    def _view(self) -> view.View:
        return view.View(folders=self.folders)

    @functools.cached_property
    def _processes(self) -> processes.Processes:
        # Not `ip netns exec`: it mounts /sys anew, and then the kubelet finds no cgroups.
        enter = ("nsenter", f"--net={self.network.namespace}", f"--mount={self._view.namespace}", "--")
        return processes.Processes(self.folders.state, self.folders.logs, enter)

    @property
    def _client(self) -> Kubectl:
        return Kubectl(program=str(self.kubectl), kubeconfig=self.kubeconfig, context=self.context)

    # Up

    def present(self) -> bool:
        state.refuse_other(self.folders, self._record)
        self.folders.parent.mkdir(parents=True, exist_ok=True)
        machine.prepare(self.folders.parent)
        built = [go_build.ensure(tool, self.say) for tool in (self._kubernetes, self._etcd)]
        written = [oci.ensure(tool, self.say) for tool in self._images]
        with state.hold(self.folders, self.say):
            started = self._start()
        return any([*built, *written, started])

    def _refuse_taken_names(self) -> None:
        """A Failure where something of our names is there without a record: it is somebody else's, and stays his."""
        taken = [*self.network.taken, *cgroups.taken(self.folders.name)]
        if taken and self.folders.record() is None:
            raise Failure(
                f"This machine has a {taken[0]} already, which no cluster of this collection made. "
                "Choose another local_cluster_name."
            )

    def _start(self) -> bool:
        self._refuse_taken_names()
        running, plane, own = self._processes, self._plane, self._node
        changed = [
            # The record comes first and goes last: whatever there is of a cluster, `absent` finds it.
            self.folders.write_record(self._record),
            self.network.ensure(),
            self._view.ensure(),
            cgroups.ensure(self.folders.name),
            own.write_configuration(),
            # What needs no certificates starts while they are made, and what needs no API starts while that starts.
            running.ensure(plane.etcd_daemon),
            running.ensure(own.containerd_daemon),
        ]
        # The kubelet does not wait for it, it ends.
        self._wait_containerd()
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
            loading = beside.submit(self._load_own_images)
            changed += [plane.write_credentials(), running.ensure(plane.apiserver_daemon)]
            kubelet_start = time.time() if running.ensure(own.kubelet_daemon) else 0
            changed.append(bool(kubelet_start))
            if any(changed):
                self.say(f"waiting for the API of cluster {self.folders.name}")
            plane.wait_ready(running, _PATIENCE)
            changed += [running.ensure(daemon) for daemon in own.controller_daemons]
            # A pod that does not find its image waits long before it looks again.
            changed.append(loading.result())
        wanted = (addons.KUBELET_API, *self.addons)
        manifests = {name: addons.manifests(name, self._facts, self._client, self.say) for name in wanted}
        applied, objects = addons.ensure(self._client, self.folders, manifests)
        changed.append(applied)
        if any(changed):
            self.say("waiting for the node and its add-ons")
        self._wait_node(kubelet_start)
        addons.wait(self._client, objects, _PATIENCE)
        return any(changed)

    @property
    def _facts(self) -> dict[str, str]:
        return {"dns_address": self.network.dns_address, "volumes": str(self._node.volumes)}

    def _load_own_images(self) -> bool:
        return bool(self.load([oci.archive_of(tool) for tool in self._images]))

    def _wait_containerd(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while command.attempt([*self._ctr, "version"]).returncode != 0:
            gone = self._processes.why_gone(self._node.containerd_daemon)
            if gone or time.monotonic() > deadline:
                raise Failure(f"Cluster {self.folders.name} has no container runtime: {gone or 'it does not answer'}")
            time.sleep(0.05)

    def _wait_node(self, since: float) -> None:
        """Wait until the node says that it is ready, after ``since``: what it said before may no longer be true."""
        deadline = time.monotonic() + _PATIENCE
        while not node_ready(self._client.get("node", self.folders.name), since):
            for daemon in (self._node.kubelet_daemon, *self._node.controller_daemons):
                if gone := self._processes.why_gone(daemon):
                    raise Failure(f"The node of cluster {self.folders.name} does not get ready: {gone}")
            if time.monotonic() > deadline:
                raise Failure(
                    f"The node of cluster {self.folders.name} is not ready after {_PATIENCE} s. "
                    f"See {self._processes.log('kubelet')}."
                )
            time.sleep(0.5)

    # Images

    @property
    def _ctr(self) -> list[str]:
        return ["ctr", f"--address={self._node.socket}", "--namespace=k8s.io"]

    def load(self, archives: c.Sequence[pathlib.Path], *, pretend: bool = False) -> list[str]:
        missing = images.missing(images.loaded(self._ctr), archives)
        for archive, names in missing.items() if not pretend else ():
            images.tell_large(archive, names, self.say)
            command.run([*self._ctr, "images", "import", str(archive)], purpose=f"load {archive} into the node")
        return images.names(missing)

    # Status and down

    def status(self) -> provider.Status:
        if self.folders.record() is None:
            return provider.Status(exists=False)
        own = self._node
        daemons = self._processes.pids(
            (
                self._plane.etcd_daemon,
                self._plane.apiserver_daemon,
                own.containerd_daemon,
                own.kubelet_daemon,
                *own.controller_daemons,
            )
        )
        problems = [f"{name} does not run" for name, pid in daemons.items() if pid is None]
        if not problems:
            problems += self._troubles()
        installed = addons.status(self._client, self.folders) if not problems else {}
        return provider.Status(exists=True, problems=tuple(problems), daemons=daemons, addons=installed)

    def _troubles(self) -> c.Iterator[str]:
        if not control_plane.is_ready(self._plane.url, ssl.create_default_context(cafile=str(self._plane.ca))):
            yield f"the API at {self._plane.url} is not ready"
        elif not node_ready(self._client.get("node", self.folders.name)):
            yield f"the node is not ready (log: {self._processes.log('kubelet')})"

    def absent(self, *, keep_data: bool) -> bool:
        """Stop and remove all that belongs to the cluster, from whatever state it is in."""
        with state.hold(self.folders, self.say):
            record = self.folders.record()
            if record is not None:
                self._end_processes()
                self._view.remove()
                # Nothing is mounted there any more. If something were, removing files could remove somebody's data.
                mounts.unmount([*mounts.below(self.folders.runtime), *mounts.below(self.folders.state)])
                self.network.remove()
                cgroups.remove(self.folders.name)
                shutil.rmtree(self.folders.runtime, ignore_errors=True)
                if not keep_data:
                    shutil.rmtree(self.folders.state)
            self.folders.forget()
        return record is not None

    def _end_processes(self) -> None:
        running = self._processes
        # The kubelet first: it would start again what we end.
        processes.kill([one.pid for one in running.all() if one.daemon == "kubelet"])
        while pids := {*(one.pid for one in running.all()), *cgroups.pids(self.folders.name)}:
            processes.kill(pids)
