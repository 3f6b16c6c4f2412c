# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is expensive to make (programs, images) is kept outside the checkout, under the hash of what it is made from.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile

Say = c.Callable[[str], None]


def root() -> pathlib.Path:
    """The folder of the cache."""
    own = os.environ.get("DAGOPS_AIRFLOW_CACHE")
    if own:
        return pathlib.Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(shared) if shared else pathlib.Path.home() / ".cache") / "dagops-airflow"


def key(*parts: bytes) -> str:
    """A short name for exactly these contents, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:12]


def contents(directory: pathlib.Path) -> c.Iterator[bytes]:
    """The name and the content of every file under ``directory``, in a stable order."""
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        yield path.relative_to(directory).as_posix().encode()
        yield path.read_bytes()


@contextlib.contextmanager
def locked(path: pathlib.Path, say: Say, what: str) -> c.Iterator[None]:
    """Only one process at a time holds ``path``; a second one says that it waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another run that is at work on {what}")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


def _is(descriptor: int, path: pathlib.Path) -> bool:
    """Whether the open file is still the one of that name: the last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def produce(target: pathlib.Path, make: c.Callable[[pathlib.Path], None], say: Say) -> bool:
    """Have ``target`` (a file or a folder) made once by ``make``; whether that was needed.

    ``make`` gets a path beside the target that does not exist yet. The target appears complete or not at all, so an
    interruption at any moment costs only the work done so far.
    """
    if target.exists():
        return False
    with locked(target.with_name(f".{target.name}.lock"), say, target.name):
        if target.exists():
            return False
        unfinished = f".{target.name}.unfinished-"
        for path in target.parent.glob(f"{unfinished}*"):
            # We hold the lock, so nobody works on it any more.
            shutil.rmtree(path)
        work = pathlib.Path(tempfile.mkdtemp(prefix=unfinished, dir=target.parent))
        try:
            make(work / target.name)
            (work / target.name).rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return True
