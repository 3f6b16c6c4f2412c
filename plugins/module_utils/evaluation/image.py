# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The backend of the module ``container_image``.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    go_build,
    image_build,
    image_recipe,
    oci,
    tools,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face


def run(face: Face) -> dict[str, t.Any]:
    """Have the archive of an image in the cache."""
    name: str = face.params["name"]
    tool = tools.by_image().get(name)
    return _of_a_program(face, name, tool) if tool else _of_a_recipe(face, name)


def _of_a_recipe(face: Face, name: str) -> dict[str, t.Any]:
    recipe = image_recipe.load(pathlib.Path(face.params["source"]), name)
    missing = not recipe.archive.exists()
    if missing:
        image_build.refuse_unless_root(recipe)
    changed = missing if face.check_mode else image_build.ensure(recipe, face.progress)
    packages = [*image_build.PACKAGES, *recipe.packages]
    return _result(name, recipe.archive, packages=packages, missing=missing, changed=changed)


def _of_a_program(face: Face, name: str, tool: go_build.Tool) -> dict[str, t.Any]:
    """The image of a single program of Go modules needs no Debian, and no root."""
    archive = oci.archive_of(tool)
    missing = not archive.exists()
    changed = missing if face.check_mode else oci.ensure(tool, face.progress)
    return _result(name, archive, packages=[], missing=missing, changed=changed)


def _result(name: str, archive: pathlib.Path, *, packages: list[str], missing: bool, changed: bool) -> dict[str, t.Any]:
    return {"changed": changed, "missing": missing, "name": name, "archive": str(archive), "packages": packages}
