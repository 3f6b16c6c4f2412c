# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The locked Go module directories that the collection brings along.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import pathlib

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import files, go_build
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure


def named(name: str) -> go_build.Tool:
    """The tool of that name."""
    return go_build.read(_directory() / name)


def by_image() -> dict[str, go_build.Tool]:
    """The tools that have an image, by its name."""
    tools = (go_build.read(path) for path in sorted(_directory().iterdir()) if path.is_dir())
    return {tool.image.name: tool for tool in tools if tool.image}


def _directory() -> pathlib.Path:
    if not files.GO_MODULES.is_dir():
        raise Failure(
            f"{files.GO_MODULES} does not exist: the evaluation cluster can only be made on a machine that has the "
            "collection dagops.airflow installed. Use connection: local."
        )
    return files.GO_MODULES
