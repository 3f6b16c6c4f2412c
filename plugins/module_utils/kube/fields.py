# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a live object holds by our hand, read from its managedFields.

Server-side apply records which fields a manager applied. When those fields of the live object are literally what we
would apply, another apply would change nothing, and need not be sent.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import decimal
import json
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE])?")
_POWERS: t.Final = {
    **{suffix: decimal.Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{suffix: decimal.Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{suffix: decimal.Decimal(1000) ** -power for power, suffix in enumerate(("m", "u", "n"), 1)},
}
_QUANTITIES: t.Final = frozenset(
    {"capacity", "default", "defaultRequest", "hard", "limits", "max", "min", "requests", "sizeLimit", "storage"}
)
"""Keys below which the API server rewrites numbers in a form of its own, ``1.5Gi`` to ``1536Mi``."""


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


def same(one: t.Any, other: t.Any, quantity: bool = False) -> bool:
    """Equal as the API server sees it: an empty mapping or list is as good as none, and 1.5Gi is 1536Mi."""
    if one == other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        names = {name for obj in (one, other) for name in obj if not empty(obj[name])}
        return all(same(one.get(name), other.get(name), quantity or name in _QUANTITIES) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b, quantity) for a, b in zip(one, other, strict=True))
    return quantity and (amount := quantity_of(one)) is not None and amount == quantity_of(other)


def empty(value: t.Any) -> bool:
    return value is None or value == {} or value == []


def quantity_of(value: t.Any) -> decimal.Decimal | None:
    """A Kubernetes quantity as a number, None when it is none."""
    if isinstance(value, bool):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if not match:
        return None
    number, suffix = match.groups()
    try:
        if suffix and suffix[0] in "eE" and len(suffix) > 1 and suffix[1] != "i":
            return decimal.Decimal(number + suffix)
        return decimal.Decimal(number) * _POWERS.get(suffix or "", decimal.Decimal(1))
    except decimal.InvalidOperation:
        return None


def covers(live: t.Any, desired: t.Any, path: str = "", quantity: bool = False) -> t.Iterator[str]:
    """The paths at which ``live`` is not what ``desired`` says, with both values; what is not said is free."""
    if isinstance(desired, dict) and isinstance(live, dict):
        for name, value in desired.items():
            yield from covers(
                live.get(name), value, f"{path}.{name}" if path else name, quantity or name in _QUANTITIES
            )
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, value in enumerate(desired):
            yield from covers(live[index], value, f"{path}[{index}]", quantity)
    elif not (empty(live) and empty(desired)) and not same(live, desired, quantity):
        yield f"{path} ({_short(live)} to {_short(desired)})"


def _short(value: t.Any) -> str:
    if empty(value):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
