# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""etcd and kube-apiserver alone, on loopback ports: ready in seconds, without root and without a node.

For tests of modules and roles: ``kubeconfig = start("dagops-api")`` … ``stop("dagops-api")``. Nothing runs pods there,
and without a controller-manager a namespace is never finally deleted, so tests use one of their own each.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    cache,
    control_plane,
    go_build,
    processes,
    state,
    tools,
)

COMPONENTS: t.Final = "api"
_SERVICE_CIDR: t.Final = "10.96.0.0/16"
_PATIENCE: t.Final = 120.0


def start(name: str = "dagops-api", say: cache.Say = print) -> pathlib.Path:
    """Have the API server ``name`` running; the path of its kubeconfig."""
    ensure(name, say)
    return state.folders(name).kubeconfig


def stop(name: str = "dagops-api", say: cache.Say = print) -> None:
    """Stop the API server ``name`` and forget everything in it."""
    remove(name, say)


def ensure(name: str, say: cache.Say) -> bool:
    """Have the API server running; whether something had to be done."""
    kubernetes, etcd = tools.named("kubernetes"), tools.named("etcd")
    built = [go_build.ensure(tool, say) for tool in (kubernetes, etcd)]
    folders = state.folders(name)
    with state.hold(folders, say):
        record = folders.record() or {"name": name, "components": COMPONENTS, "ports": _free_ports(3)}
        recorded = folders.write_record(record)
        plane = _plane(folders, record, kubernetes, etcd)
        running = processes.Processes(folders.state, folders.logs)
        # etcd needs no certificates, so it starts while they are made.
        etcd_started = running.ensure(plane.etcd_daemon())
        credentials = plane.write_credentials()
        api_started = running.ensure(plane.apiserver_daemon())
        plane.wait_ready(running, _PATIENCE)
    return any([*built, recorded, credentials, etcd_started, api_started])


def remove(name: str, say: cache.Say) -> bool:
    """Stop the API server and remove all that it left; whether there was anything."""
    folders = state.folders(name)
    with state.hold(folders, say):
        pids = [process.pid for process in processes.Processes(folders.state, folders.logs).all()]
        processes.kill(pids)
        existed = folders.state.exists()
        shutil.rmtree(folders.state, ignore_errors=True)
        folders.forget()
    return bool(pids) or existed


def running(name: str) -> dict[str, int | None]:
    """The pid of each daemon, None where it does not run."""
    folders = state.folders(name)
    record = folders.record()
    if record is None:
        return {}
    plane = _plane(folders, record, tools.named("kubernetes"), tools.named("etcd"))
    return processes.Processes(folders.state, folders.logs).pids((plane.etcd_daemon(), plane.apiserver_daemon()))


def _plane(
    folders: state.Folders, record: state.Record, kubernetes: go_build.Tool, etcd: go_build.Tool
) -> control_plane.ControlPlane:
    port, etcd_port, etcd_peer_port = record["ports"]
    return control_plane.ControlPlane(
        folders=folders,
        kubernetes=kubernetes.target,
        etcd=etcd.program,
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
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
