# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits for pods and volume claims of a namespace that forbid the instance's own, as the API server holds them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import decimal
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import quotas
from ansible_collections.dagops.airflow.plugins.module_utils.spec import forms

Check = t.Callable[[quotas.Amounts, str, decimal.Decimal], str]
"""What of amounts goes beyond a bound of a resource, in words."""

_TOLD: t.Final = {
    "Container": ("container", "resources"),
    "Pod": ("pod", "resources"),
    "PersistentVolumeClaim": ("volume claim", "size"),
}
"""What limits are about in words, and what these ask by."""


def forbidden(objects: t.Iterable[Object], ranges: t.Iterable[Object], variable: str) -> t.Iterator[str]:
    """Containers, pods and volume claims that a LimitRange does not let in, by the variable that it comes of."""
    with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
        items = [one for found in ranges for one in found["spec"]["limits"]]
        subjects = [*_subjects(objects, [one for one in items if one["type"] == "Container"])]
        for item in items:
            for part, (words, check) in _BOUNDS.items():
                for name, hard in sorted((item.get(part) or {}).items()):
                    bound = forms.amount(hard)
                    beyond = [
                        f"{told} in {subject}"
                        for kind, subject, amounts in subjects
                        if kind == item["type"] and bound is not None and (told := check(amounts, name, bound))
                    ]
                    if beyond:
                        called, remedy = _TOLD[item["type"]]
                        what = words.format(what=called, name=name, hard=hard)
                        yield (
                            f"{variable} {what}, which forbids the instance's own: {', '.join(beyond)}. Change it, or "
                            f"what these ask for by their {remedy}"
                        )


def _subjects(objects: t.Iterable[Object], defaults: t.Sequence[Object]) -> t.Iterator[tuple[str, str, quotas.Amounts]]:
    """What limits are about: each container, each pod with the sum of its containers, and each volume claim."""
    for item in objects:
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
            label = f"{item['kind']}/{item['metadata']['name']}"
            for claim in quotas.claims_of(item):
                # It has what it asks for.
                limits = {"limits": claim["spec"]["resources"]["requests"]}
                yield "PersistentVolumeClaim", label, quotas.of_container({"resources": limits})
            spec = quotas.pod_made_by(item)
            if spec is None:
                continue
            filled = {
                part: [with_defaults(one, defaults) for one in spec.get(part) or ()]
                for part in ("containers", "initContainers")
            }
            for container in [*filled["containers"], *filled["initContainers"]]:
                yield "Container", f"container {container['name']} of {label}", quotas.of_container(container)
            yield "Pod", label, quotas.of_pod(filled)


def with_defaults(container: Object, items: t.Sequence[Object]) -> Object:
    """A container as the API server completes it: what is not said is taken from the limits, in this order."""
    resources = container.get("resources") or {}
    limits = dict(resources.get("limits") or {})
    requests = {**limits, **(resources.get("requests") or {})}
    for item in items:
        most = {**(item.get("max") or {}), **(item.get("default") or {})}
        limits = {**most, **limits}
        requests = {**(item.get("min") or {}), **most, **(item.get("defaultRequest") or {}), **requests}
    return {**container, "resources": {"requests": requests, "limits": limits}}


def _above(amounts: quotas.Amounts, name: str, bound: decimal.Decimal) -> str:
    limit, request = amounts.get(f"limits.{name}"), amounts.get(f"requests.{name}", quotas.NONE)
    if limit is None:
        return f"no limit of {name}"
    return quotas.shown(name, max(limit, request)) if max(limit, request) > bound else ""


def _below(amounts: quotas.Amounts, name: str, bound: decimal.Decimal) -> str:
    request = amounts.get(f"requests.{name}")
    if request is None:
        return f"no request of {name}"
    return quotas.shown(name, request) if request < bound else ""


def _beyond(amounts: quotas.Amounts, name: str, bound: decimal.Decimal) -> str:
    limit, request = amounts.get(f"limits.{name}"), amounts.get(f"requests.{name}")
    if not limit or not request:
        return f"no {'request' if limit else 'limit'} of {name}"
    if limit / request <= bound:
        return ""
    return f"{quotas.shown(name, limit)} for {quotas.shown(name, request)}"


def _short(amounts: quotas.Amounts, name: str, bound: decimal.Decimal) -> str:
    limit, request = amounts.get(f"limits.{name}", bound), amounts.get(f"requests.{name}", quotas.NONE)
    return f"a request of {quotas.shown(name, request)}" if request > limit else ""


_BOUNDS: t.Final[dict[str, tuple[str, Check]]] = {
    "max": ("lets a {what} have {hard} of {name} at most", _above),
    "min": ("lets a {what} ask for {hard} of {name} at least", _below),
    "default": ("lets a {what} without a limit have {hard} of {name}", _short),
    "maxLimitRequestRatio": ("lets a {what} have {hard} times the {name} that it asks for at most", _beyond),
}
