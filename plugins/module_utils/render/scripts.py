# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Scripts that run where the collection is not.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing as t

_IMPORT: t.Final = re.compile(r"^from (ansible_collections\.\S+) import (?:\([^)]*\)|.*)\n", re.MULTILINE)
_FUTURE: t.Final = "from __future__ import annotations\n"


def source(script: types.ModuleType) -> str:
    """Its text, with that of the modules of the collection that it imports in their place."""
    return _IMPORT.sub(_shared, inspect.getsource(script))


def _shared(line: re.Match[str]) -> str:
    # It stands behind the first lines, the only ones that may speak of the future.
    return inspect.getsource(importlib.import_module(line[1])).replace(_FUTURE, "")
