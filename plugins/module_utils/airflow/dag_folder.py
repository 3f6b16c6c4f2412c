# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A folder of DAGs as it is on the controller: read whole, packed, and compared with a volume.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import io
import os
import tarfile
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload.dag_files import PROTECTED
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

Tree = dict[str, bytes]
"""What each file holds, by its path in the folder."""

EXCLUDED: t.Final = (".git", ".venv", "__pycache__", "*.pyc", ".DS_Store")
MOST_BYTES: t.Final = 64 * 1024 * 1024
_OTHER_WAYS: t.Final = (
    "Leave out by exclude what is no DAG, keep data where tasks read it from (a bucket, the image), or fill a claim of "
    "your own by other means (airflow_core_dags_volume.existingClaim)."
)


def excluded(name: str, patterns: t.Iterable[str]) -> bool:
    """Whether a file is left out: by a pattern for the name of it or of a folder above it, or for its whole path."""
    parts = name.split("/")
    if parts[0] in PROTECTED:
        return True
    for given in patterns:
        pattern = given.rstrip("/")
        if "/" in pattern:
            ways = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
            if any(fnmatch.fnmatchcase(way, pattern.lstrip("/")) for way in ways):
                return True
        elif any(fnmatch.fnmatchcase(part, pattern) for part in parts):
            return True
    return False


def read(src: str, patterns: t.Sequence[str]) -> Tree:
    """The files of a folder; raises ``Failure`` for what cannot be uploaded, before anything is asked or changed."""
    if not os.path.isdir(src):
        what = "is no folder" if os.path.exists(src) else "does not exist"
        raise Failure(
            f"src is {os.path.abspath(src)}, which {what}. Name a folder of DAGs on the controller; a path that is not "
            "absolute begins in the folder that Ansible was started in."
        )
    root = os.path.realpath(src)
    try:
        paths = dict(_files(root, root, "", patterns, ()))
        size = sum(os.path.getsize(path) for path in paths.values())
        if size > MOST_BYTES:
            largest = max(paths, key=lambda name: os.path.getsize(paths[name]))
            raise Failure(
                f"src ({src}) holds {size / 1024**2:.0f} MiB, and an upload takes at most {MOST_BYTES // 1024**2} MiB, "
                f"since it goes through the Kubernetes API. The largest file is {largest}. {_OTHER_WAYS}"
            )
        tree = {name: _content(path) for name, path in sorted(paths.items())}
    except OSError as error:
        raise Failure(
            f"{error.filename or src} cannot be read on the controller: {error.strerror}. Nothing was changed."
        ) from error
    if not tree:
        raise Failure(
            f"src ({src}) holds no file, besides what exclude leaves out. An empty folder would take every DAG off the "
            "volume; name the folder that holds the DAGs."
        )
    return tree


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _files(
    root: str, folder: str, above: str, patterns: t.Sequence[str], on_way: tuple[str, ...]
) -> t.Iterator[tuple[str, str]]:
    """Path in the folder and on the controller of each file; links within the folder are followed."""
    here = (*on_way, os.path.realpath(folder))
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{above}{entry.name}"
        if excluded(name, patterns):
            continue
        _refuse_name(name)
        if entry.is_symlink():
            _refuse_link(root, entry.path, name, here)
        if entry.is_dir():
            yield from _files(root, entry.path, f"{name}/", patterns, here)
        elif entry.is_file():
            yield name, entry.path
        else:
            raise Failure(f"{name} in src is no file, folder or link. Take it away, or leave it out by exclude.")


def _refuse_name(name: str) -> None:
    if not name.isprintable():
        raise Failure(
            f"{name!a} in src has a name that Airflow cannot read: it is no valid UTF-8, or holds a control character. "
            "Rename it, or leave it out by exclude."
        )


def _refuse_link(root: str, path: str, name: str, above: t.Sequence[str]) -> None:
    target = os.path.realpath(path)
    end = "Put what it means into src, or leave it out by exclude."
    if not os.path.exists(path):
        raise Failure(f"{name} in src is a link to {os.readlink(path)}, which is not there. {end}")
    if os.path.commonpath([root, target]) != root:
        raise Failure(f"{name} in src is a link that leads out of src, to {target}. {end}")
    if target in above:
        raise Failure(f"{name} in src is a link to a folder that it is in, so it has no end. {end}")


def pack(tree: t.Mapping[str, bytes]) -> bytes:
    """An archive of files: the same for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in sorted(tree.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def unpack(archive: str) -> Tree:
    """The files of an archive that ``pack`` made."""
    with tarfile.open(archive) as tar:
        return {member.name: content.read() for member in tar if (content := tar.extractfile(member))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What an upload changes."""

    added: list[str]
    updated: list[str]
    removed: list[str]
    left: bool
    """Whether a killed run left something to take away."""

    @property
    def wanted(self) -> bool:
        return bool(self.sent or self.removed or self.left)

    @property
    def sent(self) -> list[str]:
        return [*self.added, *self.updated]


def plan(tree: t.Mapping[str, bytes], seen: t.Mapping[str, t.Any], patterns: t.Sequence[str], *, delete: bool) -> Plan:
    """What makes the files of a volume those of a folder; what is excluded stays as it is on the volume, too."""
    there = {name: digest for name, digest in seen["files"].items() if not excluded(name, patterns)}
    obsolete = sorted(set(there) - set(tree))
    if not delete and (ways := _in_the_way(tree, obsolete)):
        raise Failure(
            f"{ways[0]} on the volume is in the way: src has a folder where the volume has a file, or the other way "
            "round. Nothing was changed. Remove it, or allow that by delete=true."
        )
    return Plan(
        added=sorted(set(tree) - set(there)),
        updated=sorted(name for name in tree if name in there and there[name] != digest_of(tree[name])),
        removed=obsolete if delete else [],
        left=bool(seen["left"]),
    )


def _in_the_way(names: t.Iterable[str], obsolete: t.Sequence[str]) -> list[str]:
    """Those of ``obsolete`` that cannot stay beside ``names``."""
    wanted = set(names)
    folders = {above for name in wanted for above in _above(name)}
    return [name for name in obsolete if name in folders or not wanted.isdisjoint(_above(name))]


def _above(name: str) -> t.Iterator[str]:
    """The folders that a file is in."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def may_hold_dags(tree: t.Mapping[str, bytes]) -> bool:
    """Whether Airflow looks for DAGs in any of the files: in archives, and in Python that speaks of both."""
    return any(name.endswith(".zip") or (name.endswith(".py") and _speaks_of_dags(tree[name])) for name in tree)


def _speaks_of_dags(content: bytes) -> bool:
    lower = content.lower()
    return b"dag" in lower and b"airflow" in lower
