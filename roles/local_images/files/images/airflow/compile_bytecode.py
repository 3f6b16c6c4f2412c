# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""compile_bytecode.py DIRECTORY...: compile every module below, or fail.

The bytecode is of the unchecked kind: no look at the source when it is loaded, and the same bytes in every build.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import pathlib
import py_compile
import sys


def uncompiled(directory: pathlib.Path) -> list[pathlib.Path]:
    """The modules that have no bytecode beside them."""
    return [
        source
        for source in directory.rglob("*.py")
        if source.is_file() and not pathlib.Path(importlib.util.cache_from_source(source)).exists()
    ]


def main(names: list[str]) -> str | None:
    """Compile what is below the directories ``names``; what went wrong."""
    missing: list[pathlib.Path] = []
    for name in names:
        compileall.compile_dir(
            name,
            maxlevels=50,
            quiet=2,
            force=True,
            workers=os.cpu_count() or 1,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        missing += uncompiled(pathlib.Path(name))
    return f"No bytecode could be made of {', '.join(map(str, missing))}" if missing else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
