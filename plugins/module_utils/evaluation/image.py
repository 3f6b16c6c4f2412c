# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The backend of the module ``container_image``.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import image_build, image_recipe
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face


def run(face: Face) -> dict[str, t.Any]:
    """Have the archive of an image in the cache."""
    recipe = image_recipe.load(pathlib.Path(face.params["source"]), face.params["name"])
    missing = not recipe.archive.exists()
    if missing:
        image_build.refuse_unless_root(recipe)
    changed = missing if face.check_mode else image_build.ensure(recipe, face.progress)
    return {"changed": changed, "missing": missing, "name": recipe.image, "archive": str(recipe.archive)}
