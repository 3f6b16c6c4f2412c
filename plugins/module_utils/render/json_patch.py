# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""JSON patches (RFC 6902): a list of operations on paths.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import copy
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError, said, suggestion

Operation = t.Callable[[t.Any, t.Mapping[str, t.Any], str], t.Any]

_INDEX: t.Final = re.compile(r"0|[1-9][0-9]*")
_END: t.Final = "-"


def applied(document: t.Any, operations: t.Sequence[t.Any], path: str) -> t.Any:
    """``document`` after all operations; raises ``ProblemError`` with the number of the one that cannot be done."""
    result = copy.deepcopy(document)
    for index, operation in enumerate(operations):
        result = _applied(result, operation, f"{path}[{index}]")
    return result


def _applied(document: t.Any, operation: t.Any, path: str) -> t.Any:
    if not isinstance(operation, dict):
        raise ProblemError(f"{path} must be a mapping with op and path, not {said(operation)}")
    name = operation.get("op")
    if name not in _OPERATIONS:
        raise ProblemError(
            f"{path}.op is {said(name)}, which is none of {', '.join(_OPERATIONS)}{suggestion(str(name), _OPERATIONS)}"
        )
    action, needed = _OPERATIONS[name]
    for key in ("path", *needed):
        if key not in operation:
            raise ProblemError(f"{path}.{key} is required by the operation '{name}'")
    return action(document, operation, path)


# --- pointers (RFC 6901) ------------------------------------------------------------------------------------------


def _tokens(operation: t.Mapping[str, t.Any], key: str, path: str) -> list[str]:
    pointer = operation[key]
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")) or re.search(r"~(?![01])", pointer):
        raise ProblemError(f"{path}.{key} is {said(pointer)}, but must be a JSON pointer, such as '/spec/replicas'")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _pointer(tokens: t.Sequence[str]) -> str:
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _child(parent: t.Any, tokens: t.Sequence[str], depth: int, path: str) -> t.Any:
    """The value at ``tokens[depth]`` below ``parent``; it must be there."""
    token = tokens[depth]
    if isinstance(parent, dict) and token in parent:
        return parent[token]
    if isinstance(parent, list) and _INDEX.fullmatch(token) and int(token) < len(parent):
        return parent[int(token)]
    raise ProblemError(f"{path} '{_pointer(tokens)}' is not there: {_missing(parent, tokens, depth)}")


def _missing(parent: t.Any, tokens: t.Sequence[str], depth: int) -> str:
    """Why the value at ``tokens[depth]`` is not there."""
    where, token = _pointer(tokens[:depth]) or "the object", tokens[depth]
    if isinstance(parent, dict):
        return f"{where} has no key '{token}'{suggestion(token, parent)}"
    if isinstance(parent, list):
        return f"{where} is a list of {len(parent)}, counted from 0, and '{token}' is no element of it"
    return f"{where} is {said(parent)}, which has nothing below it"


def _get(document: t.Any, tokens: t.Sequence[str], path: str) -> t.Any:
    value = document
    for depth in range(len(tokens)):
        value = _child(value, tokens, depth, path)
    return value


# --- operations ---------------------------------------------------------------------------------------------------


def _add(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    return _put(document, _tokens(operation, "path", path), copy.deepcopy(operation["value"]), f"{path}.path")


def _put(document: t.Any, tokens: t.Sequence[str], value: t.Any, path: str) -> t.Any:
    if not tokens:
        return value
    parent, last = _get(document, tokens[:-1], path), tokens[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and last == _END:
        parent.append(value)
    elif isinstance(parent, list) and _INDEX.fullmatch(last) and int(last) <= len(parent):
        parent.insert(int(last), value)
    else:
        raise ProblemError(f"{path} '{_pointer(tokens)}' is not there: {_missing(parent, tokens, len(tokens) - 1)}")
    return document


def _remove(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    return _without(document, _tokens(operation, "path", path), f"{path}.path")


def _without(document: t.Any, tokens: t.Sequence[str], path: str) -> t.Any:
    _get(document, tokens, path)
    if not tokens:
        raise ProblemError(f"{path} '' is the whole object, which cannot be taken away")
    parent, last = _get(document, tokens[:-1], path), tokens[-1]
    del parent[int(last) if isinstance(parent, list) else last]
    return document


def _replace(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    tokens, value = _tokens(operation, "path", path), copy.deepcopy(operation["value"])
    _get(document, tokens, f"{path}.path")
    if not tokens:
        return value
    parent, last = _get(document, tokens[:-1], f"{path}.path"), tokens[-1]
    parent[int(last) if isinstance(parent, list) else last] = value
    return document


def _move(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    source, goal = _tokens(operation, "from", path), _tokens(operation, "path", path)
    if len(source) < len(goal) and goal[: len(source)] == source:
        raise ProblemError(f"{path}.path '{_pointer(goal)}' is inside of '{_pointer(source)}', which is to be moved")
    value = _get(document, source, f"{path}.from")
    if source == goal:
        return document
    return _put(_without(document, source, f"{path}.from"), goal, value, f"{path}.path")


def _copy(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    value = copy.deepcopy(_get(document, _tokens(operation, "from", path), f"{path}.from"))
    return _put(document, _tokens(operation, "path", path), value, f"{path}.path")


def _test(document: t.Any, operation: t.Mapping[str, t.Any], path: str) -> t.Any:
    found = _get(document, _tokens(operation, "path", path), f"{path}.path")
    if not same(found, operation["value"]):
        raise ProblemError(
            f"{path} tests that '{operation['path']}' is {said(operation['value'])}, but it is {said(found)}"
        )
    return document


def same(left: t.Any, right: t.Any) -> bool:
    """Whether two values are equal in JSON: Python takes true for 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    return bool(left == right)


_OPERATIONS: t.Final[dict[str, tuple[Operation, tuple[str, ...]]]] = {
    "add": (_add, ("value",)),
    "remove": (_remove, ()),
    "replace": (_replace, ("value",)),
    "move": (_move, ("from",)),
    "copy": (_copy, ("from",)),
    "test": (_test, ("value",)),
}
