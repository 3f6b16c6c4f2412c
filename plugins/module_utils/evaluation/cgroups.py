# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The cgroups of a node: one below the root of every hierarchy, named after the cluster.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import mounts
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_ROOT: t.Final = pathlib.Path("/sys/fs/cgroup")
_CONTROLLERS: t.Final = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")
"""What a kubelet wants of the unified hierarchy."""


def hierarchies() -> list[pathlib.Path]:
    """The roots: one on a unified machine (version 2), one per controller on an older one."""
    return [_ROOT] if _unified() else [pathlib.Path(point) for point in mounts.below(_ROOT)]


def taken(name: str) -> list[str]:
    """The cgroups of that name."""
    return [f"cgroup {root / name}" for root in hierarchies() if (root / name).exists()]


def ensure(name: str) -> bool:
    """Have the cgroup ``name`` in every hierarchy; whether one had to be made."""
    roots = hierarchies()
    if not roots:
        raise Failure(f"This machine has no cgroups mounted at {_ROOT}, and containers cannot run without them.")
    wanted = [root / name for root in roots if not (root / name).is_dir()]
    try:
        for root in roots if _unified() else []:
            _delegate(root)
        for path in wanted:
            path.mkdir()
    except OSError as error:
        raise Failure(
            f"The cgroup {error.filename} cannot be made: {error.strerror}. A container needs to be privileged and to "
            "have a writable /sys/fs/cgroup to hold a cluster."
        ) from error
    return bool(wanted)


def pids(name: str) -> list[int]:
    """The processes in the cgroup and below: those of all containers."""
    found: set[int] = set()
    for root in hierarchies():
        for folder in _deepest_first(root / name):
            with contextlib.suppress(OSError):
                found.update(map(int, (folder / "cgroup.procs").read_text(encoding="ascii").split()))
    return sorted(found)


def remove(name: str) -> bool:
    """Remove the cgroup, in which no process is left; whether there was one."""
    folders = [folder for root in hierarchies() for folder in _deepest_first(root / name)]
    for folder in folders:
        _remove_one(folder)
    return bool(folders)


def _remove_one(folder: pathlib.Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            return folder.rmdir()
        except FileNotFoundError:
            return None
        except OSError as error:
            # For a moment after its last process has ended the kernel still calls it busy.
            if time.monotonic() > deadline:
                raise Failure(f"The cgroup {folder} cannot be removed: {error.strerror}.") from error
            time.sleep(0.05)


def _unified() -> bool:
    return (_ROOT / "cgroup.controllers").exists()


def _delegate(root: pathlib.Path) -> None:
    """Have the controllers available below the root, as far as the machine has them."""
    available = (root / "cgroup.controllers").read_text(encoding="ascii").split()
    wanted = [f"+{controller}" for controller in _CONTROLLERS if controller in available]
    (root / "cgroup.subtree_control").write_text(" ".join(wanted), encoding="ascii")


def _deepest_first(folder: pathlib.Path) -> list[pathlib.Path]:
    return [pathlib.Path(path) for path, _folders, _files in os.walk(folder, topdown=False)]
