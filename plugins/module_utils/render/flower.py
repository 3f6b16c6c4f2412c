# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Flower, which shows what Celery does.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import broker, features, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, deployment, service
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values, Workload


def probes(values: Values) -> Object:
    """Its own look at itself, which asks for no password."""
    prefix = values.celery.flower.url_prefix
    get = {"path": f"/{prefix}/healthcheck" if prefix else "/healthcheck", "port": "flower"}
    return {
        "startupProbe": {
            "httpGet": get,
            "initialDelaySeconds": 5,
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 150,
        },
        "readinessProbe": {"httpGet": get, "periodSeconds": 10, "timeoutSeconds": 5},
        "livenessProbe": {"httpGet": get, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 5},
    }


def render(values: Values) -> list[Object]:
    """Deployment and Service."""
    component, wanted = "flower", values.celery.flower
    if not (values.runs_celery and wanted.enabled):
        return []
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=pods.airflow_args("celery", "flower"),
        env=[
            # Airflow 2 does not start its command line without a database.
            *(pods.database_env(values) if values.major < 3 else []),
            *broker.broker_env(values),
            pods.secret_env("AIRFLOW__CELERY__FLOWER_BASIC_AUTH", names.name(values, "celery"), names.FLOWER_KEY),
        ],
        mounts=broker.command_mounts(values),
        ports=[{"name": component, "containerPort": names.FLOWER_PORT, "protocol": "TCP"}],
        # Endpoints forget a stopping pod a moment after it is told to stop.
        lifecycle={"preStop": {"exec": {"command": ["sleep", "5"]}}},
        **probes(values),
    )
    template = pods.airflow_pod(
        values,
        component,
        wanted,
        container,
        # It writes no log of a task.
        volumes=[{"name": "logs", "emptyDir": {}}],
    )
    service_ = wanted.service
    items = [
        service(
            values, component, service_.port, target=component, type=service_.type, annotations=service_.annotations
        ),
        deployment(values, component, Workload(), template),
    ]
    return features.part_of(features.CELERY, items)
