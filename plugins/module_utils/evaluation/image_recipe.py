# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Recipes of container images: what goes into an image, and the hash of all of it.

A recipe is a Containerfile and what it copies, in two folders that are laid over each other: ``images/NAME`` for all
versions of an image, ``images/NAME/TAG`` for one. ``helpers`` beside ``images`` holds the programs that any of them may
call while it is built.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import pathlib
import platform
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

FORMAT: t.Final = b"1"
"""Part of the cache's key: change it when the same recipe should give another archive."""
CONTAINERFILE: t.Final = "Containerfile"
PREPARE: t.Final = "prepare"
"""A script of a recipe that runs on the machine itself, before the build, beside the Containerfile."""
_PACKAGES: t.Final = "prepare.packages"
"""The Debian packages of what ``prepare`` runs, beside those of each build."""
_IMAGE: t.Final = re.compile(r"localhost/(?P<name>[a-z0-9][a-z0-9-]*):(?P<tag>[a-z0-9][\w.-]*)")
_FROM: t.Final = re.compile(r"^FROM\s+(?P<image>.*?)\s*$", re.IGNORECASE | re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one image is made."""

    name: str
    tag: str
    files: c.Mapping[str, pathlib.Path]
    """What the Containerfile sees: the name there, and where the file is."""
    helpers: pathlib.Path
    parent: Recipe | None

    @property
    def image(self) -> str:
        return f"localhost/{self.name}:{self.tag}"

    @functools.cached_property
    def key(self) -> str:
        """The hash of everything that decides the result. (Debian's packages are as new as the mirror's.)"""
        return cache.key(
            FORMAT,
            platform.machine().encode(),
            self.parent.key.encode() if self.parent else b"",
            *cache.contents(self.helpers),
            *(part for name, path in sorted(self.files.items()) for part in (name.encode(), path.read_bytes())),
        )

    @property
    def packages(self) -> list[str]:
        """The Debian packages that the machine needs for the recipe's own script, and for those of the images below."""
        own = self.files[_PACKAGES].read_text(encoding="utf-8").split() if _PACKAGES in self.files else []
        return sorted({*own, *(self.parent.packages if self.parent else ())})

    @property
    def archive(self) -> pathlib.Path:
        """Where the archive of the image is, or will be."""
        return cache.root() / "images" / f"{self.name}-{self.tag}-{self.key}.tar"


def load(source: pathlib.Path, image: str, needed_by: tuple[str, ...] = ()) -> Recipe:
    """The recipe of ``image`` and of the images below it."""
    parts = _IMAGE.fullmatch(image)
    if not parts:
        raise Failure(f"{image} is no name of a local image: it has to look like localhost/NAME:TAG.")
    if image in needed_by:
        chain = " on ".join([*needed_by, image])
        raise Failure(f"The recipe of {image} cannot be used: it builds on itself ({chain}).")
    folder = source / "images" / parts["name"]
    if not (folder / parts["tag"]).is_dir():
        raise Failure(f"There is no recipe for {image}. {source} has {', '.join(known(source)) or 'none at all'}.")
    files = {
        **{path.name: path for path in folder.iterdir() if path.is_file()},
        **_files_under(folder / parts["tag"]),
    }
    if CONTAINERFILE not in files:
        raise Failure(f"The recipe of {image} cannot be used: {folder} has no {CONTAINERFILE}.")
    parent = _parent(files[CONTAINERFILE])
    return Recipe(
        **parts.groupdict(),
        files=files,
        helpers=source / "helpers",
        parent=load(source, parent, (*needed_by, image)) if parent else None,
    )


def known(source: pathlib.Path) -> list[str]:
    """The images that ``source`` has recipes for."""
    tags = (folder for folder in (source / "images").glob("*/*") if folder.is_dir())
    return sorted(f"localhost/{tag.parent.name}:{tag.name}" for tag in tags)


def _files_under(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _parent(containerfile: pathlib.Path) -> str | None:
    """The image that a Containerfile begins with, None for an empty one."""
    images = _FROM.findall(containerfile.read_text(encoding="utf-8"))
    if len(images) != 1:
        raise Failure(f"{containerfile} cannot be used: it has {len(images)} FROM lines, and must have one.")
    parent = str(images[0])
    if parent == "scratch":
        return None
    if not _IMAGE.fullmatch(parent):
        raise Failure(f"{containerfile} cannot be used: FROM {parent} is neither scratch nor a local image.")
    return parent
