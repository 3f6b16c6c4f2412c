# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects as files, for `git diff`, `kubectl diff`, GitOps or an audit.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff, kinds, order, scope
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_MARK: t.Final = "# Written by dagops.airflow: {part}. Changes here are overwritten."
_HIDDEN: t.Final = "# The values of this Secret are left out."


def rendered(objects: t.Iterable[Object]) -> list[Object]:
    """The objects in the order of their making, Secrets without their values."""
    return [without_values(obj) for obj in order.ordered(objects)]


def without_values(obj: Object) -> Object:
    """The object itself; of a Secret what is no secret."""
    if obj.get("kind") != "Secret":
        return obj
    return {field: value for field, value in obj.items() if field not in ("data", "stringData")}


def file_name(obj: Object, namespace: str) -> str:
    """``deployment-airflow-scheduler.yaml``, with its namespace where that is another one."""
    meta = obj["metadata"]
    elsewhere = meta.get("namespace") not in (None, namespace)
    name = f"{obj['kind']}-{meta['name']}" + (f".{meta['namespace']}" if elsewhere else "")
    return re.sub(r"[^a-z0-9.-]", "_", name.lower()) + ".yaml"


def texts(objects: t.Iterable[Object], namespace: str, instance: str) -> dict[str, str]:
    """The files for ``objects``, by name."""
    files: dict[str, str] = {}
    for obj in rendered(objects):
        name = file_name(obj, namespace)
        if name in files:
            raise Failure(f"Two objects would be written to {name}; the second is {kinds.label(obj)}. Rename one.")
        head = [mark(instance, (obj["metadata"].get("labels") or {}).get(scope.COMPONENT, ""))]
        if obj["kind"] == "Secret":
            head.append(_HIDDEN)
        files[name] = "\n".join(head) + "\n---\n" + diff.to_yaml(obj)
    return files


def mark(instance: str, component: str) -> str:
    """The first line of a file that we wrote."""
    return _MARK.format(part=f"{component} of instance {instance}" if instance else "objects")


def write(folder: str, files: dict[str, str], marks: t.Collection[str], *, dry_run: bool) -> list[dict[str, str]]:
    """Make ``folder`` hold ``files`` and no others that begin with one of ``marks``; the diffs of what changes."""
    found = _read(folder)
    stale = [name for name, text in found.items() if name not in files and text.partition("\n")[0] in marks]
    changes = []
    for name in sorted([*files, *stale]):
        before, after = found.get(name, ""), files.get(name, "")
        if before != after:
            path = os.path.join(folder, name)
            changes.append({"before_header": path, "after_header": path, "before": before, "after": after})
            if not dry_run:
                _store(path, after)
    return changes


def _read(folder: str) -> dict[str, str]:
    found = {}
    try:
        names = sorted(os.listdir(folder)) if os.path.lexists(folder) else []
        for name in names:
            if name.endswith(".yaml"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found[name] = file.read()
    except OSError as error:
        raise Failure(f"The folder dest={folder} cannot be read: {error.strerror}. Choose another dest.") from error
    return found


def _store(path: str, text: str) -> None:
    try:
        if not text:
            os.remove(path)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}. Choose another dest.") from error
