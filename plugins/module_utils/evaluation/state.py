# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a cluster keeps what it is: its folders, its record, its lock.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

Record = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of one cluster."""

    name: str
    parent: pathlib.Path
    runtime_parent: pathlib.Path

    @property
    def state(self) -> pathlib.Path:
        return self.parent / self.name

    @property
    def runtime(self) -> pathlib.Path:
        """Sockets, and what does not outlive a reboot."""
        return self.runtime_parent / self.name

    @property
    def logs(self) -> pathlib.Path:
        return self.state / "logs"

    @property
    def pki(self) -> pathlib.Path:
        return self.state / "pki"

    @property
    def kubeconfigs(self) -> pathlib.Path:
        """The kubeconfigs of the cluster's own parts."""
        return self.state / "kubeconfigs"

    @property
    def kubeconfig(self) -> pathlib.Path:
        """The kubeconfig for people."""
        return self.state / "kubeconfig"

    @property
    def addons(self) -> pathlib.Path:
        """Keeps what was installed into the cluster."""
        return self.state / "addons.json"

    @property
    def lock(self) -> pathlib.Path:
        return self.parent / f".{self.name}.lock"

    @property
    def _record(self) -> pathlib.Path:
        return self.state / "cluster.json"

    def record(self) -> Record | None:
        """What the cluster of this name was made as; None when there is none."""
        try:
            return t.cast("Record", json.loads(self._record.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def write_record(self, record: Record) -> bool:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return write(self._record, json.dumps(record, indent=2) + "\n")

    def forget(self) -> None:
        """Remove the empty folders above, when this was the last cluster. (The caller holds the lock.)"""
        self.lock.unlink(missing_ok=True)
        for parent in (self.parent, self.runtime_parent):
            with contextlib.suppress(OSError):
                parent.rmdir()


def folders(name: str) -> Folders:
    """The folders of the cluster ``name``: the machine's own when we are root, else those of the user."""
    if os.geteuid() == 0:
        parent, runtime = pathlib.Path("/var/lib/dagops-airflow"), pathlib.Path("/run/dagops-airflow")
    else:
        home = os.environ.get("XDG_STATE_HOME")
        parent = (pathlib.Path(home) if home else pathlib.Path.home() / ".local" / "state") / "dagops-airflow"
        runtime = parent / ".run"
    return Folders(name=name, parent=parent, runtime_parent=runtime)


def hold(folders: Folders, say: cache.Say) -> contextlib.AbstractContextManager[None]:
    """Only one run at a time brings a cluster up or down."""
    folders.parent.mkdir(parents=True, exist_ok=True)
    return cache.locked(folders.lock, say, f"cluster {folders.name}")


def write(path: pathlib.Path, text: str, mode: int = 0o600) -> bool:
    """Have ``text`` in ``path``, complete or not at all; whether it had to be written."""
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.touch(mode=mode)
    unfinished.chmod(mode)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(path)
    return True


def refuse_other(folders: Folders, wanted: Record) -> None:
    """A Failure where a cluster of that name exists and was made as something else."""
    record = folders.record()
    if record is None or record == wanted:
        return
    differences = [f"{key} {record.get(key)}, not {value}" for key, value in wanted.items() if record.get(key) != value]
    raise Failure(
        f"Cluster {folders.name} exists with {' and '.join(differences)}. Remove it first (local_cluster_state=absent) "
        "or choose another local_cluster_name."
    )
