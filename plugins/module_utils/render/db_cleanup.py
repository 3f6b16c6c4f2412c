# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A CronJob that deletes old rows of the metadata database.

It is among the core's workloads, since it runs Airflow's image with Airflow's configuration: a release brings it the
new image, and it is made when the schema that it knows is there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import inspect

from ansible_collections.dagops.airflow.plugins.module_utils.render import pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import clean_database
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

COMPONENT = "db-cleanup"


def render(values: Values) -> list[Object]:
    """The CronJob, where rows go."""
    wanted = values.database.cleanup
    if not wanted.enabled:
        return []
    arguments = [str(wanted.retention_days), wanted.archive, str(wanted.batch_size), *wanted.tables]
    container = pods.airflow_container(
        values,
        wanted,
        COMPONENT,
        args=["python", "-c", inspect.getsource(clean_database), *arguments],
        # Straight to the server: a pooler in front may give up on statements that take as long.
        env=pods.database_env(values, "connection-direct"),
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    template = pods.airflow_pod(
        values,
        COMPONENT,
        wanted,
        container,
        volumes=[{"name": "logs", "emptyDir": {}}],
        with_dags=False,
        restartPolicy="Never",
    )
    spec = {
        "schedule": wanted.schedule,
        "timeZone": wanted.time_zone,
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        # What one run has missed the next one does.
        "jobTemplate": {"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 6 * 60 * 60, "template": template}},
    }
    return [object_(values, "batch/v1", "CronJob", COMPONENT, spec=spec)]
