# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Types of Kubernetes' own objects, read from the generated table.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import patch_table
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import said, sort_of

_SCALARS: t.Final[dict[str, tuple[str, tuple[type, ...]]]] = {
    "s": ("text", (str,)),
    "i": ("a whole number", (int,)),
    "n": ("a number", (int, float)),
    "b": ("true or false", (bool,)),
    "q": ("a quantity", (str, int, float)),
    "x": ("a whole number or text", (int, str)),
}
"""What a scalar is called, and how Python holds it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Type:
    """The type of a value, and how a patch of it is merged."""

    scalar: str | None = None
    definition: str | None = None
    """Of a mapping with known fields."""
    item: Type | None = None
    """Of a list."""
    value: Type | None = None
    """Of a mapping with any keys."""
    any_mapping: bool = False
    merge_key: str | None = None
    """Of a list that is merged: the key of its elements, empty where they are scalars. Other lists are replaced."""
    replaced: bool = False
    """A mapping that is replaced as a whole."""

    @property
    def is_mapping(self) -> bool:
        return self.any_mapping or self.definition is not None or self.value is not None

    def field(self, name: str) -> Type:
        """The type of a key of the mapping; of one that is not known, anything."""
        if self.value:
            return self.value
        return fields(self.definition).get(name, ANYTHING) if self.definition else ANYTHING


ANYTHING: t.Final = Type()
_CUSTOM: t.Final = "custom.Object"
CUSTOM: t.Final = Type(definition=_CUSTOM)
"""An object of a kind that Kubernetes does not bring: its metadata is known all the same."""


def of_kind(api_version: t.Any, kind: t.Any) -> Type | None:
    """The type of an object; None where Kubernetes does not bring the kind itself."""
    definition = _kinds().get((api_version, kind))
    return Type(definition=definition) if definition else None


@functools.cache
def _lines() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Of each definition its API version, and its fields as they are written."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {
        _CUSTOM: ("", ("apiVersion:s", "kind:s", "metadata:meta.v1.ObjectMeta"))
    }
    for line in patch_table.TABLE.replace("\n ", " ").splitlines():
        head, *written = line.split(" ")
        name, _at, version = head.partition("@")
        found[name] = (version, tuple(written))
    return found


@functools.cache
def _kinds() -> dict[tuple[str, str], str]:
    return {(version, name.rpartition(".")[2]): name for name, (version, _written) in _lines().items() if version}


@functools.cache
def fields(definition: str) -> dict[str, Type]:
    """The fields of a definition."""
    group = definition.rpartition(".")[0]
    pairs = (one.lstrip("!").partition(":")[::2] for one in _lines()[definition][1])
    return {name: _parsed(text, group) for name, text in pairs}


@functools.cache
def required(definition: str) -> tuple[str, ...]:
    """The fields that a definition cannot do without."""
    return tuple(one[1:].partition(":")[0] for one in _lines()[definition][1] if one.startswith("!"))


def _parsed(text: str, group: str) -> Type:
    if text.startswith("["):
        inner, _end, merge = text[1:].rpartition("]")
        return Type(item=_parsed(inner, group), merge_key=merge[1:] if merge else None)
    if text.startswith("{"):
        return Type(value=_parsed(text[1:-1], group))
    if text == "o":
        return Type(any_mapping=True)
    if text == "*":
        return ANYTHING
    if text in _SCALARS:
        return Type(scalar=text)
    name = text.rstrip("=")
    return Type(definition=name if "." in name else f"{group}.{name}", replaced=name != text)


def problems(value: t.Any, kind: Type, path: str) -> t.Iterator[str]:
    """A sentence for each part of ``value`` that has another type than Kubernetes wants there."""
    if value is None:
        return
    if kind.is_mapping:
        if not isinstance(value, dict):
            yield f"{path} must be a mapping, not {sort_of(value)}"
            return
        for name, inner in value.items():
            yield from problems(inner, kind.field(name), joined(path, name))
    elif kind.item:
        if not isinstance(value, list):
            yield f"{path} must be a list, not {sort_of(value)}"
            return
        for index, inner in enumerate(value):
            if inner is None:
                yield f"{path}[{index}] must not be null: take the element away"
            yield from problems(inner, kind.item, f"{path}[{element(inner, kind.merge_key, index)}]")
    elif kind.scalar:
        yield from _scalar_problems(value, kind.scalar, path)


def missing(value: t.Any, kind: Type, path: str) -> t.Iterator[str]:
    """A sentence for each field that ``value``, which has the right types, lacks."""
    if isinstance(value, dict):
        for name in required(kind.definition) if kind.definition else ():
            if name not in value:
                yield f"{joined(path, name)} is required by Kubernetes: add it"
        for name, inner in value.items():
            yield from missing(inner, kind.field(name), joined(path, name))
    elif isinstance(value, list) and kind.item:
        for index, inner in enumerate(value):
            yield from missing(inner, kind.item, f"{path}[{element(inner, kind.merge_key, index)}]")


def without_nulls(value: t.Any, kind: Type) -> t.Any:
    """``value`` without keys that are null, which says the same to Kubernetes; what it does not know stays as it is."""
    if isinstance(value, dict) and (kind.definition or kind.value):
        return {name: without_nulls(inner, kind.field(name)) for name, inner in value.items() if inner is not None}
    if isinstance(value, list) and kind.item:
        return [without_nulls(inner, kind.item) for inner in value]
    return value


def _scalar_problems(value: t.Any, scalar: str, path: str) -> t.Iterator[str]:
    name, held = _SCALARS[scalar]
    if isinstance(value, bool) != (scalar == "b") or not isinstance(value, held):
        hint = ": write it in quotes" if scalar == "s" and isinstance(value, (bool, int, float)) else ""
        yield f"{path} must be {name}, not {said(value)}{hint}"


def element(value: t.Any, merge_key: str | None, index: int) -> str:
    """How an element of a list is called in a path: by its name rather than by its number."""
    name = value.get(merge_key) if merge_key and isinstance(value, dict) else None
    return str(name) if isinstance(name, (str, int)) else str(index)


def joined(path: str, name: str) -> str:
    """The path of a key below ``path``."""
    return f"{path}.{name}" if path else name
