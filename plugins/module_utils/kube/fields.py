# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a live object holds by our hand, read from its managedFields.

Server-side apply records which fields a manager applied. When those fields of the live object are literally what we
would apply, another apply would change nothing, and need not be sent.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_DEFAULTS: t.Final[dict[str, tuple[t.Any, ...]]] = {
    "apiGroup": ("", "rbac.authorization.k8s.io"),
    "apiVersion": ("v1",),
    "divisor": ("0",),
    "kind": ("PersistentVolumeClaim",),
    "protocol": ("TCP",),
    "status": ({"phase": "Pending"},),
    "volumeMode": ("Filesystem",),
}
"""What the API server adds within lists that it lets one manager own as a whole (volume claim templates, subjects)."""


def applied(live: Object, manager: str) -> Object | None:
    """The part of ``live`` that ``manager`` applied, None when it never did."""
    for entry in live["metadata"].get("managedFields") or ():
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and entry.get("apiVersion") == live["apiVersion"]
            and not entry.get("subresource")
        ):
            part: Object = _extract(live, entry["fieldsV1"])
            return part
    return None


def managed(live: Object, manager: str) -> bool:
    """Whether ``manager`` ever wrote the object itself; copies of labels made by controllers do not count."""
    return any(entry.get("manager") == manager for entry in live["metadata"].get("managedFields") or ())


def _extract(value: t.Any, fields: t.Mapping[str, t.Any]) -> t.Any:
    if not fields:
        return value
    if isinstance(value, dict):
        return {
            key[2:]: _extract(value[key[2:]], below)
            for key, below in fields.items()
            if key.startswith("f:") and key[2:] in value
        }
    if isinstance(value, list):
        return list(_extract_items(value, fields))
    return value


def _extract_items(items: list[t.Any], fields: t.Mapping[str, t.Any]) -> t.Iterator[t.Any]:
    values = {key[2:] for key in fields if key.startswith("v:")}
    # By the names of the keys, then by their values: {("name",): {("web",): ...}}.
    keyed: dict[tuple[str, ...], dict[tuple[t.Any, ...], t.Any]] = {}
    for key, below in fields.items():
        if key.startswith("k:"):
            keys = json.loads(key[2:])
            keyed.setdefault(tuple(keys), {})[tuple(keys.values())] = below
    for index, item in enumerate(items):
        if f"i:{index}" in fields:
            yield _extract(item, fields[f"i:{index}"])
        elif isinstance(item, dict):
            for names, found in keyed.items():
                below = found.get(tuple(item.get(name) for name in names))
                if below is not None:
                    yield _extract(item, below)
        elif json.dumps(item) in values:
            yield item


def says(desired: Object, live: Object, manager: str) -> bool:
    """Whether ``live`` holds, by the hand of ``manager``, exactly what ``desired`` says."""
    part = applied(live, manager)
    return part is not None and same(_content(desired), part)


def _content(obj: Object) -> Object:
    """``obj`` without what is its address."""
    content = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    content["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in ("name", "namespace")}
    return content


def same(desired: t.Any, live: t.Any, in_list: bool = False) -> bool:
    """Equal as the API server sees it: an empty mapping or list is as good as none, and so is a default in a list."""
    if desired == live:
        return True
    if isinstance(desired, dict) and isinstance(live, dict):
        return all(
            same(desired.get(name), live.get(name), in_list)
            or (in_list and name not in desired and live[name] in _DEFAULTS.get(name, ()))
            for name in {**desired, **live}
        )
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(same(a, b, True) for a, b in zip(desired, live, strict=True))
    return empty(desired) and empty(live)


def empty(value: t.Any) -> bool:
    return value is None or value == {} or value == []


def differences(live: t.Any, desired: t.Any, path: str) -> t.Iterator[str]:
    """Where ``live`` is not what ``desired`` says, with both values; what ``desired`` does not say is free."""
    if isinstance(desired, dict) and isinstance(live, dict):
        for name, value in desired.items():
            yield from differences(live.get(name), value, f"{path}.{name}")
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, value in enumerate(desired):
            yield from differences(live[index], value, f"{path}[{index}]")
    elif not same(desired, live):
        yield f"{path} ({_short(live)} to {_short(desired)})"


def _short(value: t.Any) -> str:
    if empty(value):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
