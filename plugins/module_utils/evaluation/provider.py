# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every way to have an evaluation cluster can do.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import typing as t


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """How a cluster is."""

    exists: bool
    problems: tuple[str, ...] = ()
    daemons: c.Mapping[str, int | None] = dataclasses.field(default_factory=dict)
    """The pid of each process of the cluster on this machine, None where it should run and does not."""
    addons: c.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    """Whether each add-on that was installed is available."""

    @property
    def ready(self) -> bool:
        return self.exists and not self.problems


class Provider(t.Protocol):
    """One way to have a cluster."""

    @property
    def name(self) -> str:
        """What ``local_cluster_provider`` calls it."""

    @property
    def kubeconfig(self) -> pathlib.Path:
        """The kubeconfig for people."""

    @property
    def context(self) -> str:
        """The context in it."""

    @property
    def kubectl(self) -> str | None:
        """A kubectl of the cluster's own version, where there is one."""

    @property
    def addons(self) -> tuple[str, ...]:
        """The add-ons that are wanted."""

    def present(self) -> bool:
        """Have the cluster running; whether something had to be done."""

    def absent(self, *, keep_data: bool) -> bool:
        """Have no cluster; whether something had to be done."""

    def status(self) -> Status:
        """How the cluster is now."""

    def load(self, archives: c.Sequence[pathlib.Path], *, pretend: bool = False) -> list[str]:
        """Have the images of these archives in the cluster; the names of those that came (or would)."""
