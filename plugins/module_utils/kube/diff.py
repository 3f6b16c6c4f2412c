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
    """A Secret without its values: fingerprints, or, without a key, words that tell whether they change."""
    if obj is None or obj["kind"] != "Secret":
        return obj
    known = before and (before.get("data") or {})

    def mask(name: str, value: t.Any) -> str:
        if key:
            return f"(hidden, fingerprint {fingerprint(value, key)})"
        return "(hidden)" if known is None or known.get(name) == value else "(hidden, another value)"

    return {**obj, "data": {name: mask(name, value) for name, value in (obj.get("data") or {}).items()}}


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
