# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Image archives into a node.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache, command, oci

_NAMESPACE: t.Final = "k8s.io"
"""Where the kubelet looks."""


def load(socket: pathlib.Path, archives: c.Iterable[pathlib.Path], say: cache.Say) -> list[str]:
    """Load the archives that containerd does not have yet; the names of the images that came."""
    have = loaded(socket)
    loaded_now: list[str] = []
    for archive in archives:
        missing = [image.name for image in oci.read(archive) if have.get(image.name) != image.digest]
        if missing:
            names = ", ".join(missing)
            if archive.stat().st_size > 64 * 1024 * 1024:
                say(f"loading {names}")
            command.run([*_ctr(socket), "import", str(archive)], purpose=f"load image {names} into the node")
            loaded_now += missing
    return loaded_now


def loaded(socket: pathlib.Path) -> dict[str, str]:
    """The digest of each image that containerd has, by name."""
    return parse(command.run([*_ctr(socket), "list"], purpose="read the images of the node"))


def parse(table: str) -> dict[str, str]:
    """What ``ctr images list`` prints: REF TYPE DIGEST and more."""
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[0]: row[2] for row in rows if len(row) > 2}


def _ctr(socket: pathlib.Path) -> list[str]:
    return ["ctr", f"--address={socket}", f"--namespace={_NAMESPACE}", "images"]
