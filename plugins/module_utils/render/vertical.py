# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""VerticalPodAutoscalers, which tell what requests workloads should have, or set them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import FEATURE
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

API_VERSION: t.Final = "autoscaling.k8s.io/v1"
KIND: t.Final = "VerticalPodAutoscaler"


def render(values: Values, items: t.Iterable[Object]) -> list[Object]:
    """One for each workload among ``items``."""
    wanted = values.instance.vertical_autoscaling
    if not wanted.enabled:
        return []
    return [_of(values, item) for item in items if item["kind"] in ("Deployment", "StatefulSet")]


def _of(values: Values, workload: Object) -> Object:
    meta = workload["metadata"]
    spec = {
        "targetRef": {"apiVersion": workload["apiVersion"], "kind": workload["kind"], "name": meta["name"]},
        "updatePolicy": {"updateMode": values.instance.vertical_autoscaling.mode},
        # Limits are what keeps a component from the memory of others, and stay.
        "resourcePolicy": {"containerPolicies": [{"containerName": "*", "controlledValues": "RequestsOnly"}]},
    }
    # It goes with what it is for.
    labels = {name: meta["labels"][name] for name in (FEATURE,) if name in meta["labels"]}
    component = meta["labels"]["component"]
    return object_(values, API_VERSION, KIND, component, name=meta["name"], labels=labels, spec=spec)
