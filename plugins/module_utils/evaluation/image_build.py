# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Builds an image without a container engine: Debian's buildah in a mount and process namespace of its own.

What a build mounts and starts ends with that namespace, and the namespace ends with the program that asked for it, so
an interruption at any moment leaves nothing but a folder in the cache, which the next run removes. buildah keeps its
storage in memory where there is enough: it holds tens of thousands of files for half a minute, and for minutes after
they are deleted from ext4 that file system is three times slower at making new ones, as the import of the image does.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    cache,
    command,
    image_recipe,
    package_settings,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_HEARTBEAT: t.Final = 20.0
_MOUNT: t.Final = "/mnt"
"""Where a build sees its context, the helpers, the machine's package settings and the packages fetched before."""
_ENOUGH_MEMORY: t.Final = 4 * 2**30
_STEP: t.Final = re.compile(r"^STEP (\d+/\d+): (.{1,60})", re.MULTILINE)
_NOISE: t.Final = ("subprocess exited with", "Error: building at STEP", "exit status", "Error: exit status", "time=")
"""What buildah adds after the words of a failed command."""
_PROGRAMS: t.Final = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""What a build runs, and Debian's packages of it."""
PACKAGES: t.Final = ("buildah", "mmdebstrap")
"""Those of them that a Debian may lack."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Build:
    """One build and the folder it has for itself."""

    recipe: image_recipe.Recipe
    work: pathlib.Path
    in_memory: bool
    say: cache.Say

    @property
    def context(self) -> pathlib.Path:
        """What the Containerfile sees."""
        return self.work / "context"

    @property
    def mount(self) -> pathlib.Path:
        return self.work / "mount"

    @property
    def storage(self) -> pathlib.Path:
        return self.work / "storage"

    @property
    def configuration(self) -> pathlib.Path:
        return self.work / "storage.conf"

    @property
    def log(self) -> pathlib.Path:
        return cache.root() / "logs" / f"{self.recipe.name}-{self.recipe.tag}.log"


def refuse_unless_root(recipe: image_recipe.Recipe) -> None:
    """Refuse to build as anybody else."""
    if os.geteuid() != 0:
        raise Failure(
            f"{recipe.image} cannot be built: its files belong to several users, so only root can make them. Run as "
            "root, or use the public images (local_images_source: public)."
        )


def ensure(recipe: image_recipe.Recipe, say: cache.Say) -> bool:
    """Have the archive of the recipe's image in the cache; whether it had to be built."""
    if recipe.archive.exists():
        return False
    if recipe.parent:
        ensure(recipe.parent, say)
    return cache.produce(recipe.archive, lambda target: _produce(recipe, target, say), say)


def _produce(recipe: image_recipe.Recipe, target: pathlib.Path, say: cache.Say) -> None:
    uv = _programs(recipe)
    packages = cache.root() / "packages"
    build = _Build(recipe=recipe, work=target.parent, in_memory=_available_memory() > _ENOUGH_MEMORY, say=say)
    with cache.locked(packages / ".lock", say, "images"):
        _set_up(build)
        say(f"building {recipe.image}")
        if image_recipe.PREPARE in recipe.files:
            _run(build, ["sh", image_recipe.PREPARE, str(build.mount), str(packages)])
        _run(build, _buildah(build, {packages: f"{_MOUNT}/cache", uv: f"{_MOUNT}/uv:ro"}, target))


def _programs(recipe: image_recipe.Recipe) -> pathlib.Path:
    """Refuse to begin what cannot end well; the path of uv, the one program that is not Debian's."""
    missing = [program for program in _PROGRAMS if not command.find(program)]
    if missing:
        raise Failure(
            f"{recipe.image} cannot be built: {' and '.join(missing)} not found. Install what is missing (Debian: "
            f"apt-get install {' '.join(sorted({_PROGRAMS[program] for program in missing}))})."
        )
    beside_python = pathlib.Path(sys.executable).with_name("uv")
    uv = str(beside_python) if beside_python.exists() else command.find("uv")
    if not uv:
        raise Failure(f"{recipe.image} cannot be built: uv not found. Install it ({sys.executable} -m pip install uv).")
    return pathlib.Path(uv).resolve()


