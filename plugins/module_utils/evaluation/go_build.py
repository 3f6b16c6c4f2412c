# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Builds the programs of a locked Go module directory into the cache.

A directory holds ``go.mod`` and ``go.sum`` (and, for programs of our own, their source), and ``tool.toml``: the linker
flags and, where the program runs in a container, the image around it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import functools
import json
import os
import pathlib
import platform
import re
import subprocess
import time
import tomllib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache, command, toolchain
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_HEARTBEAT: t.Final = 20.0
_COMPILED: t.Final = re.compile(r"^[\w.~-]+(/[\w.~-]+)*$")
"""What ``go build -v`` prints for each package that it compiles."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image:
    """The image of a program."""

    name: str
    user: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tool:
    """A locked Go module directory."""

    directory: pathlib.Path
    ldflags: str = "-s -w"
    binary: str | None = None
    """The program's name where it is not the last part of its package's path."""
    image: Image | None = None
    module: str | None = None
    """The module that brings the manifests of the add-on of that name along."""

    @property
    def name(self) -> str:
        return self.directory.name

    @functools.cached_property
    def key(self) -> str:
        """The hash of everything that decides the result.

        The compiler is no part of it: a newer Go builds the same program, and a warm cache needs no Go at all.
        """
        target = f"{platform.system()}/{platform.machine()}"
        return cache.key(target.encode(), *cache.contents(self.directory))

    @property
    def target(self) -> pathlib.Path:
        return cache.root() / "bin" / f"{self.name}-{self.key}"

    @property
    def program(self) -> pathlib.Path:
        """The only program of a directory that has one."""
        return self.target / (self.binary or self.name)

    @property
    def programs(self) -> list[pathlib.Path]:
        """All that were built."""
        return sorted(self.target.iterdir())


def read(directory: pathlib.Path) -> Tool:
    """The tool that ``directory`` describes."""
    description = directory / "tool.toml"
    missing = [path.name for path in (directory / "go.mod", description) if not path.is_file()]
    if missing:
        raise Failure(f"{directory} is no locked Go module directory: it has no {' and no '.join(missing)}.")
    try:
        told = tomllib.loads(description.read_text(encoding="utf-8"))
        image = Image(**told.pop("image")) if "image" in told else None
        return Tool(directory=directory, image=image, **told)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise Failure(f"{description} cannot be used: {error}") from error


def source(tool: Tool, say: cache.Say) -> pathlib.Path:
    """The folder of the tool's ``module``, in the version that is locked."""
    if tool.module is None:
        raise Failure(f"{tool.name} has no manifests of its module: its tool.toml has no module.")
    download = [toolchain.go(say), "-C", str(tool.directory), "mod", "download", "-json", tool.module]
    told = command.run(["env", "GOWORK=off", *download], purpose=f"fetch the Go module {tool.module}")
    return pathlib.Path(json.loads(told)["Dir"])


def ensure(tool: Tool, say: cache.Say) -> bool:
    """Have the tool's programs in the cache; whether they had to be built."""
    return cache.produce(tool.target, lambda target: _build(tool, target, say), say)


def _build(tool: Tool, target: pathlib.Path, say: cache.Say) -> None:
    go = toolchain.go(say)
    say(f"building {tool.name} from its locked Go modules")
    target.mkdir()
    build = [
        *(go, "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"),
        *("-ldflags", " ".join(tool.ldflags.split())),
        *("-o", str(target / tool.binary) if tool.binary else f"{target}/"),
        "." if any(tool.directory.glob("*.go")) else "tool",
    ]
    output = _watched(build, tool, say)
    if output is not None:
        raise Failure(f"{tool.name} cannot be built: {command.last_words(output)}", output=output)


def _watched(build: c.Sequence[str], tool: Tool, say: cache.Say) -> str | None:
    """Run a build and tell how it goes on; its last lines when it failed."""
    lines: collections.deque[str] = collections.deque(maxlen=30)
    compiled = 0
    told = time.monotonic()
    process = subprocess.Popen(
        build,
        cwd=tool.directory,
        # A compiler that collects less garbage took a quarter less of the processors, for more memory.
        env={"GOGC": "400", **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        for line in t.cast("t.TextIO", process.stdout):
            lines.append(line.rstrip())
            compiled += bool(_COMPILED.match(lines[-1]))
            if time.monotonic() - told > _HEARTBEAT:
                say(f"building {tool.name}: {compiled} packages compiled")
                told = time.monotonic()
    return "\n".join(lines) if process.returncode else None
