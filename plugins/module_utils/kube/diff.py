# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What changes, for people: one diff per object, without noise and without a secret value.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import hashlib
import hmac
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

try:
    import yaml

    # The C dumper, where libyaml is there, takes a tenth of the time.
    _Base: t.Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
except ImportError:
    # ansible-core depends on it; on a target it comes with kubernetes.
    _Base = object

SERVER_SIDE: t.Final = frozenset(
    {
        "creationTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_BY_CONTROLLERS: t.Final = (
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
)
CHECKSUM: t.Final = "checksum/"
CHECKSUM_OF_SECRET: t.Final = f"{CHECKSUM}secret-"


class _Dumper(_Base):  # type: ignore[misc]
    """Plain YAML: no anchors, and texts of several lines (airflow.cfg, SQL) as blocks."""

    def ignore_aliases(self, _data: t.Any) -> bool:
        return True


def _text(dumper: t.Any, value: str) -> t.Any:
    style = "|" if "\n" in value and not any(line.endswith((" ", "\t")) for line in value.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def to_yaml(obj: t.Any) -> str:
    """``obj`` as YAML, the same text for the same content."""
    text: str = yaml.dump(obj, Dumper=_Dumper, default_flow_style=False, width=10_000, allow_unicode=True)
    return text


if _Base is not object:
    _Dumper.add_representer(str, _text)


def content(obj: Object) -> Object:
    """What of an object is anybody's intention: not its status, and not what controllers note on it."""
    shown = {key: value for key, value in obj.items() if key != "status"}
    meta = {key: value for key, value in obj["metadata"].items() if key not in SERVER_SIDE}
    notes = {
        key: value
        for key, value in (meta.pop("annotations", None) or {}).items()
        if not key.startswith(_BY_CONTROLLERS)
    }
    if notes:
        meta["annotations"] = notes
    shown["metadata"] = meta
    return shown


def changed(before: Object, after: Object) -> bool:
    return content(before) != content(after)


def fingerprint(value: t.Any, key: bytes) -> str:
    """What tells two secret values apart and helps nobody to guess one."""
    return hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:12]


def hidden(obj: Object | None, before: Object | None, key: bytes | None) -> Object | None:
    """A Secret without its values: fingerprints, or, without a key, words that tell whether they change.

    Checksums of Secrets are told in words, too: those of values that this very run generates cannot be foreseen.
    """
    if obj is None:
        return None
    if obj["kind"] != "Secret":
        return _without_checksums(obj, before)
    known = before and (before.get("data") or {})

    def mask(name: str, value: t.Any) -> str:
        if key:
            return f"(hidden, fingerprint {fingerprint(value, key)})"
        return _words(known is None or known.get(name) == value)

    return {**obj, "data": {name: mask(name, value) for name, value in (obj.get("data") or {}).items()}}


def _words(same: bool) -> str:
    return "(hidden)" if same else "(hidden, another value)"


def _without_checksums(obj: Object, before: Object | None) -> Object:
    notes, known = _template_notes(obj), _template_notes(before or {})
    masked = {
        name: _words(before is None or known.get(name) == value)
        for name, value in notes.items()
        if name.startswith(CHECKSUM_OF_SECRET)
    }
    if not masked:
        return obj
    template = obj["spec"]["template"]
    meta = {**template["metadata"], "annotations": {**notes, **masked}}
    return {**obj, "spec": {**obj["spec"], "template": {**template, "metadata": meta}}}


def _template_notes(obj: Object) -> dict[str, str]:
    """The annotations of the pods of a workload."""
    value: t.Any = obj
    for name in ("spec", "template", "metadata", "annotations"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def without_chance(after: Object, live: Object, declared: Object | None) -> Object:
    """``after`` with words for ports of nodes that the API server chooses, which is another one in each rehearsal."""
    if after["kind"] != "Service":
        return after
    given = {None, *(port.get("nodePort") for obj in (live, declared or {}) for port in _ports(obj))}
    ports = [
        {**port, "nodePort": "(chosen by the API server)"} if port.get("nodePort") not in given else port
        for port in _ports(after)
    ]
    return {**after, "spec": {**after["spec"], "ports": ports}} if ports else after


def _ports(obj: Object) -> list[dict[str, t.Any]]:
    return (obj.get("spec") or {}).get("ports") or []


def entry(before: Object | None, after: Object | None, key: bytes | None = None) -> dict[str, str]:
    """The diff of one object; None for the side on which it does not exist."""
    title = kinds.label(before or after or {})
    old, new = (content(obj) if obj else None for obj in (before, after))
    shown = {"before": hidden(old, None, key), "after": hidden(new, old, key)}
    return {
        "before_header": title,
        "after_header": title,
        **{side: to_yaml(obj) if obj else "" for side, obj in shown.items()},
    }
