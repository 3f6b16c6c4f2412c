# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""etcd and kube-apiserver alone, on loopback ports: ready in seconds, without root and without a node.

For tests of modules and roles: ``kubeconfig = start("dagops-api")`` … ``stop("dagops-api")``. Nothing runs pods there,
and without a controller-manager a namespace is never finally deleted, so each test uses one of its own.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import functools
import pathlib
import shutil
import socket
import ssl
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    cache,
    control_plane,
    go_build,
    processes,
    provider,
    state,
    tools,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

COMPONENTS: t.Final = "api"
_SERVICE_CIDR: t.Final = "10.96.0.0/16"
_PATIENCE: t.Final = 120.0


def start(name: str = "dagops-api", say: cache.Say = print) -> pathlib.Path:
    """Have the API server ``name`` running; the path of its kubeconfig."""
    server = ApiServer(folders=state.folders(name), say=say)
    server.present()
    return server.kubeconfig


def stop(name: str = "dagops-api", say: cache.Say = print) -> None:
    """Stop the API server ``name`` and forget everything in it."""
    ApiServer(folders=state.folders(name), say=say).absent(keep_data=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApiServer:
    """An API without a node."""

    folders: state.Folders
    say: cache.Say

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
        return str(self.kubernetes.target / "kubectl")

    @functools.cached_property
    def kubernetes(self) -> go_build.Tool:
        return tools.named("kubernetes")

    @functools.cached_property
    def etcd(self) -> go_build.Tool:
        return tools.named("etcd")

    @property
    def addons(self) -> tuple[str, ...]:
        return ()

    def present(self) -> bool:
        built = [go_build.ensure(tool, self.say) for tool in (self.kubernetes, self.etcd)]
        with state.hold(self.folders, self.say):
            record = self.folders.record() or self._new_record()
            recorded = self.folders.write_record(record)
            plane, running = self._plane(record), self._processes
            # etcd needs no certificates, so it starts while they are made.
            etcd_started = running.ensure(plane.etcd_daemon)
            credentials = plane.write_credentials()
            api_started = running.ensure(plane.apiserver_daemon)
            plane.wait_ready(running, _PATIENCE)
        return any([*built, recorded, credentials, etcd_started, api_started])

    def absent(self, *, keep_data: bool) -> bool:
        with state.hold(self.folders, self.say):
            pids = [process.pid for process in self._processes.all()]
            processes.kill(pids)
            existed = self.folders.state.exists()
            if not keep_data:
                shutil.rmtree(self.folders.state, ignore_errors=True)
            self.folders.forget()
        return bool(pids) or (existed and not keep_data)

    def status(self) -> provider.Status:
        record = self.folders.record()
        if record is None:
            return provider.Status(exists=False)
        plane = self._plane(record)
        daemons = self._processes.pids((plane.etcd_daemon, plane.apiserver_daemon))
        problems = [f"{name} does not run" for name, pid in daemons.items() if pid is None]
        if not problems and not control_plane.is_ready(plane.url, ssl.create_default_context(cafile=str(plane.ca))):
            problems.append(f"the API at {plane.url} is not ready")
        return provider.Status(exists=True, problems=tuple(problems), daemons=daemons)

    def load(self, archives: c.Sequence[pathlib.Path], *, pretend: bool = False) -> list[str]:  # noqa: ARG002
        if archives:
            raise Failure(f"Cluster {self.folders.name} is an API without a node: no image can be loaded into it.")
        return []

    @property
    def _processes(self) -> processes.Processes:
        return processes.Processes(self.folders.state, self.folders.logs)

    def _new_record(self) -> state.Record:
        return {
            "name": self.folders.name,
            "provider": self.name,
            "components": COMPONENTS,
            "ports": _free_ports(3),
        }

    def _plane(self, record: state.Record) -> control_plane.ControlPlane:
        port, etcd_port, etcd_peer_port = record["ports"]
        return control_plane.ControlPlane(
            folders=self.folders,
            kubernetes=self.kubernetes.target,
            etcd=self.etcd.program,
            address="127.0.0.1",
            service_cidr=_SERVICE_CIDR,
            port=port,
            etcd_port=etcd_port,
            etcd_peer_port=etcd_peer_port,
            with_nodes=False,
        )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now. (All at once, or the kernel may give the same one again.)"""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _number in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
