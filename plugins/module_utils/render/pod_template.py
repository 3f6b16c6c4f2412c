# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The pod that a KubernetesExecutor makes for each task.

On Airflow 3 it gets no database URL, no Fernet key and no JWT secret: the task speaks to the API server with a token
of its own, and whoever writes a DAG could read what its pod holds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json

from ansible_collections.dagops.airflow.plugins.module_utils.render import (
    features,
    names,
    overrides,
    pods,
    team_placement,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.celery_workers import SET_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.rbac import speaks_to_kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec import executors
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import LARGEST_INTEGER, SpecError
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

# The executor looks for this name; its arguments are set for each task.
CONTAINER = "base"


def env(values: Values) -> list[Object]:
    """Airflow 2 tasks speak to the database themselves, and must not start an executor of their own."""
    if values.major >= 3:
        return []
    several = len(executors.listed(values.core.executor)) > 1
    return [
        # Where there are several, a DAG may name any of them and is not read without.
        *([] if several else [{"name": "AIRFLOW__CORE__EXECUTOR", "value": "LocalExecutor"}]),
        *pods.database_env(values),
        *pods.web_secret_env(values),
    ]


def _selector(values: Values) -> Object:
    """What selects these pods, which Celery's workers are of one component with."""
    return {
        "matchLabels": names.selector(values, "worker"),
        "matchExpressions": [{"key": SET_LABEL, "operator": "DoesNotExist"}],
    }


def pod(values: Values) -> Object:
    """The template itself."""
    wanted = values.core.workers
    container = pods.airflow_container(values, wanted, CONTAINER, env=env(values), mounts=pods.canary_mount(values))
    body = pods.airflow_pod(
        values,
        "worker",
        wanted,
        container,
        automount=speaks_to_kubernetes(values, "worker"),
        selector=_selector(values),
        grace_seconds=600,
        restartPolicy="Never",
    )
    metadata = {"name": names.name(values, "worker"), **body["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body["spec"]}


def laid_over(values: Values, template: Object) -> Object:
    """The template with `airflow_core_kubernetes_executor.podTemplate`."""
    patch = values.core.kubernetes_executor.pod_template
    return overrides.merged(template, patch, "airflow_core_kubernetes_executor.podTemplate") if patch else template


def pods_of(values: Values) -> list[Object]:
    """The template with the person's overrides, where there is one; it is a ``Pod`` to them."""
    if not values.runs_kubernetes:
        return []
    result = overrides.applied(values, laid_over(values, pod(values)))
    containers = (result.get("spec") or {}).get("containers") or []
    # The executor takes the first one, and a merge puts what it adds in front.
    main = [one for one in containers if one.get("name") == CONTAINER]
    if not main:
        raise SpecError(
            [
                f"{overrides.label(result)} has no container '{CONTAINER}' after the overrides, and the executor runs "
                "tasks in that one: leave it in"
            ]
        )
    others = [one for one in containers if one.get("name") != CONTAINER]
    return [{**result, "spec": {**result["spec"], "containers": [*main, *others]}}]


def budget(values: Values) -> list[Object]:
    """By it a drain waits until tasks have ended.

    Pods of nobody's workload can be counted by ``minAvailable`` only, and there never are as many. Those of Celery have
    budgets of their own, and no pod may have two.
    """
    if not (values.runs_kubernetes and values.core.workers.pod_disruption_budget.enabled):
        return []
    spec = {
        "minAvailable": LARGEST_INTEGER,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": _selector(values),
    }
    items = [object_(values, "policy/v1", "PodDisruptionBudget", "task", spec=spec)]
    return features.part_of(features.KUBERNETES, items)


def render(values: Values) -> list[Object]:
    """The template in a ConfigMap; JSON is YAML, and needs no library to write."""
    items = [
        object_(
            values,
            "v1",
            "ConfigMap",
            "pod-template",
            data={
                names.POD_TEMPLATE_FILE: json.dumps(one, indent=2, sort_keys=True) + "\n",
                **team_placement.templates(values, one),
            },
        )
        for one in pods_of(values)
    ]
    return features.part_of(features.KUBERNETES, items)
