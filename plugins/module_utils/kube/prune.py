# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects that we made and that nobody declares any more.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import order
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import Key, key, together
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import FEATURE, Scope

DATA: t.Final = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret"})
"""What holds data or takes it along. It is never pruned; removing it needs words of its own."""
_KEPT: t.Final = DATA | {"CustomResourceDefinition"}

_MAKERS: t.Final = frozenset({"ScaledObject"})
"""What goes after the autoscaler that it made, so that this one changes nothing any more when it is gone."""


def undeclared(live: t.Iterable[Object], declared: t.Collection[Key], scope: Scope) -> list[Object]:
    """The objects of this part of the instance that are not declared, in the order of their making."""
    return order.ordered(
        obj
        for obj in live
        if scope.owns(obj) and key(obj) not in declared and not obj["metadata"].get("deletionTimestamp")
    )


def prunable(obj: Object) -> bool:
    return obj["kind"] not in _KEPT


def unused(obj: Object, features: t.Collection[str]) -> bool:
    """Whether an object was there for the sake of a feature that is not used any more."""
    return (obj["metadata"].get("labels") or {}).get(FEATURE) in features


def is_of(obj: Object, components: t.Collection[str]) -> bool:
    """Whether an object was made for one of these components."""
    return (obj["metadata"].get("labels") or {}).get("component") in components


def delete(cluster: Cluster, objects: t.Sequence[Object], *, dry_run: bool) -> None:
    """Delete exactly these objects, what was made last first."""
    for stage in reversed(order.stages(objects)):
        together(lambda obj: _delete(cluster, obj, dry_run), stage)


def _delete(cluster: Cluster, obj: Object, dry_run: bool) -> None:
    meta = obj["metadata"]
    kind = cluster.kind_of(obj)
    propagation = "Foreground" if obj["kind"] in _MAKERS else "Background"
    cluster.delete(kind, meta["name"], meta.get("namespace"), dry_run=dry_run, propagation=propagation, uid=meta["uid"])
