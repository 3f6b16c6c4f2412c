# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The DAG processor.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    deployment,
    disruption_budget,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def render(values: Values) -> list[Object]:
    """Deployment and PodDisruptionBudget."""
    component, wanted = "dag-processor", values.core.dag_processor
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=pods.airflow_args("dag-processor"),
        env=[*pods.database_env(values), *pods.web_secret_env(values)],
        mounts=[
            pods.config_mount(names.START_FILE),
            pods.config_mount(names.HEARTBEAT_FILE),
            *pods.canary_mount(values),
        ],
        **pods.heartbeat_probes("DagProcessorJob"),
    )
    template = pods.airflow_pod(values, component, wanted, container, grace_seconds=60)
    return [deployment(values, component, wanted, template), *disruption_budget(values, component, wanted)]
