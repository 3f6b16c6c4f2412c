# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Mounts below a folder.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import pathlib
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command

_OCTAL: t.Final = re.compile(r"\\([0-7]{3})")


def below(folder: pathlib.Path) -> list[str]:
    """The mount points below ``folder``, the last one mounted first, which is the order to unmount them in."""
    return parse(pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8"), folder)


def parse(mountinfo: str, folder: pathlib.Path) -> list[str]:
    points = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split()[4]) for line in mountinfo.splitlines()]
    return [point for point in reversed(points) if folder in pathlib.PurePath(point).parents]


def unmount(points: c.Sequence[str]) -> None:
    """Unmount ``points`` in this order, also where something still has a file open there."""
    if points:
        command.run(["umount", "--lazy", "--no-canonicalize", *points], purpose="unmount what the cluster had mounted")
