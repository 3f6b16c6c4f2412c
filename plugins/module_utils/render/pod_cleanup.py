# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A CronJob that deletes what the KubernetesExecutor left, in each namespace where it makes pods by name.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import inspect

from ansible_collections.dagops.airflow.plugins.module_utils.render import features, pods, teams
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import clean_pods
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def render(values: Values) -> list[Object]:
    """The CronJob."""
    component, wanted = "cleanup", values.core.kubernetes_executor.cleanup
    if not (values.runs_kubernetes and wanted.enabled):
        return []
    arguments = [str(wanted.pending_minutes), values.namespace, *teams.namespaces(values)]
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=["python", "-c", inspect.getsource(clean_pods), *arguments],
        # Airflow 2 does not start its command line without a database.
        env=pods.database_env(values) if values.major < 3 else [],
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    template = pods.airflow_pod(
        values,
        component,
        wanted,
        container,
        volumes=[{"name": "logs", "emptyDir": {}}],
        automount=True,
        restartPolicy="Never",
    )
    spec = {
        "schedule": wanted.schedule,
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        # What one run has missed the next one does.
        "jobTemplate": {"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 600, "template": template}},
    }
    return features.part_of(features.KUBERNETES, [object_(values, "batch/v1", "CronJob", component, spec=spec)])
