# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Amounts of CPU, memory and the like in the form in which the API server keeps them.

It keeps 1.5Gi as 1536Mi and 0.5 as 500m. Written like that from the start, a value equals the one in the cluster.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import decimal
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_QUANTITY: t.Final = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?")
_BINARY: t.Final = {
    suffix: decimal.Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
}
_DECIMAL: t.Final = {
    suffix: decimal.Decimal(1000) ** power
    for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
}
_KINDS: t.Final = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "LimitRange",
        "PersistentVolumeClaim",
        "Pod",
        "ReplicaSet",
        "ResourceQuota",
        "StatefulSet",
    }
)
_AMOUNTS: t.Final = frozenset({"capacity", "default", "defaultRequest", "hard", "limits", "max", "min", "requests"})
"""Mappings whose values are quantities, in these kinds."""


def number(quantity: str) -> decimal.Decimal:
    """The value of ``quantity``; a ``ValueError`` for what is none."""
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        raise ValueError(f"{quantity} is no quantity")
    digits, suffix = decimal.Decimal(match[1]), match[2] or ""
    factor = _BINARY.get(suffix) or _DECIMAL.get(suffix) or decimal.Decimal(10) ** int(suffix[1:])
    return digits * factor


def canonical(quantity: str) -> str:
    """``quantity`` as the API server writes it; what is none stays as it is."""
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        return quantity
    digits, suffix = decimal.Decimal(match[1]), match[2] or ""
    if suffix in _BINARY:
        value = digits * _BINARY[suffix]
        return _with_suffix(value, _BINARY if abs(value) >= 1024 else {}) or _with_suffix(value, _DECIMAL) or quantity
    if suffix in _DECIMAL:
        return _with_suffix(digits * _DECIMAL[suffix], _DECIMAL) or quantity
    # The API server keeps exponents.
    return quantity


def _with_suffix(value: decimal.Decimal, suffixes: dict[str, decimal.Decimal]) -> str:
    """The value with the largest suffix that leaves an integer."""
    if value == 0:
        return "0"
    for suffix, power in sorted(suffixes.items(), key=lambda item: item[1], reverse=True):
        count = value / power
        if count == count.to_integral_value():
            return f"{int(count)}{suffix}"
    return ""


def normalised(obj: Object) -> Object:
    """``obj`` with its quantities as the API server writes them, where its kind is known to have any."""
    return t.cast("Object", _normalised(obj)) if obj["kind"] in _KINDS else obj


def _normalised(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if isinstance(value, dict):
        return {name: _normalised_field(name, below) for name, below in value.items()}
    return value


def _normalised_field(name: str, value: t.Any) -> t.Any:
    if name == "sizeLimit":
        return _amount(value)
    if name in _AMOUNTS and isinstance(value, dict):
        return {key: _amount(item) for key, item in value.items()}
    return _normalised(value)


def _amount(value: t.Any) -> t.Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    return canonical(str(value))
