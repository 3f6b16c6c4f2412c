# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Celery's workers, a set of like ones for each group of queues.

A worker of Airflow 3 gets no database URL, no Fernet key and no JWT secret: its tasks speak to the API server, each
with a token of its own.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling, broker, features, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    claim_template,
    deployment,
    disruption_budget,
    object_,
    service,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.rbac import speaks_to_kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import CeleryWorkers, Values

COMPONENT = "worker"
# Pods of a KubernetesExecutor are of the same component, and are no workers of a set.
SET_LABEL = "airflow.dagops/worker-set"


def arguments(wanted: CeleryWorkers) -> list[str]:
    """What the worker is told on its command line."""
    told = ["celery", "worker", "--queues", ",".join(wanted.queues), "--concurrency", str(wanted.concurrency)]
    if wanted.autoscale:
        # The larger one comes first.
        told += ["--autoscale", f"{wanted.autoscale.max},{wanted.autoscale.min}"]
    return told


def environment(values: Values, wanted: CeleryWorkers) -> list[Object]:
    """Besides the broker: the secret of its log server; on Airflow 2 tasks speak to the database themselves."""
    stable = [{"name": "AIRFLOW__CORE__HOSTNAME_CALLABLE", "value": "airflow.utils.net.getfqdn"}]
    return [
        *(pods.database_env(values) if values.major < 3 else []),
        *pods.web_secret_env(values),
        *broker.environment(values),
        # SIGTERM goes to the worker alone, which takes no more tasks and lets those that it has come to their end.
        pods.SIGNAL_ONE_PROCESS,
        # Logs that a volume keeps are asked for by the name that the next pod has, too.
        *(stable if wanted.persistence.enabled else []),
    ]


def probes() -> Object:
    """Does the worker answer? The container mounts ``names.PING_FILE``.

    A worker that has lost its consumer looks alive in every other way. An answer costs 0.4 s of CPU, so it is asked
    for once a minute; a broker that does not answer restarts nothing.
    """
    command = ["python", f"{names.AIRFLOW_HOME}/{names.PING_FILE}"]
    return {
        "startupProbe": {
            "exec": {"command": [*command, "--started"]},
            "initialDelaySeconds": 5,
            "periodSeconds": 5,
            "timeoutSeconds": 30,
            "failureThreshold": 60,
        },
        "livenessProbe": {
            "exec": {"command": command},
            "periodSeconds": 60,
            "timeoutSeconds": 30,
            "failureThreshold": 5,
        },
    }


def template_of(values: Values, wanted: CeleryWorkers, mark: dict[str, str]) -> Object:
    """The pods of a set, which ``mark`` tells from others of the component."""
    container = pods.airflow_container(
        values,
        wanted,
        COMPONENT,
        args=pods.airflow_args(*arguments(wanted)),
        env=environment(values, wanted),
        mounts=[
            *broker.command_mounts(values),
            pods.config_mount(names.PING_FILE),
            *pods.canary_mount(values),
        ],
        ports=[{"name": "logs", "containerPort": names.LOG_SERVER_PORT, "protocol": "TCP"}],
        **probes(),
    )
    body = pods.airflow_pod(
        values,
        COMPONENT,
        wanted,
        container,
        automount=speaks_to_kubernetes(values, COMPONENT),
        runs_tasks=True,
        selector={"matchLabels": {**names.selector(values, COMPONENT), **mark}},
    )
    if wanted.persistence.enabled:
        # The volume of the claim has this name.
        body["spec"]["volumes"] = [volume for volume in body["spec"]["volumes"] if volume["name"] != "logs"]
    return body


def stateful_set(values: Values, name: str, wanted: CeleryWorkers, template: Object) -> Object:
    """Workers that each keep a volume of logs. They are alike, so all of them may start at once."""
    spec = {
        "replicas": wanted.replicas,
        "revisionHistoryLimit": wanted.revision_history_limit,
        "serviceName": name,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": names.selector(values, COMPONENT)},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": template,
        "volumeClaimTemplates": [claim_template(values, COMPONENT, "logs", wanted.persistence)],
    }
    return object_(values, "apps/v1", "StatefulSet", COMPONENT, spec=spec)


def workers(values: Values, set_name: str, wanted: CeleryWorkers) -> list[Object]:
    """A set: its workload, a Service that gives the pods of a StatefulSet names, and a PodDisruptionBudget."""
    name, mark = names.worker_set(values, set_name), {SET_LABEL: set_name}
    template = template_of(values, wanted, mark)
    if wanted.persistence.enabled:
        items = [
            service(values, COMPONENT, names.LOG_SERVER_PORT, target="logs", headless=True),
            stateful_set(values, name, wanted, template),
        ]
    else:
        items = [deployment(values, COMPONENT, wanted, template)]
    items = autoscaling.left_to(autoscaling.scaler_of(values, set_name), items)
    return [_of_set(item, name, mark) for item in [*items, *disruption_budget(values, COMPONENT, wanted)]]


def _of_set(item: Object, name: str, mark: dict[str, str]) -> Object:
    """An object of the component as one of a set: with its name, and selecting the pods of the set alone."""
    meta, spec = item["metadata"], item["spec"]
    result = {**item, "metadata": {**meta, "name": name, "labels": {**meta["labels"], **mark}}, "spec": {**spec}}
    if item["kind"] == "Service":
        result["spec"]["selector"] = {**spec["selector"], **mark}
        return result
    result["spec"]["selector"] = {"matchLabels": {**spec["selector"]["matchLabels"], **mark}}
    if template := spec.get("template"):
        labels = {**template["metadata"]["labels"], **mark}
        result["spec"]["template"] = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return result


def render(values: Values) -> list[Object]:
    """Objects of all sets."""
    items = [item for name, wanted in values.worker_sets.items() for item in workers(values, name, wanted)]
    return features.part_of(features.CELERY, items)
