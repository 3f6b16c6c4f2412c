# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The network of a node: a namespace of its own, one veth pair, and two routes on the machine.

Nothing in the namespace has a way out: there is no default route. kube-proxy's and the CNI plugins' rules, bridges and
settings all live in the namespace and vanish with it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import ipaddress
import json
import os
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command, mounts
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_NAMESPACES: t.Final = pathlib.Path("/run/netns")
"""Where ``ip netns`` looks."""
_INSIDE: t.Final = "eth0"
_SETTINGS: t.Final = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """The network of the cluster ``name``."""

    name: str
    link_cidr: str
    pod_cidr: str
    service_cidr: str

    @property
    def namespace(self) -> pathlib.Path:
        return _NAMESPACES / self.name

    @property
    def interface(self) -> str:
        """The machine's end of the veth pair."""
        return f"{self.name}0"

    @property
    def machine_address(self) -> str:
        return str(ipaddress.ip_network(self.link_cidr)[1])

    @property
    def node_address(self) -> str:
        return str(ipaddress.ip_network(self.link_cidr)[2])

    @property
    def dns_address(self) -> str:
        return str(ipaddress.ip_network(self.service_cidr)[10])

    @property
    def _prefix(self) -> str:
        return str(ipaddress.ip_network(self.link_cidr).prefixlen)

    @property
    def taken(self) -> list[str]:
        """What this machine has by the names that we would use."""
        places = {
            f"network namespace {self.name}": self.namespace,
            f"network interface {self.interface}": pathlib.Path("/sys/class/net", self.interface),
        }
        return [what for what, place in places.items() if place.exists()]

    def ensure(self) -> bool:
        """Have the namespace, the veth pair and the routes; whether something had to be made."""
        if self._complete():
            return False
        self.refuse_conflicts()
        self._make_namespace()
        self._remove_interface()
        _ip(
            f"link add {self.interface} type veth peer name {_INSIDE} netns {self.name}",
            f"addr add {self.machine_address}/{self._prefix} dev {self.interface}",
            f"link set {self.interface} up",
        )
        _ip(
            f"addr add {self.node_address}/{self._prefix} dev {_INSIDE}",
            f"link set {_INSIDE} up",
            "link set lo up",
            # Any route will do: kube-proxy's rules replace the address before the packet goes anywhere.
            f"route add {self.service_cidr} dev {_INSIDE}",
            inside=self.name,
        )
        # After both ends are up, or the kernel does not take them.
        _ip(*(f"route add {cidr} via {self.node_address} dev {self.interface}" for cidr in self._routed))
        settings = [f"{name}={value}" for name, value in _SETTINGS.items()]
        command.run(
            ["nsenter", f"--net={self.namespace}", "sysctl", "-qw", *settings],
            purpose=f"set up the network of cluster {self.name}",
        )
        return True

    def remove(self) -> bool:
        """Remove the veth pair (and with it the routes) and the namespace; whether there was anything."""
        removed = self._remove_interface()
        if self.namespace.exists():
            mounts.unmount([str(self.namespace)])
            self.namespace.unlink()
            removed = True
        with contextlib.suppress(OSError):
            # Only when it is empty: others may have namespaces there.
            _NAMESPACES.rmdir()
        return removed

    def refuse_conflicts(self) -> None:
        """A Failure where the machine already uses our addresses for something else."""
        ours = {"link_cidr": self.link_cidr, "pod_cidr": self.pod_cidr, "service_cidr": self.service_cidr}
        clash = conflict(ours, _routes(), ours_by=self.interface)
        if clash:
            option, route = clash
            raise Failure(
                f"Cluster {self.name} cannot use {option} {ours[option]}: this machine has a route to {route['dst']} "
                f"through {route.get('dev', 'another way')}. Choose another network with local_cluster_{option}."
            )

    @property
    def _routed(self) -> tuple[str, str]:
        return self.pod_cidr, self.service_cidr

    def _complete(self) -> bool:
        routes = {route["dst"] for route in _routes() if route.get("dev") == self.interface}
        if not {*self._routed, self.link_cidr} <= routes or not self.namespace.exists():
            return False
        inside = command.attempt(["ip", "-j", "-n", self.name, "route", "show"])
        return inside.returncode == 0 and self.service_cidr in {route["dst"] for route in _parsed(inside.stdout)}

    def _make_namespace(self) -> None:
        if self.namespace.is_file() and os.path.ismount(self.namespace):
            return
        # Not `ip netns add`: it makes a mount of the whole folder that stays for ever.
        _NAMESPACES.mkdir(parents=True, exist_ok=True)
        self.namespace.touch()
        command.run(["unshare", f"--net={self.namespace}", "true"], purpose="make a network namespace")

    def _remove_interface(self) -> bool:
        return command.attempt(["ip", "link", "delete", self.interface]).returncode == 0


Route = dict[str, t.Any]


def conflict(ours: dict[str, str], routes: c.Iterable[Route], *, ours_by: str) -> tuple[str, Route] | None:
    """The first of our networks (by option) that overlaps a route of the machine, and that route."""
    networks = {option: ipaddress.ip_network(cidr) for option, cidr in ours.items()}
    for route in routes:
        if route["dst"] == "default" or route.get("dev") == ours_by:
            continue
        taken = ipaddress.ip_network(route["dst"])
        for option, network in networks.items():
            if network.overlaps(taken):
                return option, route
    return None


def _routes() -> list[Route]:
    return _parsed(command.run(["ip", "-j", "-4", "route", "show"], purpose="read the machine's routes"))


def _parsed(output: str) -> list[Route]:
    return t.cast("list[Route]", json.loads(output or "[]"))


def _ip(*lines: str, inside: str | None = None) -> None:
    namespace = ["-n", inside] if inside else []
    batch = "".join(f"{line}\n" for line in lines)
    command.run(["ip", *namespace, "-batch", "-"], stdin=batch, purpose="set up the cluster's network")
