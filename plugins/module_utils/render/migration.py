# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job that brings the database's schema to what the image needs.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, overrides, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, named_by_content, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Pods, Values, resources


def migration_job(values: Values, script: str, *arguments: str) -> Object:
    """A Job that runs ``script`` (Python) with ``arguments`` once in Airflow's image."""
    return named_by_content(job(values, script, *arguments))


def job(values: Values, script: str, *arguments: str) -> Object:
    """The Job with the person's overrides, which know it by the name that it has before its content is known.

    The first administrator's user name and password are files below ``names.ADMIN_FOLDER``.
    """
    component = "migrate"
    shape = Pods(resources=resources("500m", "512Mi", "1Gi")())
    container = pods.airflow_container(
        values,
        shape,
        component,
        args=["python", "-c", script, *arguments],
        # Straight to the server: a migration holds locks of its session, which a pooler would hand to others.
        env=[*pods.database_env(values, "connection-direct"), *pods.jwt_env(values), *pods.web_secret_env(values)],
        mounts=[
            pods.config_mount("webserver_config.py"),
            {"name": "admin", "mountPath": names.ADMIN_FOLDER, "readOnly": True},
        ],
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    template = pods.airflow_pod(
        values,
        component,
        shape,
        container,
        volumes=[
            {"name": "admin", "secret": {"secretName": names.name(values, "admin")}},
            # It writes no log of a task, so it need not wait until there is a volume for them.
            {"name": "logs", "emptyDir": {}},
        ],
        restartPolicy="Never",
    )
    spec = {
        "backoffLimit": 0,
        # A drained node is no failed migration: each of its steps is a transaction, and the next pod goes on.
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "ttlSecondsAfterFinished": 3600,
        "template": template,
    }
    return overrides.applied(values, object_(values, "batch/v1", "Job", component, spec=spec))
