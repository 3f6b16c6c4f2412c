# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Typed values out of what people write: dataclasses describe it, ``parse`` reads it.

- A field of a nested dataclass is written in camelCase, as Kubernetes writes its keys (``pullPolicy``); a field of a
  section is a variable of its own in snake_case (``airflow_core_executor``).
- Answers of a survey arrive as strings, so ``"true"`` and ``"3"`` are read as what they mean.
- A mistake is reported with the path of the variable, and all mistakes are reported at once.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import re
import types
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

Verbatim = t.Any
"""A piece of a Kubernetes object that is handed on as it is; the API server validates it."""

T = t.TypeVar("T")

Check: t.TypeAlias = "t.Callable[[t.Any, str], t.Iterator[str]]"
"""Yields a sentence, which begins with the path, for every mistake in a value."""

LARGEST_INTEGER: t.Final = 2**31 - 1
_WITH_PASSWORD = re.compile(r"[^\s/]*:\S*@")

TRUE = frozenset(["true", "yes", "on", "1", "y", "t"])
FALSE = frozenset(["false", "no", "off", "0", "n", "f"])


class SpecError(Failure):
    """One or more variables hold something that cannot be used; nothing was changed."""

    def __init__(self, problems: list[str]) -> None:
        head = (
            problems[0] if len(problems) == 1 else f"{len(problems)} variables cannot be used: " + "; ".join(problems)
        )
        super().__init__(head, problems=problems)
        self.problems = problems


@dataclasses.dataclass(frozen=True)
class Form:
    """How a text is written: a regular expression for all of it, and the same in words."""

    pattern: str
    words: str


class ProblemError(Exception):
    """One mistake, with the path of the variable in front."""


def option(
    description: str,
    *,
    default: t.Any = dataclasses.MISSING,
    factory: t.Callable[[], t.Any] | t.Any = dataclasses.MISSING,
    form: Form | None = None,
    check: Check | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    reaches: str | None = None,
    keys: t.Sequence[str] | None = None,
) -> t.Any:
    """A dataclass field with what a person needs to know of it.

    ``reaches`` names the objects that the option ends up in, ``keys`` the only keys a mapping may have. ``form`` is
    that of a text, or of each in a list; ``check`` sees the value with its default below it.
    """
    metadata = {
        "description": description,
        "form": form,
        "check": check,
        "minimum": minimum,
        "maximum": maximum,
        "reaches": reaches,
        "keys": keys,
    }
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=metadata)  # pylint: disable=invalid-field-call
    return dataclasses.field(default=default, metadata=metadata)  # pylint: disable=invalid-field-call


def camel(name: str) -> str:
    """``pull_policy`` as Kubernetes writes it: ``pullPolicy``."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@functools.cache
def hints(cls: type) -> dict[str, t.Any]:
    """The resolved types of a dataclass' fields."""
    return t.get_type_hints(cls)


def suggestion(name: str, known: t.Iterable[str]) -> str:
    """`` (did you mean 'replicas'?)`` where a known name is near, else the empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def is_nothing(value: t.Any) -> bool:
    """Whether a value means "not given": undefined, null, or the empty answer of a survey."""
    return value is None or value == ""


def parse(cls: type[T], data: t.Any, path: str) -> T:
    """Read a mapping written by a person as the dataclass ``cls``; raises ``SpecError`` naming every mistake."""
    problems: list[str] = []
    result = _dataclass(cls, data, path, problems)
    if problems:
        raise SpecError(problems)
    return t.cast("T", result)


def below(path: str, key: t.Any) -> str:
    """The path of a key of a mapping."""
    name = str(key)
    return f"{path}.{name}" if re.fullmatch(r"[^\s.\[\]]+", name) and name.isprintable() else f"{path}[{said(name)}]"


def parse_field(field: dataclasses.Field[t.Any], kind: t.Any, value: t.Any, path: str, problems: list[str]) -> t.Any:
    """Read one field's value; a mistake is added to ``problems``."""
    try:
        if dataclasses.is_dataclass(kind):
            return _dataclass(kind, value, path, problems, base=default_of(field))
        result = _value(kind, value, path, problems)
        _constraints(field, result, path)
    except ProblemError as problem:
        problems.append(str(problem))
        return None
    result = merged(default_of(field), result) if isinstance(result, dict) else result
    check: Check | None = field.metadata.get("check")
    problems.extend(check(result, path) if check and result is not None else ())
    return result


def default_of(field: dataclasses.Field[t.Any]) -> t.Any:
    """A field's default value; None where it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def merged(base: t.Any, over: t.Any) -> t.Any:
    """``over`` laid over ``base``, mapping by mapping; a null takes a key of the base away."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both = {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return {key: value for key, value in both.items() if value is not None or key not in base}


