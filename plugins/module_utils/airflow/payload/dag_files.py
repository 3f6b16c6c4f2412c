# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside Airflow's own image to see and to change the files of a DAG volume; it starts no Airflow.

A file comes to its place by a rename within the volume, so nobody reads half of one. What a killed run has left is in
one folder, which the next one takes away.

Usage: ``python -c SOURCE look FOLDER | compile | write FOLDER``, with JSON on standard input
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import typing as t
import warnings

Seen = dict[str, t.Any]

WORK = ".dagops-upload"
"""The folder of files that are on their way."""
PROTECTED = (WORK, "lost+found")
"""Names at the top of a volume that are nobody's DAGs."""
CHUNK = 1 << 20


def look(folder: str) -> Seen:
    """SHA-256 of each file by its path, None for what is no readable file; and whether a killed run left something."""
    files: dict[str, str | None] = {}
    for place, folders, names in os.walk(folder, onerror=_raise):
        if place == folder:
            folders[:] = [name for name in folders if name not in PROTECTED]
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*names, *links]:
            path = os.path.join(place, name)
            files[os.path.relpath(path, folder)] = digest(path)
    return {"files": files, "left": os.path.lexists(os.path.join(folder, WORK))}


def _raise(error: OSError) -> None:
    raise error


def digest(path: str) -> str | None:
    """SHA-256 of a file; None for a link, which may lead anywhere, and for what this user cannot read."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
    except (FileNotFoundError, PermissionError):
        return None
    return found.hexdigest()


def uncompilable(sources: dict[str, str]) -> list[list[t.Any]]:
    """File, line and reason of each Python file (in base64) that this Python cannot compile."""
    warnings.simplefilter("ignore")
    found: list[list[t.Any]] = []
    for name, source in sorted(sources.items()):
        try:
            compile(base64.b64decode(source), name, "exec", dont_inherit=True)
        except SyntaxError as error:
            found.append([name, error.lineno, error.msg])
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            found.append([name, None, str(error)])
    return found


def write(folder: str, archive: str, remove: list[str]) -> Seen:
    """Put the files of an archive (in base64) in their places and remove others; what is there then."""
    # Airflow's pods may run as another user of the same group, as on OpenShift.
    os.umask(0o002)
    work = os.path.join(folder, WORK)
    clear(work)
    try:
        bring(folder, work, base64.b64decode(archive))
        for name in remove:
            take_away(folder, name)
    except OSError:
        with contextlib.suppress(OSError):
            clear(work)
        raise
    clear(work)
    return look(folder)


def bring(folder: str, work: str, archive: bytes) -> None:
    """Put the files of an archive in their places."""
    os.mkdir(work)
    with open(os.path.join(work, ".airflowignore"), "w", encoding="ascii") as file:
        # Both as a regular expression and as a glob this hides all that begins with a dot.
        file.write(".*\n")
    ready = unpack(archive, work)
    # What others import comes first, and that is in folders as a rule.
    for name in sorted(ready, key=lambda name: (-name.count("/"), name)):
        place(folder, ready[name], name)


def clear(work: str) -> None:
    """Take a folder of an earlier run away."""
    if is_folder(work):
        shutil.rmtree(work)
    elif os.path.lexists(work):
        os.unlink(work)


def unpack(archive: bytes, work: str) -> dict[str, str]:
    """Where each file of the archive waits, by its path."""
    ready = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for number, member in enumerate(tar):
            ready[member.name] = os.path.join(work, f".{number}")
            content = tar.extractfile(member)
            if content is None:
                raise ValueError(f"{member.name} is no file")
            with content, open(ready[member.name], "wb") as file:
                shutil.copyfileobj(content, file, CHUNK)
    return ready


def place(folder: str, source: str, name: str) -> None:
    """Move a file to its place; what is in the way, of another kind, goes."""
    above = folder
    for part in name.split("/")[:-1]:
        above = os.path.join(above, part)
        if os.path.islink(above) or (os.path.exists(above) and not os.path.isdir(above)):
            os.unlink(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(above)
    target = os.path.join(folder, name)
    if is_folder(target):
        shutil.rmtree(target)
    os.replace(source, target)


def take_away(folder: str, name: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    path = os.path.join(folder, name)
    if is_folder(path):
        return  # A file of the upload is in it, so it has taken the place of what was to go.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)
    while (name := os.path.dirname(name)) and is_folder(os.path.join(folder, name)):
        try:
            os.rmdir(os.path.join(folder, name))
        except OSError:
            return  # It is not empty.


def is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def reason(error: OSError) -> str:
    """What is refused, and why; of a move, its end is what people know."""
    return f"{error.filename2 or error.filename or 'the volume'}: {error.strerror or error}"


def main(command: str, folder: str = "") -> None:
    """One JSON line at the end of standard output; what the volume refuses is told, and is no crash."""
    told = json.load(sys.stdin)
    result: Seen
    try:
        if command == "look":
            result = look(folder)
        elif command == "compile":
            result = {"errors": uncompilable(told)}
        else:
            result = write(folder, told["archive"], told["remove"])
    except OSError as error:
        result = {"refused": reason(error)}
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
