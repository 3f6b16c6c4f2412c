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

_LARGE: t.Final = 64 * 1024**2


def missing(have: c.Mapping[str, str], archives: c.Iterable[pathlib.Path]) -> dict[pathlib.Path, list[str]]:
    """The archives with images that a node does not have exactly so, and the names of these images."""
    lacking = {
        archive: [image.name for image in oci.read(archive) if have.get(image.name) != image.digest]
        for archive in archives
    }
    return {archive: names for archive, names in lacking.items() if names}


def names(lacking: c.Mapping[pathlib.Path, list[str]]) -> list[str]:
    """The names of the images in what ``missing`` gives."""
    return [name for several in lacking.values() for name in several]


def tell_large(archive: pathlib.Path, held: list[str], say: cache.Say) -> None:
    """Say what is being loaded where that takes a while."""
    if archive.stat().st_size > _LARGE:
        say(f"loading {', '.join(held)}")


def loaded(ctr: c.Sequence[str]) -> dict[str, str]:
    """The digest of each image that a node has, by name; ``ctr`` is how its containerd is asked."""
    return parse(command.run([*ctr, "images", "list"], purpose="read the images of the node"))


def parse(table: str) -> dict[str, str]:
    """What ``ctr images list`` prints: REF TYPE DIGEST and more."""
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[0]: row[2] for row in rows if len(row) > 2}
