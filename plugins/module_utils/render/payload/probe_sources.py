# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Looks for folders in what git-sync has fetched, and fetches git bundles as Airflow will.

Runs in Airflow's image: ``python -c … {"folders": {name: path}, "bundles": [name]}``. What it finds is JSON, as the
last words of its container: ``folders`` are the repositories without their folder, ``bundles`` the bundles without
theirs, and ``said`` is what was said of a bundle that could not be fetched, by its name.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.ending import LateError, told

PATIENCE = 120
LONGEST_SAID = 600
"""Characters of what is said of a bundle: the last words of a container are few."""


def said(error: BaseException) -> str:
    """What git says; what the library says where git was not even asked."""
    one: BaseException | None = error
    while one is not None:
        # GitPython puts a frame around it.
        words = str(getattr(one, "stderr", None) or "").strip().removeprefix("stderr: '").removesuffix("'").strip()
        if words:
            return words[-LONGEST_SAID:]
        one = one.__cause__
    return f"{type(error).__name__}: {error}"[:LONGEST_SAID]


def fetched(name: str) -> bool:
    """Fetch a bundle; whether its folder is there."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    bundle = DagBundlesManager().get_bundle(name)
    # The start of Airflow does not count, which takes long where CPU is short.
    signal.alarm(PATIENCE)
    bundle.initialize()
    return os.path.isdir(bundle.path)


def look(folders: dict[str, str], bundles: list[str]) -> dict[str, t.Any]:
    """What is not there, and what cannot be fetched."""
    words: dict[str, str] = {}
    empty: list[str] = []
    for name in bundles:
        try:
            if not fetched(name):
                empty.append(name)
        except LateError:
            words[name] = f"no answer came within {PATIENCE} s"
        except Exception as error:
            words[name] = said(error)
        finally:
            signal.alarm(0)
    return {
        "folders": [name for name, path in folders.items() if not os.path.isdir(path)],
        "bundles": empty,
        "said": words,
    }


if __name__ == "__main__":
    told("dag-sources", lambda: look(**json.loads(sys.argv[1])))
