# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster that somebody else made: named by the person, looked at, never changed.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command, provider
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure


@dataclasses.dataclass(frozen=True, kw_only=True)
class Existing:
    """The cluster of one context."""

    kubeconfig: pathlib.Path
    context: str

    @property
    def name(self) -> str:
        return "existing"

    @property
    def kubectl(self) -> str | None:
        return command.find("kubectl")

    @property
    def addons(self) -> tuple[str, ...]:
        return ()

    def present(self) -> bool:
        self._ask()
        return False

    def absent(self, *, keep_data: bool) -> bool:  # noqa: ARG002
        """Somebody else's cluster is not ours to remove."""
        return False

    def status(self) -> provider.Status:
        try:
            self._ask()
        except Failure as failure:
            return provider.Status(exists=True, problems=(failure.message,))
        return provider.Status(exists=True)

    def load(self, archives: c.Sequence[pathlib.Path], *, pretend: bool = False) -> list[str]:  # noqa: ARG002
        if archives:
            raise Failure(
                f"No image can be loaded into the existing cluster {self.context}: push it to a registry that the "
                "cluster reaches, and name it there."
            )
        return []

    def _ask(self) -> None:
        # Here, because the client library takes half a second to import, and the other providers do without it.
        from ansible_collections.dagops.airflow.plugins.module_utils.kube import client

        client.connect({"kubeconfig": str(self.kubeconfig), "context": self.context}).request("GET", "/version")
