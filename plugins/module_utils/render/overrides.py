# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a person changes in rendered objects: strategic merges first, then JSON patches.

A target is ``Kind/name``; the name may hold wildcards. Where several targets hold an object, the most general comes
first, so that the most particular has the last word.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import difflib
import fnmatch
import itertools
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import replicas
from ansible_collections.dagops.airflow.plugins.module_utils.render import (
    autoscaling,
    json_patch,
    merge,
    names,
    patch_types,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError, SpecError, said
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

Object = dict[str, t.Any]

OVERRIDES: t.Final = "airflow_overrides"
JSON_PATCHES: t.Final = "airflow_json_patches"

_SELECTED: t.Final = ("tier", "component", "release", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")
"""Labels by which the collection, and objects of it, find others."""
_REPLICAS: t.Final = ("spec", "replicas")
_COMPONENT: t.Final = ("metadata", "labels", "component")
_SINGLE: t.Final = frozenset({"postgresql", "redis"})
"""Components of which a second pod would begin with a volume of its own, and get half of the requests."""
_TARGET: t.Final = ("spec", "scaleTargetRef")
_BOUNDS: t.Final = {
    ("spec", "minReplicas"): "min",
    ("spec", "maxReplicas"): "max",
    ("spec", "minReplicaCount"): "min",
    ("spec", "maxReplicaCount"): "max",
}
_NUMBERS_OF_PODS: t.Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Deployment": (_REPLICAS,),
    "StatefulSet": (_REPLICAS,),
    "HorizontalPodAutoscaler": (_TARGET, *_BOUNDS),
    "ScaledObject": (_TARGET, *_BOUNDS),
}
_WILDCARDS: t.Final = "*?["
_SHOWN: t.Final = 3


def applied(values: Values, obj: Object) -> Object:
    """``obj`` with what the person changes in it; raises ``SpecError`` that names every patch that cannot be."""
    problems: list[str] = []
    result = obj
    for variable, target, patch in _patches(values):
        if not _holds(target, label(obj)):
            continue
        try:
            changed = _changed(result, patch, variable, f"{variable}.{target}")
        except ProblemError as problem:
            problems.append(str(problem))
            continue
        refused = [
            *_told(result, changed, variable, f"{variable}.{target}"),
            *_miscounted(values, result, changed, f"{variable}.{target}"),
        ]
        problems += refused
        result = result if refused else changed
    if problems:
        raise SpecError(problems)
    return result


def merged(obj: Object, patch: Object, source: str) -> Object:
    """``obj`` with a patch that a variable of its own gives; raises ``SpecError`` where it cannot be."""
    try:
        changed = _changed(obj, patch, OVERRIDES, source)
    except ProblemError as problem:
        raise SpecError([str(problem)]) from problem
    if problems := [*_told(obj, changed, OVERRIDES, source)]:
        raise SpecError(problems)
    return t.cast("Object", changed)


def unmatched(values: Values, objects: t.Iterable[Object]) -> list[str]:
    """A sentence for each target that holds none of ``objects``, which are all of the instance."""
    known = sorted({label(obj) for obj in objects})
    return [
        _no_match(f"{variable}.{target}", target, known, values.name)
        for variable, target, _patch in _patches(values)
        if not any(_holds(target, one) for one in known)
    ]


def label(obj: Object) -> str:
    """What a target calls an object."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _holds(target: str, name: str) -> bool:
    """Whether a target names the object ``name``; wildcards stay on their side of the slash."""
    pairs = zip(name.partition("/"), target.partition("/"), strict=True)
    return all(fnmatch.fnmatchcase(part, wanted) for part, wanted in pairs)


def _patches(values: Values) -> t.Iterator[tuple[str, str, t.Any]]:
    """Every patch with its variable and its target, in the order in which they are applied."""
    given: dict[str, dict[str, t.Any]] = {
        OVERRIDES: values.instance.overrides,
        JSON_PATCHES: values.instance.json_patches,
    }
    for variable, patches in given.items():
        for target in sorted(patches, key=_generality):
            yield variable, target, patches[target]


def _generality(target: str) -> tuple[bool, int, str]:
    """Where a target comes among others: names without wildcards last, and of the others the longest."""
    return not any(sign in target for sign in _WILDCARDS), len(target), target


def _changed(obj: Object, patch: t.Any, variable: str, source: str) -> t.Any:
    kind = patch_types.of_kind(obj["apiVersion"], obj["kind"])
    if variable == JSON_PATCHES:
        return patch_types.without_nulls(json_patch.applied(obj, patch, source), kind or patch_types.CUSTOM)
    return merge.strategic(obj, patch, kind, source) if kind else merge.json_merge(obj, patch)


# --- what is refused ----------------------------------------------------------------------------------------------


def _told(before: Object, after: t.Any, variable: str, source: str) -> t.Iterator[str]:
    """A sentence for each reason not to take ``after`` for ``before``."""
    if not isinstance(after, dict):
        yield f"{source} makes {said(after)} of {label(before)}, which is no object any more"
        return
    for field in _fixed(before):
        old, new = _at(before, field), _at(after, field)
        if not json_patch.same(old, new):
            yield (
                f"{source} would make {said(new)} of {_shown(field)} of {label(before)}, by which it or its pods are "
                "found: leave it as it is"
            )
    if before["kind"] == "Secret" and any(before.get(key) != after.get(key) for key in ("data", "stringData")):
        yield f"{source} would change values of {label(before)}, which have no place in a patch: leave them out"
    if "status" in after and "status" not in before:
        yield f"{source}.status would set what only Kubernetes writes: leave it out"
    kind = patch_types.of_kind(before["apiVersion"], before["kind"]) or patch_types.CUSTOM
    path = source if variable == OVERRIDES else f"{source} on {label(before)}"
    known = {*patch_types.problems(before, kind, path), *patch_types.missing(before, kind, path)}
    found = [*patch_types.problems(after, kind, path)] or patch_types.missing(after, kind, path)
    yield from (problem for problem in found if problem not in known)


def _miscounted(values: Values, before: Object, after: t.Any, source: str) -> t.Iterator[str]:
    """A sentence for each number of pods that cannot be, or that has a variable which sums and rules go by."""
    for path in _NUMBERS_OF_PODS.get(before["kind"], ()):
        old, new = _at(before, path), _at(after, path)
        if json_patch.same(old, new):
            continue
        makes = f"{source} would make {said(new)} of {_shown(path)} of {label(before)}"
        owner = _autoscaled_by(values, before)
        if owner and path == _REPLICAS:
            yield f"{makes}, which an autoscaler sets: leave it out, and set {owner}.min and {owner}.max instead"
        elif owner and path in _BOUNDS:
            yield f"{makes}, which {owner}.{_BOUNDS[path]} says: set that instead"
        elif owner:
            yield f"{makes}, which is what {owner} scales: leave it as it is"
        elif path == _REPLICAS and isinstance(new, int) and new < 0:
            yield f"{makes}, but there cannot be fewer than 0: set another number"
        elif path == _REPLICAS and isinstance(new, int) and new > 1 and _at(before, _COMPONENT) in _SINGLE:
            yield f"{makes}, whose data are in the volume of one pod: leave it out"


def _autoscaled_by(values: Values, obj: Object) -> str | None:
    """The variable of what scales a workload of the instance, or of the autoscaler that ``obj`` is."""
    for variable, scaler in autoscaling.by_variable(values).items():
        scaled = scaler["spec"]["scaleTargetRef"]
        if label(obj) in (label(scaler), f"{scaled['kind']}/{scaled['name']}"):
            return variable
    return None


def _fixed(obj: Object) -> t.Iterator[tuple[str, ...]]:
    """The paths in an object that no patch may change."""
    yield from (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))
    yield from (("metadata", "labels", name) for name in (*_SELECTED, names.ROLE_LABEL))
    yield ("metadata", "annotations", replicas.AUTOSCALED)
    if _at(obj, ("spec", "template")) is not None:
        yield ("spec", "selector")
        selected = _at(obj, ("spec", "selector", "matchLabels")) or {}
        yield from (("spec", "template", "metadata", "labels", name) for name in sorted({*_SELECTED, *selected}))


def _at(value: t.Any, path: t.Sequence[str]) -> t.Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _shown(path: t.Sequence[str]) -> str:
    return ".".join(f"'{name}'" if "." in name else name for name in path)


def _no_match(source: str, target: str, known: list[str], instance: str) -> str:
    kind, slash, name = target.partition("/")
    if not (kind and slash and name):
        return f"{source} must name objects as Kind/name or Kind/*, such as {known[0]}"
    near = difflib.get_close_matches(target, known, n=_SHOWN, cutoff=0.6)
    same_kind = [one for one in known if one.startswith(f"{kind}/")]
    kinds = [group for group, _members in itertools.groupby(known, key=lambda one: one.partition("/")[0])]
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif same_kind:
        hint = f"of this kind there are {', '.join(same_kind)}"
    else:
        hint = f"its kinds are {', '.join(kinds)}"
    return f"{source} matches no object of instance {instance} ({hint})"
