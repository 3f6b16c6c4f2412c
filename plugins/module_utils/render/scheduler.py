# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The scheduler.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import broker, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    deployment,
    disruption_budget,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.rbac import speaks_to_kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def render(values: Values) -> list[Object]:
    """Deployment and PodDisruptionBudget."""
    component, wanted = "scheduler", values.core.scheduler
    local = values.runs_local
    mounts = pods.canary_mount(values) if local else []
    volumes: list[Object] = []
    if values.runs_kubernetes:
        mounts += [{"name": "pod-template", "mountPath": names.POD_TEMPLATE_FOLDER, "readOnly": True}]
        volumes = [{"name": "pod-template", "configMap": {"name": names.name(values, "pod-template")}}]
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=pods.airflow_args("scheduler"),
        env=[
            *pods.database_env(values),
            *pods.jwt_env(values),
            *pods.web_secret_env(values),
            *(broker.environment(values) if values.runs_celery else []),
            # SIGTERM goes to the scheduler alone, which ends its processes in order. A worker process of a
            # LocalExecutor would pass it on to the task that it runs.
            pods.SIGNAL_ONE_PROCESS,
        ],
        mounts=[pods.config_mount(names.START_FILE), pods.config_mount(names.HEARTBEAT_FILE), *mounts],
        ports=[{"name": "logs", "containerPort": names.LOG_SERVER_PORT, "protocol": "TCP"}] if local else None,
        **pods.heartbeat_probes("SchedulerJob"),
    )
    template = pods.airflow_pod(
        values,
        component,
        wanted,
        container,
        volumes=volumes,
        automount=speaks_to_kubernetes(values, component),
        runs_tasks=local,
        # A LocalExecutor's tasks run in this pod and get the time to end.
        grace_seconds=600 if local else 30,
    )
    return [deployment(values, component, wanted, template), *disruption_budget(values, component, wanted)]
