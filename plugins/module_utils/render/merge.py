# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Patches that look like the object: Kubernetes' strategic merge, and JSON merge patch (RFC 7386).

The strategic merge is that of ``kubectl patch``, in the order of list elements, too. Where kubectl would leave a
directive or a null in the object (in what the patch adds), nothing is left of them here.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.patch_types import ANYTHING, Type, element, joined
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError, said

Mapping = dict[str, t.Any]

_PATCH: t.Final = "$patch"
_RETAIN: t.Final = "$retainKeys"
_ORDER: t.Final = "$setElementOrder/"
_DELETE: t.Final = "$deleteFromPrimitiveList/"
_ACTIONS: t.Final = ("delete", "merge", "replace")


def json_merge(original: t.Any, patch: t.Any) -> t.Any:
    """``patch`` merged into ``original`` as RFC 7386 says: mapping by mapping, and null takes a key away."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(original) if isinstance(original, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = json_merge(result.get(name), value)
    return result


def strategic(original: Mapping, patch: Mapping, kind: Type, path: str) -> Mapping:
    """``patch`` merged into ``original``, an object of ``kind``; raises ``ProblemError`` with a path below ``path``."""
    return _mapping(copy.deepcopy(original), copy.deepcopy(patch), kind, path)


def _mapping(original: Mapping, patch: Mapping, kind: Type, path: str) -> Mapping:
    action = _action(patch, path)
    if action == "delete":
        return {}
    if action == "replace":
        return _mapping({}, {name: value for name, value in patch.items() if name != _PATCH}, kind, path)
    result = _retained(original, patch, path)
    for name, value in patch.items():
        if not _is_directive(name):
            _merge_key(result, name, value, kind.field(name), joined(path, name))
    for name, value in patch.items():
        if name.startswith(_DELETE):
            _delete_from(result, name.removeprefix(_DELETE), value, joined(path, name))
        elif name.startswith(_ORDER):
            _put_in_order(result, original, patch, name, kind, path, value)
    return result


def _is_directive(name: str) -> bool:
    return name in (_PATCH, _RETAIN) or name.startswith((_ORDER, _DELETE))


def _action(patch: Mapping, path: str) -> str | None:
    action = patch.get(_PATCH)
    if _PATCH in patch and action not in _ACTIONS:
        raise ProblemError(f"{joined(path, _PATCH)} is {said(action)}, which is none of {', '.join(_ACTIONS)}")
    return t.cast("str | None", action)


def _merge_key(result: Mapping, name: str, value: t.Any, kind: Type, path: str) -> None:
    there = name in result
    if value is None or (isinstance(value, dict) and not there and _action(value, path) == "delete"):
        result.pop(name, None)
    else:
        result[name] = _value(result.get(name), value, kind, path)


def _value(original: t.Any, patch: t.Any, kind: Type, path: str) -> t.Any:
    if isinstance(patch, dict):
        base = original if isinstance(original, dict) and not kind.replaced else {}
        return _mapping(base, patch, kind, path)
    if isinstance(patch, list):
        if kind.merge_key is None:
            return _replaced(patch, kind.item or ANYTHING, path)
        return _list(original if isinstance(original, list) else [], patch, kind, path)
    return patch


def _replaced(patch: list[t.Any], item: Type, path: str) -> list[t.Any]:
    """A list that takes the place of another: its elements without what speaks of merging."""
    kept = [one for one in patch if not (isinstance(one, dict) and _PATCH in one)]
    return [_value(None, one, item, f"{path}[{index}]") for index, one in enumerate(kept)]


def _retained(original: Mapping, patch: Mapping, path: str) -> Mapping:
    """``original`` with the keys that the patch retains."""
    if _RETAIN not in patch:
        return dict(original)
    retained, path = patch[_RETAIN], joined(path, _RETAIN)
    if not isinstance(retained, list):
        raise ProblemError(f"{path} must be a list of keys, not {said(retained)}")
    for name, value in patch.items():
        if value is not None and not _is_directive(name) and name not in retained:
            raise ProblemError(f"{path} does not name '{name}', which the patch sets: add it to the list")
    return {name: value for name, value in original.items() if name in retained}


def _delete_from(result: Mapping, name: str, doomed: t.Any, path: str) -> None:
    if not isinstance(doomed, list):
        raise ProblemError(f"{path} must be a list of elements to take away, not {said(doomed)}")
    if isinstance(result.get(name), list):
        gone = [_identity(one) for one in doomed]
        result[name] = [one for one in result[name] if _identity(one) not in gone]


# --- lists --------------------------------------------------------------------------------------------------------


def _list(original: list[t.Any], patch: list[t.Any], kind: Type, path: str) -> list[t.Any]:
    """``patch`` merged into ``original`` element by element."""
    merge_key, item = kind.merge_key or "", kind.item or ANYTHING
    if not merge_key:
        merged = list({_identity(one): one for one in [*original, *patch]}.values())
        return _interleaved(merged, patch, original, merge_key)
    for index, one in enumerate(patch):
        _check_element(one, merge_key, f"{path}[{element(one, merge_key, index)}]")
    actions = [(_action(one, path), one) for one in patch]
    doomed = [_identity(one[merge_key]) for action, one in actions if action == "delete"]
    kept = [one for one in original if _key(one, merge_key) not in doomed]
    plain = [_without_action(one) for action, one in actions if action in (None, "merge")]
    merged = [] if any(action == "replace" for action, _one in actions) else list(kept)
    for one in plain:
        where = f"{path}[{one[merge_key]}]"
        there = _index(merged, _identity(one[merge_key]), merge_key)
        if there is None:
            merged.append(_mapping({}, one, item, where))
        else:
            merged[there] = _mapping(merged[there], one, item, where)
    return _interleaved(merged, plain, kept, merge_key)


def _check_element(one: t.Any, merge_key: str, path: str) -> None:
    if not isinstance(one, dict):
        raise ProblemError(f"{path} must be a mapping with the key '{merge_key}', not {said(one)}")
    if _action(one, path) != "replace" and not isinstance(one.get(merge_key), (str, int)):
        raise ProblemError(f"{path} lacks the key '{merge_key}', by which the elements of this list are told apart")


def _without_action(one: Mapping) -> Mapping:
    return {name: value for name, value in one.items() if name != _PATCH}


def _put_in_order(
    result: Mapping, original: Mapping, patch: Mapping, directive: str, kind: Type, path: str, order: t.Any
) -> None:
    """Bring a list of ``result`` into the order that a directive wants."""
    name, path = directive.removeprefix(_ORDER), joined(path, directive)
    merge_key = kind.field(name).merge_key
    if merge_key is None:
        raise ProblemError(f"{path} is for lists that patches merge, and '{name}' is none: leave it out")
    if not isinstance(order, list) or not all(isinstance(one, dict) == bool(merge_key) for one in order):
        wanted = f"mappings with the key '{merge_key}'" if merge_key else "values"
        raise ProblemError(f"{path} must be a list of {wanted}, not {said(order)}")
    keys = [_key(one, merge_key) for one in order]
    set_here = [_key(one, merge_key) for one in patch.get(name) or [] if not (isinstance(one, dict) and _PATCH in one)]
    for key in set_here:
        if key not in keys:
            raise ProblemError(f"{path} does not name {said(key[1])}, which the patch sets: add it to the list")
    if set_here != sorted(set_here, key=keys.index):
        raise ProblemError(f"{path} has another order than the elements that the patch sets: put these into its order")
    if isinstance(result.get(name), list):
        before = original.get(name)
        result[name] = _interleaved(result[name], order, before if isinstance(before, list) else [], merge_key)


def _interleaved(merged: list[t.Any], first: list[t.Any], before: list[t.Any], merge_key: str) -> list[t.Any]:
    """``merged`` in the order in which Kubernetes puts it.

    Elements that ``first`` names are in its order, the others in that of ``before``. One of the others comes as soon as
    the next named one stood behind it before; so what a patch adds comes in front of what it does not name.
    """
    order = [_key(one, merge_key) for one in first]
    places = [_key(one, merge_key) for one in before]
    named = sorted(
        (one for one in merged if _key(one, merge_key) in order), key=lambda one: order.index(_key(one, merge_key))
    )
    others = [one for one in merged if _key(one, merge_key) not in order]
    result = []
    while named and others:
        this, that = _key(others[0], merge_key), _key(named[0], merge_key)
        earlier = this in places and that in places and places.index(this) < places.index(that)
        result.append(others.pop(0) if earlier else named.pop(0))
    return [*result, *named, *others]


def _index(elements: list[t.Any], key: tuple[bool, t.Any], merge_key: str) -> int | None:
    return next((index for index, one in enumerate(elements) if _key(one, merge_key) == key), None)


def _key(one: t.Any, merge_key: str) -> tuple[bool, t.Any]:
    """What tells an element of a list from the others."""
    return _identity(one.get(merge_key) if merge_key and isinstance(one, dict) else one)


def _identity(value: t.Any) -> tuple[bool, t.Any]:
    """A value that equals another one in JSON only: Python takes true for 1."""
    return isinstance(value, bool), value
