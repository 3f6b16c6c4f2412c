# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Autoscalers: KEDA's ScaledObjects by what waits in the metadata database, HorizontalPodAutoscalers by what pods use.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.replicas import AUTOSCALED
from ansible_collections.dagops.airflow.plugins.module_utils.render import features, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec import counts, executors
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    CeleryWorkers,
    KedaScaler,
    PodScaler,
    Scaler,
    Values,
)

COMPONENT: t.Final = "autoscaling"

# A task names its executor by its short name, by its alias or by the path of its class.
CLASSES: t.Final = {
    executors.CELERY: "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
    "CeleryKubernetesExecutor": (
        "airflow.providers.celery.executors.celery_kubernetes_executor.CeleryKubernetesExecutor"
    ),
}


def scaler_of(values: Values, set_name: str) -> Scaler | None:
    """What scales a set of workers."""
    return values.autoscaling.workers.get(set_name) or values.autoscaling.workers_hpa.get(set_name)


def left_to(scaler: Scaler | None, items: t.Iterable[Object]) -> list[Object]:
    """``items``, the workload among them without a number of pods, where an autoscaler sets it."""
    return [*items] if scaler is None else [_left_to(scaler, item) for item in items]


def _left_to(scaler: Scaler, item: Object) -> Object:
    if item["kind"] not in ("Deployment", "StatefulSet"):
        return item
    meta = item["metadata"]
    return {
        **item,
        "metadata": {**meta, "annotations": {**meta.get("annotations", {}), AUTOSCALED: str(scaler.min)}},
        "spec": {name: value for name, value in item["spec"].items() if name != "replicas"},
    }


# --- what KEDA asks ---

ACTIVE: t.Final = "state IN ('queued', 'running')"
# Where Celery's executor sends callbacks, whatever the queue of tasks that name none.
CALLBACK_QUEUE: t.Final = "default"
# A scheduler that ends forgets the callbacks that it has queued, and no other takes them on: their states stay as they
# are (apache/airflow#69975). Counted for an hour, they keep no worker for ever.
CALLBACKS: t.Final = (
    "SELECT COUNT(*) FROM callback JOIN deadline ON deadline.callback_id = callback.id "  # noqa: S608
    f"WHERE type = 'executor' AND {ACTIVE} AND deadline_time > CURRENT_TIMESTAMP - INTERVAL '1' HOUR"
)


def tasks_query(values: Values, wanted: CeleryWorkers) -> str:
    """How many workers of a set its tasks and callbacks need: those that wait for one, and those that one runs."""
    own = ", ".join(map(_literal, wanted.queues))
    queue = values.database_kind.exact.format("queue")
    which = f"{ACTIVE} AND {queue} IN ({own}) AND {runs_celery(values)}"
    counted = f"(SELECT COUNT(*) FROM task_instance WHERE {which})"  # noqa: S608
    if _gets_callbacks(values, wanted):
        counted = f"({counted} + ({CALLBACKS}))"
    return f"SELECT CEIL({counted} / {counts.processes(wanted)}.0)"


def _gets_callbacks(values: Values, wanted: CeleryWorkers) -> bool:
    """Whether callbacks come to a set of workers, as those of missed deadlines do since Airflow 3.2."""
    return values.release >= (3, 2) and CALLBACK_QUEUE in wanted.queues


def runs_celery(values: Values) -> str:
    """Which tasks Celery runs: those that name it, and, where it comes first, those that name no executor."""
    listed = executors.listed(values.core.executor)
    told = [
        name
        for one in listed
        if executors.CELERY in one.runs
        for name in (one.alias, one.name, one.name.rpartition(".")[2], CLASSES.get(one.name, ""))
        if name
    ]
    named = f"executor IN ({', '.join(map(_literal, dict.fromkeys(told)))})"
    return f"(executor IS NULL OR {named})" if executors.CELERY in listed[0].runs else named


def triggers_query(values: Values) -> str:
    """How many triggerers the triggers need. Those of a queue or a team are for triggerers that were started for it."""
    own = " AND ".join(f"{column} IS NULL" for column in _owners_of_triggers(values))
    which = f" WHERE {own}" if own else ""
    table = f"{values.database_kind.quote}trigger{values.database_kind.quote}"
    return f"SELECT CEIL(COUNT(*) / {values.core.triggerer.capacity}.0) FROM {table}{which}"  # noqa: S608


def _owners_of_triggers(values: Values) -> list[str]:
    """Columns that say for which triggerers a trigger is."""
    queues = ["queue"] if values.release >= (3, 2) else []
    return queues + (["team_name"] if values.release >= (3, 3) and values.core.multi_team else [])


