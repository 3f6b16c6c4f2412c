# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values in, objects out: a pure function without clock, network or chance.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import (
    autoscaling,
    broker,
    broker_probe,
    core,
    dag_source,
    database,
    extra,
    flower,
    git_sync,
    ingress,
    log_probe,
    logs,
    migration,
    names,
    overrides,
    pod_template,
    policy,
    rbac,
    triggerer,
    vertical,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

# Parts in the order in which a converge applies them. `config` is a part of its own, since the migration reads it
# before the workloads are there; so is `triggerer`, since no first task needs it and its start would compete with it
# (Flower, of which the same is true, goes with it). `extra` comes before what may read it.
RENDERERS: dict[str, t.Callable[[Values], list[Object]]] = {
    "rbac": rbac.render,
    "policy": policy.render,
    "database": database.render,
    "broker": broker.render,
    "logging": logs.render,
    "extra": extra.render,
    "git_sync": git_sync.render,
    "config": core.configuration,
    "core": core.workloads,
    "triggerer": lambda values: [*triggerer.render(values), *flower.render(values)],
    "autoscaling": autoscaling.render,
    "ingress": ingress.render,
}


def render(values: Values, component: str) -> list[Object]:
    """Objects of a part, with the person's overrides, each labelled with the part, in a stable order."""
    objects, problems = [], []
    items = RENDERERS[component](values)
    # What is the person's own has whatever the person gives it.
    others = vertical.render(values, items) if component != extra.COMPONENT else []
    for item in [*items, *others]:
        item["metadata"]["labels"][names.ROLE_LABEL] = component
        try:
            objects.append(overrides.applied(values, item))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return objects


def render_parts(values: Values) -> dict[str, list[Object]]:
    """Objects of all parts; raises ``SpecError`` where something in the person's overrides or objects cannot be."""
    parts: dict[str, list[Object]] = {}
    problems: list[str] = []
    for component in RENDERERS:
        try:
            parts[component] = render(values, component)
        except SpecError as error:
            problems += error.problems
    try:
        # What no part holds as an object, and overrides can change all the same.
        others = [migration.job(values, ""), *pod_template.pods_of(values)]
        others += [log_probe.job(values)] if log_probe.wanted(values) else []
        others += [broker_probe.job(values)] if broker_probe.asked(values) else []
        others += [dag_source.job(values)] if dag_source.wanted(values) else []
    except SpecError as error:
        problems += error.problems
    else:
        problems = problems or [
            *_twice(parts),
            *overrides.unmatched(values, [*itertools.chain(*parts.values()), *others]),
        ]
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return parts


def render_all(values: Values) -> list[Object]:
    """Objects of all parts."""
    return [item for objects in render_parts(values).values() for item in objects]


def _twice(parts: dict[str, list[Object]]) -> t.Iterator[str]:
    """A sentence for each object of the person's own that the collection makes itself."""
    made = {_address(item): part for part, objects in parts.items() if part != extra.COMPONENT for item in objects}
    for item in parts[extra.COMPONENT]:
        part = made.get(_address(item))
        if part:
            yield (
                f"{extra.VARIABLE} declares {overrides.label(item)}, which the part {part} of the instance has "
                f"already: change it by {overrides.OVERRIDES}, or give yours another name"
            )


def _address(item: Object) -> tuple[str, str, str, str]:
    meta = item["metadata"]
    return item["apiVersion"].rpartition("/")[0], item["kind"], meta.get("namespace") or "", meta["name"]
