# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Annotations on pod templates that change when a ConfigMap or Secret that the pods use changes.

Kubernetes restarts no pod for a new ConfigMap or Secret. An annotation with a hash of its content does, and it restarts
exactly the pods that use it. Each value has a fingerprint, and the checksum is that of the fingerprints: so a task can
tell what a Secret will hold without a value. Fingerprints of secret values are keyed, so that nobody can try passwords.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import copy
import hashlib
import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

IGNORE: t.Final = "airflow.dagops/ignore-checksums"
"""Annotation of a workload: the references that its pods follow by themselves, ``ConfigMap/a,Secret/b``."""

_TEMPLATES: t.Final[dict[str, tuple[str, ...]]] = {
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
"""Where the pod template is. Jobs, CronJobs and bare pods have none here: what they start reads what is there then."""


class Reference(t.NamedTuple):
    """Something that a pod reads."""

    kind: str
    namespace: str
    name: str


Keys: t.TypeAlias = "frozenset[str] | None"
"""The keys that a pod reads; None means all."""
Prints = t.Mapping[str, str]
"""The fingerprint of each value of a ConfigMap or Secret."""
Find = t.Callable[[Reference], "Prints | None"]


def references(workload: Object) -> dict[Reference, Keys]:
    """The ConfigMaps and Secrets, with their keys, that the pods of ``workload`` read by env, envFrom or volume."""
    template = _template(workload)
    if template is None:
        return {}
    namespace = workload["metadata"].get("namespace") or ""
    ignored = set(((workload["metadata"].get("annotations") or {}).get(IGNORE) or "").replace(" ", "").split(","))
    found: dict[Reference, Keys] = {}
    for kind, name, keys in _read(template["spec"]):
        if f"{kind}/{name}" in ignored:
            continue
        reference = Reference(kind, namespace, name)
        known = found.get(reference, frozenset())
        found[reference] = None if keys is None or known is None else known | keys
    return found


def read_by(spec: Object) -> set[tuple[str, str]]:
    """Kind and name of the ConfigMaps and Secrets that a pod of this spec reads."""
    return {(kind, name) for kind, name, _keys in _read(spec)}


def fingerprints(source: Object, key: bytes | None) -> Prints | None:
    """The fingerprints of a ConfigMap or Secret; None for a Secret without a ``key`` for them."""
    values = {**(source.get("binaryData") or {}), **(source.get("data") or {})}
    if source["kind"] == "Secret":
        return {name: diff.fingerprint(value, key) for name, value in values.items()} if key else None
    return {name: _digest(value) for name, value in values.items()}


def annotated(workload: Object, find: Find) -> Object:
    """``workload`` with checksums of what its pods read; what ``find`` does not find has none."""
    notes = {}
    for reference, keys in sorted(references(workload).items()):
        found = find(reference)
        if found is not None:
            read = {name: found[name] for name in sorted(found) if keys is None or name in keys}
            notes[diff.CHECKSUM + _short(f"{reference.kind.lower()}-{reference.name}")] = _digest(json.dumps(read))
    if not notes:
        return workload
    result = copy.deepcopy(workload)
    template = _template(result) or {}
    meta = template.setdefault("metadata", {})
    meta["annotations"] = {**(meta.get("annotations") or {}), **notes}
    return result


def _short(name: str) -> str:
    """``name`` within the 63 characters that an annotation may have."""
    return name if len(name) <= 63 else f"{name[:54]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _digest(text: t.Any) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()[:12]


def _template(workload: Object) -> Object | None:
    path = _TEMPLATES.get(workload["kind"])
    if path is None:
        return None
    value = workload
    for name in path:
        value = value.get(name) or {}
    return value if value.get("spec") else None


def _read(spec: Object) -> t.Iterator[tuple[str, str, Keys]]:
    """What a pod reads. A reference that lacks its name or key is the API server's to refuse."""
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for variable in container.get("env") or ():
            source = variable.get("valueFrom") or {}
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if (source.get(field) or {}).get("name"):
                    yield kind, source[field]["name"], frozenset({str(source[field].get("key"))})
        for source in container.get("envFrom") or ():
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if (source.get(field) or {}).get("name"):
                    yield kind, source[field]["name"], None
    for volume in spec.get("volumes") or ():
        yield from _read_volume(volume, "secretName")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _read_volume(source, "name")


def _read_volume(volume: Object, secret_name: str) -> t.Iterator[tuple[str, str, Keys]]:
    for field, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", secret_name)):
        source = volume.get(field) or {}
        if source.get(name):
            items = source.get("items")
            yield kind, source[name], frozenset(str(item.get("key")) for item in items) if items else None
