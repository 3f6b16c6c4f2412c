# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""In which order objects are made, so that nothing comes before what it needs; they go in the reverse order.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_STAGES: t.Final = (
    ("Namespace",),
    ("CustomResourceDefinition", "PriorityClass", "StorageClass", "ResourceQuota", "LimitRange", "ServiceAccount"),
    ("ClusterRole", "Role", "NetworkPolicy", "Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"),
    ("ClusterRoleBinding", "RoleBinding", "Service", "PodDisruptionBudget"),
    ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet", "CronJob", "Job", "Pod"),
)
_RANKS: t.Final = {kind: rank for rank, kinds in enumerate(_STAGES) for kind in kinds}
_LAST: t.Final = len(_STAGES)
"""What acts on workloads or shows them: autoscalers, ingresses, monitors, and kinds that we do not know."""


def rank(obj: Object) -> int:
    return _RANKS.get(obj["kind"], _LAST)


def position(obj: Object) -> tuple[int, str, str, str]:
    """What objects are sorted by."""
    return rank(obj), obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def ordered(objects: t.Iterable[Object]) -> list[Object]:
    """``objects`` in the order in which they are made; the same order for the same objects."""
    return sorted(objects, key=position)


def stages(objects: t.Iterable[Object]) -> list[list[Object]]:
    """``objects`` in groups: those of a group can be made at the same time."""
    return [list(group) for _rank, group in itertools.groupby(ordered(objects), key=rank)]
