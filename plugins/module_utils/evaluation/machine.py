# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a native node asks of the machine.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command, node
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

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
"""The programs that a node needs, and the Debian package that has each."""
_MODULES: t.Final = {"overlay": "/sys/module/overlay", "br_netfilter": "/proc/sys/net/bridge"}
"""The parts of the kernel that may have to be loaded, and what is there when they are."""


def prepare(folder: pathlib.Path) -> None:
    """A Failure where this machine cannot hold a node whose state is in ``folder``."""
    if os.uname().sysname != "Linux":
        raise Failure("A native evaluation cluster needs Linux. Install a container engine and kind instead.")
    if os.geteuid() != 0:
        raise Failure(
            "A native evaluation cluster needs root, for namespaces, mounts and cgroups. Run as root, install a "
            "container engine and kind, or name a cluster of yours (local_cluster_provider=existing)."
        )
    packages = missing_packages()
    if packages:
        raise Failure(
            f"Programs that a node needs are not installed. On Debian or Ubuntu: apt-get install {' '.join(packages)}"
        )
    free = shutil.disk_usage(folder).free
    if free < _DISK_NEEDED:
        raise Failure(
            f"{folder} has {free / 1024**3:.1f} GiB left, and a cluster with Airflow's images needs "
            f"{_DISK_NEEDED / 1024**3:.0f} GiB. Make room there."
        )
    _load_modules()


def missing_packages() -> list[str]:
    """The Debian packages of the programs that are not there."""
    return sorted({package for program, package in _PROGRAMS.items() if not command.find(program)})


def has_apt() -> bool:
    """Whether we may and can install packages here."""
    return os.geteuid() == 0 and command.find("apt-get") is not None


def _load_modules() -> None:
    missing = [name for name, sign in _MODULES.items() if not os.path.exists(sign)]
    if missing:
        # Where they are built in there is nothing to load, and perhaps no modprobe.
        command.attempt(["modprobe", "--all", *missing])
    if not os.path.exists(_MODULES["br_netfilter"]):
        raise Failure(
            "The kernel has no br_netfilter, and pods need it to reach services. Load it with: modprobe br_netfilter"
        )
