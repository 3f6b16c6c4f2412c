# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fields that the API server lets nobody change, and what it takes to change them all the same.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import fields
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_FIELDS: t.Final[dict[str, tuple[str, ...]]] = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.selector", "spec.template", "spec.completionMode"),
    "RoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP", "spec.clusterIPs"),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    "StorageClass": ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName", "spec.volumeMode", "spec.selector"),
}
_NEVER_REPLACED: t.Final = frozenset(
    {"CustomResourceDefinition", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret"}
)
"""With these, data would go."""
_SAYS_IMMUTABLE: t.Final = re.compile(
    r"field is immutable|is immutable after creation|cannot change roleRef|may not be changed once set"
    r"|updates to statefulset spec for fields other than"
)


def changes(desired: Object, live: Object) -> list[str]:
    """The immutable fields that ``desired`` changes, each with both values."""
    return [
        difference
        for path in _FIELDS.get(desired["kind"], ())
        if (wanted := _at(desired, path)) is not None
        for difference in fields.differences(_at(live, path), wanted, path)
    ]


def refused(error: ApiError) -> bool:
    """Whether the API server refused a change because of an immutable field."""
    return error.status == 422 and bool(_SAYS_IMMUTABLE.search(error.message))


def replaceable(obj: Object) -> bool:
    return obj["kind"] not in _NEVER_REPLACED


def propagation(desired: Object, live: Object) -> str:
    """How to delete ``live`` for its successor: the pods of a StatefulSet stay where the new one will adopt them."""
    if desired["kind"] != "StatefulSet":
        return "Background"
    adopted = not list(fields.differences(_at(live, "spec.selector"), _at(desired, "spec.selector"), "spec.selector"))
    return "Orphan" if adopted else "Background"


def explanation(desired: Object, what: t.Sequence[str]) -> str:
    """Why ``desired`` cannot be applied, and what to do."""
    changed = ", ".join(what)
    if not replaceable(desired):
        return (
            f"{changed} cannot be changed. It holds data, so it is never replaced: "
            "declare it as it is, or move the data to a new one under another name"
        )
    kept = "; its pods and volumes stay" if desired["kind"] == "StatefulSet" else ""
    return f"{changed} cannot be changed in place. Set replace to true to delete it and make it anew{kept}"


def _at(obj: Object, path: str) -> t.Any:
    value: t.Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
