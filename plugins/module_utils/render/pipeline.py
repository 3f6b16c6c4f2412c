# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values in, objects out: a pure function without clock, network or chance.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import (
    core,
    database,
    ingress,
    logs,
    names,
    rbac,
    triggerer,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

# Parts in the order in which a converge applies them. `config` is a part of its own, since the migration reads it
# before the workloads are there; so is `triggerer`, since no first task needs it and its start would compete with it.
RENDERERS: dict[str, t.Callable[[Values], list[Object]]] = {
    "rbac": rbac.render,
    "database": database.render,
    "logging": logs.render,
    "config": core.configuration,
    "core": core.workloads,
    "triggerer": triggerer.render,
    "ingress": ingress.render,
}


def render(values: Values, component: str) -> list[Object]:
    """Objects of a part, each labelled with it, in a stable order."""
    objects = RENDERERS[component](values)
    for item in objects:
        item["metadata"]["labels"][names.ROLE_LABEL] = component
    return objects


def render_all(values: Values) -> list[Object]:
    """Objects of all parts."""
    return [item for component in RENDERERS for item in render(values, component)]