def queries(values: Values) -> list[str]:
    """All of them."""
    wanted = values.autoscaling
    return [
        *(tasks_query(values, values.worker_sets[name]) for name in wanted.workers),
        *([triggers_query(values)] if wanted.triggerer else []),
    ]


def columns(values: Values) -> dict[str, list[str]]:
    """What they read, by table; nothing else is for KEDA to see."""
    wanted = values.autoscaling
    found = {"task_instance": ["state", "queue", "executor"]} if wanted.workers else {}
    if any(_gets_callbacks(values, values.worker_sets[name]) for name in wanted.workers):
        # Not which executor a callback names: that stands among its arguments, which are not for KEDA to see.
        found |= {"callback": ["id", "type", "state"], "deadline": ["callback_id", "deadline_time"]}
    if wanted.triggerer:
        found["trigger"] = ["id", *_owners_of_triggers(values)]
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- objects ---


def target(kind: str, name: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name}


def scaled_object(values: Values, component: str, scaled: Object, wanted: KedaScaler, query: str) -> Object:
    """What KEDA scales, and by which query."""
    fallback = wanted.fallback and {
        "failureThreshold": wanted.fallback.failure_threshold,
        "replicas": wanted.fallback.replicas,
    }
    spec = {
        "scaleTargetRef": scaled,
        "pollingInterval": wanted.polling_interval,
        "cooldownPeriod": wanted.cooldown_period,
        "minReplicaCount": wanted.min,
        "maxReplicaCount": wanted.max,
        "fallback": fallback,
        "advanced": wanted.advanced,
        "triggers": [
            {
                "type": values.database_kind.trigger,
                # The query has divided already, and rounded up: a HorizontalPodAutoscaler takes no notice of less
                # than a tenth too many.
                "metadata": {"query": query, values.database_kind.trigger_value: "1"},
                "authenticationRef": {"name": names.name(values, COMPONENT)},
            }
        ],
    }
    return object_(values, "keda.sh/v1alpha1", "ScaledObject", component, name=scaled["name"], spec=spec)


def pod_autoscaler(values: Values, component: str, scaled: Object, wanted: PodScaler) -> Object:
    """A HorizontalPodAutoscaler by what pods use of what they request."""
    shares = {"cpu": wanted.cpu, "memory": wanted.memory}
    spec = {
        "scaleTargetRef": scaled,
        "minReplicas": wanted.min,
        "maxReplicas": wanted.max,
        "metrics": [
            *(
                {
                    "type": "Resource",
                    "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": share}},
                }
                for name, share in shares.items()
                if share
            ),
            *wanted.metrics,
        ],
        "behavior": wanted.behavior,
    }
    return object_(values, "autoscaling/v2", "HorizontalPodAutoscaler", component, name=scaled["name"], spec=spec)


def authentication(values: Values) -> Object:
    """Where KEDA finds the address of the database, with the password of a user who may only count."""
    source = {
        "parameter": values.database_kind.trigger_address,
        "name": names.name(values, "autoscaling-connection"),
        "key": names.SCALER_KEY,
    }
    return object_(values, "keda.sh/v1alpha1", "TriggerAuthentication", COMPONENT, spec={"secretTargetRef": [source]})


def by_variable(values: Values) -> dict[str, Object]:
    """Every autoscaler by its variable. Each has the name of what it scales."""
    wanted, sets = values.autoscaling, values.worker_sets
    found: dict[str, Object] = {}
    for name, keda in wanted.workers.items():
        query = tasks_query(values, sets[name])
        found[below(counts.WORKERS, name)] = scaled_object(values, "worker", _workers(values, name), keda, query)
    for name, hpa in wanted.workers_hpa.items():
        found[below(counts.WORKERS_HPA, name)] = pod_autoscaler(values, "worker", _workers(values, name), hpa)
    if wanted.triggerer:
        scaled, query = target("Deployment", names.name(values, "triggerer")), triggers_query(values)
        found[counts.TRIGGERER] = scaled_object(values, "triggerer", scaled, wanted.triggerer, query)
    if wanted.api_server:
        scaled = target("Deployment", names.name(values, values.web_component))
        found[counts.API_SERVER] = pod_autoscaler(values, values.web_component, scaled, wanted.api_server)
    return found


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_autoscaling."""
    items = [authentication(values)] if values.uses_keda else []
    return features.part_of(features.AUTOSCALING, [*items, *by_variable(values).values()])


def _workers(values: Values, set_name: str) -> Object:
    kept = values.worker_sets[set_name].persistence.enabled
    return target("StatefulSet" if kept else "Deployment", names.worker_set(values, set_name))
