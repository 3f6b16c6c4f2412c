# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The volumes that a StatefulSet made for its pods: they outlive it, and no change of its templates reaches them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import evidence, kinds, quantities
from ansible_collections.dagops.airflow.plugins.module_utils.kube.apply import Action, Step
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

_CLAIM: t.Final = kinds.named("PersistentVolumeClaim")


def claims(cluster: Cluster, workload: Object) -> dict[str, list[Object]]:
    """The claims that a StatefulSet made, by the template that each is from."""
    templates = workload["spec"].get("volumeClaimTemplates") if workload["kind"] == "StatefulSet" else None
    if not templates:
        return {}
    name, namespace = workload["metadata"]["name"], workload["metadata"]["namespace"]
    found = cluster.list(_CLAIM, namespace, evidence.label_selector(workload["spec"]["selector"]))
    patterns = {
        one["metadata"]["name"]: re.compile(f"{re.escape(one['metadata']['name'])}-{re.escape(name)}-[0-9]+")
        for one in templates
    }
    return {
        template: [claim for claim in found if pattern.fullmatch(claim["metadata"]["name"])]
        for template, pattern in patterns.items()
    }


def growth(cluster: Cluster, steps: t.Iterable[Step]) -> list[Step]:
    """What makes the claims of replaced StatefulSets as large as their new templates; none ever shrinks."""
    return [
        Step(action=Action.UPDATE, declared=larger, desired=larger, live=claim, force=True)
        for step in steps
        if step.action is Action.REPLACE and step.desired and step.live
        for template, found in claims(cluster, step.live).items()
        for claim in found
        if (larger := _larger(claim, _wanted(step.desired, template)))
    ]


def _wanted(workload: Object, template: str) -> str | None:
    for one in workload["spec"].get("volumeClaimTemplates") or ():
        if one["metadata"]["name"] == template:
            return _size(one)
    return None


def _larger(claim: Object, size: str | None) -> Object | None:
    if not size or quantities.number(size) <= quantities.number(_size(claim) or "0"):
        return None
    address = {name: claim["metadata"][name] for name in ("name", "namespace")}
    return {
        "apiVersion": _CLAIM.api_version,
        "kind": _CLAIM.kind,
        "metadata": address,
        "spec": {"resources": {"requests": {"storage": size}}},
    }


def _size(claim: Object) -> str | None:
    size: str | None = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    return size