def _dataclass(cls: t.Any, data: t.Any, path: str, problems: list[str], base: t.Any = None) -> t.Any:
    """``data`` laid over ``base``, so that a person writes only what differs from the default."""
    data = _mapping(data, path)
    fields = {camel(field.name): field for field in dataclasses.fields(cls)}
    for key in data:
        if key not in fields:
            problems.append(
                f"{below(path, key)} is not an option{suggestion(str(key), fields)}. Known are: {', '.join(fields)}"
            )
    given = {
        field.name: parse_field(field, hints(cls)[field.name], data[key], f"{path}.{key}", problems)
        for key, field in fields.items()
        if not is_nothing(data.get(key))
    }
    if base is not None:
        return dataclasses.replace(base, **given)
    missing = [
        key
        for key, field in fields.items()
        if field.name not in given
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    problems.extend(f"{path}.{key} is required" for key in missing)
    return None if missing else cls(**given)


def _value(kind: t.Any, value: t.Any, path: str, problems: list[str]) -> t.Any:
    origin, arguments = t.get_origin(kind), t.get_args(kind)
    if origin in (t.Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        kind = next((one for one in inner if one is type(value)), inner[0])
        return None if is_nothing(value) else _value(kind, value, path, problems)
    if kind is t.Any:
        return value
    if origin is t.Literal:
        if not isinstance(value, str) or value not in arguments:
            meant = suggestion(value, arguments) if isinstance(value, str) else ""
            raise ProblemError(f"{path} is {scalar(value)}, which is none of {', '.join(arguments)}{meant}")
        return value
    if origin is list:
        return [
            _value(arguments[0], item, f"{path}[{index}]", problems) for index, item in enumerate(_list(value, path))
        ]
    if origin is dict:
        return {
            _key(key, path): _value(arguments[1], item, below(path, key), problems)
            for key, item in _mapping(value, path).items()
        }
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, path, problems)
    return SCALARS[kind](value, path)


def _key(key: t.Any, path: str) -> str:
    if not isinstance(key, str):
        raise ProblemError(
            f"{path} has the key {key!r}, which YAML reads as {type(key).__name__}: write it in quotes, '{key}'"
        )
    return key


def decoded(value: t.Any) -> t.Any:
    """A list or mapping may come as JSON text, as ``-e`` and surveys give it."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _mapping(value: t.Any, path: str) -> dict[t.Any, t.Any]:
    value = decoded(value)
    if not isinstance(value, dict):
        raise ProblemError(f"{path} must be a mapping of options, not {sort_of(value)}")
    return value


def _list(value: t.Any, path: str) -> list[t.Any]:
    value = decoded(value)
    if not isinstance(value, list):
        raise ProblemError(f"{path} must be a list, not {sort_of(value)}")
    return value


def _string(value: t.Any, path: str) -> str:
    if isinstance(value, bool):
        text = said(value)
        words = "on, yes and true" if value else "off, no and false"
        raise ProblemError(
            f"{path} must be text, but YAML reads what was written as the boolean {text} (as it does {words}): write "
            "it in quotes"
        )
    if isinstance(value, float):
        raise ProblemError(
            f"{path} must be text, but YAML reads what was written as the number {value}: write it in quotes"
        )
    if not isinstance(value, (str, int)):
        raise ProblemError(f"{path} must be text, not {sort_of(value)}")
    return str(value)


def _integer(value: t.Any, path: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProblemError(f"{path} must be a whole number, not {scalar(value)}")
    if abs(value) > LARGEST_INTEGER:
        raise ProblemError(f"{path} is {value}, but must be at most {LARGEST_INTEGER}")
    return value


def _boolean(value: t.Any, path: str) -> bool:
    text = str(value).strip().lower()
    if isinstance(value, (bool, str, int)) and text in TRUE | FALSE:
        return text in TRUE
    raise ProblemError(f"{path} must be true or false, not {scalar(value)}")


def said(value: t.Any) -> str:
    """``value`` as a person would recognise it: short, on one line, and without the password of an address."""
    if isinstance(value, str):
        value = _WITH_PASSWORD.sub("(hidden)@", value)
    text = "null" if value is None else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def sort_of(value: t.Any) -> str:
    """What a value is, where its content may be a secret."""
    if isinstance(value, (str, dict, list)):
        return "text" if isinstance(value, str) else "a mapping" if isinstance(value, dict) else "a list"
    return said(value)


def scalar(value: t.Any) -> str:
    """A value where one without parts is wanted: parts that are written by mistake are not shown."""
    return said(value) if isinstance(value, str) else sort_of(value)


SCALARS: dict[type, t.Callable[[t.Any, str], t.Any]] = {str: _string, int: _integer, bool: _boolean}


def _constraints(field: dataclasses.Field[t.Any], value: t.Any, path: str) -> None:
    if value is None:
        return
    minimum, maximum = (field.metadata.get(name) for name in ("minimum", "maximum"))
    _form(field.metadata.get("form"), value, path)
    if minimum is not None and value < minimum:
        raise ProblemError(f"{path} is {value}, but must be at least {minimum}")
    if maximum is not None and value > maximum:
        raise ProblemError(f"{path} is {value}, but must be at most {maximum}")
    keys = field.metadata.get("keys")
    if keys:
        for key in value:
            if key not in keys:
                raise ProblemError(
                    f"{below(path, key)} is not known{suggestion(key, keys)}. Known are: {', '.join(keys)}"
                )


def _form(form: Form | None, value: t.Any, path: str) -> None:
    if form is None:
        return
    several = isinstance(value, list)
    for index, text in enumerate(value if several else [value]):
        if not re.fullmatch(form.pattern, text):
            place = f"{path}[{index}]" if several else path
            raise ProblemError(f"{place} is {said(text)}, which is not {form.words}")
