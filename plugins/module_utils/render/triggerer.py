# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The triggerer.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    deployment,
    disruption_budget,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.rbac import speaks_to_kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

LOG_SERVER_PORT = 8794


def render(values: Values) -> list[Object]:
    """Deployment and PodDisruptionBudget."""
    component, wanted = "triggerer", values.core.triggerer
    if not wanted.enabled:
        return []
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=pods.airflow_args("triggerer"),
        env=[*pods.database_env(values), *pods.web_secret_env(values)],
        mounts=[pods.config_mount(names.START_FILE), pods.config_mount(names.HEARTBEAT_FILE)],
        ports=[{"name": "logs", "containerPort": LOG_SERVER_PORT, "protocol": "TCP"}],
        **pods.heartbeat_probes("TriggererJob"),
    )
    template = pods.airflow_pod(
        values, component, wanted, container, automount=speaks_to_kubernetes(values, component), grace_seconds=60
    )
    items = [deployment(values, component, wanted, template), *disruption_budget(values, component, wanted)]
    return autoscaling.left_to(values.autoscaling.triggerer, items)
