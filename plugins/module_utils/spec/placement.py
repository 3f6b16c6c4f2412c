# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the pods of a component may run: what it says itself goes before what tasks, and what the instance says.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    CeleryWorkers,
    PodPlacement,
    Pods,
    TaskNodes,
    Values,
    Workers,
)

VARIABLE: t.Final = "airflow_placement"
TASK_NODES: t.Final = "airflow_task_nodes"

T = t.TypeVar("T")


def task_nodes(values: Values, shape: Pods) -> TaskNodes:
    """The nodes that are there for such pods: none, unless these run tasks."""
    return values.instance.task_nodes if isinstance(shape, (Workers, CeleryWorkers)) else TaskNodes()


def placed(values: Values, shape: Pods) -> PodPlacement:
    """What holds for the pods of a component.

    Mappings of labels are laid over each other, tolerations and names of hosts are added, anything else is taken from
    whoever says something first.
    """
    common, nodes = values.instance.placement, task_nodes(values, shape)
    own = {field.name: getattr(shape, field.name) for field in dataclasses.fields(PodPlacement)}
    result = PodPlacement(**{name: value or getattr(common, name) for name, value in own.items()})
    return dataclasses.replace(
        result,
        node_selector={**common.node_selector, **(nodes.labels if nodes.required else {}), **shape.node_selector},
        # One that is given and empty keeps away that of the instance.
        affinity=common.affinity if shape.affinity is None else shape.affinity,
        tolerations=_all([*common.tolerations, *map(_tolerated, nodes.taints), *shape.tolerations]),
        host_aliases=list({one["ip"]: one for one in [*common.host_aliases, *shape.host_aliases]}.values()),
    )


def _tolerated(taint: dict[str, t.Any]) -> dict[str, t.Any]:
    operator = {"operator": "Equal", "value": taint["value"]} if taint.get("value") else {"operator": "Exists"}
    return {"key": taint["key"], **operator, "effect": taint["effect"]}


def _all(items: t.Iterable[T]) -> list[T]:
    """Each of them once."""
    result: list[T] = []
    for item in items:
        if item not in result:
            result.append(item)
    return result
