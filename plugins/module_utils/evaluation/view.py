# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The node's own view of the machine's file system: a mount namespace.

Whatever the node mounts (volumes, containers, their network namespaces) is mounted there alone, and is gone when its
last process is. Programs of a node also use some fixed places of a machine, whatever folders they are told to use;
there they find folders of the cluster, so that two clusters, or a cluster and a container engine, never meet.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command, mounts, state

_PLACES: t.Final = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")
_PURPOSE: t.Final = "make the node's view of the file system"
_SETTINGS: t.Final = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet sets for the whole machine unless it finds it so. It finds it so, and the machine stays as it is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """The mount namespace of a cluster."""

    folders: state.Folders

    @property
    def namespace(self) -> pathlib.Path:
        return self._home / "mnt"

    @property
    def _home(self) -> pathlib.Path:
        """A mount of its own, and private: the kernel keeps no mount namespace where mounts are shared."""
        return self.folders.runtime / "view"

    @property
    def _complete(self) -> pathlib.Path:
        """Says that nothing interrupted the making. It is below /run, so a reboot takes it away, as it takes mounts."""
        return self._home / "complete"

    @property
    def _made(self) -> pathlib.Path:
        """Keeps which of the fixed places the machine did not have before."""
        return self.folders.state / "made.json"

    def ensure(self) -> bool:
        """Have the namespace; whether it had to be made."""
        if self._complete.exists() and os.path.ismount(self.namespace):
            return False
        self._unmount()
        self._make_places()
        self._home.mkdir(parents=True, exist_ok=True)
        home = str(self._home)
        command.run(["mount", "--bind", "--make-private", home, home], purpose=_PURPOSE)
        self.namespace.touch()
        # What the machine mounts later is seen inside; what is mounted inside is never seen outside.
        unshare = ["unshare", f"--mount={self.namespace}", "--propagation=slave", "--"]
        command.run([*unshare, "mount", "--make-rshared", "/"], purpose=_PURPOSE)
        table = self._home / "fstab"
        table.write_text("".join(f"{own} {place} none bind 0 0\n" for own, place in self._binds()), encoding="utf-8")
        inside = ["nsenter", f"--mount={self.namespace}", "--"]
        command.run([*inside, "mount", "--all", f"--fstab={table}"], purpose=_PURPOSE)
        self._complete.touch()
        return True

    def remove(self) -> None:
        """Remove the namespace, in which no process is left, and the places that were made for it."""
        self._unmount()
        for place in self._made_places():
            with contextlib.suppress(OSError):
                pathlib.Path(place).rmdir()

    def _unmount(self) -> None:
        self._complete.unlink(missing_ok=True)
        mounts.unmount(mounts.below(self.folders.runtime))

    def _make_places(self) -> None:
        missing = [place for place in _PLACES if not os.path.isdir(place)]
        state.write(self._made, json.dumps(sorted({*missing, *self._made_places()})))
        for place in missing:
            os.makedirs(place)

    def _made_places(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return t.cast("list[str]", json.loads(self._made.read_text(encoding="utf-8")))
        return []

    def _binds(self) -> t.Iterator[tuple[pathlib.Path, pathlib.Path]]:
        for place in _PLACES:
            # What is below /run must not outlive a reboot.
            root = self.folders.runtime if place.startswith("/run/") else self.folders.state
            own = root / "machine" / place.lstrip("/")
            own.mkdir(parents=True, exist_ok=True)
            yield own, pathlib.Path(place)
        for name, value in _SETTINGS.items():
            setting = pathlib.Path("/proc/sys", name)
            if setting.exists():
                own = self.folders.state / "machine" / "sysctl" / name
                state.write(own, f"{value}\n")
                yield own, setting