def _available_memory() -> int:
    information = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in information.splitlines() if line.startswith("MemAvailable:"))


def _set_up(build: _Build) -> None:
    """Lay out what the build needs in its folder."""
    for name, path in build.recipe.files.items():
        place = build.context / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        # The same modes in the image whatever the umask of the checkout was.
        place.chmod(0o644)
    shutil.copytree(build.recipe.helpers, build.mount)
    package_settings.write(build.mount)
    for folder in ("cache", "context"):
        (build.mount / folder).mkdir()
    (build.mount / "uv").touch()
    build.storage.mkdir()
    build.configuration.write_text(
        f'[storage]\ndriver = "{_driver(build)}"\n'
        f'graphroot = "{build.storage}/images"\nrunroot = "{build.storage}/run"\n',
        encoding="utf-8",
    )
    build.log.parent.mkdir(exist_ok=True)
    build.log.write_bytes(b"")


def _driver(build: _Build) -> str:
    """buildah's way to lay files over those of the parent image; a disk that is an overlay itself can only copy."""
    if build.in_memory:
        return "overlay"
    disk = command.run(["stat", "--file-system", "--format=%T", build.work], purpose=f"look at {build.work}")
    return "vfs" if disk.strip() == "overlayfs" else "overlay"


def _buildah(build: _Build, volumes: c.Mapping[pathlib.Path, str], target: pathlib.Path) -> list[str]:
    parent = build.recipe.parent
    mounts = {build.mount: f"{_MOUNT}:ro", build.context: f"{_MOUNT}/context:ro", **volumes}
    return [
        *("buildah", "build", "--isolation=chroot", "--layers=false", f"--build-arg=TAG={build.recipe.tag}"),
        *(f"--volume={source}:{place}" for source, place in mounts.items()),
        *([f"--from=oci-archive:{parent.archive}"] if parent else []),
        # The archive is compressed while it is written: of all ways, this has the image on a node first.
        *("--timestamp=0", "--disable-compression=false", f"--tag=oci-archive:{target}:{build.recipe.image}"),
        str(build.context),
    ]


def _run(build: _Build, program: c.Sequence[str]) -> None:
    """Run a program with its output in the log, and tell how it goes on."""
    mount = f"mount -t tmpfs -o mode=755 tmpfs '{build.storage}'; " if build.in_memory else ""
    confined = [
        *("setpriv", "--pdeathsig=KILL", "--"),
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
        *("sh", "-euc", f'{mount}exec "$@"', "sh", *program),
    ]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), command.SEARCH_PATH]),
        "CONTAINERS_STORAGE_CONF": str(build.configuration),
        "CONTAINERS_CONF": os.devnull,
        "TMPDIR": str(build.storage),
    }
    with build.log.open("ab") as log:
        process = subprocess.Popen(
            confined, cwd=build.context, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _attend(build, process)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        said = build.log.read_text(encoding="utf-8", errors="replace")
        raise Failure(
            f"{build.recipe.image} could not be built{step(said)}: {reason(said)}. Its log is {build.log}.",
            log=said.splitlines()[-30:],
        )


def _attend(build: _Build, process: subprocess.Popen[bytes]) -> None:
    told = time.monotonic()
    while True:
        try:
            process.wait(timeout=0.5)
            return
        except subprocess.TimeoutExpired:
            if time.monotonic() - told > _HEARTBEAT:
                said = build.log.read_text(encoding="utf-8", errors="replace")
                build.say(f"building {build.recipe.image}{step(said)}")
                told = time.monotonic()


def step(log: str) -> str:
    """Where a build is by its log."""
    if "\nCOMMIT " in log:
        return " (writing its archive)"
    steps = _STEP.findall(log)
    return f" at step {steps[-1][0]} ({steps[-1][1].strip()} ...)" if steps else ""


def reason(log: str) -> str:
    """What the failed command said last."""
    return command.last_words("\n".join(line for line in log.splitlines() if not line.startswith(_NOISE)))
